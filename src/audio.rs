//! Audio in and out: files, pipes, sound cards, and the arithmetic between them.
//!
//! | to do | with |
//! |---|---|
//! | read a file, bytes or a pipe, whole or in blocks | [`Decoder`] |
//! | read samples without a header | [`RawReader`] |
//! | hold and measure samples | [`Audio`] |
//! | change the rate, whole or as a stream | [`Audio::resample`], [`Resampler`] |
//! | measure and set loudness | [`Loudness`], [`normalise`] |
//! | write a file (atomically), a pipe, raw PCM | [`Writer`] |
//! | play through a sound card | `playback::Player` |
//!
//! Samples are `f32` in `-1.0..=1.0`, one plane per channel, everywhere in the engine.
//!
//! ```
//! use syrinx::audio::{Audio, Decoder, OutputFormat, Writer, WriterOptions};
//! # fn main() -> syrinx::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("tone.flac");
//! let tone = (0..24_000).map(|t| 0.5 * (t as f32 * 0.1).sin()).collect();
//! let tone = Audio::mono(tone, 24_000);
//!
//! let format = OutputFormat::from_path(&path)?;
//! let mut writer = Writer::create(&path, tone.spec(), format, WriterOptions::default())?;
//! writer.write(&tone)?;
//! writer.finish()?;
//!
//! let decoded = Decoder::open(&path)?.read_all()?;
//! assert_eq!(decoded.audio.frames(), tone.frames());
//! # Ok(())
//! # }
//! ```

mod buffer;
mod codec;
mod decode;
mod destination;
mod flac;
mod flaw;
mod format;
mod loudness;
#[cfg(feature = "playback")]
pub mod playback;
mod probe;
mod quantise;
mod raw;
mod recording;
mod resample;
mod wav;
mod writer;

pub use buffer::{Audio, Spec};
pub use decode::{Decoded, Decoder};
pub use flaw::Flaw;
pub use format::{Container, OutputFormat, SampleFormat};
pub use loudness::{Gain, Loudness, normalise};
pub use quantise::Clipping;
pub use raw::RawReader;
pub use recording::Recording;
pub use resample::Resampler;
pub use writer::{Sink, Writer, WriterOptions, Written};
