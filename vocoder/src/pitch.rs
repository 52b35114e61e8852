//! Fundamental frequency of speech.
//!
//! Normalised cross-correlation and dynamic programming, after Talkin, *A robust algorithm for pitch
//! tracking (RAPT)*, 1995:
//!
//! ```text
//! samples ─► low-pass, down-sample ─► correlation at every lag, at half the rate
//!            (pitch/decimator.rs)      └─► a few peaks, refined at the whole rate (pitch/correlation.rs)
//!                                            └─► best path over frames, voiced or not (pitch/path.rs) ─► F0 in Hz
//! ```
//!
//! A frame is decided once [`PitchConfig::look_ahead`] further frames have been seen, so that the
//! same code serves a live signal and a file: [`Pitch::track`] is one push and one flush of
//! [`PitchStream`].
//!
//! ```
//! use syrinx_vocoder::pitch::{Pitch, PitchConfig};
//!
//! # fn main() -> syrinx_vocoder::Result<()> {
//! let wave: Vec<f32> = (0..24000).map(|i| (i as f32 * 0.04).sin()).collect();
//! let f0 = Pitch::new(PitchConfig::starter())?.track(&wave)?;
//! assert_eq!(f0.len(), 24000 / 300);
//! assert!((f0[40] - 0.04 * 24000.0 / std::f32::consts::TAU).abs() < 0.5);
//! # Ok(())
//! # }
//! ```

mod correlation;
mod decimator;
mod path;
mod stream;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use stream::PitchStream;

use crate::stream::Stream;
use crate::{Error, Result};

/// What is tracked, and how far ahead the tracker looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PitchConfig {
    /// Sample rate, Hz.
    pub rate_hz: u32,
    /// Samples per frame; frame `k` tells of the moment `k · hop`, as a centred mel frame does.
    pub hop: usize,
    /// Lowest F0 that is found, Hz.
    pub lowest_hz: f32,
    /// Highest F0 that is found, Hz.
    pub highest_hz: f32,
    /// Frames seen before a frame is decided; more make a steadier track, fewer a shorter delay.
    pub look_ahead: usize,
}

impl PitchConfig {
    /// Speech at 24 kHz, 80 frames a second, with a fifth of a second to decide.
    pub fn starter() -> Self {
        Self {
            rate_hz: 24_000,
            hop: 300,
            lowest_hz: 50.0,
            highest_hz: 600.0,
            look_ahead: 16,
        }
    }

    /// # Errors
    /// [`Error::Config`] naming the first field that no tracker can be built from.
    pub fn validate(&self) -> Result<()> {
        let fault = |text: String| Err(Error::Config(format!("pitch: {text}")));
        let Self {
            rate_hz,
            hop,
            lowest_hz,
            highest_hz,
            look_ahead,
        } = *self;
        if !(8_000..=192_000).contains(&rate_hz) {
            return fault(format!("rate_hz = {rate_hz}: give 8000 to 192000"));
        }
        if hop == 0 || hop > rate_hz as usize {
            return fault(format!("hop = {hop}: give 1 to {rate_hz} samples"));
        }
        let band = 20.0..highest_hz;
        if !band.contains(&lowest_hz) || highest_hz > 800.0 {
            return fault(format!(
                "the band {lowest_hz} to {highest_hz} Hz: give one that rises, from 20 to 800 Hz"
            ));
        }
        if look_ahead > 1000 {
            return fault(format!(
                "look_ahead = {look_ahead}: give 1000 frames at most"
            ));
        }
        Ok(())
    }
}

/// A pitch tracker; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pitch {
    plan: Arc<Plan>,
}

/// What follows from the configuration.
#[derive(Debug)]
struct Plan {
    config: PitchConfig,
    low_pass: decimator::LowPass,
    lags: correlation::Lags,
}

impl Pitch {
    /// Plans the tracker.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration that [`PitchConfig::validate`] refuses.
    pub fn new(config: PitchConfig) -> Result<Self> {
        config.validate()?;
        let low_pass = decimator::LowPass::new(config.rate_hz);
        let lags = correlation::Lags::new(&config, low_pass.step());
        let plan = Plan {
            config,
            low_pass,
            lags,
        };
        Ok(Self {
            plan: Arc::new(plan),
        })
    }

    /// What is tracked.
    pub fn config(&self) -> &PitchConfig {
        &self.plan.config
    }

    /// F0 in Hz of mono `samples` at `config.rate_hz`, 0 where unvoiced: `samples.len() / hop`
    /// frames.
    ///
    /// # Errors
    /// [`Error::Input`] if a sample is not a number.
    pub fn track(&self, samples: &[f32]) -> Result<Vec<f32>> {
        let mut f0 = Vec::with_capacity(samples.len() / self.plan.config.hop);
        let mut stream = self.stream();
        stream.push(samples, &mut f0)?;
        stream.flush(&mut f0)?;
        Ok(f0)
    }

    /// A stream from samples to F0, frame by frame.
    pub fn stream(&self) -> PitchStream {
        PitchStream::new(self.plan.clone())
    }
}
