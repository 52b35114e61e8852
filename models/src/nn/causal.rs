//! Transformer decoder: many positions at once for a prompt, then one at a time.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};
use syrinx_vocoder::kernel;

use super::attention::{Heads, causal_mask};
use super::step::{self, Scratch, with_slice};
use super::{KvCache, RmsNorm, Rotary, SelfAttention};

/// `x + attention(norm(x))` over the past, then `x + feed-forward(norm(x))` with SiLU.
#[derive(Debug, Clone)]
pub struct CausalBlock {
    norm1: RmsNorm,
    attention: SelfAttention,
    norm2: RmsNorm,
    expand: Linear,
    project: Linear,
}

impl CausalBlock {
    /// Weights: `norm1`, `attention`, `norm2`, `expand`, `project` (linear).
    pub fn new(channels: usize, heads: usize, hidden: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            norm1: RmsNorm::new(channels, vb.pp("norm1"))?,
            attention: SelfAttention::new(channels, heads, vb.pp("attention"))?,
            norm2: RmsNorm::new(channels, vb.pp("norm2"))?,
            expand: linear(channels, hidden, vb.pp("expand"))?,
            project: linear(hidden, channels, vb.pp("project"))?,
        })
    }

    /// A whole sequence, nothing remembered: [T, C] to [T, C].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self.attention.forward_causal(&self.norm1.forward(x)?)?)?;
        self.feed_forward(&x)
    }

    /// The next positions `x` [T, C] after those in `cache`.
    fn extend(
        &self,
        x: &Tensor,
        layer: usize,
        mask: &Tensor,
        cache: &mut KvCache,
    ) -> Result<Tensor> {
        let (rows, past) = (x.dim(0)?, cache.positions());
        let Heads { q, k, v } = self.attention.heads(&self.norm1.forward(x)?, past)?;
        let flat = |x: &Tensor| x.transpose(0, 1)?.contiguous()?.flatten_all();
        with_slice(&flat(&k)?, |k| {
            with_slice(&flat(&v)?, |v| cache.append(layer, k, v))
        })??;
        let (k, v) = if past == 0 {
            (k, v)
        } else {
            self.remembered(layer, past + rows, cache)?
        };
        let x = (x + self.attention.attend(&q, &k, &v, Some(mask))?)?;
        self.feed_forward(&x)
    }

    /// Keys and values of a layer, each [H, S, D].
    fn remembered(
        &self,
        layer: usize,
        positions: usize,
        cache: &KvCache,
    ) -> Result<(Tensor, Tensor)> {
        let heads = self.attention.head_count();
        let shape = (positions, heads, cache.width() / heads);
        let tensor = |rows: Vec<f32>| {
            Tensor::from_vec(rows, shape, &Device::Cpu)?
                .transpose(0, 1)?
                .contiguous()
        };
        let keys = cache
            .rows(layer)
            .flat_map(|(keys, _)| keys)
            .copied()
            .collect();
        let values = cache
            .rows(layer)
            .flat_map(|(_, values)| values)
            .copied()
            .collect();
        Ok((tensor(keys)?, tensor(values)?))
    }

    fn feed_forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.expand.forward(&self.norm2.forward(x)?)?.silu()?;
        x + self.project.forward(&h)?
    }

    /// The next position `x` `[C]`, in place; the angles in `scratch` are those of its position.
    fn step(
        &self,
        x: &mut [f32],
        layer: usize,
        cache: &mut KvCache,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let (qkv, out, _) = self.attention.parts();
        norm(&self.norm1, x, scratch)?;
        step::linear(qkv, &scratch.normed, &mut scratch.qkv)?;
        let (q, kv) = scratch.qkv.split_at_mut(x.len());
        let (k, v) = kv.split_at_mut(x.len());
        Rotary::rotate(q, &scratch.cos, &scratch.sin);
        Rotary::rotate(k, &scratch.cos, &scratch.sin);
        cache.append(layer, k, v);
        let heads = self.attention.head_count();
        attend(
            q,
            heads,
            layer,
            cache,
            &mut scratch.scores,
            &mut scratch.attended,
        )?;
        step::linear(out, &scratch.attended, &mut scratch.change)?;
        step::add(x, &scratch.change);

        norm(&self.norm2, x, scratch)?;
        step::linear(&self.expand, &scratch.normed, &mut scratch.hidden)?;
        step::silu(&mut scratch.hidden);
        step::linear(&self.project, &scratch.hidden, &mut scratch.change)?;
        step::add(x, &scratch.change);
        Ok(())
    }
}

