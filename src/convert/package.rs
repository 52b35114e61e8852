//! The files of a voice conversion model.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use serde::Deserialize;
use syrinx_models::stablevc::{Config, StableVc};
use syrinx_vocoder::harmonic_noise::{HarmonicNoise, HarmonicNoiseConfig};

use crate::engine::{Model, Package, load_vocoder};
use crate::{Error, Result};

/// The only layout of files there is so far.
const FORMAT: &str = "syrinx-starter-convert";
const VERSION: u32 = 1;

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "stablevc.safetensors";

/// `config.json`, once its format is known to be ours.
#[derive(Deserialize)]
struct Sections {
    stablevc: Config,
    vocoder: Option<HarmonicNoiseConfig>,
}

/// Loads the network, and the vocoder if the package has one of its own; else that of `model`, whose voices it takes.
///
/// # Errors
/// [`Error::Config`] or [`Error::Weights`], naming the file.
pub(super) fn load(
    package: &Package,
    model: &Model,
    device: &Device,
) -> Result<(Arc<StableVc>, Arc<HarmonicNoise>)> {
    if let Package::Folder(folder) = package {
        check_folder(folder)?;
    }
    package.check_format(
        CONFIG,
        FORMAT,
        VERSION,
        "the folder of another kind of model?",
    )?;
    let Sections { stablevc, vocoder } = package.json(CONFIG)?;
    stablevc.validate()?;
    check(&stablevc, model)
        .map_err(|text| Error::Config(format!("{}: {text}", package.path(CONFIG).display())))?;
    let network = StableVc::load(&stablevc, &package.checkpoint(WEIGHTS)?, device)?;
    let vocoder = match vocoder {
        Some(config) => Arc::new(load_vocoder(package, &config, device)?),
        None => Arc::clone(&model.vocoder),
    };
    // Both were trained on mels of the voices' front end.
    model.vocoder.mel().check(vocoder.mel())?;
    Ok((Arc::new(network), vocoder))
}

fn check_folder(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Err(Error::Config(format!(
            "{}: no such folder; give the folder that holds {CONFIG} and {WEIGHTS}",
            folder.display()
        )));
    }
    let missing = [CONFIG, WEIGHTS]
        .into_iter()
        .find(|name| !folder.join(name).is_file());
    match missing {
        None => Ok(()),
        Some(name) => Err(Error::Config(format!(
            "{}: there is no {name} in it; the folder of a conversion model holds {CONFIG} and {WEIGHTS} (and \
             vocoder.safetensors, if {CONFIG} has a section for it)",
            folder.display()
        ))),
    }
}

/// That the network takes the mels, the timbre keys and the prosody codes of the voices.
fn check(config: &Config, model: &Model) -> std::result::Result<(), String> {
    let voices = model.networks.config();
    let own = (config.bands, config.key_channels, config.style.codes);
    let theirs = (
        voices.bands,
        voices.timbre.key_channels,
        Some(voices.prosody.codes),
    );
    if own != theirs || config.style.code_frames != voices.prosody.pool {
        return Err(format!(
            "a conversion model of (mel bands, timbre keys, prosody codes) = {own:?}, {} frames a code, for voices of \
             {theirs:?}, {}: use two made for each other",
            config.style.code_frames, voices.prosody.pool
        ));
    }
    Ok(())
}
