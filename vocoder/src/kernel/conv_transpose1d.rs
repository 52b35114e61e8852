//! Transposed convolution over time (upsampling), with any padding.
//!
//! With stride s, output o = q·s + r − left receives w\[r + j·s\] · x\[q − j\] for j = 0, 1, …: each
//! remainder r is an ordinary convolution with every s-th tap, so that no multiplication is spent
//! on the zeros between the inputs and nothing needs to be added up twice.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor, bail};

use super::activation::Activation;
use super::conv1d::{check_buffers, check_geometry, check_numbers};
use super::lowered::{self, Around, Lowered};
use super::op::Convolution;
use super::simd::Level;
use super::tensor::unwritten;

/// How a transposed convolution spreads its input. The default is stride 1 and no padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvTranspose1dSpec {
    /// Outputs per input.
    pub stride: usize,
    /// Outputs cut off at the start and at the end; torch's `padding` p is `(p, p)`, a causal
    /// upsampling cuts at the end only.
    pub padding: (usize, usize),
    /// Outputs added at the end (torch's `output_padding`), below the larger of stride and dilation.
    pub output_padding: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Independent groups of channels.
    pub groups: usize,
}

impl Default for ConvTranspose1dSpec {
    fn default() -> Self {
        Self {
            stride: 1,
            padding: (0, 0),
            output_padding: 0,
            dilation: 1,
            groups: 1,
        }
    }
}

impl ConvTranspose1dSpec {
    /// Stride and symmetric padding, the rest as by default.
    pub fn strided(stride: usize, padding: usize) -> Self {
        Self {
            stride,
            padding: (padding, padding),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self, outputs: usize, inputs: usize, taps: usize) -> Result<()> {
        let walk = (self.stride, self.dilation, self.groups);
        check_geometry(
            "conv_transpose1d",
            (outputs, inputs, taps),
            walk,
            self.padding,
        )
    }

    /// Number of outputs for `time` inputs; `None` where the padding cuts off more than there is.
    pub fn output_len(&self, time: usize, taps: usize) -> Option<usize> {
        let reach = taps
            .checked_sub(1)?
            .checked_mul(self.dilation)?
            .checked_add(1)?;
        let starts = time.checked_sub(1)?.checked_mul(self.stride)?;
        let full = starts
            .checked_add(reach)?
            .checked_add(self.output_padding)?;
        full.checked_sub(self.padding.0)?
            .checked_sub(self.padding.1)
    }
}

/// A transposed convolution over slices: weights packed once, no allocation per call.
/// [`super::ConvTranspose1d`] is the same for tensors.
#[derive(Debug, Clone)]
pub struct ConvTranspose1dKernel {
    lowered: Lowered,
    spec: ConvTranspose1dSpec,
    taps: usize,
}

impl ConvTranspose1dKernel {
    /// Packs `weight` \[`inputs`, `outputs` / groups, `taps`\] and `bias` \[`outputs`\].
    ///
    /// # Errors
    /// If sizes are zero, do not divide by the groups, or do not match the slices, or if the output
    /// padding is not below the stride or the dilation.
    pub fn new(
        weight: &[f32],
        bias: Option<&[f32]>,
        (inputs, outputs, taps): (usize, usize, usize),
        spec: &ConvTranspose1dSpec,
    ) -> Result<Self> {
        Self::at(Level::best(), weight, bias, (inputs, outputs, taps), spec)
    }

    pub(crate) fn at(
        level: Level,
        weight: &[f32],
        bias: Option<&[f32]>,
        (inputs, outputs, taps): (usize, usize, usize),
        spec: &ConvTranspose1dSpec,
    ) -> Result<Self> {
        let what = "conv_transpose1d";
        spec.check(outputs, inputs, taps)?;
        if spec.output_padding >= spec.stride.max(spec.dilation) {
            bail!(
                "{what}: output padding {} must be below stride {} or dilation {}",
                spec.output_padding,
                spec.stride,
                spec.dilation
            )
        }
        let (channels, per_group) = (inputs / spec.groups, outputs / spec.groups);
        check_numbers(
            what,
            weight.len(),
            inputs * per_group * taps,
            bias.map(<[f32]>::len),
            outputs,
        )?;
        let (s, d) = (spec.stride, spec.dilation);
        let span = (taps - 1) * d + 1;
        let reach = span.div_ceil(s);
        let shape = lowered::Shape {
            groups: spec.groups,
            channels,
            rows: per_group * s,
            taps: reach,
            stride: 1,
            dilation: 1,
            interleave: s,
            skip: spec.padding.0 % s,
            left: reach as isize - 1 - (spec.padding.0 / s) as isize,
        };
        let tap = |g: usize, r: usize, c: usize, k: usize| {
            let at = r % s + (reach - 1 - k) * s;
            if at >= span || !at.is_multiple_of(d) {
                return 0.0;
            }
            weight[((g * channels + c) * per_group + r / s) * taps + at / d]
        };
        let lowered = Lowered::new(level, shape, tap, |g, r| {
            bias.map_or(0.0, |b| b[g * per_group + r / s])
        });
        Ok(Self {
            lowered,
            spec: *spec,
            taps,
        })
    }

