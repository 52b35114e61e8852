//! Feed-forward transformer block (FastSpeech, arXiv 1905.09263).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec};

use super::{RmsNorm, SelfAttention};

/// `x + attention(norm(x))`, then `x + feed-forward(norm(x))` with a convolution that widens and a pointwise one that narrows.
#[derive(Debug, Clone)]
pub struct FftBlock {
    norm1: RmsNorm,
    attention: SelfAttention,
    norm2: RmsNorm,
    expand: Conv1d,
    project: Conv1d,
}

impl FftBlock {
    /// Weights: `norm1`, `attention`, `norm2`, `expand` [hidden, channels, kernel], `project` [channels, hidden, 1]; `kernel` is odd.
    pub fn new(
        channels: usize,
        heads: usize,
        hidden: usize,
        kernel: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let (same, point) = (Conv1dSpec::same(kernel, 1), Conv1dSpec::default());
        Ok(Self {
            norm1: RmsNorm::new(channels, vb.pp("norm1"))?,
            attention: SelfAttention::new(channels, heads, vb.pp("attention"))?,
            norm2: RmsNorm::new(channels, vb.pp("norm2"))?,
            expand: Conv1d::load(channels, hidden, kernel, &same, vb.pp("expand"))?,
            project: Conv1d::load(hidden, channels, 1, &point, vb.pp("project"))?,
        })
    }

    /// [N, C] to [N, C].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self.attention.forward(&self.norm1.forward(x)?)?)?;
        let h = self.norm2.forward(&x)?.t()?.unsqueeze(0)?.contiguous()?;
        let none = Activation::Identity;
        let h = self
            .expand
            .forward_fused(&h, none, Activation::Relu, None)?;
        let h = self.project.forward(&h)?;
        x + h.squeeze(0)?.t()?
    }
}
