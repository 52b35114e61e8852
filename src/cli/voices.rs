//! `syrinx voices`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::json;
use syrinx::VoiceInfo;

use super::{Failure, console};

/// The file of a folder of weights that tells about the voices.
const LIST: &str = "voices.json";

/// List the voices
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As a JSON array
    #[arg(long)]
    json: bool,

    /// The voices of the weights in this folder instead of the embedded ones
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let voices = read(args.weights.as_deref())?;
    if args.json {
        let list: Vec<_> = voices
            .iter()
            .map(|voice| {
                json!({
                    "name": voice.name,
                    "sex": voice.sex,
                    "accent": voice.accent,
                    "median_f0_hz": voice.median_f0_hz,
                    "description": voice.description,
                })
            })
            .collect();
        return console::print(serde_json::Value::from(list));
    }
    let width = voices.iter().map(|voice| voice.name.chars().count()).max();
    let width = width.unwrap_or_default();
    for voice in &voices {
        console::print(format_args!(
            "{:width$}  {:6}  {:8}  {:>3.0} Hz  {}",
            voice.name, voice.sex, voice.accent, voice.median_f0_hz, voice.description
        ))?;
    }
    Ok(())
}

/// The list of the voices, without loading a network.
fn read(weights: Option<&Path>) -> Result<Vec<VoiceInfo>, Failure> {
    let (path, bytes) = match weights {
        Some(folder) => {
            let path = folder.join(LIST);
            let bytes = std::fs::read(&path)
                .map_err(|error| Failure::Usage(syrinx::Error::io(&path)(error).to_string()))?;
            (path.display().to_string(), Cow::from(bytes))
        }
        None => {
            let mut files = syrinx_weights::STARTER_VOICE.unwrap_or_default().iter();
            match files.find(|(name, _)| *name == LIST) {
                Some((name, bytes)) => (format!("embedded {name}"), Cow::from(*bytes)),
                None => {
                    return Err(Failure::usage(
                        "this build has no voices; build it with the feature `starter-voice`, or give --weights DIR",
                    ));
                }
            }
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| Failure::failed(format!("{path}: {error}")))
}
