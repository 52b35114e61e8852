//! Recordings of a speaker, and what the networks make of them.
//!
//! ```text
//! Clip ─ decode, mono, 24 kHz ─► Recording ─ level, find speech, cut ─► Speech ─ mel ─┬► timbre keys [M, K]
//!                                                                                     ├► prosody codes
//!                                                                                     ├► long-term spectrum
//!                                                                                     └► what the networks make of it
//! ```
//!
//! Each clip goes this way by itself, so that their order changes nothing about the timbre.

mod cache;
mod cepstra;
mod clip;
mod digest;
mod encoding;
mod level;
mod recording;
mod resynthesis;
mod spectrum;
mod speech;
mod storage;

pub(crate) use cache::{Cache, contents};
pub use clip::Clip;

pub(crate) use cepstra::{CEPSTRA, basis};
pub(crate) use encoding::{Encoder, Piece, Reference, median_f0_hz, melody_spread, spread};
#[cfg(test)]
pub(crate) use level::speech_level_db;
pub(crate) use level::{REFERENCE_DB, level_db};
pub(crate) use resynthesis::{Likeness, Resynthesis};
pub(crate) use spectrum::{Average, BESIDE, Loudness, Spectrum, recorded_bands};
pub(crate) use storage::{read, write};

/// Seconds of speech that are used of all clips of a voice together.
pub(crate) const LONGEST_S: f64 = 600.0;

/// Seconds of speech that a voice needs.
pub(crate) const SHORTEST_S: f64 = 1.0;
