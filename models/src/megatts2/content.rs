//! What is said: symbols to content, without a voice.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::ContentConfig;
use crate::nn::{FftBlock, RmsNorm};

/// Symbols to content: an embedding and feed-forward transformer blocks.
#[derive(Debug, Clone)]
pub(super) struct ContentEncoder {
    embedding: Tensor,
    blocks: Vec<FftBlock>,
    norm: RmsNorm,
}

impl ContentEncoder {
    pub fn new(symbols: usize, config: &ContentConfig, vb: VarBuilder) -> Result<Self> {
        let ContentConfig {
            channels,
            layers,
            heads,
            hidden,
            kernel,
        } = *config;
        let block = |i| {
            FftBlock::new(
                channels,
                heads,
                hidden,
                kernel,
                vb.pp(format!("blocks.{i}")),
            )
        };
        Ok(Self {
            embedding: vb.get((symbols, channels), "embedding.weight")?,
            blocks: (0..layers).map(block).collect::<Result<_>>()?,
            norm: RmsNorm::new(channels, vb.pp("norm"))?,
        })
    }

    /// Symbols `[N]` to content [N, C].
    pub fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let mut x = self
            .embedding
            .index_select(&Tensor::new(ids, self.embedding.device())?, 0)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.norm.forward(&x)
    }
}
