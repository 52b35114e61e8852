//! Waves as 8-bit codes and back, as the reference does it.

use serde::{Deserialize, Serialize};

use crate::{Result, error};

/// The meaning of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantisation {
    /// μ-law with μ = 255: SC09, YouTubeMix.
    #[default]
    MuLaw,
    /// Linear: Beethoven.
    Linear,
}

const CODES: usize = 256;
/// Keeps both ends of the range inside the codes.
const INSET: f32 = 0.005;

impl Quantisation {
    /// The number of codes.
    pub fn codes(self) -> usize {
        CODES
    }

    /// The code of silence, which every clip is taken to follow.
    pub fn silence(self) -> u32 {
        CODES as u32 / 2
    }

    /// The codes of `wave`, values in −1 … 1.
    pub fn encode(self, wave: &[f32]) -> Vec<u32> {
        wave.iter().map(|x| self.code(*x)).collect()
    }

    fn code(self, x: f32) -> u32 {
        let x = x.clamp(-1.0, 1.0);
        let y = match self {
            Self::Linear => x,
            Self::MuLaw => {
                let magnitude = (255.0 * (x + 1e-8).abs()).ln_1p() / 256f32.ln();
                magnitude.copysign(x) * f32::from(u8::from(x != 0.0))
            }
        };
        let unit = (y + 1.0) / 2.0;
        let code = (unit * (CODES as f32 - 2.0 * INSET) + INSET).floor();
        code.clamp(0.0, CODES as f32 - 1.0) as u32
    }

    /// The values of codes, in −1 … 1.
    pub fn decode(self, codes: &[u32]) -> Vec<f32> {
        codes.iter().map(|code| self.value(*code)).collect()
    }

    fn value(self, code: u32) -> f32 {
        let y = code.min(CODES as u32 - 1) as f32 / 128.0 - 1.0;
        match self {
            Self::Linear => y,
            Self::MuLaw => ((256f32.ln() * y.abs()).exp_m1() / 255.0).copysign(y),
        }
    }
}

/// A clip stretched to −1 … 1, as every training clip is.
///
/// # Errors
/// [`crate::Error::Input`] for a clip without any sound, or with values that are no numbers.
pub fn stretched(wave: &[f32]) -> Result<Vec<f32>> {
    if !wave.iter().all(|x| x.is_finite()) {
        return error::input("the clip has samples that are no numbers");
    }
    let low = wave.iter().copied().fold(f32::INFINITY, f32::min);
    let high = wave.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        return error::input("the clip is silent: give one with sound in it");
    }
    let scale = 2.0 / (high - low + 1e-6);
    Ok(wave.iter().map(|x| (x - low) * scale - 1.0).collect())
}
