//! How it is said: the lowest mel bands to prosody codes (section 3.2).

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Conv1d, Conv1dSpec};

use super::ProsodyConfig;
use crate::nn::{ConvBlock, VectorQuantizer};

/// The lowest mel bands to codes at a lower rate, and codes to vectors.
#[derive(Debug, Clone)]
pub(super) struct ProsodyEncoder {
    input: Conv1d,
    frame_blocks: Vec<ConvBlock>,
    code_blocks: Vec<ConvBlock>,
    output: Conv1d,
    quantizer: VectorQuantizer,
    bands: usize,
    pool: usize,
}

impl ProsodyEncoder {
    pub fn new(config: &ProsodyConfig, vb: VarBuilder) -> Result<Self> {
        let ProsodyConfig {
            bands,
            channels,
            hidden,
            kernel,
            pool,
            codes,
            code_channels,
            ..
        } = *config;
        let same = Conv1dSpec::same(kernel, 1);
        let blocks = |name: &str| -> Result<Vec<_>> {
            let block = |i| ConvBlock::new(channels, hidden, kernel, vb.pp(format!("{name}.{i}")));
            (0..config.blocks).map(block).collect()
        };
        let point = Conv1dSpec::default();
        Ok(Self {
            input: Conv1d::load(bands, channels, kernel, &same, vb.pp("input"))?,
            frame_blocks: blocks("frame_blocks")?,
            code_blocks: blocks("code_blocks")?,
            output: Conv1d::load(channels, code_channels, 1, &point, vb.pp("output"))?,
            quantizer: VectorQuantizer::new(codes, code_channels, vb)?,
            bands,
            pool,
        })
    }

    /// Mel [bands, T] to codes [ceil(T / pool)].
    pub fn encode(&self, mel: &Tensor) -> Result<Vec<u32>> {
        let x = mel.narrow(0, 0, self.bands)?;
        // Without the utterance's mean level, loudness does not pass.
        let x = (x.broadcast_sub(&x.mean_all()?)? * 0.5)?;
        let mut x = self.input.forward(&x.unsqueeze(0)?)?;
        for block in &self.frame_blocks {
            x = block.forward(&x)?;
        }
        x = max_pool(&x, self.pool)?;
        for block in &self.code_blocks {
            x = block.forward(&x)?;
        }
        self.quantizer
            .encode(&self.output.forward(&x)?.squeeze(0)?.t()?.contiguous()?)
    }

    /// The codes' vectors: [L, D].
    pub fn decode(&self, codes: &[u32]) -> Result<Tensor> {
        self.quantizer.decode(codes)
    }
}

/// Largest of each `width` columns, the last group may be smaller: [1, C, T] to [1, C, ceil(T / width)].
fn max_pool(x: &Tensor, width: usize) -> Result<Tensor> {
    let (_, channels, columns) = x.dims3()?;
    let groups = columns.div_ceil(width);
    let missing = groups * width - columns;
    let low = Tensor::full(f32::NEG_INFINITY, (1, channels, missing), x.device())?
        .to_dtype(DType::F32)?;
    let x = if missing == 0 {
        x.clone()
    } else {
        Tensor::cat(&[x, &low], 2)?
    };
    x.contiguous()?
        .reshape((1, channels, groups, width))?
        .max(3)
}
