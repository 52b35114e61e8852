//! The networks that speak: one model and the vocoder made for it.

use std::sync::Arc;

use candle_core::Device;
use serde::Deserialize;
use syrinx_models::aligner::{Aligner, AlignerConfig};
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
    /// Durations of recordings whose text is known; packages made before there was one have none.
    pub aligner: Option<Arc<Aligner>>,
}

/// `config.json`, once its format is known to be ours.
#[derive(Deserialize)]
struct Config {
    acoustic: megatts2::Config,
    vocoder: HarmonicNoiseConfig,
    aligner: Option<AlignerConfig>,
}

impl Model {
    /// Loads the networks, all at a time.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Weights`], naming the file.
    pub fn load(package: &Package, device: &Device) -> Result<Self> {
        let config = Config::read(package)?;
        let Config {
            acoustic,
            vocoder,
            aligner,
        } = &config;
        // Half of the time goes into unpacking the acoustic part: the rest is done beside it.
        std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let plm = ProsodyLm::load(acoustic, &package.checkpoint("plm.safetensors")?)?;
                let adm = DurationModel::load(acoustic, &package.checkpoint("adm.safetensors")?)?;
                let vocoder = load_vocoder(package, vocoder, device)?;
                Ok::<_, Error>((plm, adm, vocoder, load_aligner(package, aligner.as_ref())?))
            });
            let acoustic = Acoustic::load(
                acoustic,
                &package.checkpoint("acoustic.safetensors")?,
                device,
            );
            let others = others
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let (acoustic, (plm, adm, vocoder, aligner)) = (acoustic?, others?);
            let networks = MegaTts2 {
                acoustic: Arc::new(acoustic),
                plm: Arc::new(plm),
                adm: Arc::new(adm),
            };
            Ok(Self {
                networks,
                vocoder: Arc::new(vocoder),
                aligner: aligner.map(Arc::new),
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
        package.check_format(NAME, FORMAT, VERSION, "another program's file?")?;
        let config: Self = package.json(NAME)?;
        let (acoustic, vocoder) = (&config.acoustic, &config.vocoder);
        if let Some(aligner) = &config.aligner {
            let (own, models) = (
                (aligner.symbols, aligner.bands, Aligner::FRAMES_PER_UNIT),
                (acoustic.symbols, acoustic.bands, acoustic.frames_per_unit),
            );
            if own != models {
                return Err(fault(format!(
                    "an aligner of (symbols, mel bands, frames per unit) = {own:?} for a model of {models:?}: use two \
                     made for each other"
                )));
            }
        }
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

/// The aligner, if the configuration has one; small enough for the CPU wherever the others compute.
fn load_aligner(package: &Package, config: Option<&AlignerConfig>) -> Result<Option<Aligner>> {
    let Some(config) = config else {
        return Ok(None);
    };
    let checkpoint = package.checkpoint("aligner.safetensors")?;
    Ok(Some(Aligner::load(config, &checkpoint, &Device::Cpu)?))
}

/// The vocoder of a package, from `vocoder.safetensors`.
///
/// # Errors
/// [`Error::Config`] or [`Error::Weights`], naming the file.
pub(crate) fn load_vocoder(
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
