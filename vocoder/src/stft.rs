//! Short-time Fourier transform and its inverse, on slices.
//!
//! [`Stft`] is the immutable plan (window, FFT tables); it is cheap to clone and to share. Offline
//! calls and the streams ([`StftStream`], [`IstftStream`]) run the same code, so that pushing a
//! signal in pieces gives exactly what one call gives.
//!
//! Spectra are frame-major: `T · bins` complex numbers, frame after frame, `bins = n_fft / 2 + 1`,
//! unnormalised as in `torch.stft`.

mod analysis;
mod framing;
mod synthesis;

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
pub use rustfft::num_complex::Complex32;

pub use analysis::StftStream;
pub use framing::{Framing, PadMode, StftConfig};
pub use synthesis::IstftStream;

use crate::{Error, Result};

/// A planned short-time Fourier transform.
#[derive(Clone)]
pub struct Stft {
    config: StftConfig,
    window: Arc<[f32]>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl std::fmt::Debug for Stft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stft")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Stft {
    /// Plans the transform with a periodic Hann window.
    ///
    /// # Errors
    /// [`Error::Config`] if the sizes do not fit each other (see [`StftConfig::validate`]).
    pub fn new(config: StftConfig) -> Result<Self> {
        Self::with_gain(config, 1.0)
    }

    /// Plans the transform with the Hann window multiplied by `gain`.
    ///
    /// # Errors
    /// As [`Stft::new`].
    pub fn with_gain(config: StftConfig, gain: f64) -> Result<Self> {
        config.validate()?;
        let mut planner = RealFftPlanner::<f32>::new();
        Ok(Self {
            window: centred_hann(config.n_fft, config.win, gain).into(),
            forward: planner.plan_fft_forward(config.n_fft),
            inverse: planner.plan_fft_inverse(config.n_fft),
            config,
        })
    }

    /// The sizes and the framing this transform was planned for.
    pub fn config(&self) -> &StftConfig {
        &self.config
    }

    /// Frequency bins per frame, `n_fft / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.config.bins()
    }

    /// The analysis and synthesis window, `n_fft` samples.
    pub fn window(&self) -> &[f32] {
        &self.window
    }

    /// Spectrum of `samples`: `config.frames(samples.len())` frames of `bins` values.
    pub fn analyse(&self, samples: &[f32]) -> Vec<Complex32> {
        let mut spectrum = Vec::with_capacity(self.config.frames(samples.len()) * self.bins());
        self.for_each_frame(samples, |frame| spectrum.extend_from_slice(frame));
        spectrum
    }

    /// Calls `visit` with the spectrum of each frame in turn; allocates one frame only.
    pub fn for_each_frame(&self, samples: &[f32], mut visit: impl FnMut(&[Complex32])) {
        let mut transform = analysis::FrameTransform::new(self);
        for frame in 0..self.config.frames(samples.len()) {
            let start = self.config.frame_start(frame);
            visit(transform.run(samples, 0, samples.len(), start));
        }
    }

    /// Wave of a frame-major `spectrum`: `config.samples(T)` samples, every sample divided by the
    /// sum of the squared windows that cover it. The imaginary parts of the first and last bin are
    /// ignored, as in `torch.istft`.
    ///
    /// # Errors
    /// [`Error::Input`] if `spectrum` is not a whole number of frames.
    pub fn synthesise(&self, spectrum: &[Complex32]) -> Result<Vec<f32>> {
        if !spectrum.len().is_multiple_of(self.bins()) {
            return Err(Error::Input(format!(
                "a spectrum of {} values is not a whole number of {}-bin frames",
                spectrum.len(),
                self.bins()
            )));
        }
        let frames = spectrum.len() / self.bins();
        let mut wave = Vec::with_capacity(self.config.samples(frames));
        let mut stream = self.synthesis();
        stream.push(spectrum, &mut wave)?;
        stream.flush(&mut wave);
        Ok(wave)
    }

    /// A stream from samples to spectrum frames.
    pub fn analysis(&self) -> StftStream {
        StftStream::new(self.clone())
    }

    /// A stream from spectrum frames to samples.
    pub fn synthesis(&self) -> IstftStream {
        IstftStream::new(self.clone())
    }
}

/// Periodic Hann window of `win` samples in the middle of `n_fft` zeros, as torch places it.
fn centred_hann(n_fft: usize, win: usize, gain: f64) -> Vec<f32> {
    let mut window = vec![0.0; n_fft];
    let left = (n_fft - win) / 2;
    for (i, w) in window[left..left + win].iter_mut().enumerate() {
        let phase = 2.0 * std::f64::consts::PI * i as f64 / win as f64;
        *w = (gain * (0.5 - 0.5 * phase.cos())) as f32;
    }
    window
}
