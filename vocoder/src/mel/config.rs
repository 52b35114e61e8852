//! What a mel spectrogram is.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::stft::{Framing, PadMode, StftConfig};
use crate::{Error, Result};

/// The curve that maps Hz to mel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Slaney's Auditory Toolbox: linear below 1 kHz, logarithmic above (librosa's default).
    Slaney,
    /// HTK: `2595 log10(1 + f / 700)` (torchaudio's default).
    Htk,
}

/// How the triangles are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Each triangle divided by half its width in Hz, so that white noise is flat.
    Slaney,
    /// Triangles of height one.
    None,
}

/// The compression of band values; all but `None` apply the floor first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// Band values as they are.
    None,
    /// Natural logarithm.
    Ln,
    /// Decimal logarithm.
    Log10,
}

/// Everything that defines a mel spectrogram.
///
/// Two configurations that compare equal give the same frames; [`MelConfig::check`] is the test a
/// vocoder makes on the frames it is offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MelConfig {
    /// Sample rate, Hz.
    pub rate_hz: u32,
    /// Length of the Fourier transform, samples.
    pub n_fft: usize,
    /// Length of the Hann window, samples.
    pub win: usize,
    /// Distance between frames, samples.
    pub hop: usize,
    /// Number of mel bands.
    pub bands: usize,
    /// Lower edge of the lowest band, Hz.
    pub fmin: f64,
    /// Upper edge of the highest band, Hz.
    pub fmax: f64,
    /// Mel curve.
    pub scale: Scale,
    /// Scaling of the triangles.
    pub norm: Norm,
    /// Compression.
    pub log: Log,
    /// Smallest band value the logarithm sees.
    pub floor: f32,
    /// 1 for magnitudes, 2 for powers.
    pub power: u32,
    /// Added to the power under the square root (HiFi-GAN: 1e-9).
    #[serde(default)]
    pub magnitude_eps: f32,
    /// Placement of the frames.
    pub framing: Framing,
    /// What frames see beyond the ends.
    pub pad: PadMode,
}

impl MelConfig {
    /// The front end of the starter models: 24 kHz, 80 frames a second, 100 Slaney bands up to
    /// 12 kHz, natural logarithm of magnitudes floored at 1e-5, `T = samples / 300` frames.
    pub fn starter() -> Self {
        Self {
            rate_hz: 24_000,
            n_fft: 1200,
            win: 1200,
            hop: 300,
            bands: 100,
            fmin: 0.0,
            fmax: 12_000.0,
            scale: Scale::Slaney,
            norm: Norm::Slaney,
            log: Log::Ln,
            floor: 1e-5,
            power: 1,
            magnitude_eps: 0.0,
            framing: Framing::CentredDropLast,
            pad: PadMode::Reflect,
        }
    }

    /// The front end of the public HiFi-GAN checkpoints: 22.05 kHz, 80 Slaney bands up to 8 kHz,
    /// `(n_fft - hop) / 2` mirrored samples on both sides.
    pub fn hifigan_22k() -> Self {
        Self {
            rate_hz: 22_050,
            n_fft: 1024,
            win: 1024,
            hop: 256,
            bands: 80,
            fmax: 8_000.0,
            magnitude_eps: 1e-9,
            framing: Framing::HopAligned,
            ..Self::starter()
        }
    }

    /// The front end of the public Vocos checkpoint: 24 kHz, 100 HTK bands without normalisation,
    /// natural logarithm of magnitudes floored at 1e-7, frames centred.
    pub fn vocos_24k() -> Self {
        Self {
            n_fft: 1024,
            win: 1024,
            hop: 256,
            scale: Scale::Htk,
            norm: Norm::None,
            floor: 1e-7,
            framing: Framing::Centred,
            ..Self::starter()
        }
    }

