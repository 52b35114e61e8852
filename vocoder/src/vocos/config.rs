//! Sizes of Vocos.

use serde::{Deserialize, Serialize};

use crate::mel::MelConfig;
use crate::stft::Framing;
use crate::{Error, Result};

/// Sizes and front end of a [`Vocos`](super::Vocos); names as in the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocosConfig {
    /// The mel spectrogram it takes; its transform is also the one it inverts. Centred framing is
    /// the reference's padding `center`, [`Framing::HopAligned`] its `same`.
    pub mel: MelConfig,
    /// Channels of the backbone.
    pub dim: usize,
    /// Channels inside the blocks.
    pub intermediate_dim: usize,
    /// Number of blocks.
    pub num_layers: usize,
}

impl VocosConfig {
    /// `charactr/vocos-mel-24khz`, 13.5 M parameters.
    pub fn mel_24k() -> Self {
        Self {
            mel: MelConfig::vocos_24k(),
            dim: 512,
            intermediate_dim: 1536,
            num_layers: 8,
        }
    }

    /// Checks that the sizes are possible and the front end can be inverted.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.mel.validate()?;
        if self.dim == 0 || self.intermediate_dim == 0 {
            return Err(Error::Config(format!(
                "Vocos needs channels, got dim {} and intermediate_dim {}",
                self.dim, self.intermediate_dim
            )));
        }
        if self.mel.framing == Framing::Bare || !self.mel.n_fft.is_multiple_of(2) {
            return Err(Error::Config(
                "Vocos inverts padded frames of even n_fft: use framing `centred` or `hop_aligned`"
                    .into(),
            ));
        }
        Ok(())
    }
}
