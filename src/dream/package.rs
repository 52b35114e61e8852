//! The files of a model of raw audio.

use std::path::Path;

use serde::Deserialize;
use syrinx_models::diffwave::{self, DiffWave};
use syrinx_models::sashimi::{self, Quantisation, Sashimi, Tensors};

use super::Network;
use super::defaults::DreamDefaults;
use crate::engine::Package;
use crate::{Error, Result};

const SASHIMI: &str = "syrinx-sashimi";
const DIFFWAVE: &str = "syrinx-diffwave";
const VERSION: u32 = 1;
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

/// What a configuration has beside the network's own settings.
#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    format: String,
    #[serde(default)]
    defaults: DreamDefaults,
}

/// Loads a folder, or a bare checkpoint with what is usual for it.
pub(super) fn load(
    path: &Path,
    quantisation: Option<Quantisation>,
) -> Result<(Network, DreamDefaults)> {
    if path.is_dir() {
        if !path.join(CONFIG).exists() {
            return Err(Error::Config(format!(
                "{}: there is no {CONFIG} in it; the folder of a model holds {CONFIG} and {WEIGHTS}",
                path.display()
            )));
        }
        return packaged(&Package::Folder(path.to_owned()), || {
            Ok(Tensors::open(path.join(WEIGHTS))?)
        });
    }
    let tensors = Tensors::open(path)?;
    let defaults = DreamDefaults::default();
    if tensors.names().any(|name| name.starts_with("init_conv.")) {
        let conditional = tensors.names().any(|name| name.contains(".mel_conv."));
        let config = match conditional {
            true => diffwave::Config::vocoder(),
            false => diffwave::Config::unconditional(),
        };
        let network = Network::DiffWave(Box::new(DiffWave::load(&tensors, config)?));
        return Ok((network, defaults));
    }
    let mut config = sashimi::Config::default();
    config.quantisation = quantisation.unwrap_or(config.quantisation);
    let network = Network::Sashimi(Box::new(Sashimi::load(&tensors, config)?));
    Ok((network, defaults))
}

/// Loads the model `name` of those that are part of the program.
pub(super) fn embedded(name: &str) -> Result<(Network, DreamDefaults)> {
    let models = syrinx_weights::STARTER_DREAM;
    let Some((_, files)) = models.iter().find(|(model, _)| *model == name) else {
        let names: Vec<&str> = models.iter().map(|(name, _)| *name).collect();
        return Err(Error::Config(match names.is_empty() {
            true => format!("{name}: {NO_MODEL}"),
            false => format!("{name}: the embedded models are {}", names.join(" and ")),
        }));
    };
    let package = Package::Embedded(files);
    packaged(&package, || {
        let path = format!("embedded {name}/{WEIGHTS}");
        Ok(Tensors::from_bytes(path, &package.read(WEIGHTS)?)?)
    })
}

/// What a build says that has no models of its own.
const NO_MODEL: &str = "this build embeds no model of raw audio: build it with the feature `starter-dream` (the default)";

/// A network and the settings its `config.json` recommends, once that is known to be ours.
fn packaged(
    package: &Package,
    weights: impl FnOnce() -> Result<Tensors>,
) -> Result<(Network, DreamDefaults)> {
    let Sections { format, defaults } = package.json(CONFIG)?;
    let format = if format == DIFFWAVE {
        DIFFWAVE
    } else {
        SASHIMI
    };
    let hint = format!("or {DIFFWAVE:?}: the folder of another kind of model?");
    package.check_format(CONFIG, format, VERSION, &hint)?;
    defaults
        .check()
        .map_err(|text| Error::Config(format!("{}: {text}", package.path(CONFIG).display())))?;
    let network = if format == DIFFWAVE {
        let config = package.json(CONFIG)?;
        Network::DiffWave(Box::new(DiffWave::load(&weights()?, config)?))
    } else {
        let config = package.json(CONFIG)?;
        Network::Sashimi(Box::new(Sashimi::load(&weights()?, config)?))
    };
    Ok((network, defaults))
}
