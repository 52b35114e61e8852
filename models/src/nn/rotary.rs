//! Rotary position embedding (RoFormer, arXiv 2104.09864), halves rotated as in GPT-NeoX.

use candle_core::{Device, Result, Tensor};

/// Angles of a head of `width` channels: pair i turns by position · 10000^(−2i / width).
#[derive(Debug, Clone)]
pub struct Rotary {
    frequencies: Vec<f64>,
}

impl Rotary {
    const BASE: f64 = 10000.0;

    /// `width`, the channels of one head, is even.
    pub fn new(width: usize) -> Self {
        let half = width / 2;
        let frequency = |i: usize| Self::BASE.powf(-(i as f64) / half as f64);
        Self {
            frequencies: (0..half).map(frequency).collect(),
        }
    }

    /// Cosines and sines of one position, each [width / 2], written over `cos` and `sin`.
    pub fn angles(&self, position: usize, cos: &mut Vec<f32>, sin: &mut Vec<f32>) {
        cos.clear();
        sin.clear();
        for frequency in &self.frequencies {
            let (s, c) = (position as f64 * frequency).sin_cos();
            cos.push(c as f32);
            sin.push(s as f32);
        }
    }

    /// Rotates `x` [B, H, T, width], whose first row stands at position `first`.
    pub fn forward(&self, x: &Tensor, first: usize) -> Result<Tensor> {
        let (cos, sin) = self.table(first, x.dim(2)?, x.device())?;
        candle_nn::rotary_emb::rope(&x.contiguous()?, &cos, &sin)
    }

    /// Rotates one row of heads in place, `x` [H · width], by angles from [`Rotary::angles`].
    pub fn rotate(x: &mut [f32], cos: &[f32], sin: &[f32]) {
        for head in x.chunks_exact_mut(2 * cos.len()) {
            let (a, b) = head.split_at_mut(cos.len());
            for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }

    fn table(&self, first: usize, rows: usize, device: &Device) -> Result<(Tensor, Tensor)> {
        let half = self.frequencies.len();
        let (mut cos, mut sin) = (Vec::with_capacity(half), Vec::with_capacity(half));
        let (mut all_cos, mut all_sin) = (Vec::new(), Vec::new());
        for position in first..first + rows {
            self.angles(position, &mut cos, &mut sin);
            all_cos.extend_from_slice(&cos);
            all_sin.extend_from_slice(&sin);
        }
        let shape = (rows, half);
        Ok((
            Tensor::from_vec(all_cos, shape, device)?,
            Tensor::from_vec(all_sin, shape, device)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_depend_on_the_distance_only() {
        let rotary = Rotary::new(8);
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        let q: Vec<f32> = (0..8).map(|i| (i as f32 * 0.7).sin()).collect();
        let k: Vec<f32> = (0..8).map(|i| (i as f32 * 1.3).cos()).collect();
        let mut score = |at_q: usize, at_k: usize| -> f32 {
            let (mut q, mut k) = (q.clone(), k.clone());
            rotary.angles(at_q, &mut cos, &mut sin);
            Rotary::rotate(&mut q, &cos, &sin);
            rotary.angles(at_k, &mut cos, &mut sin);
            Rotary::rotate(&mut k, &cos, &sin);
            q.iter().zip(&k).map(|(q, k)| q * k).sum()
        };
        assert!((score(7, 3) - score(1004, 1000)).abs() < 1e-5);
        assert!((score(7, 3) - score(7, 4)).abs() > 1e-3);
    }
}
