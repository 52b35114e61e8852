//! Convolution over time, with any stride, dilation, padding and grouping.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor, bail};

use super::activation::Activation;
use super::lowered::{self, Around, Lowered};
use super::op::Convolution;
use super::simd::Level;
use super::tensor::unwritten;

/// How a convolution walks over its input. The default is no padding and 1 everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv1dSpec {
    /// Zeros before and after the signal, in samples; `(pad, 0)` makes a causal convolution.
    pub padding: (usize, usize),
    /// Step between outputs.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Independent groups of channels; the number of channels makes it depthwise.
    pub groups: usize,
}

impl Default for Conv1dSpec {
    fn default() -> Self {
        Self {
            padding: (0, 0),
            stride: 1,
            dilation: 1,
            groups: 1,
        }
    }
}

impl Conv1dSpec {
    /// The same padding on both sides.
    pub fn padded(padding: usize) -> Self {
        Self {
            padding: (padding, padding),
            ..Self::default()
        }
    }

    /// Padding that keeps the length, for an odd kernel of `taps` taps with `dilation`.
    pub fn same(taps: usize, dilation: usize) -> Self {
        let span = taps.saturating_sub(1) * dilation;
        Self {
            padding: (span / 2, span - span / 2),
            dilation,
            ..Self::default()
        }
    }

    /// Padding that keeps the length where an output sees `ahead` inputs after it, at most `taps - 1`.
    pub fn ahead(taps: usize, ahead: usize) -> Self {
        Self {
            padding: (taps.saturating_sub(1 + ahead), ahead),
            ..Self::default()
        }
    }

    /// All the padding before the signal: an output depends on nothing later than itself.
    pub fn causal(taps: usize, dilation: usize) -> Self {
        Self {
            padding: (taps.saturating_sub(1) * dilation, 0),
            dilation,
            ..Self::default()
        }
    }

    pub(crate) fn check(&self, outputs: usize, inputs: usize, taps: usize) -> Result<()> {
        let walk = (self.stride, self.dilation, self.groups);
        check_geometry("conv1d", (outputs, inputs, taps), walk, self.padding)
    }

    /// Number of outputs for `time` inputs and `taps` taps; `None` where the padded input is
    /// shorter than the kernel.
    pub fn output_len(&self, time: usize, taps: usize) -> Option<usize> {
        let padded = time
            .checked_add(self.padding.0)?
            .checked_add(self.padding.1)?;
        let span = taps
            .checked_sub(1)?
            .checked_mul(self.dilation)?
            .checked_add(1)?;
        Some(padded.checked_sub(span)? / self.stride + 1)
    }
}

/// A convolution over slices: weights packed once, no allocation per call. [`super::Conv1d`] is the
/// same for tensors.
#[derive(Debug, Clone)]
pub struct Conv1dKernel {
    lowered: Lowered,
    spec: Conv1dSpec,
}

impl Conv1dKernel {
    /// Packs `weight` \[`outputs`, `inputs` / groups, `taps`\] and `bias` \[`outputs`\].
    ///
    /// # Errors
    /// If sizes are zero, do not divide by the groups, or do not match the slices.
    pub fn new(
        weight: &[f32],
        bias: Option<&[f32]>,
        (outputs, inputs, taps): (usize, usize, usize),
        spec: &Conv1dSpec,
    ) -> Result<Self> {
        Self::at(Level::best(), weight, bias, (outputs, inputs, taps), spec)
    }

