//! Syrinx, an audio generation engine.

pub mod audio;
mod error;

pub use error::{Error, Result};
