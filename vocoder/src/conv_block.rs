//! The residual block that the starter networks are made of.
//!
//! ```text
//! x [B, C, T] ── RMS norm ── (FiLM) ── conv k, C → H ── SiLU ── conv 1, H → C ──(+)── [B, C, T]
//!   └──────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Dense convolutions on purpose: on a CPU they run near peak, depthwise ones at a tenth of it.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::checkpoint::explain;
use crate::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};
use crate::{Error, Result};

/// Added to the mean square under the root of the norm.
pub const NORM_EPS: f32 = 1e-6;

/// `x + project(silu(expand(norm(x))))`, length preserving.
///
/// Tensors: `norm.gain` `[C]`; `expand.{weight, bias}` `[H, C, K]`, `[H]`;
/// `project.{weight, bias}` `[C, H, 1]`, `[C]`.
#[derive(Clone, Debug)]
pub struct ConvBlock {
    gain: Tensor,
    expand: Conv1d,
    project: Conv1d,
}

impl ConvBlock {
    /// Loads a block of `channels`, `hidden` channels inside, and a `kernel` whose outputs see `ahead` frames after them.
    ///
    /// # Errors
    /// [`Error::Config`] for a look-ahead beyond the kernel,
    /// [`Error::Weights`] where a tensor is missing or has another shape.
    pub fn load(
        channels: usize,
        hidden: usize,
        kernel: usize,
        ahead: usize,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        if ahead >= kernel {
            return Err(Error::Config(format!(
                "a convolution block of {kernel} taps cannot see {ahead} frames ahead"
            )));
        }
        Self::seeing(channels, hidden, kernel, ahead, vb).map_err(explain)
    }

    /// A block of an odd `kernel` that sees as far ahead as back, for networks that explain candle's errors themselves.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape.
    pub fn new(
        channels: usize,
        hidden: usize,
        kernel: usize,
        vb: VarBuilder<'_>,
    ) -> candle_core::Result<Self> {
        Self::seeing(channels, hidden, kernel, kernel / 2, vb)
    }

    fn seeing(
        channels: usize,
        hidden: usize,
        kernel: usize,
        ahead: usize,
        vb: VarBuilder<'_>,
    ) -> candle_core::Result<Self> {
        let (wide, point) = (Conv1dSpec::ahead(kernel, ahead), Conv1dSpec::default());
        Ok(Self {
            gain: vb.get(channels, "norm.gain")?,
            expand: Conv1d::load(channels, hidden, kernel, &wide, vb.pp("expand"))?,
            project: Conv1d::load(hidden, channels, 1, &point, vb.pp("project"))?,
        })
    }

    /// `[B, C, T]` to `[B, C, T]`.
    ///
    /// # Errors
    /// If `x` has other channels.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.residual(x, &rms_norm_channels(x, &self.gain, NORM_EPS)?)
    }

    /// As [`forward`](ConvBlock::forward), the norm's output modulated by `scale` and `shift`,
    /// each `[B, C]`: `norm(x) · (1 + scale) + shift` (FiLM, Perez et al. 2018).
    ///
    /// # Errors
    /// If the shapes do not fit together.
    pub fn forward_film(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let normed = rms_norm_channels(x, &self.gain, NORM_EPS)?;
        let scale = (scale.unsqueeze(2)? + 1.0)?;
        let modulated = normed.broadcast_mul(&scale)?;
        self.residual(x, &modulated.broadcast_add(&shift.unsqueeze(2)?)?)
    }

    /// Frames the block sees before a frame and after it.
    pub fn context(&self) -> (usize, usize) {
        self.expand.spec().padding
    }

    fn residual(&self, x: &Tensor, normed: &Tensor) -> candle_core::Result<Tensor> {
        let none = Activation::Identity;
        let hidden = self
            .expand
            .forward_fused(normed, none, Activation::Silu, None)?;
        self.project.forward_fused(&hidden, none, none, Some(x))
    }
}
