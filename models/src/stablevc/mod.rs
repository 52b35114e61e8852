//! StableVC: any voice to any other, live or from a file.
//!
//! Yao et al., *StableVC: Style Controllable Zero-Shot Voice Conversion with Conditional Flow Matching*, AAAI 2025
//! (arXiv 2412.04724). What is said, who says it and how it is said are taken apart and put together anew:
//!
//! ```text
//! source mel [bands, T] ──► ContentExtractor ──► features [U, F] (or their clusters) ──► content module ──► hidden [U, C]
//!                                                                                         ▲                  │
//! target's references ──► timbre keys [M, K] ──► SpeakerEncoder ──► speaker [V] ──┐       │                  ▼
//!                              └──────────────────────────────────────────────────┼─► Target ──► FramePart ──► h [T, C], mean [T, bands]
//! style clip ──► prosody codes [L] ──► StyleEncoder ──► style [S, C] ─────────────┘       │       ▲          │
//!                                                                     pitch, envelope [T] ┼───────┘          ▼
//!                                                                                         └────► FlowModule × steps  ──► mel [bands, T]
//! ```
//!
//! U = T / frames_per_unit units. Timbre keys and prosody codes are those of [`crate::megatts2`], or what a checkpoint
//! was trained with; the vocoder is in `syrinx_vocoder`.
//!
//! [`StableVc`] holds the weights, [`Target`] everything that depends on a voice alone (keys and values of both attentions
//! of every block), [`Conversion`] the state of one signal. Convolutions are causal and self-attention sees its own chunk
//! and a bounded past, so that a signal in chunks comes out as it does whole; the only look-ahead is the content
//! extractor's. Noise is addressed by (seed, frame, band).
//!
//! Deviations from the paper, each by [`Config`]: the content extractor is a small phone-posterior network with bounded
//! look-ahead ([`PhoneEncoder`]) instead of WavLM; timbre keys are encoded instead of raw mels; the speaker's embedding
//! is made of those keys; a style's mean over time, which would tell who speaks, is taken away; F0, voicing, register, and level and coarse spectral shape of the source are explicit conditions of a small frame part; it predicts a mean
//! of the mel, and the flow module what the field of a Gaussian around it lacks, so that few steps do. By [`Settings`]:
//! guidance, other grids and a second-order solver beside the paper's ten Euler steps. Converting keeps the timing of the
//! source and passes the duration module by; [`StableVc::retime`] is the paper's way.

mod attention;
mod block;
mod causal_block;
mod config;
mod content;
mod conversion;
mod dual_attention;
mod envelope;
mod flow;
mod frame_part;
mod kmeans;
mod level;
mod model;
mod offline;
mod phone_encoder;
mod pointwise;
mod renderer;
mod retime;
mod settings;
mod solver;
mod speaker;
mod style;
mod tail;
mod target;

pub use config::{
    Config, ContentConfig, EncoderConfig, FlowConfig, FrameConfig, ModuleConfig, ShapeConfig,
    SpeakerConfig, StyleConfig,
};
pub use content::{ContentExtractor, ContentStream, LookAhead};
pub use conversion::Conversion;
pub use frame_part::Condition;
pub use kmeans::{KMeans, dedup};
pub use model::StableVc;
pub use offline::Chunks;
pub use phone_encoder::PhoneEncoder;
pub use retime::{Durations, Timing};
pub use settings::{ContentKind, Grid, Settings, Solver};
pub use target::Target;