    /// `librosa.feature.melspectrogram(sr=rate_hz)`: 128 Slaney bands of powers, no logarithm.
    pub fn librosa(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            n_fft: 2048,
            win: 2048,
            hop: 512,
            bands: 128,
            fmax: f64::from(rate_hz) / 2.0,
            log: Log::None,
            floor: 0.0,
            power: 2,
            framing: Framing::Centred,
            pad: PadMode::Constant,
            ..Self::starter()
        }
    }

    /// `torchaudio.transforms.MelSpectrogram(rate_hz)`: 128 HTK bands of powers, no logarithm.
    pub fn torchaudio(rate_hz: u32) -> Self {
        Self {
            n_fft: 400,
            win: 400,
            hop: 200,
            scale: Scale::Htk,
            norm: Norm::None,
            pad: PadMode::Reflect,
            ..Self::librosa(rate_hz)
        }
    }

    /// The transform under the bands.
    pub fn stft(&self) -> StftConfig {
        StftConfig {
            n_fft: self.n_fft,
            win: self.win,
            hop: self.hop,
            framing: self.framing,
            pad: self.pad,
        }
    }

    /// Frequency bins of the transform.
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Edges of the bands, Hz: band b rises from edge b to its centre, edge b + 1, and falls to edge b + 2.
    pub fn edges_hz(&self) -> Vec<f64> {
        let low = self.scale.mel(self.fmin);
        let step = (self.scale.mel(self.fmax) - low) / (self.bands + 1) as f64;
        (0..self.bands + 2)
            .map(|i| self.scale.hz(low + step * i as f64))
            .collect()
    }

    /// Checks that a mel is [bands, T].
    pub(super) fn check_bands(&self, mel: &Tensor) -> Result<()> {
        if mel.rank() != 2 || mel.dim(0)? != self.bands {
            return Err(Error::Input(format!(
                "a mel of shape {:?}, expected [{}, frames]",
                mel.dims(),
                self.bands
            )));
        }
        Ok(())
    }

    /// Frames a second.
    pub fn frame_rate_hz(&self) -> f64 {
        f64::from(self.rate_hz) / self.hop as f64
    }

    /// Checks sizes, band edges and power.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and what it may be.
    pub fn validate(&self) -> Result<()> {
        self.stft().validate()?;
        let nyquist = f64::from(self.rate_hz) / 2.0;
        if !(0.0 <= self.fmin && self.fmin < self.fmax && self.fmax <= nyquist) {
            return Err(Error::Config(format!(
                "mel bands need 0 <= fmin < fmax <= {nyquist} Hz, got {} to {} Hz",
                self.fmin, self.fmax
            )));
        }
        if self.bands == 0 || self.bands > self.n_fft {
            return Err(Error::Config(format!(
                "{} mel bands of a {}-point transform: use 1 to n_fft bands",
                self.bands, self.n_fft
            )));
        }
        if !matches!(self.power, 1 | 2) {
            return Err(Error::Config(format!(
                "mel power {}: use 1 (magnitude) or 2 (power)",
                self.power
            )));
        }
        if self.log != Log::None && !(self.floor > 0.0 && self.floor.is_finite()) {
            return Err(Error::Config(format!(
                "mel floor {}: a logarithm needs a positive floor",
                self.floor
            )));
        }
        Ok(())
    }

    /// Checks that frames made by `other` are what this configuration describes.
    ///
    /// # Errors
    /// [`Error::Config`] listing the fields that differ.
    pub fn check(&self, other: &MelConfig) -> Result<()> {
        if self == other {
            return Ok(());
        }
        let mut differences = Vec::new();
        macro_rules! compare {
            ($($field:ident),+) => {$(
                if self.$field != other.$field {
                    let (ours, theirs) = (&self.$field, &other.$field);
                    differences.push(format!("{} {ours:?} against {theirs:?}", stringify!($field)));
                }
            )+};
        }
        compare!(
            rate_hz,
            n_fft,
            win,
            hop,
            bands,
            fmin,
            fmax,
            scale,
            norm,
            log,
            floor,
            power,
            magnitude_eps,
            framing,
            pad
        );
        Err(Error::Config(format!(
            "mel spectrograms differ: {}; use a model and a vocoder made for each other",
            differences.join(", ")
        )))
    }
}
