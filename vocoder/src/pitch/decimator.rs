//! The signal the correlations are computed on: without its direct component, low-passed, at a lower rate.

use std::f64::consts::PI;

use crate::kernel::dot;

/// The lowest rate the fine correlation may run at; half of it is enough for the coarse one.
const LOWEST_RATE: u32 = 12_000;

/// A linear-phase low-pass that keeps every `step`-th sample.
#[derive(Debug)]
pub(super) struct LowPass {
    taps: Vec<f32>,
    step: usize,
    /// Feedback of the filter that takes the direct component away.
    keep: f32,
}

impl LowPass {
    /// Passes what a rate of `rate_hz / step / 2` can carry without aliases.
    pub fn new(rate_hz: u32) -> Self {
        let step = (rate_hz / LOWEST_RATE).max(1) as usize;
        let coarse = 2 * step;
        let half = 8 * coarse as isize;
        let cut = 0.8 / coarse as f64;
        let tap = |at: isize| {
            let x = cut * at as f64;
            let sinc = if at == 0 {
                1.0
            } else {
                (PI * x).sin() / (PI * x)
            };
            let hann = 0.5 + 0.5 * (PI * at as f64 / (half + 1) as f64).cos();
            sinc * hann
        };
        let taps: Vec<f64> = (-half..=half).map(tap).collect();
        let sum: f64 = taps.iter().sum();
        Self {
            taps: taps.iter().map(|tap| (tap / sum) as f32).collect(),
            step,
            keep: (1.0 - 2.0 * PI * 20.0 / f64::from(rate_hz)) as f32,
        }
    }

    /// Samples in for each sample out.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Samples by which the output trails the input.
    pub fn delay(&self) -> usize {
        self.taps.len() / 2
    }
}

/// The state of a [`LowPass`] on one signal.
#[derive(Debug, Default)]
pub(super) struct Decimator {
    held: Vec<f32>,
    input: f32,
    output: f32,
    started: bool,
}

impl Decimator {
    /// Takes `samples`, appends what they complete: output `n` stands at input `n · step`.
    pub fn push(&mut self, filter: &LowPass, samples: &[f32], out: &mut Vec<f32>) {
        if !self.started {
            self.held.resize(filter.delay(), 0.0);
            self.started = true;
        }
        for &sample in samples {
            self.output = sample - self.input + filter.keep * self.output;
            self.input = sample;
            self.held.push(self.output);
        }
        let mut first = 0;
        while let Some(window) = self.held.get(first..first + filter.taps.len()) {
            out.push(dot(window, &filter.taps));
            first += filter.step;
        }
        self.held.drain(..first.min(self.held.len()));
    }
}
