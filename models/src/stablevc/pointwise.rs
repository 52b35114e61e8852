//! Linear layers over the channels of [1, C, T].

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Conv1d, Conv1dSpec};

/// A linear layer as a convolution of one tap. Weights: `weight` [outputs, inputs], `bias` `[outputs]`.
pub(super) fn pointwise(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Conv1d> {
    from_linear(
        &vb.get((outputs, inputs), "weight")?,
        Some(&vb.get(outputs, "bias")?),
    )
}

/// The same from its tensors, with or without a bias.
pub(super) fn from_linear(weight: &Tensor, bias: Option<&Tensor>) -> Result<Conv1d> {
    Conv1d::from_tensors(&weight.unsqueeze(2)?, bias, &Conv1dSpec::default())
}
