//! Root-mean-square norm over the last axis.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// `x / sqrt(mean(x²) + 1e-6) · gain` over the last axis.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    gain: Tensor,
}

impl RmsNorm {
    /// Keeps a silent row finite.
    pub const EPSILON: f32 = 1e-6;

    /// Weights: `gain` `[channels]`.
    pub fn new(channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            gain: vb.get(channels, "gain")?,
        })
    }

    /// [.., C] to [.., C].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(&x.contiguous()?, &self.gain, Self::EPSILON)
    }

    pub(super) fn gain(&self) -> &Tensor {
        &self.gain
    }
}
