//! Converting with the target's timing: the duration module (section "Duration module").
//!
//! ```text
//! features [U, F] ─► tokens ─► dedup ─► centroids [N, F] ─► content module ─► hidden [1, C, N] ─┬─► durations [N]
//!                              runs [N] ───────────────────────────────────── or ──────────────►│
//!                                                                                 repeat ◄──────┘
//!                        F0, envelope, stretched run by run ─► frame part ─► flow ─► mel
//! ```

use std::sync::Arc;

use candle_core::Tensor;
use syrinx_vocoder::stream::Frames;

use super::conversion::{check_source, joined, with_f0};
use super::renderer::Renderer;
use super::{Settings, StableVc, Target, dedup};
use crate::Result;
use crate::error::input;

/// Whose timing a conversion has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Where the length of each token comes from.
    pub durations: Durations,
    /// How much faster than that, 0.1 to 10.
    pub speed: f64,
}

/// Where the lengths of tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durations {
    /// The duration module: the target's way of timing.
    Predicted,
    /// The source.
    Source,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            durations: Durations::Predicted,
            speed: 1.0,
        }
    }
}

/// Units of the longest token that is predicted.
const LONGEST: f64 = 1000.0;

/// Units of the longest result, about seven hours at 40 units a second.
const MOST_UNITS: usize = 1 << 20;

impl StableVc {
    /// Converts a whole recording by its tokens, with other timing. The content is that of tokens, whatever
    /// `settings.content` says.
    ///
    /// `mel` [1, bands, T] is the source's, at nominal level; `f0_hz` `[T]` is the F0 to speak with, in the register of
    /// the target, 0 where unvoiced. Both F0 and envelope follow the new timing.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for shapes or numbers that do not fit, or no frames; [`crate::Error::Config`] for settings
    /// that nothing can be computed with, or a model without a content extractor.
    pub fn retime(
        self: &Arc<Self>,
        mel: &Tensor,
        f0_hz: &[f32],
        target: &Target,
        settings: &Settings,
        timing: Timing,
    ) -> Result<Frames> {
        settings.validate(self.config())?;
        if !(0.1..=10.0).contains(&timing.speed) {
            return input(format!("speed = {}: give 0.1 to 10", timing.speed));
        }
        let bands = self.config().bands;
        let rows = check_source(bands, mel, f0_hz)?;
        if f0_hz.is_empty() {
            return input("no frames to convert");
        }
        let mut state = self.envelopes.state();
        let envelopes = self.envelopes.step(&rows, bands, &mut state);
        let features = self.need_content()?.features(&mel.squeeze(0)?)?;
        let (tokens, runs) = dedup(&self.clusters.tokens(&features)?);
        let hidden = self.hidden(&self.clusters.centroids(&tokens)?, None, target, None)?;
        let units = self.units(&hidden, &runs, timing)?;
        let rate = self.config().frames_per_unit;
        let source = Stretch {
            runs: &runs,
            units: &units,
            rate,
        };
        let width = self.envelopes.width();
        let (f0_hz, envelopes) = (source.f0(f0_hz), source.envelopes(&envelopes, width));
        let hidden = repeat(&hidden, &units)?;

        let mut renderer = Renderer::new(self.clone(), settings)?;
        let mut chunks = Vec::new();
        for first in (0..f0_hz.len()).step_by(settings.chunk) {
            let last = f0_hz.len().min(first + settings.chunk);
            let hidden = hidden.narrow(2, first / rate, (last - first) / rate)?;
            let f0_hz = &f0_hz[first..last];
            let envelopes = &envelopes[first * width..last * width];
            let mel = renderer.chunk(&hidden.contiguous()?, f0_hz, envelopes, target)?;
            chunks.push(with_f0(&mel, f0_hz)?);
        }
        match joined(chunks)? {
            Some(frames) => Ok(frames),
            None => input("no frames to convert"),
        }
    }

    /// Length of each token in units, 1 or more.
    fn units(&self, hidden: &Tensor, runs: &[u32], timing: Timing) -> Result<Vec<usize>> {
        let lengths: Vec<f64> = match timing.durations {
            Durations::Source => runs.iter().map(|&run| f64::from(run)).collect(),
            Durations::Predicted => {
                let logs = self.log_durations(hidden)?;
                logs.iter()
                    .map(|&log| f64::from(log).exp().min(LONGEST))
                    .collect()
            }
        };
        let units = |length: &f64| ((length / timing.speed).round() as usize).max(1);
        let units: Vec<usize> = lengths.iter().map(units).collect();
        let total: usize = units.iter().sum();
        if total > MOST_UNITS {
            return input(format!(
                "{total} units of sound are too many to convert at once: cut the recording into pieces"
            ));
        }
        Ok(units)
    }
}

