//! Phase reconstruction by Griffin and Lim (1984), in the accelerated form of Perraudin, Balazs
//! and Søndergaard ("A fast Griffin-Lim algorithm", WASPAA 2013): a wave from magnitudes or from
//! any mel spectrogram, without a network.

use crate::elementary::sin_cos_turns;
use crate::mel::{Log, MelConfig, MelFilterbank};
use crate::noise::NoiseField;
use crate::stft::{Complex32, Stft, StftConfig};
use crate::stream::{Frames, Stream};
use crate::{Error, Result};

/// Iterative phase reconstruction for one STFT.
#[derive(Clone, Debug)]
pub struct GriffinLim {
    stft: Stft,
    /// Number of iterations; 32 is librosa's default.
    pub iterations: usize,
    /// Weight of the previous iterate, 0 for the original algorithm; below 1.
    pub momentum: f32,
    /// Seed of the initial phases; without one they are zero.
    pub seed: Option<u64>,
}

/// Keeps a division by a vanishing magnitude finite.
const TINY: f32 = 1e-16;

impl GriffinLim {
    /// 32 iterations, momentum 0.99, random initial phases.
    ///
    /// # Errors
    /// [`Error::Config`] if the sizes are impossible.
    pub fn new(config: StftConfig) -> Result<Self> {
        Ok(Self {
            stft: Stft::new(config)?,
            iterations: 32,
            momentum: 0.99,
            seed: Some(0),
        })
    }

    /// Wave of `magnitude`, frame-major `T · bins`: `config.samples(T)` samples.
    ///
    /// # Errors
    /// [`Error::Input`] if `magnitude` is not a whole number of frames.
    pub fn from_magnitude(&self, magnitude: &[f32]) -> Result<Vec<f32>> {
        let bins = self.stft.bins();
        if !magnitude.len().is_multiple_of(bins) {
            return Err(Error::Input(format!(
                "{} magnitudes are not a whole number of {bins}-bin frames",
                magnitude.len()
            )));
        }
        let mut spectrum = self.initial(magnitude);
        let mut previous = vec![Complex32::default(); spectrum.len()];
        let alpha = self.momentum / (1.0 + self.momentum);
        for _ in 0..self.iterations {
            let wave = self.stft.synthesise(&spectrum)?;
            let rebuilt = self.stft.analyse(&wave);
            if rebuilt.len() != spectrum.len() {
                // One centred frame gives no samples; there is nothing to improve.
                break;
            }
            let iterates = rebuilt.iter().zip(&previous).zip(magnitude);
            for (s, ((new, old), m)) in spectrum.iter_mut().zip(iterates) {
                let z = new - old * alpha;
                *s = z * (m / (z.norm() + TINY));
            }
            previous = rebuilt;
        }
        self.stft.synthesise(&spectrum)
    }

    /// The magnitudes with their first phases.
    fn initial(&self, magnitude: &[f32]) -> Vec<Complex32> {
        let Some(seed) = self.seed else {
            return magnitude.iter().map(|m| Complex32::new(*m, 0.0)).collect();
        };
        let field = NoiseField::new(seed, 0);
        let mut noise = vec![Complex32::default(); self.stft.bins()];
        let mut spectrum = Vec::with_capacity(magnitude.len());
        for (row, frame) in (0..).zip(magnitude.chunks_exact(noise.len())) {
            field.fill_complex(row, &mut noise);
            spectrum.extend(frame.iter().zip(&noise).map(|(m, z)| {
                // The phase of a complex normal number is uniform.
                let (sin, cos) = sin_cos_turns(z.arg() / std::f32::consts::TAU);
                Complex32::new(m * cos, m * sin)
            }));
        }
        spectrum
    }
}

/// Griffin-Lim behind the mel spectrogram of a configuration: a vocoder that needs no training.
#[derive(Clone, Debug)]
pub struct MelGriffinLim {
    config: MelConfig,
    /// The phase reconstruction.
    pub griffin_lim: GriffinLim,
    /// Pseudo-inverse of the mel filters, `[bins, bands]`.
    inverse: Vec<f64>,
}

impl MelGriffinLim {
    /// For mel spectrograms of `config`.
    ///
    /// # Errors
    /// [`Error::Config`] if the sizes are impossible.
    pub fn new(config: MelConfig) -> Result<Self> {
        Ok(Self {
            griffin_lim: GriffinLim::new(config.stft())?,
            inverse: MelFilterbank::new(&config)?.pseudo_inverse(),
            config,
        })
    }

    /// Wave of `mel`, frame-major `T · bands`.
    ///
    /// # Errors
    /// [`Error::Input`] if `mel` is not a whole number of frames.
    pub fn synthesise(&self, mel: &[f32]) -> Result<Vec<f32>> {
        self.griffin_lim.from_magnitude(&self.magnitude(mel)?)
    }

    /// A stream for the common interface. Phases depend on all frames at once, so everything
    /// comes out at the flush.
    pub fn stream(&self) -> GriffinLimStream {
        GriffinLimStream {
            vocoder: self.clone(),
            mel: Vec::new(),
        }
    }

    /// Least-squares magnitudes of `mel`, frame-major `T · bins`, negative ones set to zero.
    ///
    /// # Errors
    /// [`Error::Input`] if `mel` is not a whole number of frames.
    pub fn magnitude(&self, mel: &[f32]) -> Result<Vec<f32>> {
        let bands = self.config.bands;
        if !mel.len().is_multiple_of(bands) {
            return Err(Error::Input(format!(
                "{} mel values are not a whole number of {bands}-band frames",
                mel.len()
            )));
        }
        let mut magnitude = Vec::with_capacity(mel.len() / bands * self.config.bins());
        let mut linear = vec![0.0f64; bands];
        for frame in mel.chunks_exact(bands) {
            for (linear, value) in linear.iter_mut().zip(frame) {
                let value = f64::from(*value);
                *linear = match self.config.log {
                    Log::None => value,
                    Log::Ln => value.exp(),
                    Log::Log10 => 10f64.powf(value),
                };
            }
            magnitude.extend(self.inverse.chunks_exact(bands).map(|row| {
                let dot: f64 = row.iter().zip(&linear).map(|(a, b)| a * b).sum();
                let level = dot.max(0.0);
                (if self.config.power == 2 {
                    level.sqrt()
                } else {
                    level
                }) as f32
            }));
        }
        Ok(magnitude)
    }
}

/// [`MelGriffinLim`] as a [`Stream`]: collects the frames and sounds them at the flush.
#[derive(Clone, Debug)]
pub struct GriffinLimStream {
    vocoder: MelGriffinLim,
    mel: Vec<f32>,
}

impl Stream for GriffinLimStream {
    type Input = Frames;

    fn push(&mut self, frames: &Frames, _wave: &mut Vec<f32>) -> Result<()> {
        let bands = self.vocoder.config.bands;
        let (_, found, _) = frames.mel().dims3()?;
        if found != bands {
            return Err(Error::Input(format!(
                "the vocoder takes {bands} mel bands, got {found}"
            )));
        }
        let rows = frames.mel().transpose(1, 2)?.flatten_all()?;
        self.mel.extend(rows.to_vec1::<f32>()?);
        Ok(())
    }

    fn flush(&mut self, wave: &mut Vec<f32>) -> Result<()> {
        let mel = std::mem::take(&mut self.mel);
        wave.extend(self.vocoder.synthesise(&mel)?);
        Ok(())
    }

    fn reset(&mut self) {
        self.mel.clear();
    }

    /// Unbounded: the whole signal.
    fn latency_samples(&self) -> usize {
        usize::MAX
    }
}
