//! Speech as it is made.

use std::io::BufRead;
use std::ops::Range;

use super::{Mark, Speech, SpeechRequest};
use crate::audio::{Audio, Spec};
use crate::{Error, Result};

/// A piece of speech, in order and without gaps.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SpeechChunk {
    /// The samples, mono.
    pub audio: Audio,
    /// What begins to be heard in this piece.
    pub marks: Vec<Mark>,
    /// Number of the sentence it belongs to, from 0.
    pub sentence: usize,
    /// Whether the sentence ends with it.
    pub ends_sentence: bool,
    /// Bytes of the source text the sentence accounts for.
    pub span: Range<usize>,
}

/// Iterator over the pieces of a spoken text; an error ends it.
pub struct SpeechStream {
    rate_hz: u32,
    error: Option<Error>,
}

impl SpeechStream {
    pub(super) fn text(request: &SpeechRequest, _text: String) -> Result<Self> {
        Ok(Self {
            rate_hz: request.engine().rate_hz(),
            error: Some(unsupported()),
        })
    }

    pub(super) fn lines(request: &SpeechRequest, _reader: Box<dyn BufRead + Send>) -> Result<Self> {
        Ok(Self {
            rate_hz: request.engine().rate_hz(),
            error: Some(unsupported()),
        })
    }

    /// Sample rate, Hz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Takes everything there is to come.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn collect_speech(self) -> Result<Speech> {
        let mut audio = Audio::silence(0, Spec::mono(self.rate_hz));
        let (mut marks, mut sentences) = (Vec::new(), 0);
        for chunk in self {
            let chunk = chunk?;
            audio.append(&chunk.audio)?;
            marks.extend(chunk.marks);
            sentences = chunk.sentence + 1;
        }
        Ok(Speech {
            audio,
            marks,
            sentences,
        })
    }
}

fn unsupported() -> Error {
    Error::Config("the networks of this build are not connected to the text yet".into())
}

impl Iterator for SpeechStream {
    type Item = Result<SpeechChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        self.error.take().map(Err)
    }
}