/// Each column of `hidden` [1, C, N] as often as `units` says: [1, C, U].
fn repeat(hidden: &Tensor, units: &[usize]) -> candle_core::Result<Tensor> {
    let index = |(i, &n): (usize, &usize)| std::iter::repeat_n(i as u32, n);
    let index: Vec<u32> = units.iter().enumerate().flat_map(index).collect();
    hidden.index_select(&Tensor::new(index, hidden.device())?, 2)
}

/// Runs of units, each to be stretched to another length.
struct Stretch<'a> {
    runs: &'a [u32],
    units: &'a [usize],
    rate: usize,
}

impl Stretch<'_> {
    /// Envelopes of `width` numbers at the new timing, interpolated inside each run.
    fn envelopes(&self, values: &[f32], width: usize) -> Vec<f32> {
        let between = |place: Place| {
            (0..width).map(move |i| {
                let (a, b) = (
                    values[place.before * width + i],
                    values[place.after * width + i],
                );
                a + (b - a) * place.share
            })
        };
        let places = self.places(values.len() / width);
        places.into_iter().flat_map(between).collect()
    }

    /// F0 at the new timing; between a voiced and an unvoiced frame, that of the nearer one.
    fn f0(&self, values: &[f32]) -> Vec<f32> {
        let between = |place: Place| {
            let (a, b) = (values[place.before], values[place.after]);
            if a > 0.0 && b > 0.0 {
                a + (b - a) * place.share
            } else if place.share < 0.5 {
                a
            } else {
                b
            }
        };
        let places = self.places(values.len());
        places.into_iter().map(between).collect()
    }

    /// Where each frame of the new timing lies among the `frames` of the old one.
    fn places(&self, frames: usize) -> Vec<Place> {
        let mut out = Vec::new();
        let mut first = 0;
        for (&run, &units) in self.runs.iter().zip(self.units) {
            let (from, to) = (run as usize * self.rate, units * self.rate);
            // The last unit may reach beyond the last frame, which is then heard again.
            let old = |i: usize| (first + i.min(from - 1)).min(frames - 1);
            for frame in 0..to {
                let at = (frame as f64 + 0.5) * from as f64 / to as f64 - 0.5;
                let at = at.clamp(0.0, (from - 1) as f64);
                let whole = at.floor();
                out.push(Place {
                    before: old(whole as usize),
                    after: old(whole as usize + 1),
                    share: (at - whole) as f32,
                });
            }
            first += from;
        }
        out
    }
}

/// A place between two frames: a share of the way from the one to the other.
#[derive(Clone, Copy)]
struct Place {
    before: usize,
    after: usize,
    share: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_runs() {
        let stretch = Stretch {
            runs: &[1, 2],
            units: &[2, 1],
            rate: 2,
        };
        let level = [0.0, 1.0, 10.0, 10.0, 20.0, 20.0];
        let stretched = [0.0, 0.25, 0.75, 1.0, 10.0, 20.0];
        assert_eq!(stretch.envelopes(&level, 1), stretched);
        let two = level.map(|x| [x, -x]).concat();
        assert_eq!(
            stretch.envelopes(&two, 2),
            stretched.map(|x| [x, -x]).concat()
        );
        let f0 = stretch.f0(&[100.0, 0.0, 0.0, 0.0, 200.0, 202.0]);
        assert_eq!(f0, [100.0, 100.0, 0.0, 0.0, 0.0, 201.0]);
    }

    #[test]
    fn equal_runs_change_nothing() {
        let stretch = Stretch {
            runs: &[3, 1],
            units: &[3, 1],
            rate: 2,
        };
        let values: Vec<f32> = (0..8).map(|i| i as f32).collect();
        assert_eq!(stretch.envelopes(&values, 1), values);
        // The last frame of an odd number counts twice.
        assert_eq!(stretch.envelopes(&values[..7], 1)[6..], [6.0, 6.0]);
    }
}
