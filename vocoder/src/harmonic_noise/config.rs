//! Sizes of the harmonic-plus-noise vocoder.

use serde::{Deserialize, Serialize};

use crate::mel::{Log, MelConfig};
use crate::stft::Framing;
use crate::{Error, Result};

/// Sizes and front end of a [`HarmonicNoise`](super::HarmonicNoise).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonicNoiseConfig {
    /// The mel spectrogram it takes; its STFT is also the one the filters work in.
    pub mel: MelConfig,
    /// Channels between the blocks.
    pub channels: usize,
    /// Channels inside the blocks.
    pub hidden: usize,
    /// Taps of the blocks' convolutions, odd.
    pub kernel: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Whether there is a free term `exp(lr) · e^{iφ}`.
    pub free_phase: bool,
    /// Harmonics above this frequency, Hz, are left out.
    pub max_harmonic_hz: f64,
    /// Frames that the first convolution and each block see ahead, `1 + blocks` numbers; half of their kernels without
    /// it. A stream waits for the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_ahead: Option<Vec<usize>>,
}

/// Taps of the first convolution.
pub(super) const INPUT_KERNEL: usize = 7;

impl HarmonicNoiseConfig {
    /// The starter vocoder: 2.1 M parameters.
    pub fn starter() -> Self {
        Self {
            mel: MelConfig::starter(),
            channels: 192,
            hidden: 384,
            kernel: 3,
            blocks: 5,
            free_phase: true,
            max_harmonic_hz: 11_000.0,
            look_ahead: None,
        }
    }

    /// Taps of the first convolution and of each block, with the frames that they see ahead.
    pub(super) fn reaches(&self) -> Vec<(usize, usize)> {
        let kernels = std::iter::once(INPUT_KERNEL).chain((0..self.blocks).map(|_| self.kernel));
        let ahead = |at: usize, kernel: usize| match &self.look_ahead {
            Some(frames) => frames.get(at).copied().unwrap_or_default(),
            None => kernel / 2,
        };
        kernels
            .enumerate()
            .map(|(at, kernel)| (kernel, ahead(at, kernel)))
            .collect()
    }

    /// Spectra the network predicts: `lh`, `th`, `ln`, and with a free term `lr` and `φ`.
    pub fn parts(&self) -> usize {
        if self.free_phase { 5 } else { 3 }
    }

    /// Checks that the front end can be synthesised from and the sizes are possible.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.mel.validate()?;
        if self.mel.log != Log::Ln || self.mel.power != 1 {
            return Err(Error::Config(
                "the harmonic-noise vocoder takes natural logarithms of magnitudes: use log `ln` and power 1".into(),
            ));
        }
        if self.mel.framing != Framing::CentredDropLast {
            return Err(Error::Config(
                "the harmonic-noise vocoder makes hop samples of every frame: use framing `centred_drop_last`".into(),
            ));
        }
        if self.channels == 0 || self.hidden == 0 || self.kernel.is_multiple_of(2) {
            return Err(Error::Config(format!(
                "the harmonic-noise vocoder needs channels, hidden channels and an odd kernel, got {}, {} and {}",
                self.channels, self.hidden, self.kernel
            )));
        }
        if let Some(ahead) = &self.look_ahead {
            let fits = self.reaches().iter().all(|(kernel, ahead)| ahead < kernel);
            if ahead.len() != 1 + self.blocks || !fits {
                return Err(Error::Config(format!(
                    "look_ahead = {ahead:?}: give {} numbers, the first below {INPUT_KERNEL}, the others below {}",
                    1 + self.blocks,
                    self.kernel
                )));
            }
        }
        let nyquist = f64::from(self.mel.rate_hz) / 2.0;
        if !(self.max_harmonic_hz > 0.0 && self.max_harmonic_hz <= nyquist) {
            return Err(Error::Config(format!(
                "max_harmonic_hz must lie above 0 and not above {nyquist} Hz, got {}",
                self.max_harmonic_hz
            )));
        }
        Ok(())
    }
}
