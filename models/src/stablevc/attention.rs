//! Attention among columns: heads are [H, D, T], as convolutions leave them, and nothing is transposed.

use candle_core::{CpuStorage, D, InplaceOp1, Layout, Result, Tensor, bail};
use candle_nn::ops::softmax_last_dim;
use syrinx_vocoder::kernel;

use crate::nn::Rotary;

/// Queries that are scored together: bounds the matrix of scores.
const BLOCK: usize = 512;

/// `v softmax(kᵀ q)` of each head: queries [H, D, T] over keys and values [H, D, S] to [H, D, T]. Scores are not
/// scaled: the queries are.
///
/// Keys from `split` on have a softmax of their own, so that two attentions of the same queries are one here and their
/// results are summed. `mask` [T, S] is added to the scores.
pub(super) fn attend(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    split: usize,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let columns = q.dim(2)?;
    if columns <= BLOCK {
        return attend_block(q, k, v, split, mask);
    }
    let blocks: Vec<Tensor> = (0..columns)
        .step_by(BLOCK)
        .map(|first| {
            let count = BLOCK.min(columns - first);
            let mask = mask.map(|mask| mask.narrow(0, first, count)).transpose()?;
            attend_block(&q.narrow(2, first, count)?, k, v, split, mask.as_ref())
        })
        .collect::<Result<_>>()?;
    Tensor::cat(&blocks, 2)
}

fn attend_block(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    split: usize,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let mut scores = q.transpose(1, 2)?.matmul(k)?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    v.matmul(&softmax(scores, split)?.transpose(1, 2)?)
}

/// Softmax over the first `split` numbers of each row of `scores` [.., S], and another over the rest.
fn softmax(scores: Tensor, split: usize) -> Result<Tensor> {
    if scores.device().is_cpu() {
        scores.inplace_op1(&Softmax { split })?;
        return Ok(scores);
    }
    let all = scores.dim(D::Minus1)?;
    if split >= all {
        return softmax_last_dim(&scores);
    }
    let part = |from: usize, count: usize| {
        softmax_last_dim(&scores.narrow(D::Minus1, from, count)?.contiguous()?)
    };
    Tensor::cat(&[part(0, split)?, part(split, all - split)?], D::Minus1)
}

struct Softmax {
    split: usize,
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "split_softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = layout.dims().last().copied().unwrap_or_default();
        let split = self.split.min(width);
        for row in numbers(storage, layout)?.chunks_exact_mut(width.max(1)) {
            let (first, second) = row.split_at_mut(split);
            kernel::softmax(first, 1.0);
            kernel::softmax(second, 1.0);
        }
        Ok(())
    }
}

/// The angles of a stretch of positions, cosines and sines each [D / 2, T].
#[derive(Debug, Clone)]
pub(super) struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    columns: usize,
}

impl Angles {
    /// Of the positions `first..first + columns`.
    pub fn new(rotary: &Rotary, first: usize, columns: usize) -> Self {
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        let (mut all_cos, mut all_sin) = (Vec::new(), Vec::new());
        for column in 0..columns {
            rotary.angles(first + column, &mut cos, &mut sin);
            all_cos.resize(cos.len() * columns, 0.0);
            all_sin.resize(sin.len() * columns, 0.0);
            for (i, (cos, sin)) in cos.iter().zip(&sin).enumerate() {
                all_cos[i * columns + column] = *cos;
                all_sin[i * columns + column] = *sin;
            }
        }
        Self {
            cos: all_cos,
            sin: all_sin,
            columns,
        }
    }

    /// Turns the first `rows` channels of `x` [1, C, T], whole heads, by their angles.
    pub fn rotate(&self, x: Tensor, rows: usize) -> Result<Tensor> {
        if x.device().is_cpu() {
            x.inplace_op1(&Rotate { angles: self, rows })?;
            return Ok(x);
        }
        let (_, channels, columns) = x.dims3()?;
        let half = self.cos.len() / columns.max(1);
        let table = |values: &[f32]| Tensor::from_slice(values, (1, half, columns), x.device());
        let (cos, sin) = (table(&self.cos)?, table(&self.sin)?);
        let heads = x.narrow(1, 0, rows)?.reshape(((), 2 * half, columns))?;
        let (a, b) = (heads.narrow(1, 0, half)?, heads.narrow(1, half, half)?);
        let turned = [
            (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?,
            (a.broadcast_mul(&sin)? + b.broadcast_mul(&cos)?)?,
        ];
        let turned = Tensor::cat(&turned, 1)?.reshape((1, rows, columns))?;
        Tensor::cat(
            &[turned, x.narrow(1, rows, channels - rows)?.contiguous()?],
            1,
        )
    }
}

struct Rotate<'a> {
    angles: &'a Angles,
    rows: usize,
}