    /// Channels of the input.
    pub fn inputs(&self) -> usize {
        self.lowered.shape.inputs()
    }

    /// Channels of the output.
    pub fn outputs(&self) -> usize {
        self.lowered.shape.outputs()
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// How the convolution spreads its input.
    pub fn spec(&self) -> &ConvTranspose1dSpec {
        &self.spec
    }

    /// Outputs per channel for `time` inputs.
    ///
    /// # Errors
    /// If there is no input, or the padding cuts off more than there is.
    pub fn output_len(&self, time: usize) -> Result<usize> {
        match self.spec.output_len(time, self.taps) {
            Some(n) => Ok(n),
            None => bail!(
                "conv_transpose1d: {time} samples with {} taps, stride {} give less than the padding {:?} cuts off",
                self.taps,
                self.spec.stride,
                self.spec.padding
            ),
        }
    }

    /// y = post(conv(pre(x)) + bias + residual): `x` \[`batch`, inputs, `time`\], `out` and
    /// `residual` \[`batch`, outputs, `output_len(time)`\]. Allocates nothing once the buffers of
    /// the threads have grown to the size of the call.
    ///
    /// # Errors
    /// If a slice has another length.
    pub fn run(
        &self,
        x: &[f32],
        batch: usize,
        time: usize,
        around: (Activation, Activation),
        residual: Option<&[f32]>,
        out: &mut [f32],
    ) -> Result<()> {
        let out = unwritten(out);
        Convolution::run(self, x, batch, time, around, residual, out)
    }
}

impl Convolution for ConvTranspose1dKernel {
    const NAME: &'static str = "conv_transpose1d";

    fn inputs(&self) -> usize {
        self.inputs()
    }
    fn outputs(&self) -> usize {
        self.outputs()
    }
    fn output_len(&self, time: usize) -> Result<usize> {
        self.output_len(time)
    }
    fn run(
        &self,
        x: &[f32],
        batch: usize,
        time: usize,
        (pre, post): (Activation, Activation),
        residual: Option<&[f32]>,
        out: &mut [MaybeUninit<f32>],
    ) -> Result<()> {
        let steps = self.output_len(time)?;
        check_buffers(
            "conv_transpose1d",
            (x.len(), batch * self.inputs() * time),
            (out.len(), batch * self.outputs() * steps),
            residual.map(<[f32]>::len),
        )?;
        self.lowered.run(
            x,
            batch,
            time,
            Around {
                pre,
                post,
                residual,
            },
            out,
            steps,
        );
        Ok(())
    }
}

/// Transposed convolution of `x` \[B, Cin, T\] with `w` \[Cin, Cout / groups, K\], plus `b` \[Cout\].
///
/// Packs the weights at each call; a layer that is used more than once is better a
/// [`super::ConvTranspose1d`].
///
/// # Errors
/// If shapes do not fit together or the padding cuts off more than there is.
pub fn conv_transpose1d(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    spec: &ConvTranspose1dSpec,
) -> Result<Tensor> {
    super::ConvTranspose1d::from_tensors(w, b, spec)?.forward(x)
}

/// The same through candle's own operation, for devices and types without a kernel of ours.
pub(crate) fn on_candle(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    spec: &ConvTranspose1dSpec,
) -> Result<Tensor> {
    // Without padding candle takes its fast path; what the padding would cut off is cut here.
    let (left, right) = spec.padding;
    let y = x.contiguous()?.conv_transpose1d(
        &w.contiguous()?,
        0,
        spec.output_padding,
        spec.stride,
        spec.dilation,
        spec.groups,
    )?;
    let kept = y.dim(2)?.saturating_sub(left + right);
    let y = y.narrow(2, left, kept)?;
    match b {
        Some(b) => y.broadcast_add(&b.reshape((1, b.elem_count(), 1))?),
        None => Ok(y),
    }
}
