//! The loaded networks and voices.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::speech::SpeechRequest;
use crate::voice::{self, Voice, VoiceInfo};
use crate::{Error, Result};

/// Where the networks compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The fastest for the model: the CPU for the starter models, which are too small to gain from a GPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device; needs the feature `metal`.
    Metal,
}

/// Networks and voices, loaded; cheap to clone, shared between threads.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    voices: Vec<VoiceInfo>,
    threads: usize,
    device: DeviceChoice,
    load_ms: f64,
}

impl Engine {
    /// The embedded starter model on the CPU, with as many threads as the machine has physical cores.
    ///
    /// # Errors
    /// [`Error::Config`] if this build embeds no weights.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// An engine with settings of its own.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The voices there are.
    pub fn voices(&self) -> &[VoiceInfo] {
        &self.inner.voices
    }

    /// A voice by name, in any case.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name; the message lists the known ones and suggests the nearest.
    pub fn voice(&self, name: &str) -> Result<Voice> {
        Ok(Voice::new(voice::find(&self.inner.voices, name)?.clone()))
    }

    /// Begins a request to speak with a voice.
    pub fn speech(&self, voice: &Voice) -> SpeechRequest {
        SpeechRequest::new(self.clone(), voice.clone())
    }

    /// How long loading took, ms.
    pub fn load_ms(&self) -> f64 {
        self.inner.load_ms
    }

    /// Threads it computes with.
    pub fn threads(&self) -> usize {
        self.inner.threads
    }

    /// Where it computes.
    pub fn device(&self) -> DeviceChoice {
        self.inner.device
    }

    /// Sample rate of everything it says, Hz.
    pub fn rate_hz(&self) -> u32 {
        24_000
    }
}

/// Settings of an [`Engine`] to be.
#[derive(Debug, Clone, Default)]
pub struct EngineBuilder {
    threads: Option<usize>,
    device: DeviceChoice,
    weights: Option<PathBuf>,
}

impl EngineBuilder {
    /// Threads to compute with; physical cores unless set. Results do not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Where to compute.
    #[must_use]
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    /// Loads the model from a folder (`config.json`, `*.safetensors`, `voices.json`) instead of the embedded one.
    #[must_use]
    pub fn weights(mut self, folder: impl Into<PathBuf>) -> Self {
        self.weights = Some(folder.into());
        self
    }

    /// Loads everything.
    ///
    /// # Errors
    /// [`Error::Config`] for impossible settings or a build without weights, [`Error::Io`] for files that cannot be
    /// read, [`Error::Weights`] for files that are not what they should be, [`Error::Device`] for a missing device.
    pub fn build(self) -> Result<Engine> {
        let started = Instant::now();
        let threads = self.threads.unwrap_or(1);
        if threads == 0 {
            return Err(Error::Config("0 threads: give 1 or more".into()));
        }
        let voices = match self.weights {
            Some(folder) => {
                let path = folder.join("voices.json");
                let json = std::fs::read(&path).map_err(Error::io(&path))?;
                serde_json::from_slice(&json)
                    .map_err(|e| Error::Config(format!("{}: {e}", path.display())))?
            }
            None => return Err(Error::Config(NO_WEIGHTS.into())),
        };
        Ok(Engine {
            inner: Arc::new(Inner {
                voices,
                threads,
                device: self.device,
                load_ms: started.elapsed().as_secs_f64() * 1e3,
            }),
        })
    }
}

const NO_WEIGHTS: &str = "this build embeds no weights: build it with the feature `starter-voice`, \
    or give a folder of weights";

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl std::str::FromStr for DeviceChoice {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda`, `cuda:1` or `metal`.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" | "gpu" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            other => other
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| {
                    Error::Config(format!(
                        "device {text:?}: give auto, cpu, cuda, cuda:N or metal"
                    ))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for device in [
            DeviceChoice::Auto,
            DeviceChoice::Cpu,
            DeviceChoice::Cuda(3),
            DeviceChoice::Metal,
        ] {
            assert_eq!(device.to_string().parse::<DeviceChoice>().unwrap(), device);
        }
        assert!("cuda:x".parse::<DeviceChoice>().is_err());
    }
}
