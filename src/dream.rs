//! Raw waveforms from models that have learned them sample by sample.

mod defaults;
mod package;
mod request;

use std::path::Path;
use std::sync::Arc;

use syrinx_models::diffwave::DiffWave;
use syrinx_models::sashimi::{Precision, Quantisation, Sashimi, stretched};
use syrinx_vocoder::kernel;

pub use defaults::DreamDefaults;
pub use request::{Dream, DreamChunk, DreamRequest};

use crate::audio::Audio;
use crate::{Error, Result};

/// A model of raw audio: SaShiMi, which draws sample by sample, or DiffWave with its backbone, which
/// makes a whole wave out of noise.
///
/// ```no_run
/// # fn main() -> syrinx::Result<()> {
/// use syrinx::{DreamRequest, WaveModel};
///
/// let model = WaveModel::embedded("digits")?;
/// let request = DreamRequest::new(1.0).seeds([7, 8]);
/// let mut dream = model.dream(&request)?;
/// while let Some(chunk) = dream.next_chunk()? {
///     println!("{} samples of each", chunk.clips[0].frames());
/// }
/// println!("{:?} bits per sample", dream.bits_per_sample());
/// # Ok(())
/// # }
/// ```
pub struct WaveModel {
    network: Network,
    /// Of the network that steps; none of one that does not.
    quantisation: Option<Quantisation>,
    defaults: DreamDefaults,
}

enum Network {
    Sashimi(Box<Sashimi>),
    DiffWave(Box<DiffWave>),
}

impl WaveModel {
    /// Loads a checkpoint: a folder with `config.json` and `model.safetensors`, or a bare safetensors or torch
    /// file, which is taken for 16 kHz and μ-law.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Weights`] saying what it resembles if it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(path, None)
    }

    /// [`WaveModel::open`] for a bare file whose codes are known to be linear.
    ///
    /// # Errors
    /// As there.
    pub fn open_linear(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(path, Some(Quantisation::Linear))
    }

    fn open_as(path: impl AsRef<Path>, quantisation: Option<Quantisation>) -> Result<Self> {
        package::load(path.as_ref(), quantisation).map(Self::new)
    }

    /// Loads one of the models that are part of this program; [`WaveModel::names`] lists them.
    ///
    /// # Errors
    /// [`Error::Config`] for another name, or a build without them.
    pub fn embedded(name: &str) -> Result<Self> {
        package::embedded(name).map(Self::new)
    }

    /// The models that are part of this program, the one to take first; none without the feature `starter-dream`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        syrinx_weights::STARTER_DREAM.iter().map(|(name, _)| *name)
    }

    fn new((network, defaults): (Network, DreamDefaults)) -> Self {
        let quantisation = match &network {
            Network::Sashimi(model) => Some(model.config().quantisation),
            Network::DiffWave(_) => None,
        };
        Self {
            network,
            quantisation,
            defaults,
        }
    }

    /// The settings the model recommends.
    pub fn defaults(&self) -> DreamDefaults {
        self.defaults
    }

    /// Sample rate of what it makes, Hz.
    pub fn rate_hz(&self) -> u32 {
        match &self.network {
            Network::Sashimi(model) => model.config().rate_hz,
            Network::DiffWave(model) => model.config().rate_hz,
        }
    }

    /// Sets the threads to compute with, shared by all models of the process; physical cores unless set. Results
    /// do not depend on it.
    pub fn set_threads(threads: usize) {
        kernel::set_threads(threads);
    }

    /// Begins what `request` asks for.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Input`] for a request that this model cannot fulfil.
    pub fn dream(&self, request: &DreamRequest) -> Result<Dream<'_>> {
        Dream::new(self, request)
    }

    /// How well the model predicts each clip: the mean of −log₂ p over its samples, bits per sample. Clips of any
    /// rate and level; each is brought to the model's rate and stretched to full scale, as in training.
    ///
    /// # Errors
    /// [`Error::Config`] for a model without likelihoods, [`Error::Input`] for a clip without sound.
    pub fn bits_per_sample(&self, clips: &[Audio]) -> Result<Vec<f64>> {
        let Network::Sashimi(model) = &self.network else {
            return Err(Error::Config(
                "a DiffWave model has no likelihoods: give a SaShiMi model".into(),
            ));
        };
        let clips: Result<Vec<_>> = clips.iter().map(|clip| self.codes(clip)).collect();
        let clips = clips?;
        let longest = clips.iter().map(Vec::len).max().unwrap_or(0);
        if longest > LONGEST {
            return Err(Error::Input(format!(
                "a clip of {longest} samples at the model's rate: give at most {LONGEST}"
            )));
        }
        let teacher = model.teacher(longest)?;
        let bits = |codes: &Vec<u32>| -> Result<f64> {
            let log2 = teacher.log2_likelihoods(codes)?;
            let sum: f64 = log2.iter().map(|bits| f64::from(*bits)).sum();
            Ok(-sum / codes.len() as f64)
        };
        clips.iter().map(bits).collect()
    }

    /// A clip as the model hears it.
    fn codes(&self, clip: &Audio) -> Result<Vec<u32>> {
        let Some(quantisation) = self.quantisation else {
            return Err(Error::Config(
                "a DiffWave model cannot continue a clip: give a SaShiMi model".into(),
            ));
        };
        let clip = clip.to_mono().resample(self.rate_hz())?;
        let wave = stretched(&clip.channels()[0])?;
        Ok(quantisation.encode(&wave))
    }

    /// The weights of a model that steps, packed.
    fn stepper(model: &Sashimi, rounded: bool) -> Result<Arc<syrinx_models::sashimi::Stepper>> {
        let precision = match rounded {
            true => Precision::Bf16,
            false => Precision::F32,
        };
        Ok(model.stepper(precision)?)
    }
}

/// The most samples a likelihood is computed over: the activations of a clip lie in memory whole.
const LONGEST: usize = 1 << 21;

/// Which of clips with so many `bits` per sample to keep if only the `share` of them that the model finds
/// likeliest is wanted, the likeliest first.
///
/// # Errors
/// [`Error::Config`] for a share outside 0 … 1.
pub fn keep_likeliest(bits: &[f64], share: f64) -> Result<Vec<usize>> {
    let likelihoods: Vec<f64> = bits.iter().map(|bits| -bits).collect();
    Ok(syrinx_models::sashimi::keep(
        &likelihoods,
        1.0 - share,
        0.0,
    )?)
}
