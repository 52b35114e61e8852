//! Each kernel against a plain loop in f64, against candle, across instruction sets and threads.

mod convolution;
mod gemv;
mod pointwise;
mod recurrent;

use candle_core::{DType, Device, Tensor};

/// Reproducible numbers in −1..1.
fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn worst(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (f64::from(*a) - b).abs() / (1.0 + b.abs()))
        .fold(0.0, f64::max)
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let b: Vec<f64> = b
        .to_dtype(DType::F64)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    let a: Vec<f32> = a.flatten_all().unwrap().to_vec1().unwrap();
    worst(&a, &b)
}

fn tensor(shape: impl Into<candle_core::Shape>, seed: u64) -> Tensor {
    let shape = shape.into();
    Tensor::from_vec(noise(shape.elem_count(), seed), shape, &Device::Cpu).unwrap()
}
