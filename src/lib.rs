//! Syrinx, an audio generation engine.

pub mod audio;
mod engine;
mod error;
mod speech;
pub mod text;
mod voice;

pub use audio::Audio;
pub use engine::{DeviceChoice, Engine, EngineBuilder};
pub use error::{Error, Result};
pub use speech::{Mark, MarkKind, Speech, SpeechChunk, SpeechRequest, SpeechStream};
pub use voice::{Accent, Sex, Voice, VoiceInfo};
