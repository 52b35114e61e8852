//! Streaming pitch tracking.

use std::sync::Arc;

use super::Plan;
use super::correlation::{Correlator, Peak};
use super::decimator::Decimator;
use super::path::Path;
use crate::stream::Stream;
use crate::{Error, Result};

/// Samples in, F0 in Hz out, 0 where unvoiced: one value per hop.
#[derive(Debug)]
pub struct PitchStream {
    plan: Arc<Plan>,
    decimator: Decimator,
    correlator: Correlator,
    path: Path,
    peaks: Vec<Peak>,
    /// The fine signal from sample `start` on; the signal is preceded by silence.
    fine: Vec<f32>,
    start: isize,
    /// Samples of the signal so far.
    samples: usize,
    /// Frames correlated so far.
    frames: usize,
}

impl PitchStream {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        let reach = plan.lags.reach();
        let frame_s = plan.config.hop as f32 / plan.config.rate_hz as f32;
        Self {
            decimator: Decimator::default(),
            correlator: Correlator::default(),
            path: Path::new(plan.config.look_ahead, frame_s),
            peaks: Vec::new(),
            fine: vec![0.0; reach],
            start: -(reach as isize),
            samples: 0,
            frames: 0,
            plan,
        }
    }

    /// The sample of the fine signal in the middle of a frame.
    fn middle(&self, frame: usize) -> isize {
        let hop = self.plan.config.hop;
        (frame * hop / self.plan.low_pass.step()) as isize
    }

    fn take(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let plan = self.plan.clone();
        self.decimator.push(&plan.low_pass, samples, &mut self.fine);
        let reach = plan.lags.reach();
        while self.frames < self.samples / plan.config.hop {
            let first = (self.middle(self.frames) - reach as isize - self.start) as usize;
            let Some(around) = self.fine.get(first..first + 2 * reach) else {
                break;
            };
            self.correlator.peaks(&plan.lags, around, &mut self.peaks);
            out.extend(self.path.push(&self.peaks));
            self.frames += 1;
        }
        let next = (self.middle(self.frames) - reach as isize - self.start) as usize;
        let done = next.min(self.fine.len());
        self.fine.drain(..done);
        self.start += done as isize;
    }
}

impl Stream for PitchStream {
    type Input = [f32];

    /// Takes `samples` and appends F0 of the frames they decide.
    fn push(&mut self, samples: &[f32], f0: &mut Vec<f32>) -> Result<()> {
        if let Some(at) = samples.iter().position(|x| !x.is_finite()) {
            return Err(Error::Input(format!(
                "sample {} is {}: no signal to find a pitch in",
                self.samples + at,
                samples[at]
            )));
        }
        self.samples += samples.len();
        // In pieces, so that a long signal is not held twice.
        for piece in samples.chunks(1 << 14) {
            self.take(piece, f0);
        }
        Ok(())
    }

    fn flush(&mut self, f0: &mut Vec<f32>) -> Result<()> {
        let frames = self.samples / self.plan.config.hop;
        let silence = vec![0.0; self.plan.config.hop];
        while self.frames < frames {
            self.take(&silence, f0);
        }
        f0.extend(std::iter::from_fn(|| self.path.decide()));
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        *self = Self::new(self.plan.clone());
    }

    /// Samples after a frame's end that the frame waits for.
    fn latency_samples(&self) -> usize {
        let Plan {
            config,
            low_pass,
            lags,
        } = &*self.plan;
        let around = lags.reach() * low_pass.step() + low_pass.delay();
        config.look_ahead * config.hop + around.saturating_sub(config.hop)
    }
}
