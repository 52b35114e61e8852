//! Where the audio goes: a file, standard output, the sound card.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use syrinx::audio::{
    Audio, Container, OutputFormat, SampleFormat, Sink, Spec, Writer, WriterOptions, Written,
};

use super::Failure;

/// The name used when none is given, without its ending.
const DEFAULT_STEM: &str = "speech";

/// Flags of the audio output.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Write the audio here; the ending chooses the format (.wav, .flac, .pcm, .f32), `-` streams
    /// to standard output [default: speech.wav, converted.wav or dream.wav, or nothing with --play]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Replace existing files
    #[arg(short, long)]
    pub yes: bool,

    /// Format, whatever the ending: wav, wav24, wav32f, flac, flac24, pcm_s16le, pcm_f32le
    #[arg(long, value_name = "NAME", value_parser = format)]
    pub format: Option<OutputFormat>,

    /// Bare 16-bit little-endian samples, to standard output unless -o is given
    #[arg(long, conflicts_with = "format")]
    pub raw: bool,

    /// Play through the sound card
    #[arg(long)]
    pub play: bool,

    /// The sound card to play through, by name [default: the system's]
    #[arg(long, value_name = "NAME", requires = "play")]
    pub output_device: Option<String>,
}

fn format(name: &str) -> Result<OutputFormat, String> {
    name.parse()
        .map_err(|error: syrinx::Error| error.to_string())
}

/// A place for the encoded audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    File(PathBuf),
    Stdout,
}

/// What the flags come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Nothing when the audio is only played.
    pub target: Option<Target>,
    pub format: OutputFormat,
    pub overwrite: bool,
    pub play: bool,
    pub output_device: Option<String>,
}

impl Plan {
    /// Makes sense of the flags, and refuses at once what would be refused after the work.
    pub fn new(flags: &OutputFlags) -> Result<Self, Failure> {
        let plan = Self::of(flags)?;
        match &plan.target {
            Some(Target::Stdout) if io::stdout().is_terminal() => Err(Failure::usage(
                "audio would go to the terminal; pipe it (`| aplay`), or give `-o FILE` or `--play`",
            )),
            Some(Target::File(path)) => {
                refuse_existing(path, plan.overwrite)?;
                Ok(plan)
            }
            _ => Ok(plan),
        }
    }

    fn of(flags: &OutputFlags) -> Result<Self, Failure> {
        let chosen = match flags.raw {
            true => Some(OutputFormat::RAW_S16),
            false => flags.format,
        };
        let target = match &flags.output {
            Some(path) if path == Path::new("-") => Some(Target::Stdout),
            Some(path) => Some(Target::File(path.clone())),
            None if flags.raw => Some(Target::Stdout),
            None if flags.play => None,
            None => Some(Target::File(default_name(chosen))),
        };
        let format = match (chosen, &target) {
            (Some(format), _) => format,
            (None, Some(Target::File(path))) => OutputFormat::from_path(path)?,
            (None, _) => OutputFormat::WAV,
        };
        Ok(Self {
            target,
            format,
            overwrite: flags.yes,
            play: flags.play,
            output_device: flags.output_device.clone(),
        })
    }

    /// The file to be written, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Some(Target::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Whether standard output carries the audio.
    pub fn is_stdout(&self) -> bool {
        self.target == Some(Target::Stdout)
    }

    /// Opens everything for audio of the shape `spec`.
    pub fn open(&self, spec: Spec) -> Result<Outputs, Failure> {
        let options = WriterOptions {
            overwrite: self.overwrite,
            ..WriterOptions::default()
        };
        let writer = match &self.target {
            Some(Target::File(path)) => Some(Writer::create(path, spec, self.format, options)?),
            Some(Target::Stdout) => Some(Writer::stdout(spec, self.format, options)?),
            None => None,
        };
        let player = match self.play {
            true => Some(player(self.output_device.as_deref(), spec)?),
            false => None,
        };
        Ok(Outputs { writer, player })
    }
}

