//! Mel spectrograms.
//!
//! [`MelConfig`] is the contract between the models that predict mel frames and the vocoders that
//! turn them into waves: both carry one, and two that differ are an error at load, not a buzz at
//! run time. [`Mel`] extracts by it, offline or as a [`MelStream`].
//!
//! Frames are frame-major: `T · bands` values; [`Mel::tensor`] gives `[1, bands, T]`.

mod config;
mod filterbank;
mod power;
mod stream;
mod warp;

use std::sync::Arc;

use candle_core::{Device, Tensor};

pub use config::{Log, MelConfig, Norm, Scale};
pub use filterbank::MelFilterbank;
pub use stream::MelStream;

use crate::stft::{Complex32, Stft};
use crate::{Error, Result};

/// A mel spectrogram extractor; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mel {
    config: MelConfig,
    stft: Stft,
    filterbank: Arc<MelFilterbank>,
}

impl Mel {
    /// Plans the extraction.
    ///
    /// # Errors
    /// [`Error::Config`] if the sizes or the band edges are impossible.
    pub fn new(config: MelConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            stft: Stft::new(config.stft())?,
            filterbank: Arc::new(MelFilterbank::new(&config)?),
            config,
        })
    }

    /// What is extracted.
    pub fn config(&self) -> &MelConfig {
        &self.config
    }

    /// The transform under the mel bands.
    pub fn stft(&self) -> &Stft {
        &self.stft
    }

    /// The triangular filters.
    pub fn filterbank(&self) -> &MelFilterbank {
        &self.filterbank
    }

    /// Mel frames of mono `samples` at `config.rate_hz`: `config.frames(samples.len())` frames of
    /// `bands` values, frame-major.
    pub fn extract(&self, samples: &[f32]) -> Vec<f32> {
        let frames = self.config.stft().frames(samples.len());
        let mut mel = Vec::with_capacity(frames * self.config.bands);
        let mut magnitude = Vec::with_capacity(self.stft.bins());
        self.stft.for_each_frame(samples, |frame| {
            self.append(frame, &mut magnitude, &mut mel)
        });
        mel
    }

    /// Mel frames of mono `samples` as a tensor `[1, bands, T]`.
    ///
    /// # Errors
    /// [`Error::Input`] if `samples` give no frame.
    pub fn tensor(&self, samples: &[f32], device: &Device) -> Result<Tensor> {
        let bands = self.config.bands;
        let mel = self.extract(samples);
        let frames = mel.len() / bands;
        if frames == 0 {
            return Err(Error::Input(format!(
                "{} samples are too short for one mel frame of {} samples",
                samples.len(),
                self.config.hop
            )));
        }
        let mel = Tensor::from_vec(mel, (1, frames, bands), device)?;
        Ok(mel.transpose(1, 2)?.contiguous()?)
    }

    /// A stream from samples to mel frames.
    pub fn stream(&self) -> MelStream {
        MelStream::new(self.clone())
    }

    /// Appends the mel bands of one spectrum `frame`; `magnitude` is scratch.
    fn append(&self, frame: &[Complex32], magnitude: &mut Vec<f32>, mel: &mut Vec<f32>) {
        let eps = self.config.magnitude_eps;
        magnitude.clear();
        magnitude.extend(frame.iter().map(|c| c.norm_sqr() + eps));
        if self.config.power == 1 {
            magnitude.iter_mut().for_each(|m| *m = m.sqrt());
        }
        let first = mel.len();
        self.filterbank.append(magnitude, mel);
        let floor = self.config.floor;
        match self.config.log {
            Log::None => {}
            Log::Ln => mel[first..].iter_mut().for_each(|m| *m = m.max(floor).ln()),
            Log::Log10 => mel[first..]
                .iter_mut()
                .for_each(|m| *m = m.max(floor).log10()),
        }
    }
}
