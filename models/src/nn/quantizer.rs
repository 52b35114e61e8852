//! Vector quantisation by the nearest code.

use candle_core::{D, Result, Tensor};
use candle_nn::VarBuilder;

/// A codebook: vectors become the index of the nearest code and back (VQ-VAE, arXiv 1711.00937).
#[derive(Debug, Clone)]
pub struct VectorQuantizer {
    codebook: Tensor,
    /// Half the squared length of each code, [codes].
    half_norm: Tensor,
}

impl VectorQuantizer {
    /// Weights: `codebook` [codes, channels].
    pub fn new(codes: usize, channels: usize, vb: VarBuilder) -> Result<Self> {
        Self::from_codebook(vb.get((codes, channels), "codebook")?)
    }

    /// From a codebook [codes, channels].
    pub fn from_codebook(codebook: Tensor) -> Result<Self> {
        let half_norm = (codebook.sqr()?.sum(1)? * 0.5)?;
        Ok(Self {
            codebook,
            half_norm,
        })
    }

    /// Index of the code nearest to each row of `z` [T, channels].
    pub fn encode(&self, z: &Tensor) -> Result<Vec<u32>> {
        // |z − e|² / 2 = |z|² / 2 − z·e + |e|² / 2, and |z|² is the same for every code.
        let nearness = z
            .matmul(&self.codebook.t()?)?
            .broadcast_sub(&self.half_norm)?;
        nearness.argmax(D::Minus1)?.to_vec1()
    }

    /// The codes' vectors: [T, channels].
    pub fn decode(&self, codes: &[u32]) -> Result<Tensor> {
        self.codebook
            .index_select(&Tensor::new(codes, self.codebook.device())?, 0)
    }
}