#[cfg(feature = "playback")]
fn player(device: Option<&str>, spec: Spec) -> Result<Box<dyn Sink>, Failure> {
    Ok(Box::new(syrinx::audio::playback::Player::open(
        device, spec,
    )?))
}

#[cfg(not(feature = "playback"))]
fn player(_device: Option<&str>, _spec: Spec) -> Result<Box<dyn Sink>, Failure> {
    Err(Failure::usage(
        "this build cannot play sound; build it with the feature `playback`, or give `-o FILE`",
    ))
}

/// Fails if `path` is a file that may not be replaced. A pipe or a device is written into.
pub fn refuse_existing(path: &Path, overwrite: bool) -> Result<(), Failure> {
    if overwrite || !path.is_file() {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::usage(format!(
        "{path} already exists; add -y to replace it, or choose another name"
    )))
}

fn default_name(format: Option<OutputFormat>) -> PathBuf {
    let ending = match format {
        Some(format) => ending(format),
        None => "wav",
    };
    PathBuf::from(format!("{DEFAULT_STEM}.{ending}"))
}

/// The ending of files in `format`.
pub fn ending(format: OutputFormat) -> &'static str {
    match (format.container(), format.sample()) {
        (Container::Flac, _) => "flac",
        (Container::Raw, SampleFormat::F32) => "f32",
        (Container::Raw, _) => "pcm",
        _ => "wav",
    }
}

/// The open outputs of a run.
pub struct Outputs {
    writer: Option<Writer>,
    player: Option<Box<dyn Sink>>,
}

impl Outputs {
    /// Passes audio on to all of them.
    pub fn write(&mut self, chunk: &Audio) -> Result<(), Failure> {
        if let Some(writer) = &mut self.writer {
            writer.write(chunk)?;
        }
        if let Some(player) = &mut self.player {
            player.write(chunk)?;
        }
        Ok(())
    }

    /// Completes the file or stream, and hands back the sound card, which may still be sounding.
    pub fn finish(self) -> Result<(Written, Option<Box<dyn Sink>>), Failure> {
        let written = match self.writer {
            Some(writer) => writer.finish()?,
            None => Written::default(),
        };
        Ok((written, self.player))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(flags: OutputFlags) -> Plan {
        Plan::of(&flags).unwrap()
    }

    fn file(name: &str) -> Option<Target> {
        Some(Target::File(name.into()))
    }

    #[test]
    fn the_target_follows_from_the_flags() {
        let default = plan(OutputFlags::default());
        assert_eq!(
            (default.target, default.format),
            (file("speech.wav"), OutputFormat::WAV)
        );
        let flac = plan(OutputFlags {
            format: Some(OutputFormat::FLAC_S24),
            ..OutputFlags::default()
        });
        assert_eq!(
            (flac.target, flac.format),
            (file("speech.flac"), OutputFormat::FLAC_S24)
        );
        let raw = plan(OutputFlags {
            raw: true,
            ..OutputFlags::default()
        });
        assert_eq!(
            (raw.target, raw.format),
            (Some(Target::Stdout), OutputFormat::RAW_S16)
        );
        let stream = plan(OutputFlags {
            output: Some("-".into()),
            ..OutputFlags::default()
        });
        assert_eq!(
            (stream.target, stream.format),
            (Some(Target::Stdout), OutputFormat::WAV)
        );
        let played = plan(OutputFlags {
            play: true,
            ..OutputFlags::default()
        });
        assert_eq!(played.target, None);
    }

    #[test]
    fn an_ending_that_cannot_be_written_is_refused() {
        let flags = OutputFlags {
            output: Some("song.mp3".into()),
            ..OutputFlags::default()
        };
        let failure = Plan::of(&flags).unwrap_err();
        assert!(matches!(&failure, Failure::Usage(message) if message.contains(".mp3")));
    }
}
