//! The networks that speak: one model and the vocoder made for it.

use std::sync::Arc;

use candle_core::Device;
use serde::Deserialize;
use syrinx_models::megatts2::{self, Acoustic, DurationModel, MegaTts2, ProsodyLm};
use syrinx_vocoder::harmonic_noise::{HarmonicNoise, HarmonicNoiseConfig};

use super::package::Package;
use crate::text::Vocabulary;
use crate::{Error, Result};

/// The only layout of files there is so far.
const FORMAT: &str = "syrinx-starter-voice";
const VERSION: u32 = 1;

/// Networks of a text-to-speech model.
pub(crate) struct Model {
    pub networks: MegaTts2,
    pub vocoder: Arc<HarmonicNoise>,
}

/// `config.json`, once its format is known to be ours.
#[derive(Deserialize)]
struct Config {
    acoustic: megatts2::Config,
    vocoder: HarmonicNoiseConfig,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
}

impl Model {
    /// Loads the networks, all at a time.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Weights`], naming the file.
    pub fn load(package: &Package, device: &Device) -> Result<Self> {
        let config = Config::read(package)?;
        let Config { acoustic, vocoder } = &config;
        // Half of the time goes into unpacking the acoustic part: the rest is done beside it.
        std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let plm = ProsodyLm::load(acoustic, &package.checkpoint("plm.safetensors")?)?;
                let adm = DurationModel::load(acoustic, &package.checkpoint("adm.safetensors")?)?;
                Ok::<_, Error>((plm, adm, load_vocoder(package, vocoder, device)?))
            });
            let acoustic = Acoustic::load(
                acoustic,
                &package.checkpoint("acoustic.safetensors")?,
                device,
            );
            let others = others
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let (acoustic, (plm, adm, vocoder)) = (acoustic?, others?);
            let networks = MegaTts2 {
                acoustic: Arc::new(acoustic),
                plm: Arc::new(plm),
                adm: Arc::new(adm),
            };
            Ok(Self {
                networks,
                vocoder: Arc::new(vocoder),
            })
        })
    }

    /// Sample rate of the speech, Hz.
    pub fn rate_hz(&self) -> u32 {
        self.vocoder.mel().rate_hz
    }

    /// Samples per unit of duration.
    pub fn unit_samples(&self) -> usize {
        self.vocoder.mel().hop * self.networks.config().frames_per_unit
    }
}

impl Config {
    fn read(package: &Package) -> Result<Self> {
        const NAME: &str = "config.json";
        let fault =
            |text: String| Error::Config(format!("{}: {text}", package.path(NAME).display()));
        let Format { format, version } = package.json(NAME)?;
        if format != FORMAT {
            return Err(fault(format!(
                "the format is {format:?}, expected {FORMAT:?}: another program's file?"
            )));
        }
        if version != VERSION {
            return Err(fault(format!(
                "version {version} of the format; this program reads version {VERSION}: update the older of the two"
            )));
        }
        let config: Self = package.json(NAME)?;
        let (acoustic, vocoder) = (&config.acoustic, &config.vocoder);
        if acoustic.bands != vocoder.mel.bands {
            return Err(fault(format!(
                "the model predicts {} mel bands, the vocoder takes {}: use two made for each other",
                acoustic.bands, vocoder.mel.bands
            )));
        }
        if !acoustic.decoder.pitch_heads {
            return Err(fault(
                "the model predicts no F0, which its vocoder needs: set decoder.pitch_heads".into(),
            ));
        }
        let rows = Vocabulary::english().rows();
        if acoustic.symbols < rows {
            return Err(fault(format!(
                "a table of {} symbols; the text front end uses {rows}",
                acoustic.symbols
            )));
        }
        Ok(config)
    }
}

fn load_vocoder(
    package: &Package,
    config: &HarmonicNoiseConfig,
    device: &Device,
) -> Result<HarmonicNoise> {
    config.validate()?;
    let checkpoint = package.checkpoint("vocoder.safetensors")?;
    // The builder's own error says more than what the vocoder makes of it.
    let mut fault = None;
    let built = checkpoint.build(device, |vb| {
        HarmonicNoise::load(config.clone(), vb).map_err(|error| {
            let text = candle_core::Error::msg(&error);
            fault = Some(error);
            text
        })
    });
    built.map_err(|error| match (error, fault) {
        (syrinx_models::Error::Compute(_), Some(fault)) => Error::from(fault),
        (error, _) => Error::from(error),
    })
}
