//! The engine driven by samples that are there: nothing is ever left out.

use std::sync::Arc;
use std::time::Duration;

use super::changer::Changer;
use super::clock::{Clock, Monotonic};
use super::core::Core;
use super::timings::{Percentiles, Stage};
use crate::Result;
use crate::audio::{Audio, Resampler, Spec};

/// A source of one channel on its way through the live engine, at any pace: the output does not depend on when and in
/// which pieces it comes.
pub struct LiveFile {
    core: Core,
    input: Resampler,
    output: Resampler,
    taken: u64,
    given: u64,
}

/// What came of a file.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LiveFileEnd {
    /// Time that a chunk took in the networks.
    pub convert: Percentiles,
}

impl LiveFile {
    /// Through `changer`, from and to `rate_hz`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a rate that cannot be.
    pub fn new(changer: Box<dyn Changer>, rate_hz: u32) -> Result<Self> {
        let engine_hz = changer.rate_hz();
        let clock: Arc<dyn Clock> = Arc::new(Monotonic::new());
        Ok(Self {
            input: Resampler::low_latency(Spec::mono(rate_hz), engine_hz)?,
            output: Resampler::low_latency(Spec::mono(engine_hz), rate_hz)?,
            core: Core::new(changer, clock),
            taken: 0,
            given: 0,
        })
    }

    /// Takes samples `[T]`, full scale at ±1, and returns those that are ready.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a sample is not a number.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>> {
        self.taken += samples.len() as u64;
        let audio = Audio::mono(samples.to_vec(), self.input.input().rate_hz);
        let resampled = self.input.push(&audio)?;
        let mut heard = Vec::new();
        self.core.push(&resampled.channels()[0], &mut heard)?;
        self.give(heard)
    }

    /// Returns the rest: as many samples have come out then as have gone in.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn finish(mut self) -> Result<(Vec<f32>, LiveFileEnd)> {
        let mut heard = Vec::new();
        if self.taken > 0 {
            let rest = self.input.flush()?;
            self.core.push(&rest.channels()[0], &mut heard)?;
            self.core.flush(&mut heard)?;
        }
        let before = self.given;
        let mut ready = self.give(heard)?;
        ready.extend(self.output.flush()?.into_channels().remove(0));
        // Rounding between the rates can be off by a sample.
        ready.resize(self.taken.saturating_sub(before) as usize, 0.0);
        let end = LiveFileEnd {
            convert: self.core.timings.of(Stage::Convert),
        };
        Ok((ready, end))
    }

    /// How far the output trails the input at most.
    pub fn latency(&self) -> Duration {
        let changer = self.core.changer();
        let samples = changer.latency_samples() as f64;
        Duration::from_secs_f64(samples / f64::from(changer.rate_hz()))
    }

    fn give(&mut self, heard: Vec<f32>) -> Result<Vec<f32>> {
        let audio = Audio::mono(heard, self.output.input().rate_hz);
        let ready = self.output.push(&audio)?.into_channels().remove(0);
        self.given += ready.len() as u64;
        Ok(ready)
    }
}
