//! From units to frames: content, pitch and envelope to the condition of the flow, and the mean it starts from.
//!
//! ```text
//! hidden [1, C, U] ─► linear, C → C · frames_per_unit ─► [1, C, T] ─(+)─► causal blocks, FiLM ─► norm ─► h [1, C, T]
//!                       f0, voiced, register, envelope [1, 4 + F, T] ─► linear ─┘      ▲                    └─► conv 1 ─► mean [1, bands, T]
//!                                            speaker [V], register ─► linear ───┘
//! ```

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Conv1d, rms_norm_channels};

use super::Config;
use super::causal_block::{CausalBlock, CausalState, Film};
use super::pointwise::pointwise;

/// ln Hz, about 150 Hz: the origin of registers.
const REGISTER_ORIGIN: f64 = 5.0;

/// F0, voicing and register of a frame, beside its envelope.
const MELODY: usize = 3;

/// What the flow is given for a stretch of frames.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The condition, [1, C, T].
    pub h: Tensor,
    /// Mean of the mel on the scale of the networks, [1, bands, T]; none in a model without a prior.
    pub mean: Option<Tensor>,
}

/// The layers from units to frames.
#[derive(Debug, Clone)]
pub(super) struct FramePart {
    up: Conv1d,
    conditions: Option<Conv1d>,
    film: Option<Conv1d>,
    blocks: Vec<CausalBlock>,
    gain: Tensor,
    mean: Option<Conv1d>,
    frames_per_unit: usize,
    /// Numbers of an envelope.
    envelope: usize,
}

impl FramePart {
    /// Weights: `up`, `norm.gain`, and where the configuration has them `conditions`, `film`, `frame.0`, .., `mean`
    /// [bands, C, 1].
    pub fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (channels, sizes) = (config.module.channels, &config.frame);
        let block = |i| {
            let vb = vb.pp(format!("frame.{i}"));
            CausalBlock::new(channels, sizes.hidden, sizes.kernel, 0, vb)
        };
        let envelope = config.envelope_width();
        let conditions = || pointwise(MELODY + envelope, channels, vb.pp("conditions"));
        let film = || {
            let inputs = config.speaker.features + usize::from(config.conditions);
            pointwise(inputs, 2 * channels * sizes.blocks, vb.pp("film"))
        };
        let point = Default::default();
        let mean = || Conv1d::load(channels, config.bands, 1, &point, vb.pp("mean"));
        let rate = config.frames_per_unit;
        Ok(Self {
            up: pointwise(channels, channels * rate, vb.pp("up"))?,
            conditions: config.conditions.then(conditions).transpose()?,
            film: (sizes.blocks > 0).then(film).transpose()?,
            blocks: (0..sizes.blocks).map(block).collect::<Result<_>>()?,
            gain: vb.pp("norm").get(channels, "gain")?,
            mean: config.prior.then(mean).transpose()?,
            frames_per_unit: rate,
            envelope,
        })
    }

    /// The states before a signal begins.
    pub fn states(&self) -> Vec<CausalState> {
        self.blocks.iter().map(CausalBlock::state).collect()
    }

    /// Modulation of the blocks by a speaker `[V]` and a register, ln Hz.
    pub fn films(&self, speaker: &Tensor, register: f64) -> Result<Vec<Film>> {
        let Some(film) = &self.film else {
            return Ok(Vec::new());
        };
        let speaker = speaker.reshape((1, (), 1))?;
        let input = if self.conditions.is_some() {
            let high = (register - REGISTER_ORIGIN) as f32;
            let high = Tensor::full(high, (1, 1, 1), speaker.device())?;
            Tensor::cat(&[speaker, high], 1)?
        } else {
            speaker
        };
        let values = film.forward(&input)?;
        let channels = values.dim(1)? / (2 * self.blocks.len());
        let part = |i: usize| values.narrow(1, i * channels, channels);
        (0..self.blocks.len())
            .map(|i| {
                Ok(Film {
                    scale: (part(2 * i)? + 1.0)?,
                    shift: part(2 * i + 1)?,
                })
            })
            .collect()
    }

    /// The next units `hidden` [1, C, U], with F0 in Hz (0: unvoiced) `[T]` and envelope [T, 1 + F] of each of their frames.
    pub fn step(
        &self,
        hidden: &Tensor,
        (f0_hz, envelopes): (&[f32], &[f32]),
        (films, register): (&[Film], f64),
        states: &mut [CausalState],
    ) -> Result<Condition> {
        let (_, channels, units) = hidden.dims3()?;
        let rate = self.frames_per_unit;
        let up = self.up.forward(hidden)?;
        let mut x = if rate == 1 {
            up
        } else {
            up.reshape((rate, channels, units))?
                .permute((1, 2, 0))?
                .contiguous()?
                .reshape((1, channels, units * rate))?
        };
        if let Some(conditions) = &self.conditions {
            let rows = MELODY + self.envelope;
            let values = features(f0_hz, envelopes, register);
            let values = Tensor::from_vec(values, (1, rows, f0_hz.len()), hidden.device())?;
            let none = Default::default();
            x = conditions.forward_fused(&values, none, none, Some(&x))?;
        }
        for ((block, film), state) in self.blocks.iter().zip(films).zip(states) {
            // Without look-ahead nothing waits.
            if let Some(y) = block.step(&x, Some(film), state)? {
                x = y;
            }
        }
        let h = rms_norm_channels(&x, &self.gain, NORM_EPS)?;
        let mean = self
            .mean
            .as_ref()
            .map(|mean| mean.forward(&h))
            .transpose()?;
        Ok(Condition { h, mean })
    }
}

/// Conditions [4 + F, T]: ln F0 over the register where voiced, voicing, level, register, shape.
fn features(f0_hz: &[f32], envelopes: &[f32], register: f64) -> Vec<f32> {
    let width = envelopes.len() / f0_hz.len().max(1);
    let row = |i: usize| envelopes.iter().skip(i).step_by(width).copied();
    let relative = |f0: &f32| match *f0 > 0.0 {
        true => (f64::from(*f0).ln() - register) as f32,
        false => 0.0,
    };
    let voiced = f0_hz.iter().map(|f0| f32::from(u8::from(*f0 > 0.0)));
    let high = (register - REGISTER_ORIGIN) as f32;
    f0_hz
        .iter()
        .map(relative)
        .chain(voiced)
        .chain(row(0))
        .chain(f0_hz.iter().map(|_| high))
        .chain((1..width).flat_map(row))
        .collect()
}
