//! The tiny voice of the tests: random weights that hum at 150 Hz, four units a symbol. Made by
//! `training/fixture_voice.py`.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use syrinx::{Engine, SpeechRequest};

/// Folder of the tiny voice's files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/voice")
}

pub fn engine() -> Engine {
    Engine::builder()
        .weights(folder())
        .threads(2)
        .build()
        .unwrap()
}

pub fn request() -> SpeechRequest {
    let engine = engine();
    engine.speech(&engine.voice("Buzz").unwrap())
}

/// All samples of a text.
pub fn wave(request: &SpeechRequest, text: &str) -> Vec<f32> {
    request.say(text).unwrap().audio.into_channels().remove(0)
}

pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// F0 of a steady voiced signal in Hz: the first high peak of the autocorrelation of its middle.
pub fn f0_hz(samples: &[f32], rate_hz: u32) -> f64 {
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let correlation = |lag: usize| {
        let pairs = middle.iter().zip(&middle[lag..]);
        let (mut xy, mut xx, mut yy) = (0.0f64, 0.0, 0.0);
        for (x, y) in pairs {
            let (x, y) = (f64::from(*x), f64::from(*y));
            (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
        }
        xy / (xx * yy).sqrt().max(1e-12)
    };
    let lags: Vec<f64> = (0..rate_hz as usize / 50).map(correlation).collect();
    let first = rate_hz as usize / 600;
    let highest = lags[first..].iter().copied().fold(0.0, f64::max);
    let peak = (first..lags.len() - 1)
        .find(|&i| lags[i] > 0.85 * highest && lags[i] >= lags[i - 1] && lags[i] >= lags[i + 1])
        .unwrap();
    f64::from(rate_hz) / peak as f64
}
