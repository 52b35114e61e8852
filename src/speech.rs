//! Text to speech: requests, and what comes back.

mod level;
mod mark;
mod plan;
mod planner;
mod rendering;
mod request;
mod settings;
mod source;
mod stream;

pub(crate) use level::limited;
pub use mark::{Mark, MarkKind};
pub use request::SpeechRequest;
pub use stream::{SpeechChunk, SpeechStream};

use crate::audio::Audio;

/// A whole text, spoken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Speech {
    /// The samples, mono.
    pub audio: Audio,
    /// When each word and phone is heard, in order.
    pub marks: Vec<Mark>,
    /// Sentences, or parts of long ones, that were spoken.
    pub sentences: usize,
}
