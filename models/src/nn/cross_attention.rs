//! Multi-head attention over keys from elsewhere.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};

use super::attention::attention;

/// Multi-head attention of a sequence over keys of another width, without positions: the order of the keys is irrelevant.
#[derive(Debug, Clone)]
pub struct CrossAttention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
}

/// Keys and values of a [`CrossAttention`], each [H, M, D]: computed once for what is attended to often.
#[derive(Debug, Clone)]
pub struct ProjectedKeys {
    k: Tensor,
    v: Tensor,
}

impl CrossAttention {
    /// Weights: `q`, `k`, `v`, `out` (linear).
    pub fn new(channels: usize, key_channels: usize, heads: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            q: linear(channels, channels, vb.pp("q"))?,
            k: linear(key_channels, channels, vb.pp("k"))?,
            v: linear(key_channels, channels, vb.pp("v"))?,
            out: linear(channels, channels, vb.pp("out"))?,
            heads,
        })
    }

    /// Projects `keys` [M, K] for [`CrossAttention::attend`].
    pub fn project(&self, keys: &Tensor) -> Result<ProjectedKeys> {
        Ok(ProjectedKeys {
            k: self.split(self.k.forward(keys)?)?,
            v: self.split(self.v.forward(keys)?)?,
        })
    }

    /// Attends from `x` [N, C] to projected keys: [N, C].
    pub fn attend(&self, x: &Tensor, keys: &ProjectedKeys) -> Result<Tensor> {
        let q = self.split(self.q.forward(x)?)?;
        self.out.forward(&attention(&q, &keys.k, &keys.v, None)?)
    }

    /// [T, C] to [H, T, D].
    fn split(&self, x: Tensor) -> Result<Tensor> {
        let (rows, channels) = x.dims2()?;
        x.reshape((rows, self.heads, channels / self.heads))?
            .transpose(0, 1)?
            .contiguous()
    }
}