/// A stack of [`CausalBlock`]s and a final norm; weights are on the CPU, where a single position is fastest.
#[derive(Debug, Clone)]
pub struct CausalStack {
    blocks: Vec<CausalBlock>,
    norm: RmsNorm,
    rotary: Rotary,
    channels: usize,
}

impl CausalStack {
    /// Positions of a prompt that are computed together; bounds the attention matrix.
    const CHUNK: usize = 512;

    /// Weights: `blocks.0`, `blocks.1`, .., `norm`.
    pub fn new(
        channels: usize,
        layers: usize,
        heads: usize,
        hidden: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let block = |i| CausalBlock::new(channels, heads, hidden, vb.pp(format!("blocks.{i}")));
        Ok(Self {
            blocks: (0..layers).map(block).collect::<Result<_>>()?,
            norm: RmsNorm::new(channels, vb.pp("norm"))?,
            rotary: Rotary::new(channels / heads),
            channels,
        })
    }

    /// An empty cache of the right size.
    pub fn cache(&self) -> KvCache {
        KvCache::new(self.blocks.len(), self.channels)
    }

    /// The next positions `x` [T, C] after those in `cache`: [T, C].
    pub fn extend(&self, x: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let mut outputs = Vec::new();
        for first in (0..rows).step_by(Self::CHUNK) {
            let count = Self::CHUNK.min(rows - first);
            let mut x = x.narrow(0, first, count)?;
            let mask = causal_mask(count, cache.positions())?;
            for (layer, block) in self.blocks.iter().enumerate() {
                x = block.extend(&x, layer, &mask, cache)?;
            }
            cache.advance(count);
            outputs.push(self.norm.forward(&x)?);
        }
        Tensor::cat(&outputs, 0)
    }

    /// The next position `x` `[C]`, in place; equal to [`CausalStack::extend`] by one row.
    pub fn step(&self, x: &mut [f32], cache: &mut KvCache, scratch: &mut Scratch) -> Result<()> {
        self.rotary
            .angles(cache.positions(), &mut scratch.cos, &mut scratch.sin);
        for (layer, block) in self.blocks.iter().enumerate() {
            block.step(x, layer, cache, scratch)?;
        }
        cache.advance(1);
        norm(&self.norm, x, scratch)?;
        x.copy_from_slice(&scratch.normed);
        Ok(())
    }
}

/// The norm of `x` into `scratch.normed`.
fn norm(norm: &RmsNorm, x: &[f32], scratch: &mut Scratch) -> Result<()> {
    with_slice(norm.gain(), |gain| {
        step::rms_norm(x, gain, RmsNorm::EPSILON, &mut scratch.normed)
    })
}

/// Attention of one position's `q` [C] over everything a layer has cached, into `y` [C].
fn attend(
    q: &[f32],
    heads: usize,
    layer: usize,
    cache: &KvCache,
    scores: &mut Vec<f32>,
    y: &mut Vec<f32>,
) -> Result<()> {
    let (channels, width) = (q.len(), q.len() / heads);
    let positions = cache.rows(layer).map(|(keys, _)| keys.len()).sum::<usize>() / channels;
    y.clear();
    y.resize(channels, 0.0);
    scores.resize(positions, 0.0);
    for (head, (q, y)) in q
        .chunks_exact(width)
        .zip(y.chunks_exact_mut(width))
        .enumerate()
    {
        let mut from = 0;
        for (keys, _) in cache.rows(layer).filter(|(keys, _)| !keys.is_empty()) {
            let to = from + keys.len() / channels;
            kernel::gemv_strided(&keys[head * width..], channels, q, &mut scores[from..to])?;
            from = to;
        }
        kernel::softmax(scores, 1.0 / (width as f32).sqrt());
        let mut from = 0;
        for (_, values) in cache.rows(layer).filter(|(keys, _)| !keys.is_empty()) {
            let to = from + values.len() / channels;
            kernel::gemv_transposed(&values[head * width..], channels, &scores[from..to], y)?;
            from = to;
        }
    }
    Ok(())
}
