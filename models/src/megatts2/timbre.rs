//! Who speaks: reference mels to timbre keys (the mel encoder of MRTE, section 3.2).

use candle_core::{Result, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, Module, VarBuilder, conv1d};

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
            let lower = Conv1dConfig {
                padding: stride / 2,
                stride,
                ..Default::default()
            };
            let down = (stride > 1).then(|| {
                conv1d(
                    channels,
                    channels,
                    stride + 1,
                    lower,
                    vb.pp(format!("down.{i}")),
                )
            });
            Ok((
                down.transpose()?,
                ConvBlock::new(channels, hidden, kernel, vb.pp(format!("blocks.{i}")))?,
            ))
        };
        let same = Conv1dConfig {
            padding: 1,
            ..Default::default()
        };
        Ok(Self {
            input: conv1d(bands, channels, 3, same, vb.pp("input"))?,
            stages: config
                .strides
                .iter()
                .enumerate()
                .map(stage)
                .collect::<Result<_>>()?,
            output: conv1d(
                channels,
                key_channels,
                1,
                Default::default(),
                vb.pp("output"),
            )?,
        })
    }

    /// Normalised mel [bands, T] to keys [M, K], M = ceil(T / product of the strides).
    pub fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let mut x = self.input.forward(&mel.unsqueeze(0)?)?;
        for (down, block) in &self.stages {
            x = x.silu()?;
            if let Some(down) = down {
                x = down.forward(&x)?;
            }
            x = block.forward(&x)?;
        }
        self.output.forward(&x)?.squeeze(0)?.t()?.contiguous()
    }
}
