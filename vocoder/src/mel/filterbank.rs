//! Triangular mel filters and their pseudo-inverse.

use super::{MelConfig, Norm, Scale};
use crate::Result;
use crate::linalg::SymmetricInverse;

/// Triangular filters from `bins` spectrum bins to `bands` mel bands, stored sparsely.
///
/// The weights equal `librosa.filters.mel`: computed in f64, stored in f32.
#[derive(Clone, Debug)]
pub struct MelFilterbank {
    bins: usize,
    bands: Vec<Band>,
}

/// The non-zero stretch of one filter.
#[derive(Clone, Debug)]
struct Band {
    first: usize,
    weights: Vec<f32>,
}

impl MelFilterbank {
    /// Builds the filters of `config`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if the configuration is impossible.
    pub fn new(config: &MelConfig) -> Result<Self> {
        config.validate()?;
        let bins = config.bins();
        let hz_per_bin = f64::from(config.rate_hz) / config.n_fft as f64;
        let bands = config
            .edges_hz()
            .windows(3)
            .map(|edge| {
                let gain = match config.norm {
                    Norm::Slaney => 2.0 / (edge[2] - edge[0]),
                    Norm::None => 1.0,
                };
                let weight = |bin: usize| {
                    let hz = bin as f64 * hz_per_bin;
                    let rise = (hz - edge[0]) / (edge[1] - edge[0]);
                    let fall = (edge[2] - hz) / (edge[2] - edge[1]);
                    (gain * rise.min(fall).max(0.0)) as f32
                };
                let first = (0..bins).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
                let weights = (first..bins).map(weight).take_while(|w| *w > 0.0);
                Band {
                    first,
                    weights: weights.collect(),
                }
            })
            .collect();
        Ok(Self { bins, bands })
    }

    /// Number of mel bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Number of spectrum bins.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The filters as a dense matrix `[bands, bins]`, row-major.
    pub fn dense(&self) -> Vec<f32> {
        let mut matrix = vec![0.0; self.bands.len() * self.bins];
        for (row, band) in matrix.chunks_exact_mut(self.bins).zip(&self.bands) {
            row[band.first..band.first + band.weights.len()].copy_from_slice(&band.weights);
        }
        matrix
    }

    /// Appends the band values of one spectrum of `bins` magnitudes or powers.
    pub fn append(&self, spectrum: &[f32], mel: &mut Vec<f32>) {
        mel.extend(self.bands.iter().map(|band| {
            let covered = &spectrum[band.first..];
            band.weights
                .iter()
                .zip(covered)
                .map(|(w, s)| w * s)
                .sum::<f32>()
        }));
    }

    /// Moore-Penrose pseudo-inverse `[bins, bands]`, row-major: `F^T (F F^T)^+` in f64.
    ///
    /// Multiplied by band values it gives the smallest spectrum with those bands. It can be
    /// negative between bands; clamp it before taking a logarithm.
    pub fn pseudo_inverse(&self) -> Vec<f64> {
        let bands = self.bands.len();
        let gram: Vec<f64> = self
            .bands
            .iter()
            .flat_map(|a| self.bands.iter().map(|b| a.dot(b)))
            .collect();
        let gram_inverse = SymmetricInverse::new(bands).pseudo_inverse(gram);
        let mut inverse = vec![0.0; self.bins * bands];
        for (band, row) in self.bands.iter().zip(gram_inverse.chunks_exact(bands)) {
            for (offset, &weight) in band.weights.iter().enumerate() {
                let bin = band.first + offset;
                let out = &mut inverse[bin * bands..(bin + 1) * bands];
                for (o, g) in out.iter_mut().zip(row) {
                    *o += f64::from(weight) * g;
                }
            }
        }
        inverse
    }
}

impl Band {
    fn dot(&self, other: &Band) -> f64 {
        let first = self.first.max(other.first);
        let from = |band: &Band| {
            band.weights
                .get(first - band.first..)
                .unwrap_or(&[])
                .to_vec()
        };
        let pairs = from(self).into_iter().zip(from(other));
        pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
    }
}

impl Scale {
    /// Mel of a frequency in Hz.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            Scale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Scale::Slaney if hz < SLANEY_BREAK_HZ => hz / SLANEY_HZ_PER_MEL,
            Scale::Slaney => {
                SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL
                    + (hz / SLANEY_BREAK_HZ).ln() / slaney_log_step()
            }
        }
    }

    /// Frequency in Hz of a mel value.
    pub fn hz(self, mel: f64) -> f64 {
        let linear = mel * SLANEY_HZ_PER_MEL;
        match self {
            Scale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            Scale::Slaney if linear < SLANEY_BREAK_HZ => linear,
            Scale::Slaney => {
                let above = mel - SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;
                SLANEY_BREAK_HZ * (above * slaney_log_step()).exp()
            }
        }
    }
}

const SLANEY_BREAK_HZ: f64 = 1000.0;
const SLANEY_HZ_PER_MEL: f64 = 200.0 / 3.0;

/// 27 steps from 1 kHz to 6.4 kHz.
fn slaney_log_step() -> f64 {
    6.4f64.ln() / 27.0
}
