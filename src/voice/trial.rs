//! What a new voice sounds like before anybody has asked it to say something.

use std::ops::Range;

use candle_core::Tensor;
use syrinx_models::megatts2::{AcousticFrames, Prompt};
use syrinx_vocoder::stream::{Frames, Stream};

use super::{Colour, Voice};
use crate::Result;
use crate::engine::Engine;
use crate::reference::{Resynthesis, Spectrum, level_db};

/// Sentences with every kind of sound, about as frequent as in English: 9 s.
const SENTENCES: &str = "The quick brown fox jumps over the lazy dog, as ever. Two old friends walked along the beach, and \
    talked about the work they had put off since last year.";

/// Frames that tell how loud a wave becomes: 0.8 s.
const LOUDEST: usize = 64;

/// A voice made from clips, heard in a few sentences.
pub(crate) struct Trial {
    sentences: Vec<AcousticFrames>,
}

impl Trial {
    /// Lets a voice speak, without its colour.
    ///
    /// # Errors
    /// As [`crate::SpeechRequest::say`].
    pub fn of(engine: &Engine, voice: &Voice) -> Result<Self> {
        let sentences = engine.speech(voice).frames(SENTENCES)?;
        Ok(Self { sentences })
    }

    /// Lets a voice repeat, sound by sound, the sentence that a built-in voice is prompted with, which costs no prosody to be
    /// made up and is enough where its clips have been spoken again. As [`Trial::of`] where there is no such sentence.
    ///
    /// # Errors
    /// As [`crate::SpeechRequest::say`].
    pub fn repeated(engine: &Engine, voice: &Voice) -> Result<Self> {
        let Some(Prompt { ids, units, codes }) = engine.spoken_prompt()? else {
            return Self::of(engine, voice);
        };
        let acoustic = &engine.model().networks.acoustic;
        let content = acoustic.content(&ids)?;
        let sentence = acoustic.decode(&content, voice.timbre(), &units, &codes)?;
        Ok(Self {
            sentences: vec![sentence],
        })
    }

    /// Its sentences in this colour: mel [bands, T] and F0 in Hz `[T]` of each.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn mels(&self, colour: Option<&Colour>) -> Result<Vec<(Tensor, &[f32])>> {
        let sentences = self.sentences.iter();
        let coloured =
            sentences.map(|frames| Ok((Colour::applied(colour, frames)?, frames.f0_hz.as_slice())));
        coloured.collect()
    }

    /// The colour that takes it to the references, whose long-term spectrum this is and which have been spoken again, if the
    /// model can do that.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn colour(
        &self,
        references: &Spectrum,
        resynthesis: Option<&Resynthesis>,
    ) -> Result<Option<Colour>> {
        let mut own = Vec::with_capacity(self.sentences.len());
        for AcousticFrames { mel, f0_hz, .. } in &self.sentences {
            own.push(Spectrum::of(mel, f0_hz)?);
        }
        let colour = Colour::between(references, &Spectrum::together(&own));
        Ok(colour.map(|colour| match resynthesis {
            Some(resynthesis) => colour.refined(resynthesis),
            None => colour,
        }))
    }

    /// The level of its speech in this colour, dB; minus infinity for silence.
    ///
    /// The mel tells how loud the speech is in one place against another. How loud a wave becomes of it is for the vocoder to
    /// tell, which makes some voices louder than their mels by a few dB: it is asked about the loudest stretch.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn level_db(&self, engine: &Engine, colour: Option<&Colour>) -> Result<f32> {
        let vocoder = &engine.model().vocoder;
        let mels = self.mels(colour)?;
        let Some((mel, f0_hz)) = mels.first() else {
            return Ok(f32::NEG_INFINITY);
        };
        let powers = vocoder.mel().powers(mel)?;
        let stretch = loudest(&powers);
        let mel = mel.narrow(1, stretch.start, stretch.len())?.unsqueeze(0)?;
        let frames = Frames::with_f0(&mel.contiguous()?, &f0_hz[stretch.clone()])?;
        let (mut samples, mut stream) = (Vec::new(), vocoder.stream(0));
        stream.push(&frames, &mut samples)?;
        stream.flush(&mut samples)?;
        let became = samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
        let was = powers[stretch.clone()].iter().sum::<f32>() / stretch.len() as f32;
        Ok(level_db(&powers) + 10.0 * (became / was).log10())
    }
}

/// The stretch of [`LOUDEST`] frames that has the most power, or all of them.
fn loudest(powers: &[f32]) -> Range<usize> {
    let length = LOUDEST.min(powers.len());
    let stretches = powers.windows(length.max(1)).map(|x| x.iter().sum::<f32>());
    let stretches = stretches.enumerate();
    let at = stretches.max_by(|(_, a), (_, b)| a.total_cmp(b));
    let start = at.map_or(0, |(at, _)| at);
    start..start + length
}
