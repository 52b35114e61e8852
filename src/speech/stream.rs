//! Speech as it is made.

use std::collections::VecDeque;
use std::ops::Range;

use super::planner::{Planned, Planner, Plans};
use super::rendering::Rendering;
use super::settings::Settings;
use super::source::Source;
use super::{Mark, Speech};
use crate::Result;
use crate::audio::Audio;
use crate::engine::Engine;
use crate::voice::Voice;

/// Units of the first piece of a text, the least that is worth the call: 0.4 s.
const FIRST_UNITS: usize = 16;

/// A piece of speech, in order and without gaps.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SpeechChunk {
    /// The samples, mono.
    pub audio: Audio,
    /// What begins to be heard in this piece, in order.
    pub marks: Vec<Mark>,
    /// Number of the sentence (or part of a long one) it belongs to, from 0.
    pub sentence: usize,
    /// Whether the sentence ends with it.
    pub ends_sentence: bool,
    /// Bytes of the source text the sentence accounts for.
    pub span: Range<usize>,
}

/// Iterator over the pieces of a spoken text; an error ends it.
///
/// Each piece is made when it is asked for, and nothing is kept of the pieces before. With two threads or more, what
/// comes next is read and planned, one sentence ahead, while the last is spoken.
pub struct SpeechStream {
    engine: Engine,
    settings: Settings,
    plans: Plans,
    current: Option<Sentence>,
    /// Samples given out so far.
    samples: u64,
    /// Silence that is due before the next sentence, samples.
    pause: usize,
    /// Units of the next piece.
    units: usize,
    finished: bool,
}

/// The sentence that is being spoken.
struct Sentence {
    number: usize,
    span: Range<usize>,
    /// Silence before its first sample that is not out yet, samples.
    silence: usize,
    rendering: Rendering,
    /// Marks that have not begun yet.
    marks: VecDeque<Mark>,
}

impl SpeechStream {
    pub(super) fn new(
        engine: Engine,
        voice: Voice,
        settings: Settings,
        source: Source,
    ) -> Result<Self> {
        let planner = Planner {
            engine: engine.clone(),
            voice,
            settings: settings.clone(),
            source,
            sentences: 0,
        };
        let mut stream = Self {
            engine,
            settings,
            plans: Plans::new(planner)?,
            current: None,
            samples: 0,
            pause: 0,
            units: 0,
            finished: false,
        };
        stream.units = FIRST_UNITS.min(stream.longest_piece());
        Ok(stream)
    }

    /// Sample rate, Hz.
    pub fn rate_hz(&self) -> u32 {
        self.engine.rate_hz()
    }

    /// Takes everything there is to come.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn collect_speech(self) -> Result<Speech> {
        let rate_hz = self.rate_hz();
        let (mut samples, mut marks, mut sentences) = (Vec::new(), Vec::new(), 0);
        for chunk in self {
            let chunk = chunk?;
            samples.extend(
                chunk
                    .audio
                    .into_channels()
                    .into_iter()
                    .next()
                    .unwrap_or_default(),
            );
            marks.extend(chunk.marks);
            sentences = chunk.sentence + 1;
        }
        Ok(Speech {
            audio: Audio::mono(samples, rate_hz),
            marks,
            sentences,
        })
    }

    /// The next piece; `None` at the end of the text.
    fn piece(&mut self) -> Result<Option<SpeechChunk>> {
        let mut sentence = match self.current.take() {
            Some(sentence) => sentence,
            None => match self.plans.next() {
                Some(planned) => self.begin(planned?)?,
                None => return Ok(None),
            },
        };
        let spoken = sentence.rendering.next(self.units)?;
        self.units = (self.units * 2).min(self.longest_piece());

        let silence = std::mem::take(&mut sentence.silence);
        let mut samples = vec![0.0; silence];
        samples.extend(spoken);
        self.samples += samples.len() as u64;
        let end_s = self.seconds(self.samples);
        let ends_sentence = sentence.rendering.is_done();
        let begun = sentence
            .marks
            .iter()
            .take_while(|mark| ends_sentence || mark.start_s < end_s)
            .count();
        let chunk = SpeechChunk {
            audio: Audio::mono(samples, self.rate_hz()),
            marks: sentence.marks.drain(..begun).collect(),
            sentence: sentence.number,
            ends_sentence,
            span: sentence.span.clone(),
        };
        if !ends_sentence {
            self.current = Some(sentence);
        }
        Ok(Some(chunk))
    }

    /// Begins to render the next sentence.
    fn begin(&mut self, planned: Planned) -> Result<Sentence> {
        let Planned {
            number,
            utterance,
            voice,
            plan,
        } = planned;
        let (model, settings) = (self.engine.model(), &self.settings);
        let pitch = settings.pitch_semitones + utterance.prosody.pitch_semitones;
        let gain_db = voice.info().gain_db + settings.volume_db + utterance.prosody.volume_db;
        // The noise of a sentence is addressed by its number too.
        let seed = settings.seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let rendering = Rendering::new(model, &voice, &plan, pitch, gain_db, seed)?;

        let silence = self.pause;
        let rate_hz = f64::from(self.rate_hz());
        let start_s = self.seconds(self.samples + silence as u64);
        let marks = plan.marks(&utterance, start_s, model.unit_samples() as f64 / rate_hz);
        let pause_s = f64::from(utterance.pause_after_ms) / 1e3 / f64::from(settings.speed);
        self.pause = (pause_s * rate_hz).round() as usize;
        Ok(Sentence {
            number,
            span: utterance.span,
            silence,
            rendering,
            marks: marks.into(),
        })
    }

    /// Units of the longest piece.
    fn longest_piece(&self) -> usize {
        let samples = u64::from(self.settings.chunk_ms) * u64::from(self.rate_hz()) / 1000;
        (samples as usize / self.engine.model().unit_samples()).max(1)
    }

    fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.rate_hz())
    }
}

impl Iterator for SpeechStream {
    type Item = Result<SpeechChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let piece = self.piece().transpose();
        self.finished = !matches!(piece, Some(Ok(_)));
        piece
    }
}

impl std::iter::FusedIterator for SpeechStream {}
