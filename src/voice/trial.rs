//! What a new voice sounds like before anybody has asked it to say something.

use candle_core::Tensor;
use syrinx_models::megatts2::AcousticFrames;
use syrinx_vocoder::stream::{Frames, Stream};

use super::{Colour, Voice};
use crate::Result;
use crate::engine::Engine;
use crate::reference::{Resynthesis, Spectrum, speech_level_db};

/// Sentences with every kind of sound, about as frequent as in English: 9 s. The first alone tells the level.
const FIRST: &str = "The quick brown fox jumps over the lazy dog, as ever.";
const SECOND: &str = "Two old friends walked along the beach, and talked about the work they had put off since last year.";

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
        let sentences = engine.speech(voice).frames(&format!("{FIRST} {SECOND}"))?;
        Ok(Self { sentences })
    }

    /// Lets a voice say the first of the sentences only, which is enough where its clips have been spoken again.
    ///
    /// # Errors
    /// As [`crate::SpeechRequest::say`].
    pub fn short(engine: &Engine, voice: &Voice) -> Result<Self> {
        let sentences = engine.speech(voice).frames(FIRST)?;
        Ok(Self { sentences })
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
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn level_db(&self, engine: &Engine, colour: Option<&Colour>) -> Result<f32> {
        let mut samples = Vec::new();
        let mut vocoder = engine.model().vocoder.stream(0);
        if let Some((mel, f0_hz)) = self.mels(colour)?.first() {
            let frames = Frames::with_f0(&mel.unsqueeze(0)?, f0_hz)?;
            vocoder.push(&frames, &mut samples)?;
        }
        vocoder.flush(&mut samples)?;
        Ok(speech_level_db(&samples))
    }
}
