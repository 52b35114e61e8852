//! The ConvNeXt block in one dimension.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::{KERNEL, LayerNorm, linear};
use crate::kernel::{Activation, Conv1d, Conv1dSpec};

/// `x + γ · pwconv2(gelu(pwconv1(norm(dwconv(x)))))`, `[B, C, T]` to `[B, C, T]`.
#[derive(Debug)]
pub(super) struct ConvNeXt {
    depthwise: Conv1d,
    norm: LayerNorm,
    widen: Conv1d,
    /// With γ folded in.
    narrow: Conv1d,
}

impl ConvNeXt {
    pub(super) fn load(channels: usize, hidden: usize, vb: VarBuilder<'_>) -> Result<Self> {
        let depthwise = Conv1dSpec {
            groups: channels,
            ..Conv1dSpec::same(KERNEL, 1)
        };
        Ok(Self {
            depthwise: Conv1d::load(channels, channels, KERNEL, &depthwise, vb.pp("dwconv"))?,
            norm: LayerNorm::load(channels, vb.pp("norm"))?,
            widen: linear(channels, hidden, vb.pp("pwconv1"))?,
            narrow: scaled_linear(
                hidden,
                channels,
                &vb.get(channels, "gamma")?,
                vb.pp("pwconv2"),
            )?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let none = Activation::Identity;
        let normed = self.norm.forward(&self.depthwise.forward(x)?)?;
        let hidden = self
            .widen
            .forward_fused(&normed, none, Activation::GeluErf, None)?;
        self.narrow.forward_fused(&hidden, none, none, Some(x))
    }
}

/// A linear layer whose outputs are scaled by `gamma` `[outputs]`.
fn scaled_linear(
    inputs: usize,
    outputs: usize,
    gamma: &Tensor,
    vb: VarBuilder<'_>,
) -> Result<Conv1d> {
    let weight = vb.get((outputs, inputs), "weight")?;
    let weight = weight.broadcast_mul(&gamma.unsqueeze(1)?)?.unsqueeze(2)?;
    let bias = (vb.get(outputs, "bias")? * gamma)?;
    Conv1d::from_tensors(&weight, Some(&bias), &Conv1dSpec::default())
}
