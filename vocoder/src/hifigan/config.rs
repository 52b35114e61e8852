//! Sizes of the HiFi-GAN generators.

use serde::{Deserialize, Serialize};

use crate::mel::MelConfig;
use crate::{Error, Result};

/// The residual blocks of the paper's appendix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resblock {
    /// Each dilated convolution is followed by an undilated one (V1, V2).
    #[serde(rename = "1")]
    One,
    /// Dilated convolutions alone (V3).
    #[serde(rename = "2")]
    Two,
}

/// Sizes and front end of a [`HifiGan`](super::HifiGan); field names as in the reference's
/// `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HifiGanConfig {
    /// The mel spectrogram it takes.
    pub mel: MelConfig,
    /// Kind of residual block.
    pub resblock: Resblock,
    /// Factor of each upsampling; their product is the hop.
    pub upsample_rates: Vec<usize>,
    /// Taps of each transposed convolution.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Channels before the first upsampling; each halves them.
    pub upsample_initial_channel: usize,
    /// Taps of the residual blocks beside each other.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations inside each of them.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
}

impl HifiGanConfig {
    /// V1, 13.9 M parameters: the published LJSpeech, VCTK and UNIVERSAL generators.
    pub fn v1() -> Self {
        Self {
            mel: MelConfig::hifigan_22k(),
            resblock: Resblock::One,
            upsample_rates: vec![8, 8, 2, 2],
            upsample_kernel_sizes: vec![16, 16, 4, 4],
            upsample_initial_channel: 512,
            resblock_kernel_sizes: vec![3, 7, 11],
            resblock_dilation_sizes: vec![vec![1, 3, 5]; 3],
        }
    }

    /// V2, 0.9 M parameters: V1 with a quarter of the channels.
    pub fn v2() -> Self {
        Self {
            upsample_initial_channel: 128,
            ..Self::v1()
        }
    }

    /// V3, 1.5 M parameters: three upsamplings and lighter blocks.
    pub fn v3() -> Self {
        Self {
            resblock: Resblock::Two,
            upsample_rates: vec![8, 8, 4],
            upsample_kernel_sizes: vec![16, 16, 8],
            upsample_initial_channel: 256,
            resblock_kernel_sizes: vec![3, 5, 7],
            resblock_dilation_sizes: vec![vec![1, 2], vec![2, 6], vec![3, 12]],
            ..Self::v1()
        }
    }

    /// Reads the reference's `config.json`, which holds training settings as well.
    ///
    /// # Errors
    /// [`Error::Config`] if a field is missing or the sizes are impossible.
    pub fn from_reference_json(json: &str) -> Result<Self> {
        let reference: Reference = serde_json::from_str(json)
            .map_err(|e| Error::Config(format!("HiFi-GAN config.json: {e}")))?;
        let config = reference.into_config();
        config.validate()?;
        Ok(config)
    }

    /// Channels after `stages` upsamplings.
    pub fn channels(&self, stages: usize) -> usize {
        self.upsample_initial_channel >> stages
    }

    /// Checks that the sizes fit each other and the hop.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        self.mel.validate()?;
        let wrong = |message: String| Err(Error::Config(format!("HiFi-GAN: {message}")));
        let (rates, taps) = (&self.upsample_rates, &self.upsample_kernel_sizes);
        let hop = rates.iter().try_fold(1usize, |n, r| n.checked_mul(*r));
        if rates.is_empty() || hop != Some(self.mel.hop) {
            return wrong(format!(
                "upsample_rates {rates:?} must multiply to the hop, {}",
                self.mel.hop
            ));
        }
        let fits = |(r, k): (&usize, &usize)| k >= r && (k - r).is_multiple_of(2);
        if rates.len() != taps.len() || !rates.iter().zip(taps).all(fits) {
            return wrong(format!(
                "upsample_kernel_sizes {taps:?} must each be a rate of {rates:?} plus an even number"
            ));
        }
        if rates.len() >= usize::BITS as usize || self.channels(rates.len()) == 0 {
            return wrong(format!(
                "{} initial channels cannot be halved {} times",
                self.upsample_initial_channel,
                rates.len()
            ));
        }
        let (kernels, dilations) = (&self.resblock_kernel_sizes, &self.resblock_dilation_sizes);
        if kernels.is_empty()
            || kernels.len() != dilations.len()
            || kernels.iter().any(|k| k.is_multiple_of(2))
            || dilations.iter().any(|d| d.is_empty() || d.contains(&0))
        {
            return wrong(format!(
                "resblock_kernel_sizes {kernels:?} must be odd, with dilations for each, got {dilations:?}"
            ));
        }
        Ok(())
    }
}

/// What we need of the reference's `config.json`.
#[derive(Deserialize)]
struct Reference {
    resblock: Resblock,
    upsample_rates: Vec<usize>,
    upsample_kernel_sizes: Vec<usize>,
    upsample_initial_channel: usize,
    resblock_kernel_sizes: Vec<usize>,
    resblock_dilation_sizes: Vec<Vec<usize>>,
    num_mels: usize,
    n_fft: usize,
    hop_size: usize,
    win_size: usize,
    sampling_rate: u32,
    fmin: f64,
    fmax: Option<f64>,
}

impl Reference {
    fn into_config(self) -> HifiGanConfig {
        HifiGanConfig {
            mel: MelConfig {
                rate_hz: self.sampling_rate,
                n_fft: self.n_fft,
                win: self.win_size,
                hop: self.hop_size,
                bands: self.num_mels,
                fmin: self.fmin,
                fmax: self.fmax.unwrap_or(f64::from(self.sampling_rate) / 2.0),
                ..MelConfig::hifigan_22k()
            },
            resblock: self.resblock,
            upsample_rates: self.upsample_rates,
            upsample_kernel_sizes: self.upsample_kernel_sizes,
            upsample_initial_channel: self.upsample_initial_channel,
            resblock_kernel_sizes: self.resblock_kernel_sizes,
            resblock_dilation_sizes: self.resblock_dilation_sizes,
        }
    }
}
