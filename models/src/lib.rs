//! The networks of Syrinx: what predicts, between the text and the vocoder.
//!
//! * [`megatts2`]: text to speech in any voice, after Mega-TTS 2.
//! * [`aligner`]: durations of the symbols of a recording, from its text.
//! * [`diffwave`]: whole waves from noise, after DiffWave with the backbone of SaShiMi.
//! * [`sashimi`]: raw waveforms sample by sample, after SaShiMi.
//! * [`stablevc`]: any voice to any other, after StableVC.
//! * [`nn`]: the parts the models share: attention, caches, norms, quantisers.
//! * [`sampling`]: drawing from distributions, addressed by (seed, position).
//! * [`Checkpoint`]: weights from safetensors bytes, with errors that name the tensor at fault.
//!
//! This crate holds code and configurations, never weights: those are in `weights/`, in a folder of
//! the user's, or in a model hub's cache. Every model follows one recipe: a serde `Config` with
//! named presets, a module built from it and a [`Checkpoint`], and, where something is remembered
//! from call to call, a session that owns it. Modules are immutable and `Send + Sync`, so that any
//! number of sessions share them behind an [`std::sync::Arc`].
//!
//! Shapes are written in brackets, batch first where there is a batch: `[B, C, T]`.

pub mod aligner;
mod checkpoint;
pub mod diffwave;
mod error;
pub mod megatts2;
pub mod nn;
pub mod sampling;
pub mod sashimi;
pub mod stablevc;

pub use checkpoint::Checkpoint;
pub use error::{Error, Result};
