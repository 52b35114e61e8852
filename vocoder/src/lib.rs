//! Signal ↔ spectrum ↔ wave.
//!
//! - [`stft`]: short-time Fourier transform and its inverse, offline and streaming;
//! - [`mel`]: mel spectrograms, and [`MelConfig`](mel::MelConfig), the contract between the models
//!   that predict them and the vocoders that sound them;
//! - [`pitch`]: the fundamental frequency of speech, offline and streaming;
//! - [`harmonic_noise`]: the starter vocoder, mel and F0 to wave;
//! - [`hifigan`]: HiFi-GAN V1, V2 and V3, with the published weights;
//! - [`vocos`]: Vocos, an inverse STFT behind a ConvNeXt backbone;
//! - [`griffin_lim`]: phases by iteration, without a network;
//! - [`stream`]: the interface that everything that moves audio shares;
//! - [`noise`]: noise addressed by position, so that chunking never changes a result;
//! - [`conv_block`]: the residual block that the starter networks are made of;
//! - [`checkpoint`]: safetensors and torch files, and what is wrong with them;
//! - [`kernel`]: convolutions, activations and norms, fast on a CPU, and layers built of them.
//!
//! A wave to mel frames and back, without a network:
//!
//! ```
//! use syrinx_vocoder::{griffin_lim::MelGriffinLim, mel::{Mel, MelConfig}};
//!
//! # fn main() -> syrinx_vocoder::Result<()> {
//! let wave: Vec<f32> = (0..6000).map(|i| (i as f32 * 0.06).sin()).collect();
//! let mel = Mel::new(MelConfig::starter())?.extract(&wave);
//! assert_eq!(mel.len(), 6000 / 300 * 100);
//! let again = MelGriffinLim::new(MelConfig::starter())?.synthesise(&mel)?;
//! assert_eq!(again.len(), wave.len());
//! # Ok(())
//! # }
//! ```

pub mod checkpoint;
pub mod conv_block;
mod elementary;
mod error;
pub mod griffin_lim;
pub mod harmonic_noise;
pub mod hifigan;
pub mod kernel;
pub mod linalg;
pub mod mel;
pub mod noise;
pub mod pitch;
pub mod stft;
pub mod stream;
pub mod vocos;

pub use error::{Error, Result};
