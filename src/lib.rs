//! Syrinx, an audio generation engine: text to speech, offline, on a CPU.
//!
//! ```
//! # #[cfg(not(feature = "starter-voice"))]
//! # fn main() {}
//! # #[cfg(feature = "starter-voice")]
//! # fn main() -> syrinx::Result<()> {
//! use syrinx::Engine;
//!
//! let engine = Engine::new()?;
//! let voice = engine.voice(&engine.voices()[0].name)?;
//! let request = engine.speech(&voice).speed(1.1).seed(7);
//!
//! // A whole text at once,
//! let speech = request.say("Hello there.")?;
//! assert_eq!(speech.audio.rate_hz(), engine.rate_hz());
//! assert_eq!(speech.marks.iter().filter(|mark| mark.kind == syrinx::MarkKind::Word).count(), 2);
//!
//! // or piece by piece, as it is made: the same samples.
//! let mut samples = 0;
//! for chunk in request.stream("Hello there.")? {
//!     samples += chunk?.audio.frames();
//! }
//! assert_eq!(samples, speech.audio.frames());
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | load networks and voices | [`Engine`], [`EngineBuilder`] |
//! | speak in a voice of your own | [`Engine::voice_from_clips`], [`VoiceBuilder`], [`VoiceLibrary`] |
//! | say something | [`SpeechRequest`], which gives [`Speech`] or a [`SpeechStream`] |
//! | know when which word is heard | [`Mark`] |
//! | make recorded or live speech that of another voice | [`ConversionRequest`], [`ConversionStream`] |
//! | let a model of raw audio make a sound up | [`WaveModel`], [`DreamRequest`], which give a [`Dream`] |
//! | read and write sound | [`audio`] |
//! | turn text into phonemes only | [`text`] |
//!
//! A recording of a second or more makes a voice, and another one can lend its prosody:
//!
//! ```
//! # #[cfg(not(feature = "starter-voice"))]
//! # fn main() {}
//! # #[cfg(feature = "starter-voice")]
//! # fn main() -> syrinx::Result<()> {
//! # use syrinx::Engine;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("me.syrinx");
//! # let engine = Engine::new()?;
//! # let recording = engine.speech(&engine.voice("rook")?).say("This stands for a recording of mine.")?.audio;
//! // Files work too: `engine.voice_from_clips(["a.wav", "b.flac"])`.
//! let voice = engine.voice_from_clips([recording])?;
//! voice.save(&path, false)?;
//! let voice = engine.open_voice(&path)?;
//! let speech = engine.speech(&voice).prosody(&engine.voice("finch")?, 0.5).say("Hello there.")?;
//! # assert!(speech.audio.duration() > 0.3);
//! # Ok(())
//! # }
//! ```
//!
//! Engines, voices and requests are cheap to clone and can be shared between threads; a stream is made by whoever asks
//! it for the next piece. The same seed gives the same samples whatever the size of the pieces and the number of
//! threads. Nothing is fetched from a network: the weights are part of the program (feature `starter-voice`) or come
//! from a folder ([`EngineBuilder::weights`]).

pub mod audio;
mod convert;
mod dream;
mod engine;
mod error;
pub mod live;
mod reference;
mod speech;
pub mod text;
mod voice;

pub use audio::Audio;
pub use convert::{
    ConversionRequest, ConversionStream, ConversionTarget, Converted, Converter, Grid, LookAhead,
    Pace, Profile, Solver, SourceProfile,
};
pub use dream::{Dream, DreamChunk, DreamDefaults, DreamRequest, WaveModel, keep_likeliest};
pub use engine::{DeviceChoice, Engine, EngineBuilder};
pub use error::{Error, Result};
pub use reference::Clip;
pub use speech::{Mark, MarkKind, Speech, SpeechChunk, SpeechRequest, SpeechStream};
pub use voice::{
    Accent, Sex, StoredVoice, Voice, VoiceBuilder, VoiceInfo, VoiceLibrary, VoiceOrigin,
    VoiceSource,
};

/// The program in the README is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
