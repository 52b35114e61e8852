//! How alike the signal is to itself a period later.

use super::PitchConfig;
use crate::kernel::dot;

/// Length of the stretches that are compared.
const WINDOW_S: f64 = 0.025;
/// Peaks that are kept of a frame.
const PEAKS: usize = 6;
/// Below this correlation nothing is a period.
const LEAST: f32 = 0.3;
/// Of two equally good lags the shorter: so much less is the longest worth (RAPT's LAG_WT).
const LONG_LAG: f32 = 0.15;
/// A frame this far below the loudest of the last seconds is half as periodic as it seems.
const QUIET: f64 = 1e-4;
/// Power of 16-bit rounding noise, and then some: silence has no pitch.
const SILENCE: f64 = 1e-9;

/// Lags and lengths, in samples of the coarse signal; those of the fine one are twice as long.
#[derive(Debug)]
pub(super) struct Lags {
    shortest: usize,
    longest: usize,
    window: usize,
    fine_rate: f64,
    /// What is left of the loudest power after a frame.
    decay: f64,
}

/// A lag at which a frame repeats itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// ln of the frequency in Hz.
    pub log_f0: f32,
    /// Correlation, 1 for a perfect repetition.
    pub likeness: f32,
    /// The likeness less what a long lag costs.
    pub weighted: f32,
}

impl Lags {
    /// `step`: samples for each sample of the fine signal.
    pub fn new(config: &PitchConfig, step: usize) -> Self {
        let fine_rate = f64::from(config.rate_hz) / step as f64;
        let coarse_rate = fine_rate / 2.0;
        let frame_s = config.hop as f64 / f64::from(config.rate_hz);
        Self {
            shortest: (coarse_rate / f64::from(config.highest_hz)).floor() as usize,
            longest: (coarse_rate / f64::from(config.lowest_hz)).ceil() as usize,
            window: (WINDOW_S * coarse_rate).round() as usize,
            fine_rate,
            decay: (-frame_s / 3.0).exp(),
        }
    }

    /// Samples of the fine signal to either side of a frame's middle that the frame needs.
    pub fn reach(&self) -> usize {
        self.window + self.longest + 6
    }
}

/// Finds the peaks of frames, one after the other.
#[derive(Debug, Default)]
pub(super) struct Correlator {
    coarse: Vec<f32>,
    /// Sums of the squares of `coarse` before each of its samples.
    energy: Vec<f64>,
    likeness: Vec<f32>,
    loudest: f64,
}

impl Correlator {
    /// The peaks of the frame in the middle of `fine`, 2 · reach samples, strongest first.
    pub fn peaks(&mut self, lags: &Lags, fine: &[f32], peaks: &mut Vec<Peak>) {
        let Self {
            coarse,
            energy,
            likeness,
            loudest,
        } = self;
        coarse.clear();
        coarse.extend(fine.iter().step_by(2));
        energy.clear();
        energy.push(0.0);
        let mut sum = 0.0;
        for x in coarse.iter() {
            sum += f64::from(*x) * f64::from(*x);
            energy.push(sum);
        }
        *loudest = (*loudest * lags.decay).max(sum / coarse.len() as f64);
        let floor = SILENCE + QUIET * *loudest;

        let (window, middle) = (lags.window, coarse.len() / 2);
        let at = |lag: usize| {
            let first = middle - (window + lag) / 2;
            let (a, b) = (&coarse[first..first + window], &coarse[first + lag..]);
            let power = |from: usize| (energy[from + window] - energy[from]) / window as f64;
            let scale = (power(first) + floor) * (power(first + lag) + floor);
            f64::from(dot(a, &b[..window])) / (window as f64 * scale.sqrt())
        };
        // One lag more on either side, so that a peak at the edge of the band is seen as one.
        let outer = lags.shortest - 1;
        likeness.clear();
        likeness.extend((outer..=lags.longest + 1).map(|lag| at(lag) as f32));

        peaks.clear();
        for (i, around) in likeness.windows(3).enumerate() {
            let &[before, here, after] = around else {
                continue;
            };
            // Refining can raise a peak between two samples by a little.
            if here < 0.8 * LEAST || here < before || here <= after {
                continue;
            }
            peaks.push(Peak {
                log_f0: (outer + i + 1) as f32,
                likeness: here,
                weighted: here * lags.weight((outer + i + 1) as f32),
            });
        }
        peaks.sort_by(|a, b| b.weighted.total_cmp(&a.weighted));
        peaks.truncate(PEAKS);
        for peak in peaks.iter_mut() {
            *peak = lags.refined(fine, peak.log_f0 as usize, floor);
        }
        peaks.retain(|peak| peak.likeness >= LEAST);
    }
}

impl Lags {
    /// What a correlation at a coarse `lag` is worth.
    fn weight(&self, lag: f32) -> f32 {
        1.0 - LONG_LAG * lag / self.longest as f32
    }

    /// The peak of the fine signal near a coarse lag, between samples by a parabola.
    fn refined(&self, fine: &[f32], coarse: usize, floor: f64) -> Peak {
        let (window, middle) = (2 * self.window, fine.len() / 2);
        let at = |lag: usize| {
            let first = middle - (window + lag) / 2;
            let (a, b) = (
                &fine[first..first + window],
                &fine[first + lag..first + lag + window],
            );
            let power = |x: &[f32]| f64::from(dot(x, x)) / window as f64;
            let scale = (power(a) + floor) * (power(b) + floor);
            f64::from(dot(a, b)) / (window as f64 * scale.sqrt())
        };
        let from = 2 * coarse - 2;
        let near: [f64; 5] = std::array::from_fn(|i| at(from + i));
        let mut best = 1;
        for i in 2..4 {
            if near[i] > near[best] {
                best = i;
            }
        }
        let (before, here, after) = (near[best - 1], near[best], near[best + 1]);
        let bend = before - 2.0 * here + after;
        let shift = if bend < 0.0 {
            (0.5 * (before - after) / bend).clamp(-1.0, 1.0)
        } else {
            0.0
        };
        let lag = (from + best) as f64 + shift;
        let likeness = (here - 0.25 * (before - after) * shift).min(1.0) as f32;
        Peak {
            log_f0: (self.fine_rate / lag).ln() as f32,
            likeness,
            weighted: likeness * self.weight((lag / 2.0) as f32),
        }
    }
}
