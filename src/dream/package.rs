//! The files of a model of raw audio.

use std::path::Path;

use serde::Deserialize;
use syrinx_models::diffwave::{self, DiffWave};
use syrinx_models::sashimi::{self, Quantisation, Sashimi, Tensors};

use super::Network;
use crate::{Error, Result};

const SASHIMI: &str = "syrinx-sashimi";
const DIFFWAVE: &str = "syrinx-diffwave";
const VERSION: u32 = 1;
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
}

/// Loads a folder, or a bare checkpoint with what is usual for it.
pub(super) fn load(path: &Path, quantisation: Option<Quantisation>) -> Result<Network> {
    if path.is_dir() {
        return folder(path);
    }
    let tensors = Tensors::open(path)?;
    if tensors.names().any(|name| name.starts_with("init_conv.")) {
        let conditional = tensors.names().any(|name| name.contains(".mel_conv."));
        let config = match conditional {
            true => diffwave::Config::vocoder(),
            false => diffwave::Config::unconditional(),
        };
        return Ok(Network::DiffWave(Box::new(DiffWave::load(
            &tensors, config,
        )?)));
    }
    let mut config = sashimi::Config::default();
    config.quantisation = quantisation.unwrap_or(config.quantisation);
    Ok(Network::Sashimi(Box::new(Sashimi::load(&tensors, config)?)))
}

fn folder(path: &Path) -> Result<Network> {
    let file = path.join(CONFIG);
    let fault = |text: String| Error::Config(format!("{}: {text}", file.display()));
    let text = std::fs::read(&file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Config(format!(
            "{}: there is no {CONFIG} in it; the folder of a model holds {CONFIG} and {WEIGHTS}",
            path.display()
        )),
        _ => Error::io(&file)(source),
    })?;
    fn json<'a, T: Deserialize<'a>>(text: &'a [u8]) -> std::result::Result<T, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
    let Format { format, version } = json(&text).map_err(fault)?;
    if ![SASHIMI, DIFFWAVE].contains(&format.as_str()) {
        return Err(fault(format!(
            "the format is {format:?}, expected {SASHIMI:?} or {DIFFWAVE:?}: the folder of another kind of model?"
        )));
    }
    if version != VERSION {
        return Err(fault(format!(
            "version {version} of the format; this program reads version {VERSION}: update the older of the two"
        )));
    }
    if format == DIFFWAVE {
        let config = json(&text).map_err(fault)?;
        let tensors = Tensors::open(path.join(WEIGHTS))?;
        return Ok(Network::DiffWave(Box::new(DiffWave::load(
            &tensors, config,
        )?)));
    }
    let config = json(&text).map_err(fault)?;
    let tensors = Tensors::open(path.join(WEIGHTS))?;
    Ok(Network::Sashimi(Box::new(Sashimi::load(&tensors, config)?)))
}
