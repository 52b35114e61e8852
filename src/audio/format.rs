//! What an output file is made of.

use std::path::Path;
use std::str::FromStr;

use crate::{Error, Result};

/// The file format around the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// FLAC.
    Flac,
    /// Samples alone, interleaved, little-endian, without any header.
    Raw,
}

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SampleFormat {
    /// Signed 16-bit integer.
    S16,
    /// Signed 24-bit integer.
    S24,
    /// 32-bit IEEE float; the only one that keeps samples above full scale.
    F32,
}

impl SampleFormat {
    /// Bytes per sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::S16 => 2,
            Self::S24 => 3,
            Self::F32 => 4,
        }
    }

    /// Bits per sample.
    pub const fn bits(self) -> usize {
        8 * self.bytes()
    }
}

/// A container with a sample format it can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutputFormat {
    container: Container,
    sample: SampleFormat,
}

/// The endings [`OutputFormat::from_path`] knows.
const EXTENSIONS: &str = ".wav, .flac, .pcm, .raw, .s16, .f32";

impl OutputFormat {
    /// WAV with 16-bit samples, the default everywhere.
    pub const WAV: Self = Self {
        container: Container::Wav,
        sample: SampleFormat::S16,
    };
    /// WAV with 24-bit samples.
    pub const WAV_S24: Self = Self {
        container: Container::Wav,
        sample: SampleFormat::S24,
    };
    /// WAV with float samples.
    pub const WAV_F32: Self = Self {
        container: Container::Wav,
        sample: SampleFormat::F32,
    };
    /// FLAC with 16-bit samples.
    pub const FLAC: Self = Self {
        container: Container::Flac,
        sample: SampleFormat::S16,
    };
    /// FLAC with 24-bit samples.
    pub const FLAC_S24: Self = Self {
        container: Container::Flac,
        sample: SampleFormat::S24,
    };
    /// Headerless 16-bit samples.
    pub const RAW_S16: Self = Self {
        container: Container::Raw,
        sample: SampleFormat::S16,
    };
    /// Headerless float samples.
    pub const RAW_F32: Self = Self {
        container: Container::Raw,
        sample: SampleFormat::F32,
    };

    /// `sample` in `container`.
    ///
    /// # Errors
    /// [`Error::Config`] for float samples in FLAC, which has none.
    pub fn new(container: Container, sample: SampleFormat) -> Result<Self> {
        if container == Container::Flac && sample == SampleFormat::F32 {
            return Err(Error::Config(
                "FLAC stores integers only; choose 16 or 24 bits, or WAV for float samples".into(),
            ));
        }
        Ok(Self { container, sample })
    }

    /// The format that the ending of `path` asks for, in any case.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown or a missing ending; the message lists the known ones.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let Some(extension) = path.extension() else {
            return Err(Error::Config(format!(
                "{}: no file ending to choose a format by; end the name in one of {EXTENSIONS}",
                path.display()
            )));
        };
        match extension.to_string_lossy().to_ascii_lowercase().as_str() {
            "wav" | "wave" => Ok(Self::WAV),
            "flac" => Ok(Self::FLAC),
            "pcm" | "raw" | "s16" | "s16le" => Ok(Self::RAW_S16),
            "f32" | "f32le" => Ok(Self::RAW_F32),
            other => Err(Error::Config(format!(
                "{}: cannot write .{other} files; end the name in one of {EXTENSIONS}",
                path.display()
            ))),
        }
    }

    /// The file format.
    pub fn container(self) -> Container {
        self.container
    }

    /// The sample format.
    pub fn sample(self) -> SampleFormat {
        self.sample
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    /// Reads the names used on the command line: `wav`, `wav24`, `wav32f`, `flac`, `flac24`,
    /// `pcm_s16le`, `pcm_f32le`.
    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "wav" | "wav16" => Ok(Self::WAV),
            "wav24" => Ok(Self::WAV_S24),
            "wav32f" | "wavf32" => Ok(Self::WAV_F32),
            "flac" | "flac16" => Ok(Self::FLAC),
            "flac24" => Ok(Self::FLAC_S24),
            "pcm_s16le" | "s16le" => Ok(Self::RAW_S16),
            "pcm_f32le" | "f32le" => Ok(Self::RAW_F32),
            _ => Err(Error::Config(format!(
                "unknown format {name:?}; choose wav, wav24, wav32f, flac, flac24, pcm_s16le or pcm_f32le"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_choose_the_format() {
        assert_eq!(
            OutputFormat::from_path("a/b.WAV").unwrap(),
            OutputFormat::WAV
        );
        assert_eq!(
            OutputFormat::from_path("b.x.flac").unwrap(),
            OutputFormat::FLAC
        );
        assert_eq!(
            OutputFormat::from_path("b.pcm").unwrap(),
            OutputFormat::RAW_S16
        );
        for (path, complaint) in [("song.mp3", ".mp3"), ("song", "no file ending")] {
            let message = OutputFormat::from_path(path).unwrap_err().to_string();
            assert!(
                message.contains(complaint) && message.contains(".wav, .flac"),
                "{message}"
            );
        }
    }

    #[test]
    fn names_choose_the_format() {
        assert_eq!(
            "flac24".parse::<OutputFormat>().unwrap(),
            OutputFormat::FLAC_S24
        );
        assert!("opus".parse::<OutputFormat>().is_err());
        assert!(OutputFormat::new(Container::Flac, SampleFormat::F32).is_err());
    }
}
