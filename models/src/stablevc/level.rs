//! Scales of mels.

use candle_core::{Result, Tensor};

/// Mel levels are shifted and scaled to the order of one, as in the acoustic model of Mega-TTS 2.
const MEL_CENTRE: f64 = -5.0;
const MEL_SPREAD: f64 = 2.5;

/// A mel as the networks see it.
pub(super) fn normal(mel: &Tensor) -> Result<Tensor> {
    (mel - MEL_CENTRE)? / MEL_SPREAD
}

/// The inverse of [`normal`].
pub(super) fn natural(mel: &Tensor) -> Result<Tensor> {
    (mel * MEL_SPREAD)? + MEL_CENTRE
}

/// Level of a frame by its mel levels: ln of the RMS over the bands, shifted and scaled to the order of one.
pub(super) fn level(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|x| (2.0 * x).exp()).sum::<f32>() / frame.len() as f32;
    (0.5 * (power + 1e-9).ln() + 4.0) / 2.0
}
