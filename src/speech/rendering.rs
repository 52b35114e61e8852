//! From a sentence's plan to samples.

use syrinx_models::megatts2::{AcousticFrames, DecodeStream};
use syrinx_vocoder::harmonic_noise::HarmonicNoiseStream;
use syrinx_vocoder::stream::{Frames, Stream};

use super::level::Level;
use super::plan::Plan;
use crate::Result;
use crate::engine::Model;
use crate::voice::{Colour, Voice};

/// A sentence on its way from codes to samples.
pub(super) struct Rendering {
    frames: DecodeStream,
    vocoder: HarmonicNoiseStream,
    /// What is added to the mel.
    colour: Option<Colour>,
    /// Factor on F0.
    pitch: f32,
    level: Level,
    /// Samples per unit.
    unit_samples: usize,
    flushed: bool,
}

impl Rendering {
    /// `seed` addresses the noise of this sentence alone.
    pub fn new(
        model: &Model,
        voice: &Voice,
        plan: &Plan,
        pitch_semitones: f32,
        gain_db: f32,
        seed: u64,
    ) -> Result<Self> {
        let mut frames = model.networks.acoustic.decode_stream(
            &plan.content,
            voice.timbre(),
            &plan.units,
            &plan.codes,
            1,
        )?;
        frames.skip_units(plan.skip as usize);
        Ok(Self {
            frames,
            vocoder: model.vocoder.stream(seed),
            colour: voice.colour().cloned(),
            pitch: (pitch_semitones / 12.0).exp2(),
            level: Level::new(
                gain_db,
                plan.spoken_units() * model.unit_samples(),
                model.rate_hz(),
            ),
            unit_samples: model.unit_samples(),
            flushed: false,
        })
    }

    /// Whether all samples are out.
    pub fn is_done(&self) -> bool {
        self.flushed
    }

    /// The samples of some `units` more units; more than none unless the sentence is over.
    pub fn next(&mut self, units: usize) -> Result<Vec<f32>> {
        let mut samples = Vec::with_capacity(units * self.unit_samples);
        self.frames.set_chunk(units);
        while samples.is_empty() && !self.flushed {
            if let Some(frames) = self.frames.next() {
                self.push(&frames?, &mut samples)?;
            }
            if self.frames.remaining_units() == 0 {
                self.vocoder.flush(&mut samples)?;
                self.flushed = true;
            }
        }
        self.level.apply(&mut samples);
        Ok(samples)
    }

    fn push(&mut self, frames: &AcousticFrames, samples: &mut Vec<f32>) -> Result<()> {
        let f0: Vec<f32> = frames.f0_hz.iter().map(|hz| hz * self.pitch).collect();
        let mel = Colour::applied(self.colour.as_ref(), frames)?;
        let frames = Frames::with_f0(&mel.unsqueeze(0)?, &f0)?;
        Ok(self.vocoder.push(&frames, samples)?)
    }
}
