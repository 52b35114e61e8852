//! One position at a time, on plain slices.
//!
//! A tensor operation costs microseconds before it computes anything, which is as long as a whole
//! layer takes for one position of a small network. So the step works on slices: the same
//! arithmetic, and no allocation once the buffers have grown.

use candle_core::{Result, Storage, Tensor};

/// Partial sums of a product: a sum of floats may not be reordered by the compiler, so it is split by hand.
const LANES: usize = 16;

/// Buffers of a step, kept by a session so that stepping does not allocate.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(super) normed: Vec<f32>,
    pub(super) qkv: Vec<f32>,
    pub(super) attended: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) change: Vec<f32>,
    pub(super) scores: Vec<f32>,
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

/// Lends the numbers of a contiguous f32 tensor on the CPU.
pub(crate) fn with_slice<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((from, to))) => {
            Ok(read(&storage.as_slice::<f32>()?[from..to]))
        }
        _ => candle_core::bail!("stepping needs contiguous weights on the CPU"),
    }
}

/// `y = W x + b` for `weight` [out, in], `bias` [out], `x` [in]; `y` is resized to [out].
fn affine(weight: &[f32], bias: &[f32], x: &[f32], y: &mut Vec<f32>) {
    y.clear();
    y.extend(
        weight
            .chunks_exact(x.len())
            .zip(bias)
            .map(|(row, bias)| dot(row, x) + bias),
    );
}

/// `W x + b` of a linear layer.
pub(crate) fn linear(layer: &candle_nn::Linear, x: &[f32], y: &mut Vec<f32>) -> Result<()> {
    let Some(bias) = layer.bias() else {
        candle_core::bail!("a linear layer without bias")
    };
    with_slice(layer.weight(), |weight| {
        with_slice(bias, |bias| affine(weight, bias, x, y))
    })?
}

/// RMS norm of `x` [C] by `gain` [C] into `y`.
pub(super) fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, y: &mut Vec<f32>) {
    let scale = 1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt();
    y.clear();
    y.extend(x.iter().zip(gain).map(|(x, gain)| x * scale * gain));
}

/// `x · sigmoid(x)` in place.
pub(super) fn silu(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x /= 1.0 + (-*x).exp());
}

/// `Σ a b`.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let (xs, ys) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = xs
        .remainder()
        .iter()
        .zip(ys.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in xs.zip(ys) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// `y += scale · x`.
pub(super) fn add_scaled(y: &mut [f32], x: &[f32], scale: f32) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += scale * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affine_equals_the_sum_of_its_definition() {
        for (rows, columns) in [(1, 1), (3, 5), (4, 8), (7, 19), (8, 64), (257, 33)] {
            let weight: Vec<f32> = (0..rows * columns)
                .map(|i| (i as f32 * 0.37).sin())
                .collect();
            let bias: Vec<f32> = (0..rows).map(|i| i as f32 * 0.1).collect();
            let x: Vec<f32> = (0..columns).map(|i| (i as f32 * 0.91).cos()).collect();
            let mut y = vec![9.0; 2];
            affine(&weight, &bias, &x, &mut y);
            assert_eq!(y.len(), rows);
            for (row, y) in y.iter().enumerate() {
                let products = weight[row * columns..][..columns].iter().zip(&x);
                let expected =
                    f64::from(bias[row]) + products.map(|(w, x)| f64::from(w * x)).sum::<f64>();
                assert!(
                    (f64::from(*y) - expected).abs() < 1e-4,
                    "{rows}x{columns} row {row}"
                );
            }
        }
    }
}
