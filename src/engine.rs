//! The loaded networks and voices.

mod device;
mod model;
mod package;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use syrinx_models::Checkpoint;
use syrinx_vocoder::kernel;

pub use device::DeviceChoice;
pub(crate) use model::Model;

use crate::speech::SpeechRequest;
use crate::text::{Dialect, FrontEnd};
use crate::voice::{self, Voice, VoiceInfo};
use crate::{Error, Result};
use package::Package;

/// Networks and voices, loaded; cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    model: Model,
    voice_file: Checkpoint<'static>,
    voices: Vec<VoiceInfo>,
    /// Voices that have been asked for.
    ready: Mutex<HashMap<String, Voice>>,
    /// What spells and pronounces, one for each dialect.
    front_ends: [FrontEnd; 2],
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

    /// A voice by name, in any case. What the networks make of it is computed once and kept.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name; the message lists the known ones and suggests the nearest.
    /// [`Error::Weights`] if its data is damaged.
    pub fn voice(&self, name: &str) -> Result<Voice> {
        let Inner {
            model,
            voice_file,
            voices,
            ready,
            ..
        } = &*self.inner;
        let info = voice::find(voices, name)?;
        // A voice is stored whole or not at all, so that a panic elsewhere leaves nothing half-done behind.
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(voice) = ready.get(&info.name) {
            return Ok(voice.clone());
        }
        let voice = Voice::load(model, voice_file, info)?;
        ready.insert(info.name.clone(), voice.clone());
        Ok(voice)
    }

    /// Begins a request to speak with a voice.
    pub fn speech(&self, voice: &Voice) -> SpeechRequest {
        SpeechRequest::new(self.clone(), voice.clone())
    }

    /// The phonemes of a text, as a voice of this dialect would be given them.
    ///
    /// # Errors
    /// [`Error::Input`] for a text with nothing to say.
    pub fn phonemize(&self, text: &str, dialect: Dialect) -> Result<String> {
        Ok(self.front_end(dialect).phonemize(text)?)
    }

    /// How long loading took, ms.
    pub fn load_ms(&self) -> f64 {
        self.inner.load_ms
    }

    /// Threads it computes with.
    pub fn threads(&self) -> usize {
        kernel::threads()
    }

    /// Where it computes.
    pub fn device(&self) -> DeviceChoice {
        self.inner.device
    }

    /// Sample rate of everything it says, Hz.
    pub fn rate_hz(&self) -> u32 {
        self.inner.model.rate_hz()
    }

    /// Whether the loaded model can find the durations of a recording from its text.
    pub fn has_aligner(&self) -> bool {
        self.model().aligner.is_some()
    }

    pub(crate) fn model(&self) -> &Model {
        &self.inner.model
    }

    pub(crate) fn front_end(&self, dialect: Dialect) -> &FrontEnd {
        match dialect {
            Dialect::American => &self.inner.front_ends[0],
            Dialect::British => &self.inner.front_ends[1],
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.voices().iter().map(|voice| &voice.name).collect();
        f.debug_struct("Engine")
            .field("voices", &names)
            .field("device", &self.device())
            .finish_non_exhaustive()
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
    /// Threads to compute with, shared by all engines of the process; physical cores unless set. Results do not
    /// depend on it.
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
        if self.threads == Some(0) {
            return Err(Error::Config("0 threads: give 1 or more".into()));
        }
        let package = match (self.weights, syrinx_weights::STARTER_VOICE) {
            (Some(folder), _) => Package::Folder(folder),
            (None, Some(files)) => Package::Embedded(files),
            (None, None) => return Err(Error::Config(NO_WEIGHTS.into())),
        };
        let device = self.device.open()?;
        kernel::set_threads(self.threads.unwrap_or_else(kernel::physical_cores));
        let voices: Vec<VoiceInfo> = package.json("voices.json")?;
        let model = Model::load(&package, &device)?;
        let inner = Inner {
            model,
            voice_file: package.checkpoint("voices.safetensors")?,
            voices,
            ready: Mutex::default(),
            front_ends: [Dialect::American, Dialect::British].map(FrontEnd::new),
            device: self.device,
            load_ms: started.elapsed().as_secs_f64() * 1e3,
        };
        Ok(Engine {
            inner: Arc::new(inner),
        })
    }
}

const NO_WEIGHTS: &str = "this build embeds no weights: build it with the feature `starter-voice` (the default), \
    or name a folder of weights";
