//! Mega-TTS 2: text to speech in any voice, from prompts of any length.
//!
//! Jiang et al., *Mega-TTS 2: Boosting Prompting Mechanisms for Zero-Shot Speech Synthesis*, ICLR 2024
//! (arXiv 2307.07218v4): section 3.1 the decomposition, 3.2 the autoencoder ([`Acoustic`]),
//! 3.3 the language model of prosody ([`ProsodyLm`]), the durations ([`DurationModel`]) and the
//! interpolation of prosody between speakers ([`ProsodyMix`], equation 3).
//!
//! What is said, who says it and how it is said are held apart by bottlenecks:
//!
//! ```text
//! symbols [N] ──► ContentEncoder ──► content [N, C] ─────────────┬──► DurationModel ──► units [N]
//!                                        │ queries               │ repeat by units, max-pool by r
//! references                             ▼                       ▼
//! [bands, T] ..──► TimbreEncoder ──► attention        [ceil(U / r), C] ──► ProsodyLm ──► codes
//!                  keys [M, K]           │                                            [ceil(U / r)]
//!                    │ mean              │ repeat by units                                  │
//!                    │ [K]               ▼                                   codebook, repeat r times
//!                    │             [U, C] ⊕ position [U, 3] ⊕ prosody [U, D] ◄──────────────┘
//!                    │                   │
//!                    └── FiLM ──────► Decoder ──► mel [bands, T], F0 [T], voicing [T]
//!
//! For prompts and training: mel [bands, T] ──► ProsodyEncoder ──► codes [ceil(T / pool)]
//! ```
//!
//! N symbols, U = Σ units, T = frames_per_unit · U frames, r = pool / frames_per_unit.
//!
//! Deviations from the paper, each by [`Config`] where the sizes differ: the mean timbre key
//! modulates the decoder (the global encoder of the paper's first version); the decoder also
//! predicts F0 and voicing, for a vocoder with a harmonic source; its trunk runs at the rate of
//! duration units (two frames in the starter); position inside the symbol is a feature of the
//! decoder; positions in all transformers are rotary; convolutional stacks are residual blocks of
//! one widening and one pointwise convolution; references are encoded one by one and their keys
//! joined, so that their order does not matter.

mod acoustic;
mod adm;
mod config;
mod content;
mod decoder;
mod durations;
mod interpolation;
mod model;
mod plm;
mod prosody;
mod stream;
mod timbre;
mod voice;
mod window;

pub use acoustic::{Acoustic, AcousticFrames, Timbre};
pub use adm::{DurationModel, DurationSession};
pub use config::{
    AdmConfig, Config, ContentConfig, DecoderConfig, PlmConfig, ProsodyConfig, TimbreConfig,
};
pub use durations::{Expansion, expand, pool_content, scale_units};
pub use interpolation::{DurationMix, ProsodyMix};
pub use model::MegaTts2;
pub use plm::{ProsodyLm, ProsodySession};
pub use stream::DecodeStream;
pub use voice::{Prompt, Voice};
