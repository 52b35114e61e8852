//! `syrinx likelihood`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::dream::{open, read};
use super::figures::round;
use super::{Failure, console};

/// Tell how well a model of raw audio predicts clips, in bits per sample (8 is no better than guessing)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The clips: audio of any kind, brought to the model's rate and stretched to full scale
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The model: digits, words or piano, which are built in; a folder with config.json and model.safetensors;
    /// or a SaShiMi checkpoint [default: digits]
    #[arg(long, value_name = "NAME|FILE|DIR")]
    model: Option<PathBuf>,

    /// The codes of a bare checkpoint are linear, not mu-law
    #[arg(long)]
    linear: bool,

    /// Threads to compute with [default: physical cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,

    /// A JSON object for each clip
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a Path,
    bits_per_sample: f64,
    audio_s: f64,
}

/// Prints a line for each clip.
pub fn run(args: &Args) -> Result<(), Failure> {
    let model = open(args.model.as_deref(), args.linear, args.threads)?;
    let mut failed = 0;
    for file in &args.files {
        let name = file.display().to_string();
        let told = read(file).and_then(|clip| {
            let audio_s = clip.duration();
            let bits = model.bits_per_sample(std::slice::from_ref(&clip))?;
            Ok((bits, audio_s))
        });
        match told {
            Ok((bits, audio_s)) => {
                let bits = round(bits[0], 4);
                if args.json {
                    let line = Line {
                        file,
                        bits_per_sample: bits,
                        audio_s: round(audio_s, 3),
                    };
                    let json = serde_json::to_string(&line)
                        .map_err(|error| Failure::failed(error.to_string()))?;
                    console::print(json)?;
                } else {
                    console::print(format_args!("{bits:.4}  {name}"))?;
                }
            }
            // One clip that cannot be used does not keep the others from being measured.
            Err(failure) if args.files.len() > 1 && failure.message().is_some() => {
                failed += 1;
                let message = failure.message().unwrap_or_default();
                let named = message.starts_with(&format!("{name}: "));
                console::error(&match named {
                    true => message,
                    false => format!("{name}: {message}"),
                });
            }
            Err(failure) => return Err(failure),
        }
    }
    match failed {
        0 => Ok(()),
        n => Err(Failure::failed(format!(
            "{n} of {} clips could not be used",
            args.files.len()
        ))),
    }
}
