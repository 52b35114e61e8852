//! Streaming mel extraction.

use super::Mel;
use crate::Result;
use crate::stft::StftStream;
use crate::stream::Stream;

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
}

impl Stream for MelStream {
    type Input = [f32];

    /// Takes `samples` and appends the frames they complete, `bands` values each.
    fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<()> {
        let Self {
            mel,
            analysis,
            magnitude,
        } = self;
        analysis.push_with(samples, |frame| mel.append(frame, magnitude, frames));
        Ok(())
    }

    fn flush(&mut self, frames: &mut Vec<f32>) -> Result<()> {
        let Self {
            mel,
            analysis,
            magnitude,
        } = self;
        analysis.flush_with(|frame| mel.append(frame, magnitude, frames));
        Ok(())
    }

    fn reset(&mut self) {
        self.analysis.reset();
    }

    /// Samples right of a frame's position that the frame waits for.
    fn latency_samples(&self) -> usize {
        self.analysis.latency_samples()
    }
}
