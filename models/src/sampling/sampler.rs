//! A seeded choice among probabilities.

use serde::{Deserialize, Serialize};

use super::distribution::{largest, quantile, softmax, top_k, top_p};
use super::uniform;
use crate::{Error, Result};

/// How a code is chosen from a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits: 1 keeps the distribution, less sharpens it, 0 always takes the most probable.
    pub temperature: f32,
    /// Only the so many most probable are drawn from; 0: all.
    pub top_k: usize,
    /// Only the fewest that together have this probability are drawn from; 1: all.
    pub top_p: f32,
}

impl Default for Sampling {
    /// Top 10 at temperature 1 (Mega-TTS 2, section 4).
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 10,
            top_p: 1.0,
        }
    }
}

impl Sampling {
    /// Always the most probable.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_k: 1,
            top_p: 1.0,
        }
    }

    /// # Errors
    /// [`Error::Config`] for a negative temperature, a `top_p` outside (0, 1], or no number.
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Error::Config(format!(
                "temperature {}: give 0 or more",
                self.temperature
            )));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::Config(format!(
                "top-p {}: give more than 0 and at most 1",
                self.top_p
            )));
        }
        Ok(())
    }
}

/// Draws that depend on the seed and on the position drawn at, not on what was drawn before.
#[derive(Debug, Clone)]
pub struct Sampler {
    sampling: Sampling,
    seed: u64,
}

impl Sampler {
    /// # Errors
    /// [`Error::Config`] as [`Sampling::validate`].
    pub fn new(sampling: Sampling, seed: u64) -> Result<Self> {
        sampling.validate()?;
        Ok(Self { sampling, seed })
    }

    /// Logits to probabilities, at the temperature.
    pub fn probabilities(&self, logits: &mut [f32]) {
        softmax(logits, self.sampling.temperature);
    }

    /// Index of the code drawn at `position` from `probabilities`, which are narrowed to top-k and top-p in place.
    pub fn draw(&self, probabilities: &mut [f32], position: u64) -> u32 {
        if self.sampling.temperature <= 0.0 {
            // A mixture of two one-hot choices is a tie or nearly one: decided, not drawn.
            return largest(probabilities).map_or(0, |(index, _)| index as u32);
        }
        top_k(probabilities, self.sampling.top_k);
        top_p(probabilities, self.sampling.top_p);
        quantile(probabilities, uniform(self.seed, position)) as u32
    }
}
