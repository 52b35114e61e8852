//! From the network's numbers to one frame of spectrum.

use crate::elementary::sin_cos_turns;
use crate::kernel::Activation;
use crate::stft::Complex32;

/// Log amplitudes are held below this, e^7 ≈ 1100: above anything in speech.
const MAX_LN_AMPLITUDE: f32 = 7.0;

/// Scratch for the filters of one frame.
#[derive(Debug)]
pub(super) struct Filters {
    bins: usize,
    amplitude: Vec<f32>,
    turns: Vec<f32>,
}

impl Filters {
    pub(super) fn new(bins: usize) -> Self {
        Self {
            bins,
            amplitude: vec![0.0; bins],
            turns: vec![0.0; bins],
        }
    }

    /// Turns the complex white noise in `frame` into the frame's spectrum.
    ///
    /// `parts` holds `bins` values each of `lh`, `th`, `ln` and, if there is a free term, `lr` and
    /// `φ`; `prior` is added to the log amplitudes; `excitation` is the spectrum of the pulses.
    pub(super) fn apply(
        &mut self,
        parts: &[f32],
        prior: &[f32],
        excitation: &[Complex32],
        frame: &mut [Complex32],
    ) {
        let part = |i: usize| &parts[i * self.bins..(i + 1) * self.bins];
        amplitudes(&mut self.amplitude, part(2), prior);
        for (z, a) in frame.iter_mut().zip(&self.amplitude) {
            *z *= *a;
        }
        amplitudes(&mut self.amplitude, part(0), prior);
        self.turns.copy_from_slice(part(1));
        Activation::Tanh.apply(&mut self.turns);
        let filter = self.amplitude.iter().zip(&self.turns);
        for ((z, e), (a, half_turns)) in frame.iter_mut().zip(excitation).zip(filter) {
            *z += polar(*a, 0.5 * half_turns) * e;
        }
        if parts.len() > 3 * self.bins {
            amplitudes(&mut self.amplitude, part(3), prior);
            let turns = part(4)
                .iter()
                .map(|phi| phi * std::f32::consts::FRAC_1_PI * 0.5);
            for ((z, a), turns) in frame.iter_mut().zip(&self.amplitude).zip(turns) {
                *z += polar(*a, turns);
            }
        }
    }
}

/// `exp(min(ln + prior, 7))`.
fn amplitudes(out: &mut [f32], ln: &[f32], prior: &[f32]) {
    for (out, (ln, prior)) in out.iter_mut().zip(ln.iter().zip(prior)) {
        *out = (ln + prior).min(MAX_LN_AMPLITUDE);
    }
    Activation::Exp.apply(out);
}

#[inline(always)]
fn polar(amplitude: f32, turns: f32) -> Complex32 {
    let (sin, cos) = sin_cos_turns(turns);
    Complex32::new(amplitude * cos, amplitude * sin)
}
