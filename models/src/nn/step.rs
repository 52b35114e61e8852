//! One position at a time, on plain slices.
//!
//! A tensor operation costs microseconds before it computes anything, which is as long as a whole
//! layer takes for one position of a small network. So the step works on slices with the kernels of
//! the vocoder: the same arithmetic, and no allocation once the buffers have grown.

use candle_core::{Result, Storage, Tensor};
use syrinx_vocoder::kernel::{self, Activation};

/// Buffers of a step, kept by a session so that stepping does not allocate.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(super) normed: Vec<f32>,
    pub(super) qkv: Vec<f32>,
    pub(super) attended: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) change: Vec<f32>,
    pub(super) scores: Vec<f32>,
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

/// Lends the numbers of a contiguous f32 tensor on the CPU.
pub(crate) fn with_slice<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((from, to))) => {
            Ok(read(&storage.as_slice::<f32>()?[from..to]))
        }
        _ => candle_core::bail!("stepping needs contiguous weights on the CPU"),
    }
}

/// `W x + b` of a linear layer; `y` is resized to its outputs.
pub(crate) fn linear(layer: &candle_nn::Linear, x: &[f32], y: &mut Vec<f32>) -> Result<()> {
    let Some(bias) = layer.bias() else {
        candle_core::bail!("a linear layer without bias")
    };
    with_slice(layer.weight(), |weight| {
        with_slice(bias, |bias| {
            y.resize(bias.len(), 0.0);
            kernel::gemv(weight, bias, x, y)
        })?
    })?
}

/// RMS norm of `x` [C] by `gain` [C] into `y`.
pub(super) fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, y: &mut Vec<f32>) {
    let scale = 1.0 / (kernel::dot(x, x) / x.len() as f32 + epsilon).sqrt();
    y.clear();
    y.extend(x.iter().zip(gain).map(|(x, gain)| x * scale * gain));
}

/// `x · sigmoid(x)` in place.
pub(super) fn silu(x: &mut [f32]) {
    Activation::Silu.apply(x);
}

/// `y += x`.
pub(super) fn add(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
}
