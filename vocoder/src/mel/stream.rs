//! Streaming mel extraction.

use super::Mel;
use crate::stft::StftStream;

/// Samples in, mel frames out; equals [`Mel::extract`] bit for bit.
pub struct MelStream {
    mel: Mel,
    analysis: StftStream,
    magnitude: Vec<f32>,
}

impl MelStream {
    pub(super) fn new(mel: Mel) -> Self {
        Self {
            analysis: mel.stft.analysis(),
            magnitude: Vec::with_capacity(mel.stft.bins()),
            mel,
        }
    }

    /// Takes `samples` and appends the frames they complete to `frames`, `bands` values each.
    pub fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) {
        let Self {
            mel,
            analysis,
            magnitude,
        } = self;
        analysis.push_with(samples, |frame| mel.append(frame, magnitude, frames));
    }

    /// Ends the signal: appends the remaining frames and resets.
    pub fn flush(&mut self, frames: &mut Vec<f32>) {
        let Self {
            mel,
            analysis,
            magnitude,
        } = self;
        analysis.flush_with(|frame| mel.append(frame, magnitude, frames));
    }

    /// Forgets the signal so far.
    pub fn reset(&mut self) {
        self.analysis.reset();
    }

    /// Samples right of a frame's position that the frame waits for.
    pub fn latency_samples(&self) -> usize {
        self.analysis.latency_samples()
    }
}