impl InplaceOp1 for Rotate<'_> {
    fn name(&self) -> &'static str {
        "rotate_columns"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let columns = layout.dims().last().copied().unwrap_or_default();
        if columns != self.angles.columns {
            bail!("{columns} columns, angles of {}", self.angles.columns)
        }
        // A head's channels lie one after the other: all columns of a pair turn in one loop.
        let x = &mut numbers(storage, layout)?[..self.rows * columns];
        if !self.angles.cos.is_empty() {
            Rotary::rotate(x, &self.angles.cos, &self.angles.sin);
        }
        Ok(())
    }
}

fn numbers<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&mut values[from..to]),
        _ => bail!("contiguous f32 numbers are needed"),
    }
}

/// [T, T]: 0 where position i (row) sees position j, minus infinity elsewhere. A position sees its own chunk and the
/// `past` positions before it; `chunk` is 1 or more.
pub(super) fn chunk_mask(positions: usize, chunk: usize, past: usize) -> Result<Tensor> {
    let value = |i: usize, j: usize| {
        let first = i / chunk * chunk;
        if j < first + chunk && j + past >= first {
            0.0
        } else {
            f32::NEG_INFINITY
        }
    };
    let mask: Vec<f32> = (0..positions)
        .flat_map(|i| (0..positions).map(move |j| value(i, j)))
        .collect();
    Tensor::from_vec(mask, (positions, positions), &candle_core::Device::Cpu)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn angles_are_as_exact_after_ten_hours_as_at_once() {
        let rotary = Rotary::new(64);
        let hours = 10 * 3600 * 80;
        let pair = Angles::new(&rotary, hours, 2);
        for (i, (cos, sin)) in pair.cos.chunks(2).zip(pair.sin.chunks(2)).enumerate() {
            // From one position to the next, pair i turns by its frequency.
            let turn = f64::from(sin[1] * cos[0] - cos[1] * sin[0]).asin();
            let frequency = 10000f64.powf(-(i as f64) / 32.0);
            let expected = frequency.sin().asin();
            assert!((turn - expected).abs() < 1e-6, "{i}: {turn} {expected}");
        }
    }

    #[test]
    fn a_position_sees_its_chunk_and_the_past() {
        let mask = chunk_mask(5, 2, 1).unwrap().to_vec2::<f32>().unwrap();
        let seen: Vec<Vec<usize>> = mask
            .iter()
            .map(|row| (0..5).filter(|&j| row[j] == 0.0).collect())
            .collect();
        let pairs: [&[usize]; 5] = [&[0, 1], &[0, 1], &[1, 2, 3], &[1, 2, 3], &[3, 4]];
        assert_eq!(seen, pairs);
    }

    #[test]
    fn two_attentions_are_the_sum_of_each() {
        let tensor = |seed: f64, shape: (usize, usize, usize)| {
            let count = shape.0 * shape.1 * shape.2;
            let values: Vec<f32> = (0..count).map(|i| (seed * i as f64).sin() as f32).collect();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let (q, k, v) = (
            tensor(1.3, (2, 4, 700)),
            tensor(2.7, (2, 4, 9)),
            tensor(0.9, (2, 4, 9)),
        );
        let both = attend(&q, &k, &v, 5, None).unwrap();
        let part = |from: usize, count: usize| {
            let (k, v) = (
                k.narrow(2, from, count).unwrap(),
                v.narrow(2, from, count).unwrap(),
            );
            attend(&q, &k, &v, count, None).unwrap()
        };
        let sum = (part(0, 5) + part(5, 4)).unwrap();
        let worst = (sum - both)
            .unwrap()
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!(worst < 1e-5, "{worst}");
    }
}
