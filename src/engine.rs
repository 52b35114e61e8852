//! The loaded networks and voices.

mod device;
mod model;
mod package;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use syrinx_models::Checkpoint;
use syrinx_models::megatts2::Prompt;
use syrinx_vocoder::kernel;

pub use device::DeviceChoice;
pub(crate) use model::{Model, load_vocoder};
pub(crate) use package::Package;

use crate::convert::{ConversionRequest, Converter};
use crate::reference::{Cache, Clip, Encoder, Reference};
use crate::speech::SpeechRequest;
use crate::text::{Dialect, FrontEnd};
use crate::voice::{self, Voice, VoiceBuilder, VoiceInfo, VoiceLibrary};
use crate::{Error, Result};

/// Networks and voices, loaded; cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    package: Package,
    model: Model,
    /// What hears clips, once there is one to be heard.
    encoder: OnceLock<Encoder>,
    /// What converts voices, once it is asked for, and where it is loaded from.
    converter: OnceLock<Converter>,
    convert_package: Option<Package>,
    library: Option<VoiceLibrary>,
    cache: Option<Cache>,
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

    /// The built-in voices.
    pub fn voices(&self) -> &[VoiceInfo] {
        &self.inner.voices
    }

    /// A voice by name, in any case: a built-in one, or one of the library ([`EngineBuilder::library`]). What the
    /// networks make of it is computed once and kept.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name; the message lists the known ones and suggests the nearest.
    /// [`Error::Weights`] if its data is damaged; those of [`Engine::open_voice`] for a stored one.
    pub fn voice(&self, name: &str) -> Result<Voice> {
        let Inner {
            model,
            voice_file,
            voices,
            ready,
            ..
        } = &*self.inner;
        let info = voice::find(voices, name);
        let key = info.map_or_else(|| name.trim().to_lowercase(), |info| info.name.clone());
        // A voice is stored whole or not at all, so that a panic elsewhere leaves nothing half-done behind.
        let known = |ready: &Mutex<HashMap<String, Voice>>| {
            let ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.get(&key).cloned()
        };
        if let Some(voice) = known(ready) {
            return Ok(voice);
        }
        let voice = match info {
            Some(info) => Voice::load(model, voice_file, info)?,
            None => self.stored_voice(name)?,
        };
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ready.entry(key).or_insert(voice).clone())
    }

    fn stored_voice(&self, name: &str) -> Result<Voice> {
        let stored = match &self.inner.library {
            Some(library) => match library.path(name.trim()) {
                Ok(path) if path.is_file() => return self.open_voice(path),
                _ => library.voices().unwrap_or_default(),
            },
            None => Vec::new(),
        };
        let built_in = self.voices().iter().map(|voice| voice.name.as_str());
        let stored = stored.iter().map(|voice| voice.info.name.as_str());
        let names: Vec<&str> = built_in.chain(stored).collect();
        Err(voice::unknown(&names, name))
    }

    /// Whether a voice of this name, in any case, is built in or in the library.
    pub fn has_voice(&self, name: &str) -> bool {
        let stored =
            |library: &VoiceLibrary| library.path(name.trim()).is_ok_and(|path| path.is_file());
        voice::find(self.voices(), name).is_some()
            || self.inner.library.as_ref().is_some_and(stored)
    }

    /// A voice from recordings of a speaker, as [`Engine::voice_builder`] makes it from clips alone.
    ///
    /// # Errors
    /// As [`VoiceBuilder::build`].
    pub fn voice_from_clips<C: Into<Clip>>(
        &self,
        clips: impl IntoIterator<Item = C>,
    ) -> Result<Voice> {
        self.voice_builder().clips(clips).build()
    }

    /// Begins a voice from recordings.
    pub fn voice_builder(&self) -> VoiceBuilder {
        VoiceBuilder::new(self.clone())
    }

    /// Begins a request to speak with a voice.
    pub fn speech(&self, voice: &Voice) -> SpeechRequest {
        SpeechRequest::new(self.clone(), voice.clone())
    }

    /// Begins a request to convert speech to a voice.
    ///
    /// # Errors
    /// As [`Engine::converter`].
    pub fn conversion(&self, voice: &Voice) -> Result<ConversionRequest> {
        ConversionRequest::new(self.clone(), voice.clone())
    }

    /// The networks that convert voices, loaded when they are first asked for.
    ///
    /// # Errors
    /// [`Error::Config`] for a build without them or a model made for other voices, [`Error::Io`] and
    /// [`Error::Weights`] as for the engine itself.
    pub fn converter(&self) -> Result<Converter> {
        let Inner {
            converter,
            convert_package,
            model,
            device,
            ..
        } = &*self.inner;
        if let Some(converter) = converter.get() {
            return Ok(converter.clone());
        }
        let Some(package) = convert_package else {
            return Err(Error::Config(NO_CONVERTER.into()));
        };
        let made = Converter::load(package, model, &device.open()?)?;
        Ok(converter.get_or_init(|| made).clone())
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

    /// What the networks hear in a clip, from the cache if there is one and it has it.
    pub(crate) fn reference(&self, clip: &Clip, dialect: Dialect) -> Result<Reference> {
        let encoder = self.encoder()?;
        let encode = || encoder.encode(clip, self.front_end(dialect));
        match &self.inner.cache {
            Some(cache) => cache.reference(clip, encoder.fingerprint(), encode),
            None => encode(),
        }
    }

    pub(crate) fn encoder(&self) -> Result<&Encoder> {
        let Inner {
            encoder,
            package,
            model,
            ..
        } = &*self.inner;
        if let Some(encoder) = encoder.get() {
            return Ok(encoder);
        }
        let made = Encoder::new(model, &package.checkpoint("acoustic.safetensors")?)?;
        Ok(encoder.get_or_init(|| made))
    }

    /// Prosody codes of a voice's prompts, the most recent last.
    pub(crate) fn prosody_codes(&self, voice: &Voice) -> Result<Vec<u32>> {
        voice.prosody_codes(&self.inner.voice_file)
    }

    /// A sentence that a built-in voice is prompted with, if one is whose sounds are known.
    pub(crate) fn spoken_prompt(&self) -> Result<Option<Prompt>> {
        let Some(first) = self.voices().first() else {
            return Ok(None);
        };
        let mut prompts = Prompt::stored(&self.inner.voice_file, &first.name)?.into_iter();
        Ok(prompts.find(|prompt| !prompt.ids.is_empty()))
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
    convert_weights: Option<PathBuf>,
    library: Option<VoiceLibrary>,
    cache: Option<Cache>,
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

    /// Loads the networks that convert voices from a folder (`config.json`, `stablevc.safetensors`) instead of the
    /// embedded ones, when they are first asked for.
    #[must_use]
    pub fn convert_weights(mut self, folder: impl Into<PathBuf>) -> Self {
        self.convert_weights = Some(folder.into());
        self
    }

    /// Where [`Engine::voice`] looks for names that are not built in; nowhere unless set, see [`VoiceLibrary::user`].
    #[must_use]
    pub fn library(mut self, library: VoiceLibrary) -> Self {
        self.library = Some(library);
        self
    }

    /// Keeps what the networks hear in clips in this folder, so that the same file is heard only once: 200 entries and
    /// 64 MiB at most, the oldest go. Nothing is kept unless set.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(Cache::new(folder.into()));
        self
    }

    /// The same, in the user's folder: `SYRINX_CACHE`, or `syrinx/references` in the system's folder for caches.
    #[must_use]
    pub fn user_cache(mut self) -> Self {
        self.cache = voice::cache_folder().map(Cache::new);
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
            encoder: OnceLock::new(),
            converter: OnceLock::new(),
            convert_package: match self.convert_weights {
                Some(folder) => Some(Package::Folder(folder)),
                None => syrinx_weights::STARTER_CONVERT.map(Package::Embedded),
            },
            library: self.library,
            cache: self.cache,
            voice_file: package.checkpoint("voices.safetensors")?,
            package,
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

const NO_CONVERTER: &str = "this build embeds no voice conversion: build it with the feature `starter-convert`, or name \
    a folder of weights for it (`--model`)";

const NO_WEIGHTS: &str = "this build embeds no weights: build it with the feature `starter-voice` (the default), \
    or name a folder of weights";
