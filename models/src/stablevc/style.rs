//! How it is said: prosody codes, averaged over time and convolved (section "Style Extractor").

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Conv1d, Conv1dSpec, rms_norm_channels};

use super::StyleConfig;
use crate::nn::ConvBlock;

/// Prosody codes, or vectors of another codec, to a style at a lower rate.
#[derive(Debug, Clone)]
pub(super) struct StyleEncoder {
    /// Vectors of the codes [codes, code_channels]; none where vectors come from outside.
    codebook: Option<Tensor>,
    input: Conv1d,
    blocks: Vec<ConvBlock>,
    gain: Tensor,
    code_frames: usize,
    pool: usize,
    centred: bool,
}

impl StyleEncoder {
    /// Weights: `codebook` [codes, code_channels] where the configuration has codes, `input`, `blocks.0`, ..,
    /// `norm.gain`.
    pub fn new(config: &StyleConfig, vb: VarBuilder) -> Result<Self> {
        let StyleConfig {
            code_channels,
            channels,
            hidden,
            kernel,
            ..
        } = *config;
        let same = Conv1dSpec::same(kernel, 1);
        let block = |i| ConvBlock::new(channels, hidden, kernel, vb.pp(format!("blocks.{i}")));
        let codebook = |codes| vb.get((codes, code_channels), "codebook");
        Ok(Self {
            codebook: config.codes.map(codebook).transpose()?,
            input: Conv1d::load(code_channels, channels, kernel, &same, vb.pp("input"))?,
            blocks: (0..config.blocks).map(block).collect::<Result<_>>()?,
            gain: vb.get(channels, "norm.gain")?,
            code_frames: config.code_frames,
            pool: config.pool,
            centred: config.centred,
        })
    }

    /// Vectors [L, code_channels] of codes that the codebook has, if there is one.
    pub fn vectors(&self, codes: &[u32]) -> Result<Option<Tensor>> {
        let look_up = |book: &Tensor| book.index_select(&Tensor::new(codes, book.device())?, 0);
        self.codebook.as_ref().map(look_up).transpose()
    }

    /// Columns of the style of `vectors` vectors.
    pub fn columns(&self, vectors: usize) -> usize {
        vectors * self.code_frames / self.pool
    }

    /// Vectors [L, code_channels] to a style [S, channels], S = L · code_frames / pool, 1 or more.
    pub fn forward(&self, vectors: &Tensor) -> Result<Tensor> {
        let (count, width) = vectors.dims2()?;
        let columns = self.columns(count);
        // Every vector stands for code_frames frames, a column is the mean of pool frames.
        let frames = 0..(columns * self.pool) as u32;
        let index: Vec<u32> = frames.map(|f| f / self.code_frames as u32).collect();
        let x = vectors.index_select(&Tensor::new(index, vectors.device())?, 0)?;
        let x = x.reshape((columns, self.pool, width))?.mean(1)?;
        let mut x = self.input.forward(&x.t()?.unsqueeze(0)?.contiguous()?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let style = rms_norm_channels(&x, &self.gain, NORM_EPS)?
            .squeeze(0)?
            .t()?
            .contiguous()?;
        if self.centred {
            style.broadcast_sub(&style.mean_keepdim(0)?)
        } else {
            Ok(style)
        }
    }
}
