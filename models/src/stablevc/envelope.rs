//! Level and coarse spectral shape of the source, frame by frame: what content features leave out of how it was said.
//!
//! A frame's envelope is a row of 1 + F numbers: its level, then what its cepstra differ from their mean so far. That
//! mean takes the microphone, and part of the speaker, away; a frame counts for it by its level, and it begins as a common
//! mean and forgets within minutes. With `speaker`, the cepstra of what the mean so far differs from the common one follow: who
//! speaks, as far as it is known. Nothing looks ahead.

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;

use super::level::level;
use super::{Config, ShapeConfig};

/// Mel levels below this, ln of an amplitude, are noise more often than speech: they count as this.
const FLOOR: f32 = -8.0;

/// Frames that the common mean counts for: one second.
const PRIOR: f64 = 80.0;

/// What of the mean a spoken frame replaces.
const FORGOTTEN: f64 = 1.0 / 2400.0;

/// What makes envelopes.
#[derive(Debug, Clone)]
pub(super) struct Envelopes {
    shape: Option<Shape>,
    width: usize,
}

#[derive(Debug, Clone)]
struct Shape {
    /// [features, B], row by row.
    basis: Vec<f32>,
    /// Whether the mean so far is told too.
    speaker: bool,
    /// Common mean `[B]`.
    mean: Vec<f64>,
}

/// The mean of one source so far.
#[derive(Debug, Clone)]
pub(super) struct EnvelopeState {
    /// Of each band, times `weight`.
    sum: Vec<f64>,
    weight: f64,
}

impl Envelopes {
    /// Weights, if the configuration has a shape: `shape.basis` [features, bands], `shape.mean` `[bands]`.
    pub fn new(config: &Config, vb: &VarBuilder) -> Result<Self> {
        let load = |sizes: &ShapeConfig| {
            let vb = vb.pp("shape");
            let values = |tensor: Tensor| tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1();
            let mean: Vec<f32> = values(vb.get(sizes.bands, "mean")?)?;
            Ok::<_, candle_core::Error>(Shape {
                basis: values(vb.get((sizes.features, sizes.bands), "basis")?)?,
                mean: mean.into_iter().map(f64::from).collect(),
                speaker: sizes.speaker,
            })
        };
        Ok(Self {
            shape: config.shape.as_ref().map(load).transpose()?,
            width: config.envelope_width(),
        })
    }

    /// Numbers of a frame.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Before a source begins.
    pub fn state(&self) -> EnvelopeState {
        let mean = self.shape.as_ref().map_or(&[][..], |shape| &shape.mean);
        EnvelopeState {
            sum: mean.iter().map(|x| PRIOR * x).collect(),
            weight: PRIOR,
        }
    }

    /// The shapes of the frames of each of `units` units, one after another: [frames_per_unit · F, U] of `envelopes`
    /// [T, 1 + F].
    pub fn units(&self, envelopes: &[f32], units: usize) -> Vec<f32> {
        let (width, rows) = (self.width(), envelopes.len() / units);
        let kept = (0..rows).filter(|row| !row.is_multiple_of(width));
        kept.flat_map(|row| envelopes.iter().skip(row).step_by(rows).copied())
            .collect()
    }

    /// Envelopes [T, 1 + F], frame by frame, of the next rows of `bands` mel levels.
    pub fn step(&self, rows: &[f32], bands: usize, state: &mut EnvelopeState) -> Vec<f32> {
        let mut envelopes = Vec::with_capacity(rows.len() / bands * self.width());
        for row in rows.chunks_exact(bands) {
            let level = level(row);
            envelopes.push(level);
            if let Some(shape) = &self.shape {
                shape.add(row, level, state, &mut envelopes);
            }
        }
        envelopes
    }
}

impl Shape {
    /// Adds the shape of the frame `row` to `out`.
    fn add(&self, row: &[f32], level: f32, state: &mut EnvelopeState, out: &mut Vec<f32>) {
        let spoken = 1.0 / (1.0 + (-6.0 * f64::from(level)).exp());
        let kept = 1.0 - FORGOTTEN * spoken;
        state.weight = kept * state.weight + spoken;
        let bands = || Vec::with_capacity(self.mean.len());
        let (mut over, mut told) = (bands(), bands());
        for ((&x, sum), &common) in row.iter().zip(&mut state.sum).zip(&self.mean) {
            let x = x.max(FLOOR);
            *sum = kept * *sum + spoken * f64::from(x);
            let mean = *sum / state.weight;
            over.push(x - mean as f32);
            told.push((mean - common) as f32);
        }
        out.extend(self.cepstra(&over));
        if self.speaker {
            out.extend(self.cepstra(&told));
        }
    }

    /// Of the lowest bands of a frame.
    fn cepstra<'a>(&'a self, bands: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let rows = self.basis.chunks_exact(bands.len());
        rows.map(move |row| row.iter().zip(bands).map(|(a, b)| a * b).sum())
    }
}
