//! Residual block of one widening convolution.

use candle_core::{Result, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, Module, VarBuilder, conv1d};

use super::RmsNorm;

/// `x + project(silu(expand(norm(x))))`: a dense convolution widens, a pointwise one narrows; the norm is over channels.
#[derive(Debug, Clone)]
pub struct ConvBlock {
    norm: RmsNorm,
    expand: Conv1d,
    project: Conv1d,
}

impl ConvBlock {
    /// Weights: `norm.gain`, `expand` [hidden, channels, kernel], `project` [channels, hidden, 1]; `kernel` is odd.
    pub fn new(channels: usize, hidden: usize, kernel: usize, vb: VarBuilder) -> Result<Self> {
        let same = Conv1dConfig {
            padding: kernel / 2,
            ..Default::default()
        };
        Ok(Self {
            norm: RmsNorm::new(channels, vb.pp("norm"))?,
            expand: conv1d(channels, hidden, kernel, same, vb.pp("expand"))?,
            project: conv1d(hidden, channels, 1, Default::default(), vb.pp("project"))?,
        })
    }

    /// [B, C, T] to [B, C, T].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.residual(x, self.norm(x)?)
    }

    /// As [`ConvBlock::forward`] with the norm's output modulated: `norm(x) · (1 + scale) + shift`, both [B, C].
    pub fn forward_film(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let h = self.norm(x)?.broadcast_mul(&(scale.unsqueeze(2)? + 1.0)?)?;
        self.residual(x, h.broadcast_add(&shift.unsqueeze(2)?)?)
    }

    fn norm(&self, x: &Tensor) -> Result<Tensor> {
        self.norm
            .forward(&x.transpose(1, 2)?)?
            .transpose(1, 2)?
            .contiguous()
    }

    fn residual(&self, x: &Tensor, h: Tensor) -> Result<Tensor> {
        x + self.project.forward(&self.expand.forward(&h)?.silu()?)?
    }
}
