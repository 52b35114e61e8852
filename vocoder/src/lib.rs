//! Signal ↔ spectrum ↔ wave.
//!
//! - [`stft`]: short-time Fourier transform and its inverse, offline and streaming;
//! - [`mel`]: mel spectrograms, and [`MelConfig`](mel::MelConfig), the contract between the models
//!   that predict them and the vocoders that sound them.

mod error;
mod linalg;
pub mod mel;
pub mod stft;

pub use error::{Error, Result};
