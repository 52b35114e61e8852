//! The colour of converted speech: what its long-term spectrum lacks of that of the voice.

use std::sync::Arc;

use candle_core::Tensor;
use syrinx_models::stablevc::{Conversion, Settings, Target};
use syrinx_vocoder::stream::Frames;

use super::{Converter, Pace};
use crate::Result;
use crate::engine::Engine;
use crate::reference::{Loudness, Spectrum};
use crate::voice::{Colour, Trial, Voice};

/// Frames that what the voice says of itself counts for, voiced and unvoiced each: one second.
const PRIOR: usize = 80;

/// Frames of converted speech that are remembered, voiced and unvoiced each: half a minute.
const REMEMBERED: usize = 2400;

/// What the long-term spectrum of a converted voice should be, and what it is when the voice is converted to itself.
#[derive(Debug, Clone, Default)]
pub(super) struct VoiceSpectrum {
    wanted: Spectrum,
    own: Spectrum,
    loudness: Loudness,
}

impl VoiceSpectrum {
    /// Converts sentences of the voice to itself and compares: the same sounds in the same voice, so that what differs is
    /// what converting changes. Text to speech knows the voice's own spectrum from its recordings.
    ///
    /// # Errors
    /// As [`crate::SpeechRequest::say`].
    pub fn of(
        engine: &Engine,
        converter: &Converter,
        voice: &Voice,
        target: &Target,
    ) -> Result<Self> {
        let trial = Trial::of(engine, voice)?;
        // The average of what may be drawn is what one step from no noise gives.
        let settings = Settings {
            steps: 1,
            temperature: 0.0,
            chunk: Pace::File.chunk(),
            past: Pace::File.past(),
            ..Settings::default()
        };
        let network = Arc::clone(converter.network());
        let mut conversion = Conversion::new(network, target.clone(), &settings)?;
        let (mut wanted, mut own, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (mel, f0_hz) in trial.mels(voice.colour())? {
            let mel = mel.to_device(converter.device())?;
            wanted.push(Spectrum::of(&mel, f0_hz)?);
            let mel = mel.unsqueeze(0)?.contiguous()?;
            let converted = [conversion.push(&mel, f0_hz)?, conversion.flush()?];
            for frames in converted.into_iter().flatten() {
                let mel = frames.mel().squeeze(0)?;
                own.push(Spectrum::of(&mel, frames.f0())?);
                rows.extend(mel.t()?.to_vec2::<f32>()?);
            }
        }
        Ok(Self {
            wanted: Spectrum::together(&wanted),
            own: Spectrum::together(&own),
            loudness: Loudness::of(&rows),
        })
    }

    /// What converted speech is taken for before any of a source has been converted.
    fn before_a_source(&self) -> Spectrum {
        self.own.counting_at_most(PRIOR)
    }
}

/// Brings converted frames to the spectrum of the voice. What of the source is still in them differs from source to source:
/// it is measured as they come, frame by frame, so that pieces joined equal the whole.
pub(super) struct Colouring {
    target: VoiceSpectrum,
    /// Of what has been converted so far, after what the voice says of itself.
    heard: Spectrum,
}

impl Colouring {
    /// Before anything is known of a source.
    pub fn new(target: VoiceSpectrum) -> Self {
        let heard = target.before_a_source();
        Self { target, heard }
    }

    /// Forgets the source.
    pub fn reset(&mut self) {
        self.heard = self.target.before_a_source();
    }

    /// Goes on from what `other` knows of its source, and `other` from what this one does.
    pub fn swap_sources(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.heard, &mut other.heard);
    }

    /// Measures converted frames [1, bands, T].
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn hear(&mut self, frames: &Frames) -> Result<()> {
        for (row, &hz) in rows(frames)?.iter().zip(frames.f0()) {
            self.follow(row, hz > 0.0);
        }
        Ok(())
    }

    /// Measures converted frames [1, bands, T] and returns them in the colour of the voice.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn apply(&mut self, frames: &Frames) -> Result<Frames> {
        let mut rows = rows(frames)?;
        for (row, &hz) in rows.iter_mut().zip(frames.f0()) {
            self.follow(row, hz > 0.0);
            if let Some(colour) = Colour::between(&self.target.wanted, &self.heard) {
                colour.add_to(row, hz > 0.0);
            }
        }
        let device = frames.mel().device();
        let mel = Tensor::new(rows, device)?.t()?.unsqueeze(0)?;
        Ok(Frames::with_f0(&mel.contiguous()?, frames.f0())?)
    }

    fn follow(&mut self, row: &[f32], voiced: bool) {
        if self.target.loudness.counts(row, voiced) {
            self.heard.follow(row, voiced, REMEMBERED);
        }
    }
}

/// Converted frames, one by one.
fn rows(frames: &Frames) -> Result<Vec<Vec<f32>>> {
    Ok(frames.mel().squeeze(0)?.t()?.to_vec2::<f32>()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::reference::Average;

    const BANDS: usize = 100;

    fn spectrum(level: f32) -> Spectrum {
        let average = Average {
            mean: vec![level; BANDS],
            frames: 40_000,
        };
        Spectrum {
            voiced: average.clone(),
            unvoiced: average,
        }
    }

    /// Of a voice at −4 whose conversion to itself lies at −4.5.
    fn colouring() -> Colouring {
        Colouring::new(VoiceSpectrum {
            wanted: spectrum(-4.0),
            own: spectrum(-4.5),
            loudness: Loudness::of(&vec![vec![-4.5; BANDS]; 10]),
        })
    }

    fn frames(level: f32, count: usize) -> Frames {
        let mel = Tensor::full(level, (1, BANDS, count), &Device::Cpu).unwrap();
        let f0: Vec<f32> = (0..count)
            .map(|t| if t % 3 == 0 { 0.0 } else { 120.0 })
            .collect();
        Frames::with_f0(&mel, &f0).unwrap()
    }

    fn levels(frames: &Frames) -> Vec<f32> {
        rows(frames).unwrap().iter().map(|row| row[50]).collect()
    }

    #[test]
    fn what_a_source_adds_is_taken_away_as_it_is_heard() {
        let levels = levels(&colouring().apply(&frames(-5.2, 4000)).unwrap());
        // At first what the voice lacks when it is converted to itself is given, then what this source lacks.
        assert!((levels[1] + 4.7).abs() < 0.12, "{}", levels[1]);
        for (at, level) in levels.iter().enumerate().skip(3900) {
            assert!((level + 4.0).abs() < 0.08, "{level} at {at}");
        }
        let mut known = colouring();
        known.hear(&frames(-5.2, 4000)).unwrap();
        let level = self::levels(&known.apply(&frames(-5.2, 1)).unwrap())[0];
        assert!((level + 4.0).abs() < 0.08, "{level}");
        known.reset();
        let level = self::levels(&known.apply(&frames(-5.2, 1)).unwrap())[0];
        assert!((level + 4.7).abs() < 0.12, "{level}");
    }

    #[test]
    fn pieces_joined_equal_the_whole_and_pauses_tell_nothing() {
        let whole = levels(&colouring().apply(&frames(-5.5, 30)).unwrap());
        let mut colouring = colouring();
        let first = colouring.apply(&frames(-5.5, 6)).unwrap();
        let rest = colouring.apply(&frames(-5.5, 24)).unwrap();
        assert_eq!([levels(&first), levels(&rest)].concat(), whole);
        let before = colouring.heard.clone();
        colouring.hear(&frames(-11.5, 50)).unwrap();
        assert_eq!(colouring.heard, before);
    }
}
