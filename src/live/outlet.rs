//! The way from the engine to one loudspeaker.

use std::time::Duration;

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{
    Adjustable, Async, FixedAsync, Indexing, Resampler, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use super::drift::Drift;
use super::port::Played;
use super::seam::Seam;
use crate::{Error, Result};

/// Frames that are resampled at a time, and that the filter spans at the rate of the networks.
const BLOCK: usize = 60;
const TAPS: usize = 64;

/// The ratio may be changed by as much.
const ROOM: f64 = 1.01;

/// What the ring may hold above its target for half a second before it is cut, seconds.
const MARGIN_S: f64 = 0.02;
const WATCH: Duration = Duration::from_millis(500);

/// What the target grows by after a gap, at most, and how long without one it takes to shrink again.
const GROWTH_S: f64 = 0.005;
const MOST_GROWTH_S: f64 = 0.04;
const CALM: Duration = Duration::from_secs(30);

/// An output ring, kept at its level.
pub(super) struct Outlet {
    pub played: Played,
    resampler: Async<f32>,
    drift: Drift,
    seam: Seam,
    engine_hz: u32,
    /// S: what the ring shall hold when the next samples come, seconds.
    target_s: f64,
    growth_s: f64,
    grown: Duration,
    pending: Vec<Vec<f32>>,
    block: Vec<Vec<f32>>,
    frames: Vec<f32>,
    /// Frames that are left out to get back to the target.
    skip: usize,
    /// The least that the ring held since the watch began.
    least_s: f64,
    watch: Duration,
    last: Option<Duration>,
    /// Gaps that have been seen, and frames that found no room or were left out.
    gaps: u64,
    pub dropped: u64,
}

impl Outlet {
    /// From `engine_hz` into a ring that shall hold `target_s` seconds.
    ///
    /// # Errors
    /// [`Error::Config`] for rates that cannot be resampled.
    pub fn new(played: Played, engine_hz: u32, target_s: f64) -> Result<Self> {
        let refused = |error: &dyn std::fmt::Display| {
            Error::Config(format!(
                "cannot resample from {engine_hz} Hz to {} Hz: {error}",
                played.rate_hz
            ))
        };
        let ratio = f64::from(played.rate_hz) / f64::from(engine_hz);
        let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(128)
            .interpolation(SincInterpolationType::Linear);
        let resampler =
            Async::<f32>::new_sinc(ratio, ROOM, &parameters, BLOCK, 1, FixedAsync::Input)
                .map_err(|error| refused(&error))?;
        let room = resampler.output_frames_max();
        Ok(Self {
            seam: Seam::new((0.01 * f64::from(played.rate_hz)) as usize),
            resampler,
            drift: Drift::default(),
            engine_hz,
            target_s,
            growth_s: 0.0,
            grown: Duration::ZERO,
            pending: vec![Vec::new()],
            block: vec![vec![0.0; room]],
            frames: Vec::new(),
            skip: 0,
            least_s: f64::INFINITY,
            watch: Duration::ZERO,
            last: None,
            gaps: 0,
            dropped: 0,
            played,
        })
    }

    /// Changes what the ring shall hold, seconds.
    pub fn set_target(&mut self, target_s: f64) {
        self.target_s = target_s;
    }

    /// What the ring shall hold as things are, seconds: the target, one call of the device, and what gaps have taught.
    pub fn target_s(&self) -> f64 {
        let call = self.played.port.largest() as f64 / f64::from(self.played.rate_hz);
        self.target_s + call.min(0.1) + self.growth_s
    }

    /// What the ring holds, seconds.
    pub fn level_s(&self) -> f64 {
        let ring = &self.played.ring;
        (ring.buffer().capacity() - ring.slots()) as f64 / f64::from(self.played.rate_hz)
    }

    /// What the filter holds, seconds.
    pub fn filter_s(&self) -> f64 {
        (self.pending[0].len() + TAPS / 2) as f64 / f64::from(self.engine_hz)
    }

    /// By how much the loudspeaker's clock is faster than the microphone's, parts per million.
    pub fn drift_ppm(&self) -> f64 {
        self.drift.ppm()
    }

    /// Gaps since the last call; those that are ours make the target grow.
    pub fn new_gaps(&mut self, now: Duration, ours: bool) -> u64 {
        let gaps = self.played.port.gaps();
        let new = gaps - std::mem::replace(&mut self.gaps, gaps);
        if new > 0 && ours {
            self.growth_s = (self.growth_s + GROWTH_S).min(MOST_GROWTH_S);
            self.grown = now;
        } else if self.growth_s > 0.0 && now.saturating_sub(self.grown) > CALM {
            self.growth_s = (self.growth_s - GROWTH_S).max(0.0);
            self.grown = now;
        }
        new
    }

    /// Passes samples on at the rate of the engine.
    ///
    /// # Errors
    /// [`Error::Audio`] if the filter fails, which it does not on any input.
    pub fn push(&mut self, samples: &[f32], now: Duration) -> Result<()> {
        let (level_s, target_s) = (self.level_s(), self.target_s());
        let since = now.saturating_sub(self.last.replace(now).unwrap_or(now));
        if self.played.port.is_idle() {
            // Nothing sounds: begin with the silence that holds the level.
            let missing = (target_s - level_s).max(0.0) * f64::from(self.played.rate_hz);
            let silence = vec![0.0; missing as usize];
            // A ring that is full needs none.
            let _ = self.played.ring.push_partial_slice(&silence);
            self.seam.rest();
            self.drift.restart();
            self.watch_anew(now);
        } else {
            let ratio = self.drift.steer(level_s, target_s, since);
            self.resampler
                .set_resample_ratio_relative(ratio, true)
                .map_err(|error| failed(&error))?;
            self.look(level_s, target_s, now);
        }
        self.resample(samples)?;
        let left_out = self.skip.min(self.frames.len());
        if left_out > 0 {
            self.skip -= left_out;
            self.dropped += left_out as u64;
            self.frames.drain(..left_out);
            self.seam.joint();
        }
        self.seam.apply(&mut self.frames);
        let (_, rest) = self.played.ring.push_partial_slice(&self.frames);
        if !rest.is_empty() {
            self.dropped += rest.len() as u64;
            self.seam.joint();
        }
        Ok(())
    }

    /// A ring that has held too much for a while is cut, which the ratio could not do in time.
    fn look(&mut self, level_s: f64, target_s: f64, now: Duration) {
        if self.skip > 0 {
            return self.watch_anew(now);
        }
        self.least_s = self.least_s.min(level_s);
        if now.saturating_sub(self.watch) >= WATCH {
            let surplus_s = self.least_s - target_s;
            if surplus_s > MARGIN_S {
                self.skip = (surplus_s * f64::from(self.played.rate_hz)) as usize;
                self.drift.restart();
            }
            self.watch_anew(now);
        }
    }

    fn watch_anew(&mut self, now: Duration) {
        (self.least_s, self.watch) = (f64::INFINITY, now);
    }

    fn resample(&mut self, samples: &[f32]) -> Result<()> {
        self.frames.clear();
        self.pending[0].extend_from_slice(samples);
        let (mut start, whole) = (0, self.pending[0].len());
        while whole - start >= self.resampler.input_frames_next() {
            let room = self.block[0].len();
            let input = SequentialSliceOfVecs::new(&self.pending, 1, whole);
            let output = SequentialSliceOfVecs::new_mut(&mut self.block, 1, room);
            let (used, made) = self
                .resampler
                .process_into_buffer(
                    &input.map_err(|e| failed(&e))?,
                    &mut output.map_err(|e| failed(&e))?,
                    Some(&Indexing::new().input_offset(start)),
                )
                .map_err(|e| failed(&e))?;
            start += used;
            self.frames.extend_from_slice(&self.block[0][..made]);
        }
        self.pending[0].drain(..start);
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::audio("resampler", format!("{error}; report this"))
}
