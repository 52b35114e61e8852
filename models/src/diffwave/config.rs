//! What a DiffWave checkpoint does not say of itself.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The noise schedule; sizes are read off the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Samples per second.
    pub rate_hz: u32,
    /// Steps of diffusion.
    pub steps: usize,
    /// Variance of the noise added in the first step,
    pub beta_start: f64,
    /// and in the last; linear in between.
    pub beta_end: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self::unconditional()
    }
}

impl Config {
    /// The SC09 models: 200 steps.
    pub fn unconditional() -> Self {
        Self {
            rate_hz: 16_000,
            steps: 200,
            beta_start: 1e-4,
            beta_end: 0.02,
        }
    }

    /// The vocoder for mels of 80 bands, hop 256: 50 steps.
    pub fn vocoder() -> Self {
        Self {
            rate_hz: 22_050,
            steps: 50,
            beta_end: 0.05,
            ..Self::unconditional()
        }
    }

    /// # Errors
    /// [`Error::Config`] for no steps, or variances outside 0 … 1.
    pub fn validate(&self) -> Result<()> {
        let variance = |beta: f64| beta > 0.0 && beta < 1.0;
        if self.rate_hz == 0 || self.steps == 0 {
            return Err(Error::Config("rate_hz and steps: give 1 or more".into()));
        }
        if !variance(self.beta_start) || !variance(self.beta_end) {
            return Err(Error::Config(format!(
                "beta {} to {}: give numbers between 0 and 1",
                self.beta_start, self.beta_end
            )));
        }
        Ok(())
    }

    /// The numbers of each step of the reverse process, the first step first.
    pub(super) fn schedule(&self) -> Vec<Reverse> {
        let last = (self.steps - 1).max(1) as f64;
        let mut kept = 1.0;
        let step = |index: usize| {
            let beta = self.beta_start + (self.beta_end - self.beta_start) * index as f64 / last;
            let before = kept;
            kept *= 1.0 - beta;
            Reverse {
                predicted: beta / (1.0 - kept).sqrt(),
                scale: 1.0 / (1.0 - beta).sqrt(),
                noise: match index {
                    0 => 0.0,
                    _ => (beta * (1.0 - before) / (1.0 - kept)).sqrt(),
                },
            }
        };
        (0..self.steps).map(step).collect()
    }
}

/// x ← (x − predicted · ε) · scale + noise · z
#[derive(Debug, Clone, Copy)]
pub(super) struct Reverse {
    pub predicted: f64,
    pub scale: f64,
    pub noise: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_that_of_the_definition() {
        let config = Config::vocoder();
        let schedule = config.schedule();
        let beta = |t: usize| 1e-4 + (0.05 - 1e-4) * t as f64 / 49.0;
        let kept = |t: usize| (0..=t).map(|t| 1.0 - beta(t)).product::<f64>();
        for t in [0, 1, 20, 49] {
            let Reverse {
                predicted,
                scale,
                noise,
            } = schedule[t];
            assert!((predicted - beta(t) / (1.0 - kept(t)).sqrt()).abs() < 1e-12);
            assert!((scale - (1.0 - beta(t)).powf(-0.5)).abs() < 1e-12);
            let before = if t == 0 { 1.0 } else { kept(t - 1) };
            let sigma = (beta(t) * (1.0 - before) / (1.0 - kept(t))).sqrt();
            assert!((noise - sigma).abs() < 1e-12);
        }
        assert!(Config { steps: 0, ..config }.validate().is_err());
        assert!(
            Config {
                beta_end: 1.5,
                ..config
            }
            .validate()
            .is_err()
        );
    }
}
