//! A voice to convert to.

use std::sync::Arc;

use candle_core::Tensor;

use super::Config;
use super::causal_block::Film;
use super::dual_attention::BlockKeys;

/// A target voice, with everything computed that depends on it alone: keys and values of both attentions in every block
/// (section "DualAGC"), modulation of the frame part. Made by [`super::StableVc::target`]; cheap to clone.
#[derive(Debug, Clone)]
pub struct Target {
    pub(super) parts: Arc<Parts>,
}

/// What [`Target`] shares.
#[derive(Debug)]
pub(super) struct Parts {
    pub config: Config,
    pub speaker: Tensor,
    /// ln Hz
    pub register: f64,
    pub module: Vec<BlockKeys>,
    pub flow: Vec<BlockKeys>,
    pub films: Vec<Film>,
}

impl Target {
    /// The speaker's embedding, `[V]`.
    pub fn speaker(&self) -> &Tensor {
        &self.parts.speaker
    }

    /// The register: the median F0 of the voice in Hz.
    pub fn register_hz(&self) -> f64 {
        self.parts.register.exp()
    }
}
