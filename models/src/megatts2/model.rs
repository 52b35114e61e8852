//! The whole model.

use std::sync::Arc;

use candle_core::Device;

use super::{Acoustic, Config, DurationModel, ProsodyLm};
use crate::{Checkpoint, Result};

/// A whole Mega-TTS 2 model; cloning shares the weights.
#[derive(Debug, Clone)]
pub struct MegaTts2 {
    /// Content, timbre, prosody codes and decoder.
    pub acoustic: Arc<Acoustic>,
    /// Prosody language model.
    pub plm: Arc<ProsodyLm>,
    /// Duration model.
    pub adm: Arc<DurationModel>,
}

impl MegaTts2 {
    /// Loads the three parts, each from a checkpoint of its own.
    ///
    /// The acoustic part computes on `device`; the two autoregressive parts always on the CPU, where single steps
    /// of networks of this size are fastest.
    ///
    /// # Errors
    /// [`crate::Error::Config`] or [`crate::Error::Weights`].
    pub fn load(
        config: &Config,
        acoustic: &Checkpoint,
        plm: &Checkpoint,
        adm: &Checkpoint,
        device: &Device,
    ) -> Result<Self> {
        Ok(Self {
            acoustic: Arc::new(Acoustic::load(config, acoustic, device)?),
            plm: Arc::new(ProsodyLm::load(config, plm)?),
            adm: Arc::new(DurationModel::load(config, adm)?),
        })
    }

    /// Sizes of the networks.
    pub fn config(&self) -> &Config {
        self.acoustic.config()
    }
}
