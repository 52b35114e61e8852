//! Parts that the models share. Names of weights and arithmetic are those of `training/blocks.py`.

mod attention;
mod causal;
mod cross_attention;
mod fft_block;
mod kv_cache;
mod quantizer;
mod rms_norm;
mod rotary;
pub(crate) mod step;

pub use attention::SelfAttention;
pub use causal::{CausalBlock, CausalStack};
pub use cross_attention::{CrossAttention, ProjectedKeys};
pub use fft_block::FftBlock;
pub use kv_cache::KvCache;
pub use quantizer::VectorQuantizer;
pub use rms_norm::RmsNorm;
pub use rotary::Rotary;
pub use step::Scratch;
pub use syrinx_vocoder::conv_block::ConvBlock;
