//! What to say and how.

use std::io::BufRead;
use std::sync::Arc;

use syrinx_models::megatts2::AcousticFrames;

use super::planner::{Planned, Planner, Plans};
use super::settings::Settings;
use super::source::Source;
use super::{Speech, SpeechStream};
use crate::Result;
use crate::engine::Engine;
use crate::text::{FrontEnd, Lexicon, Pauses};
use crate::voice::Voice;

/// A request to speak, see [`Engine::speech`]; cheap to clone and to use again.
#[derive(Debug, Clone)]
pub struct SpeechRequest {
    engine: Engine,
    voice: Voice,
    settings: Settings,
    lexicon: Option<Arc<Lexicon>>,
    ssml: bool,
    sentence_pause_ms: Option<u32>,
}

impl SpeechRequest {
    pub(crate) fn new(engine: Engine, voice: Voice) -> Self {
        Self {
            engine,
            voice,
            settings: Settings::default(),
            lexicon: None,
            ssml: false,
            sentence_pause_ms: None,
        }
    }

    /// Speed, 0.25 to 4; 2 is twice as fast.
    #[must_use]
    pub fn speed(mut self, speed: f32) -> Self {
        self.settings.speed = speed;
        self
    }

    /// Shift of the pitch in semitones, -24 to 24; the timbre stays.
    #[must_use]
    pub fn pitch(mut self, semitones: f32) -> Self {
        self.settings.pitch_semitones = semitones;
        self
    }

    /// Change of the volume, -60 to 24 dB; what would be above full scale is limited softly.
    #[must_use]
    pub fn volume_db(mut self, db: f32) -> Self {
        self.settings.volume_db = db;
        self
    }

    /// Seed of everything drawn. The same seed gives the same samples, whatever the size of the chunks and the number
    /// of threads.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Liveliness of the prosody: 0 always takes the likeliest, 1 draws as the model predicts.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.settings.sampling.temperature = temperature;
        self
    }

    /// How many of the likeliest prosody codes are drawn from; 0: all.
    #[must_use]
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.settings.sampling.top_k = top_k;
        self
    }

    /// Speaks with the prosody of another voice (Mega-TTS 2, equation 3): `share` 0 is the voice's own, 1 the donor's,
    /// in between codes are drawn from the mixture of what both make likely. The timbre stays.
    ///
    /// Durations are mixed too, in the logarithm; a donor made from clips without their text has nothing to tell about
    /// them, and leaves them as they are.
    #[must_use]
    pub fn prosody(mut self, donor: &Voice, share: f32) -> Self {
        self.settings.donor = Some((donor.clone(), share));
        self
    }

    /// Pronunciations that go before the built-in ones.
    #[must_use]
    pub fn lexicon(mut self, lexicon: impl Into<Arc<Lexicon>>) -> Self {
        self.lexicon = Some(lexicon.into());
        self
    }

    /// Whether the text is SSML.
    #[must_use]
    pub fn ssml(mut self, ssml: bool) -> Self {
        self.ssml = ssml;
        self
    }

    /// Silence added after a sentence, ms; the other pauses keep their proportion to it.
    #[must_use]
    pub fn sentence_pause_ms(mut self, ms: u32) -> Self {
        self.sentence_pause_ms = Some(ms);
        self
    }

    /// Longest piece of a stream, ms. The first pieces of a text are shorter, so that it sounds early; short ones cost
    /// more.
    #[must_use]
    pub fn chunk_ms(mut self, ms: u32) -> Self {
        self.settings.chunk_ms = ms;
        self
    }

    /// Speaks a text piece by piece, in memory that does not grow with its length.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings out of range, [`crate::Error::Input`] for malformed SSML; what is wrong
    /// with the rest of the text comes from the stream when it gets there.
    pub fn stream(&self, text: impl Into<String>) -> Result<SpeechStream> {
        self.begin(Source::text(&self.front_end(), text.into(), self.ssml)?)
    }

    /// Speaks what a reader gives line by line, each line as it comes; lines with nothing to say are passed over.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings out of range; a line that is no UTF-8, or cannot be read, is an error of
    /// the stream.
    pub fn stream_lines(&self, reader: impl BufRead + Send + 'static) -> Result<SpeechStream> {
        self.begin(Source::lines(self.front_end(), Box::new(reader), self.ssml))
    }

    /// Speaks a text whole.
    ///
    /// # Errors
    /// As [`SpeechRequest::stream`], and [`crate::Error::Input`] for a text with nothing to say.
    pub fn say(&self, text: impl Into<String>) -> Result<Speech> {
        self.stream(text)?.collect_speech()
    }

    /// What the networks decode for a text before it is coloured and sounds, sentence by sentence.
    ///
    /// # Errors
    /// As [`SpeechRequest::say`].
    pub(crate) fn frames(&self, text: &str) -> Result<Vec<AcousticFrames>> {
        self.settings.validate()?;
        let planner = Planner {
            engine: self.engine.clone(),
            voice: self.voice.clone(),
            settings: self.settings.clone(),
            source: Source::text(&self.front_end(), text.to_owned(), self.ssml)?,
            sentences: 0,
        };
        let acoustic = &self.engine.model().networks.acoustic;
        let decode = |planned: Result<Planned>| {
            let Planned { voice, plan, .. } = planned?;
            Ok(acoustic.decode(&plan.content, voice.timbre(), &plan.units, &plan.codes)?)
        };
        Plans::new(planner)?.map(decode).collect()
    }

    /// The engine asked.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The voice asked for.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    fn begin(&self, source: Source) -> Result<SpeechStream> {
        self.settings.validate()?;
        SpeechStream::new(
            self.engine.clone(),
            self.voice.clone(),
            self.settings.clone(),
            source,
        )
    }

    /// The front end of the voice's dialect, with the request's pronunciations and pauses.
    fn front_end(&self) -> FrontEnd {
        let mut front_end = self
            .engine
            .front_end(self.voice.info().accent.dialect())
            .clone();
        if let Some(lexicon) = &self.lexicon {
            front_end = front_end.with_lexicon((**lexicon).clone());
        }
        if let Some(sentence_ms) = self.sentence_pause_ms {
            let usual = Pauses::default();
            let scaled = |ms: u32| {
                (u64::from(ms) * u64::from(sentence_ms) / u64::from(usual.sentence_ms.max(1)))
                    as u32
            };
            let pauses = Pauses {
                clause_ms: scaled(usual.clause_ms),
                sentence_ms,
                paragraph_ms: scaled(usual.paragraph_ms),
            };
            front_end = front_end.with_pauses(pauses);
        }
        front_end
    }
}
