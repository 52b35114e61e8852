//! What to say and how.

use std::io::BufRead;

use super::{Speech, SpeechStream};
use crate::engine::Engine;
use crate::voice::Voice;
use crate::{Error, Result};

/// A request to speak, see [`Engine::speech`].
#[derive(Debug, Clone)]
pub struct SpeechRequest {
    engine: Engine,
    voice: Voice,
    speed: f32,
    pitch: f32,
    volume_db: f32,
    seed: u64,
    temperature: f32,
    top_k: usize,
    ssml: bool,
    sentence_pause_ms: Option<u32>,
}

impl SpeechRequest {
    pub(crate) fn new(engine: Engine, voice: Voice) -> Self {
        Self {
            engine,
            voice,
            speed: 1.0,
            pitch: 0.0,
            volume_db: 0.0,
            seed: 0,
            temperature: 1.0,
            top_k: 10,
            ssml: false,
            sentence_pause_ms: None,
        }
    }

    /// Speed, 0.25 to 4; 2 is twice as fast.
    #[must_use]
    pub fn speed(mut self, speed: f32) -> Self {
        self.speed = speed;
        self
    }

    /// Shift of the pitch in semitones, -24 to 24.
    #[must_use]
    pub fn pitch(mut self, semitones: f32) -> Self {
        self.pitch = semitones;
        self
    }

    /// Change of the volume, dB.
    #[must_use]
    pub fn volume_db(mut self, db: f32) -> Self {
        self.volume_db = db;
        self
    }

    /// Seed of everything drawn; the same seed says the same thing the same way.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Liveliness of the prosody: 0 always takes the likeliest, 1 draws as the model predicts.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// How many of the likeliest prosody codes are drawn from; 0: all.
    #[must_use]
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.top_k = top_k;
        self
    }

    /// Whether the text is SSML.
    #[must_use]
    pub fn ssml(mut self, ssml: bool) -> Self {
        self.ssml = ssml;
        self
    }

    /// Silence after a sentence, ms.
    #[must_use]
    pub fn sentence_pause_ms(mut self, ms: u32) -> Self {
        self.sentence_pause_ms = Some(ms);
        self
    }

    /// Speaks a text piece by piece, in constant memory.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range; what is wrong with the text comes from the stream.
    pub fn stream(&self, text: impl Into<String>) -> Result<SpeechStream> {
        self.validate()?;
        SpeechStream::text(self, text.into())
    }

    /// Speaks a reader line by line, each line as it comes.
    ///
    /// # Errors
    /// As [`SpeechRequest::stream`].
    pub fn stream_lines(&self, reader: impl BufRead + Send + 'static) -> Result<SpeechStream> {
        self.validate()?;
        SpeechStream::lines(self, Box::new(reader))
    }

    /// Speaks a text whole.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Input`] for a text with nothing to say or malformed
    /// markup.
    pub fn say(&self, text: impl Into<String>) -> Result<Speech> {
        self.stream(text)?.collect_speech()
    }

    /// The engine asked.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The voice asked for.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    fn validate(&self) -> Result<()> {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::Config(format!(
                "{name} {value}: give {low} to {high}"
            )))
        };
        within("speed", self.speed, 0.25, 4.0)?;
        within("pitch", self.pitch, -24.0, 24.0)?;
        within("volume", self.volume_db, -60.0, 24.0)?;
        within("temperature", self.temperature, 0.0, 10.0)
    }
}
