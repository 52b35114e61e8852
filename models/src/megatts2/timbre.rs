//! Who speaks: reference mels to timbre keys (the mel encoder of MRTE, section 3.2).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec};

use super::TimbreConfig;
use crate::nn::ConvBlock;

/// Reference mels to keys at a lower rate.
#[derive(Debug, Clone)]
pub(super) struct TimbreEncoder {
    input: Conv1d,
    /// A block each, after a convolution that lowers the rate (none at stride 1).
    stages: Vec<(Option<Conv1d>, ConvBlock)>,
    output: Conv1d,
}

impl TimbreEncoder {
    pub fn new(bands: usize, config: &TimbreConfig, vb: VarBuilder) -> Result<Self> {
        let TimbreConfig {
            channels,
            hidden,
            kernel,
            key_channels,
            ..
        } = *config;
        let stage = |(i, &stride): (usize, &usize)| {
            let lower = Conv1dSpec {
                stride,
                ..Conv1dSpec::padded(stride / 2)
            };
            let load = || {
                Conv1d::load(
                    channels,
                    channels,
                    stride + 1,
                    &lower,
                    vb.pp(format!("down.{i}")),
                )
            };
            let down = (stride > 1).then(load).transpose()?;
            Ok((
                down,
                ConvBlock::new(channels, hidden, kernel, vb.pp(format!("blocks.{i}")))?,
            ))
        };
        let same = Conv1dSpec::same(3, 1);
        let point = Conv1dSpec::default();
        Ok(Self {
            input: Conv1d::load(bands, channels, 3, &same, vb.pp("input"))?,
            stages: config
                .strides
                .iter()
                .enumerate()
                .map(stage)
                .collect::<Result<_>>()?,
            output: Conv1d::load(channels, key_channels, 1, &point, vb.pp("output"))?,
        })
    }

    /// Normalised mel [bands, T] to keys [M, K], M = ceil(T / product of the strides).
    pub fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let mut x = self.input.forward(&mel.unsqueeze(0)?)?;
        for (down, block) in &self.stages {
            let none = Activation::Identity;
            x = match down {
                Some(down) => down.forward_fused(&x, Activation::Silu, none, None)?,
                None => x.silu()?,
            };
            x = block.forward(&x)?;
        }
        self.output.forward(&x)?.squeeze(0)?.t()?.contiguous()
    }
}
