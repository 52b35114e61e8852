//! Which preset this machine is fast enough for.

use std::time::{Duration, Instant};

use super::changer::Changer;
use super::preset::Preset;
use super::timings::{Histogram, Percentiles};
use crate::Result;
use crate::convert::ConversionRequest;

/// Chunks before times count: caches and threads warm up.
const WARM_UP: usize = 10;

/// What a preset took.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Trial {
    /// The preset.
    pub preset: Preset,
    /// Time that a chunk took in the networks.
    pub convert: Percentiles,
    /// Its length, ms.
    pub chunk_ms: f64,
    /// C + R + W, ms.
    pub algorithmic_ms: f64,
}

impl Trial {
    /// The share of a chunk's length that computing it took, 99th percentile.
    pub fn load(&self) -> f64 {
        self.convert.p99_ms / self.chunk_ms
    }

    /// Whether that is within the preset's budget.
    pub fn fits(&self) -> bool {
        self.load() <= self.preset.budget()
    }
}

/// Converts `seconds` seconds of something like a voice with each preset, as fast as possible, and says what it took.
///
/// # Errors
/// Those of [`Preset::changer`].
pub fn try_presets(request: &ConversionRequest, steps: usize, seconds: f64) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for preset in Preset::ALL {
        let mut changer = preset.changer(request, steps)?;
        warm_up(&mut changer)?;
        trials.push(time(preset, &mut changer, seconds)?);
    }
    Ok(trials)
}

/// Runs some chunks, so that the first that matter are as fast as the rest.
///
/// # Errors
/// Those of [`Changer::push`].
pub(super) fn warm_up(changer: &mut dyn Changer) -> Result<()> {
    let mut ready = Vec::new();
    for level in (0..changer.levels()).rev() {
        changer.set_level(level);
        let samples = WARM_UP * changer.chunk_samples() + changer.latency_samples();
        for piece in babble(samples, changer.rate_hz()).chunks_exact(changer.quantum()) {
            changer.push(piece, &mut ready)?;
            ready.clear();
        }
    }
    changer.forget();
    Ok(())
}

fn time(preset: Preset, changer: &mut dyn Changer, seconds: f64) -> Result<Trial> {
    let rate_hz = changer.rate_hz();
    let samples = (seconds * f64::from(rate_hz)) as usize;
    let (mut ready, mut times, mut spent) = (Vec::new(), Histogram::default(), Duration::ZERO);
    for piece in babble(samples, rate_hz).chunks_exact(changer.quantum()) {
        let began = Instant::now();
        changer.push(piece, &mut ready)?;
        spent += began.elapsed();
        if !ready.is_empty() {
            times.add(spent);
            spent = Duration::ZERO;
            ready.clear();
        }
    }
    let ms = |samples: usize| 1e3 * samples as f64 / f64::from(rate_hz);
    Ok(Trial {
        preset,
        convert: times.percentiles(),
        chunk_ms: ms(changer.chunk_samples()),
        algorithmic_ms: ms(changer.latency_samples()),
    })
}

/// A buzz whose pitch and loudness move like a voice's.
fn babble(samples: usize, rate_hz: u32) -> Vec<f32> {
    let mut phase = 0.0f64;
    (0..samples)
        .map(|at| {
            let t = at as f64 / f64::from(rate_hz);
            phase = (phase + 130.0 * (0.2 * (3.0 * t).sin()).exp() / f64::from(rate_hz)).fract();
            (0.3 * (0.2 + (8.0 * t).sin().powi(2)) * (phase - 0.5)) as f32
        })
        .collect()
}
