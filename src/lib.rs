//! Syrinx, an audio generation engine.

mod error;

pub use error::{Error, Result};
