//! Harmonic-plus-noise vocoder: mel and F0 to wave through filters in the STFT domain.
//!
//! A pulse train that follows F0 and white noise are filtered frame by frame with amplitudes and
//! phases that a small network reads off the mel spectrogram, and summed by overlap-add:
//!
//! ```text
//! y = iSTFT( exp(lh) · e^{iπ tanh th} · E  +  exp(ln) · Z  [ + exp(lr) · e^{iφ} ] )
//! ```
//!
//! `E` is the STFT of the pulses (unit-amplitude cosines up to `max_harmonic_hz`), `Z` complex
//! white noise, the bracket an optional free term. The log amplitudes `lh`, `ln`, `lr` are what
//! the network gives plus a prior, the logarithm of the least-squares spectrum of the mel frame,
//! so that even an untrained network sounds like speech. Harmonic-plus-noise source and filter
//! estimated by a network go back to Wang, Takaki and Yamagishi (arXiv:1810.11946).
//!
//! ```text
//! mel [100, T] ─ standardise ─┐
//! ln F0, voicing [2, T] ──────┴ conv 7, 102 → d ─ ConvBlock × n ─ RMS norm ─ conv 1, d → P·601
//!                                                                                │ lh th ln (lr φ)
//! F0 ─ pulses ─ STFT ─ E [601, T] ──────────────────────────────────────────── filter ─ iSTFT ─ y
//! ```
//!
//! Noise is addressed by (seed, frame, bin): the wave does not depend on how the frames were cut.
//! [`HarmonicNoise::synthesise`] is one push and one flush of [`HarmonicNoiseStream`].

mod config;
mod filters;
mod network;
mod pulse;
mod stream;

use std::sync::Arc;

use candle_core::Tensor;
use candle_nn::VarBuilder;

pub use config::HarmonicNoiseConfig;
pub use pulse::PulseStream;
pub use stream::HarmonicNoiseStream;

use crate::Result;
use crate::mel::MelConfig;
use crate::stft::Stft;
use crate::stream::{Frames, Stream};
use network::Network;

/// The weights of a harmonic-plus-noise vocoder; share it behind an `Arc`.
#[derive(Debug)]
pub struct HarmonicNoise {
    config: HarmonicNoiseConfig,
    network: Network,
    /// Analysis of the pulses: the Hann window divided by a quarter of its length.
    excitation: Stft,
    /// Synthesis of the wave.
    synthesis: Stft,
}

impl HarmonicNoise {
    /// Loads the network.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for impossible sizes,
    /// [`Error::Weights`](crate::Error::Weights) where a tensor is missing or has another shape.
    pub fn load(config: HarmonicNoiseConfig, vb: VarBuilder<'_>) -> Result<Self> {
        config.validate()?;
        let stft = config.mel.stft();
        let unit_pulse = 4.0 / config.mel.n_fft as f64;
        Ok(Self {
            network: Network::load(&config, vb)?,
            excitation: Stft::with_gain(stft, unit_pulse)?,
            synthesis: Stft::new(stft)?,
            config,
        })
    }

    /// Sizes and front end.
    pub fn config(&self) -> &HarmonicNoiseConfig {
        &self.config
    }

    /// The mel spectrogram this vocoder was made for.
    pub fn mel(&self) -> &MelConfig {
        &self.config.mel
    }

    /// Wave of `mel` `[1, bands, T]` and `f0` (`T` values in Hz, 0 where unvoiced): `T · hop`
    /// samples at `mel().rate_hz`.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if the shapes do not fit together.
    pub fn synthesise(self: &Arc<Self>, mel: &Tensor, f0: &[f32], seed: u64) -> Result<Vec<f32>> {
        let mut wave = Vec::with_capacity(f0.len() * self.config.mel.hop);
        let mut stream = self.stream(seed);
        stream.push(&Frames::with_f0(mel, f0)?, &mut wave)?;
        stream.flush(&mut wave)?;
        Ok(wave)
    }

    /// A stream from mel frames with F0 to samples, with the noise of `seed`.
    pub fn stream(self: &Arc<Self>, seed: u64) -> HarmonicNoiseStream {
        HarmonicNoiseStream::new(Arc::clone(self), seed)
    }
}
