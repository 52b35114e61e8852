//! Who speaks, in one vector: the mean and the deviation of what each timbre key says, whatever their order.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Activation, Conv1d};

use super::pointwise::pointwise;

/// Timbre keys to an embedding of unit length.
#[derive(Debug, Clone)]
pub(super) struct SpeakerEncoder {
    input: Conv1d,
    hidden: Conv1d,
    output: Conv1d,
}

impl SpeakerEncoder {
    /// Weights: `input`, `hidden`, `output` (linear).
    pub fn new(keys: usize, channels: usize, features: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            input: pointwise(keys, channels, vb.pp("input"))?,
            hidden: pointwise(channels, channels, vb.pp("hidden"))?,
            output: pointwise(2 * channels, features, vb.pp("output"))?,
        })
    }

    /// Keys [M, K] to an embedding `[V]`.
    pub fn forward(&self, keys: &Tensor) -> Result<Tensor> {
        let x = keys.t()?.unsqueeze(0)?.contiguous()?;
        let (none, silu) = (Activation::Identity, Activation::Silu);
        let x = self.input.forward_fused(&x, none, silu, None)?;
        let x = self.hidden.forward_fused(&x, none, silu, None)?;
        let mean = x.mean_keepdim(2)?;
        let variance = (x.sqr()?.mean_keepdim(2)? - mean.sqr()?)?;
        let deviation = variance.maximum(1e-6f32)?.sqrt()?;
        let y = self.output.forward(&Tensor::cat(&[mean, deviation], 1)?)?;
        let y = y.flatten_all()?;
        let length = y.sqr()?.sum_all()?.sqrt()?.maximum(1e-12f32)?;
        y.broadcast_div(&length)
    }
}
