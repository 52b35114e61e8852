//! The tiny converter of the tests: random weights for the tiny voice. Made by `training/fixture_convert.py`.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use syrinx::Engine;

/// A folder of the fixtures.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

pub fn engine() -> Engine {
    Engine::builder()
        .weights(folder("voice"))
        .convert_weights(folder("convert"))
        .threads(2)
        .build()
        .unwrap()
}

/// A voice-like tone around `hz` with a little vibrato that comes and goes like syllables, at `rate_hz`.
pub fn babble(seconds: f64, hz: f32, rate_hz: u32) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let mut phase = 0.0f64;
    (0..(seconds * rate) as usize)
        .map(|i| {
            let t = i as f64 / rate;
            let f0 = f64::from(hz) * (0.1 * (t * 9.0).sin()).exp();
            phase = (phase + f0 / rate).fract();
            let tone: f64 = (1..=10)
                .filter(|h| f64::from(*h) * f0 < rate / 2.2)
                .map(|h| (std::f64::consts::TAU * f64::from(h) * phase).sin() / f64::from(h))
                .sum();
            (0.1 * (0.2 + (t * 8.0).sin().powi(2)) * tone) as f32
        })
        .collect()
}

pub fn rms_db(samples: &[f32]) -> f32 {
    let power: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    10.0 * (power / samples.len().max(1) as f64).log10() as f32
}

pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max)
}
