//! Multi-head self-attention with rotary positions.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::softmax_last_dim};

use super::Rotary;

/// Multi-head self-attention with rotary positions over one sequence.
#[derive(Debug, Clone)]
pub struct SelfAttention {
    qkv: Linear,
    out: Linear,
    rotary: Rotary,
    heads: usize,
}

/// Queries, keys and values of a sequence, each [H, T, D], positions already applied.
pub(super) struct Heads {
    pub q: Tensor,
    pub k: Tensor,
    pub v: Tensor,
}

impl SelfAttention {
    /// Weights: `qkv`, `out` (linear); `heads` divides `channels` into heads of even width.
    pub fn new(channels: usize, heads: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            qkv: linear(channels, 3 * channels, vb.pp("qkv"))?,
            out: linear(channels, channels, vb.pp("out"))?,
            rotary: Rotary::new(channels / heads),
            heads,
        })
    }

    /// Every position sees every other: [T, C] to [T, C].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Heads { q, k, v } = self.heads(x, 0)?;
        self.attend(&q, &k, &v, None)
    }

    /// Each position sees itself and the earlier ones: [T, C] to [T, C].
    pub fn forward_causal(&self, x: &Tensor) -> Result<Tensor> {
        let Heads { q, k, v } = self.heads(x, 0)?;
        let mask = causal_mask(x.dim(0)?, 0)?.to_device(x.device())?;
        self.attend(&q, &k, &v, Some(&mask))
    }

    /// Projects `x` [T, C], whose first row stands at position `first`.
    pub(super) fn heads(&self, x: &Tensor, first: usize) -> Result<Heads> {
        let (rows, channels) = x.dims2()?;
        let qkv = self
            .qkv
            .forward(x)?
            .reshape((rows, 3, self.heads, channels / self.heads))?;
        let split = |i: usize| {
            qkv.narrow(1, i, 1)?
                .squeeze(1)?
                .transpose(0, 1)?
                .contiguous()
        };
        let rotated = |i: usize| {
            self.rotary
                .forward(&split(i)?.unsqueeze(0)?, first)?
                .squeeze(0)
        };
        Ok(Heads {
            q: rotated(0)?,
            k: rotated(1)?,
            v: split(2)?,
        })
    }

    /// Attention of `q` [H, T, D] over `k`, `v` [H, S, D], `mask` [T, S] added to the scores, and the output layer.
    pub(super) fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        self.out.forward(&attention(q, k, v, mask)?)
    }

    pub(super) fn head_count(&self) -> usize {
        self.heads
    }

    pub(super) fn parts(&self) -> (&Linear, &Linear, &Rotary) {
        (&self.qkv, &self.out, &self.rotary)
    }
}

/// Queries that are scored together: bounds the matrix of scores.
const BLOCK: usize = 512;

/// `softmax(q kᵀ / sqrt(D) + mask) v`: [H, T, D] over [H, S, D] to [T, H · D].
pub(super) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let rows = q.dim(1)?;
    if rows <= BLOCK {
        return attend_block(q, k, v, mask);
    }
    let blocks: Vec<Tensor> = (0..rows)
        .step_by(BLOCK)
        .map(|first| {
            let count = BLOCK.min(rows - first);
            let mask = mask.map(|mask| mask.narrow(0, first, count)).transpose()?;
            attend_block(
                &q.narrow(1, first, count)?.contiguous()?,
                k,
                v,
                mask.as_ref(),
            )
        })
        .collect::<Result<_>>()?;
    Tensor::cat(&blocks, 0)
}

fn attend_block(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let (_, rows, width) = q.dims3()?;
    let mut scores = (q.matmul(&k.transpose(1, 2)?)? * (1.0 / (width as f64).sqrt()))?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    let y = softmax_last_dim(&scores)?.matmul(v)?;
    y.transpose(0, 1)?.reshape((rows, ()))?.contiguous()
}

/// [rows, past + rows]: zero where a row may look, minus infinity where it may not.
pub(super) fn causal_mask(rows: usize, past: usize) -> Result<Tensor> {
    let columns = past + rows;
    let value = |row: usize, column: usize| {
        if column <= past + row {
            0.0
        } else {
            f32::NEG_INFINITY
        }
    };
    let mask: Vec<f32> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| value(row, column)))
        .collect();
    Tensor::from_vec(mask, (rows, columns), &candle_core::Device::Cpu)
}
