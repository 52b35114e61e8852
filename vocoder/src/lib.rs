//! Signal ↔ spectrum ↔ wave.
//!
//! - [`kernel`]: convolutions, activations and norms, fast on a CPU, and layers built of them;
//! - [`stft`]: short-time Fourier transform and its inverse, offline and streaming;
//! - [`mel`]: mel spectrograms, and [`MelConfig`](mel::MelConfig), the contract between the models
//!   that predict them and the vocoders that sound them.

mod error;
pub mod kernel;
mod linalg;
pub mod mel;
pub mod stft;

pub use error::{Error, Result};
