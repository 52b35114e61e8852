//! The weights of the layers, as a checkpoint has them.

use syrinx_vocoder::kernel::VectorNorm;

use super::dplr::{Dplr, StepTransform};
use super::tensors::Tensors;
use crate::Result;

/// A matrix with its bias.
pub struct Linear {
    /// \[rows, columns\]
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) columns: usize,
}

impl Linear {
    /// Loads the matrix `prefix` of `columns` columns, and of `rows` rows where that is known.
    pub(crate) fn load(
        tensors: &Tensors,
        prefix: &str,
        columns: usize,
        rows: Option<usize>,
    ) -> Result<Self> {
        let (weight, found_rows, found) = tensors.matrix(prefix)?;
        let wanted = rows.unwrap_or(found_rows);
        if (found_rows, found) != (wanted, columns) {
            return Err(tensors.fault(
                &format!("{prefix}.weight"),
                format!("[{wanted}, {columns}]"),
                format!("[{found_rows}, {found}]"),
            ));
        }
        let bias = tensors.values(&format!("{prefix}.bias"), wanted)?;
        Ok(Self {
            weight,
            bias,
            columns,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.bias.len()
    }
}

/// The layer norm `prefix`: `weight` and `bias`, or the two scalars `m` and `s` of SaShiMi's own.
pub(crate) fn norm(tensors: &Tensors, prefix: &str, channels: usize) -> Result<VectorNorm> {
    let name = |part: &str| format!("{prefix}.{part}");
    if tensors.contains(&name("weight")) {
        let gain = tensors.values(&name("weight"), channels)?;
        let bias = tensors.values(&name("bias"), channels)?;
        return Ok(VectorNorm::new(gain, bias, 1e-5)?);
    }
    let m = tensors.values(&name("m"), 1)?[0];
    let s = tensors.values(&name("s"), 1)?[0];
    Ok(VectorNorm::scalar(channels, s, m)?)
}

/// A layer behind a norm: y = x + layer(norm(x)).
pub struct Residual {
    pub(super) norm: VectorNorm,
    pub(super) layer: Layer,
}

/// What a residual layer does.
pub(super) enum Layer {
    /// y = linear(gelu(k ∗ u + D u)), gated where the linear layer has twice the rows.
    S4(S4),
    /// y = outward(gelu(inward(u)))
    FeedForward { inward: Linear, outward: Linear },
}

/// A state-space layer.
pub(super) struct S4 {
    pub kernel: Dplr,
    pub skip: Vec<f32>,
    pub output: Linear,
}

impl Residual {
    /// Loads the layer `prefix` of `channels` channels.
    pub(super) fn load(
        tensors: &Tensors,
        prefix: &str,
        channels: usize,
        transform: StepTransform,
    ) -> Result<Self> {
        let name = |part: &str| format!("{prefix}.{part}");
        let inner = match tensors.any(&name("norm.norm.")) {
            true => name("norm.norm"),
            false => name("norm"),
        };
        let norm = norm(tensors, &inner, channels)?;
        let layer = match tensors.any(&name("layer.ff.")) {
            true => {
                let inward = Linear::load(tensors, &name("layer.ff.0.0"), channels, None)?;
                let (hidden, rows) = (inward.rows(), Some(channels));
                let outward = Linear::load(tensors, &name("layer.ff.2"), hidden, rows)?;
                Layer::FeedForward { inward, outward }
            }
            false => Layer::S4(S4::load(tensors, &name("layer"), channels, transform)?),
        };
        Ok(Self { norm, layer })
    }
}

impl S4 {
    /// Whether the output is a gated linear unit.
    pub fn gated(&self) -> bool {
        self.output.rows() == 2 * self.skip.len()
    }

    fn load(
        tensors: &Tensors,
        prefix: &str,
        channels: usize,
        transform: StepTransform,
    ) -> Result<Self> {
        let name = |part: &str| format!("{prefix}.{part}");
        // v4 wraps the convolution once more than v3 and v2 do.
        let (kernel, skip) = match tensors.any(&name("layer.")) {
            true => (name("layer.kernel"), name("layer.D")),
            false => (name("kernel.kernel"), name("D")),
        };
        let kernel = Dplr::load(tensors, &kernel, channels, transform)?;
        let skip = tensors.values(&skip, channels)?;
        let output = Linear::load(tensors, &name("output_linear.0"), channels, None)?;
        if ![channels, 2 * channels].contains(&output.rows()) {
            return Err(tensors.fault(
                &name("output_linear.0.weight"),
                format!("[{channels} or {}, {channels}]", 2 * channels),
                format!("[{}, {channels}]", output.rows()),
            ));
        }
        Ok(Self {
            kernel,
            skip,
            output,
        })
    }
}