    pub(crate) fn at(
        level: Level,
        weight: &[f32],
        bias: Option<&[f32]>,
        (outputs, inputs, taps): (usize, usize, usize),
        spec: &Conv1dSpec,
    ) -> Result<Self> {
        spec.check(outputs, inputs, taps)?;
        let (channels, rows) = (inputs / spec.groups, outputs / spec.groups);
        check_numbers(
            "conv1d",
            weight.len(),
            outputs * channels * taps,
            bias.map(<[f32]>::len),
            outputs,
        )?;
        let shape = lowered::Shape {
            groups: spec.groups,
            channels,
            rows,
            taps,
            stride: spec.stride,
            dilation: spec.dilation,
            interleave: 1,
            skip: 0,
            left: spec.padding.0 as isize,
        };
        let lowered = Lowered::new(
            level,
            shape,
            |g, r, c, k| weight[((g * rows + r) * channels + c) * taps + k],
            |g, r| bias.map_or(0.0, |b| b[g * rows + r]),
        );
        Ok(Self {
            lowered,
            spec: *spec,
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
        self.lowered.shape.taps
    }

    /// How the convolution walks.
    pub fn spec(&self) -> &Conv1dSpec {
        &self.spec
    }

    /// Outputs per channel for `time` inputs.
    ///
    /// # Errors
    /// If the padded input is shorter than the kernel.
    pub fn output_len(&self, time: usize) -> Result<usize> {
        match self.spec.output_len(time, self.lowered.shape.taps) {
            Some(n) => Ok(n),
            None => bail!(
                "conv1d: {time} samples with padding {:?} are fewer than the {} a kernel of {} taps, dilation {}, spans",
                self.spec.padding,
                (self.lowered.shape.taps - 1) * self.spec.dilation + 1,
                self.lowered.shape.taps,
                self.spec.dilation
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

/// The largest stride, padding or extent of a kernel, in samples: far beyond any use, and small
/// enough that no position computed from it overflows.
const LONGEST: usize = 1 << 28;

pub(crate) fn check_geometry(
    what: &str,
    (outputs, inputs, taps): (usize, usize, usize),
    (stride, dilation, groups): (usize, usize, usize),
    padding: (usize, usize),
) -> Result<()> {
    if outputs == 0 || inputs == 0 || taps == 0 || stride == 0 || dilation == 0 || groups == 0 {
        bail!(
            "{what}: {outputs} outputs, {inputs} inputs, {taps} taps, stride {stride}, dilation {dilation}, groups {groups}: none of them may be 0"
        )
    }
    if inputs % groups != 0 || outputs % groups != 0 {
        bail!("{what}: {inputs} inputs and {outputs} outputs do not divide into {groups} groups")
    }
    if stride
        .max(padding.0)
        .max(padding.1)
        .max(taps.saturating_mul(dilation))
        > LONGEST
    {
        bail!(
            "{what}: stride {stride}, padding {padding:?} or {taps} taps × dilation {dilation} is beyond {LONGEST} samples"
        )
    }
    Ok(())
}

pub(crate) fn check_numbers(
    what: &str,
    weight: usize,
    expected: usize,
    bias: Option<usize>,
    outputs: usize,
) -> Result<()> {
    if weight != expected {
        bail!("{what}: the weight has {weight} numbers, its shape needs {expected}")
    }
    match bias {
        Some(n) if n != outputs => {
            bail!("{what}: the bias has {n} numbers for {outputs} output channels")
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_buffers(
    what: &str,
    (x, x_expected): (usize, usize),
    (out, out_expected): (usize, usize),
    residual: Option<usize>,
) -> Result<()> {
    if x != x_expected {
        bail!("{what}: the input has {x} numbers instead of {x_expected}")
    }
    if out != out_expected {
        bail!("{what}: the output has {out} numbers instead of {out_expected}")
    }
    match residual {
        Some(n) if n != out => bail!("{what}: the residual has {n} numbers, the output {out}"),
        _ => Ok(()),
    }
}

impl Convolution for Conv1dKernel {
    const NAME: &'static str = "conv1d";

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
            "conv1d",
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

/// Convolves `x` \[B, Cin, T\] with `w` \[Cout, Cin / groups, K\] and adds `b` \[Cout\].
///
/// Packs the weights at each call; a layer that is used more than once is better a
/// [`super::Conv1d`].
///
/// # Errors
/// If shapes do not fit together or the padded input is shorter than the kernel.
pub fn conv1d(x: &Tensor, w: &Tensor, b: Option<&Tensor>, spec: &Conv1dSpec) -> Result<Tensor> {
    super::Conv1d::from_tensors(w, b, spec)?.forward(x)
}

/// The same through candle's own operation, for devices and types without a kernel of ours.
pub(crate) fn on_candle(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    spec: &Conv1dSpec,
) -> Result<Tensor> {
    let (left, right) = spec.padding;
    let (x, padding) = if left == right {
        (x.clone(), left)
    } else {
        (x.pad_with_zeros(2, left, right)?, 0)
    };
    let y = x.contiguous()?.conv1d(
        &w.contiguous()?,
        padding,
        spec.stride,
        spec.dilation,
        spec.groups,
    )?;
    match b {
        Some(b) => y.broadcast_add(&b.reshape((1, b.elem_count(), 1))?),
        None => Ok(y),
    }
}
