//! Residual block of one widening convolution.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};

use super::RmsNorm;

/// `x + project(silu(expand(norm(x))))`: a dense convolution widens, a pointwise one narrows; the norm is over channels.
#[derive(Debug, Clone)]
pub struct ConvBlock {
    gain: Tensor,
    expand: Conv1d,
    project: Conv1d,
}

impl ConvBlock {
    /// Weights: `norm.gain`, `expand` [hidden, channels, kernel], `project` [channels, hidden, 1]; `kernel` is odd.
    pub fn new(channels: usize, hidden: usize, kernel: usize, vb: VarBuilder) -> Result<Self> {
        let (same, point) = (Conv1dSpec::same(kernel, 1), Conv1dSpec::default());
        Ok(Self {
            gain: vb.get(channels, "norm.gain")?,
            expand: Conv1d::load(channels, hidden, kernel, &same, vb.pp("expand"))?,
            project: Conv1d::load(hidden, channels, 1, &point, vb.pp("project"))?,
        })
    }

    /// [B, C, T] to [B, C, T].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.residual(x, &rms_norm_channels(x, &self.gain, RmsNorm::EPSILON)?)
    }

    /// As [`ConvBlock::forward`] with the norm's output modulated: `norm(x) · (1 + scale) + shift`, both [B, C].
    pub fn forward_film(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let h = rms_norm_channels(x, &self.gain, RmsNorm::EPSILON)?;
        let h = h.broadcast_mul(&(scale.unsqueeze(2)? + 1.0)?)?;
        self.residual(x, &h.broadcast_add(&shift.unsqueeze(2)?)?)
    }

    fn residual(&self, x: &Tensor, h: &Tensor) -> Result<Tensor> {
        let none = Activation::Identity;
        let h = self.expand.forward_fused(h, none, Activation::Silu, None)?;
        self.project.forward_fused(&h, none, none, Some(x))
    }
}
