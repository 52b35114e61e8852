//! The flow module: the vector field that carries noise to a mel (section "Flow matching module").
//!
//! ```text
//! x_t [1, bands, T] ─► (x_t - t μ) / √var ─┐
//!                     μ [1, bands, T] ─────┼─► linear ─► blocks, FiLM(t) ─► norm ─► linear ─► y [1, bands, T]
//!                     h [1, C, T] ─────────┘
//! v = μ + (t s² - (1 - t)) / var · (x_t - t μ) + s / √var · y,   var = (t s)² + (1 - t)²
//! ```
//!
//! Without y, v is the field that carries N(0, 1) to N(μ, s²): the network adds what the mel has beyond that. A model
//! without a prior is the paper's, v = y with input [x_t, h].

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Activation, Conv1d, rms_norm_channels};

use super::attention::Angles;
use super::block::{Block, BlockState, Sight};
use super::causal_block::Film;
use super::dual_attention::{BlockKeys, KeyWidths, References};
use super::frame_part::Condition;
use super::pointwise::{from_linear, pointwise};
use super::{Config, FlowConfig};
use crate::nn::Rotary;

/// The layers of the flow module.
#[derive(Debug, Clone)]
pub(super) struct FlowModule {
    time: Conv1d,
    /// The columns of the layer `input` that take the state of the flow.
    input_state: Conv1d,
    /// Its columns that take what is given, and its bias.
    input_given: Conv1d,
    films: Vec<Conv1d>,
    blocks: Vec<Block>,
    gain: Tensor,
    output: Conv1d,
    /// Deviation of the mel around its mean, `[bands]`.
    spread: Option<Vec<f32>>,
    rotary: Rotary,
    time_channels: usize,
    device: Device,
}

/// Everything about an evaluation of the field that depends on its time alone.
#[derive(Debug, Clone)]
pub(super) struct Evaluation {
    films: Vec<Film>,
    prior: Option<Terms>,
}

/// Terms of the field of a Gaussian, each [1, bands, 1].
#[derive(Debug, Clone)]
struct Terms {
    time: f64,
    /// 1 / √var
    inverse: Tensor,
    /// (t s² - (1 - t)) / var
    pull: Tensor,
    /// s / √var
    scale: Tensor,
}

/// What all evaluations for a stretch of frames are given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    entered: Tensor,
    mean: Option<Tensor>,
}

impl FlowModule {
    /// Weights: `time.0`, `input` (linear), `flow.0`, .. with `film` each, `flow_norm.gain`, `output` (linear), and
    /// `spread` `[bands]` where there is a prior.
    pub fn new(config: &Config, widths: KeyWidths, vb: VarBuilder) -> Result<Self> {
        let sizes = &config.flow;
        let FlowConfig { channels, time, .. } = *sizes;
        let bands = config.bands;
        let rest = config.module.channels + if config.prior { bands } else { 0 };
        let weight = vb.get((channels, bands + rest), "input.weight")?;
        let bias = vb.get(channels, "input.bias")?;
        let spread = || vb.get(bands, "spread")?.to_vec1();
        let name = |i: usize| vb.pp(format!("flow.{i}"));
        let film = |i| pointwise(channels, 2 * channels, name(i).pp("film"));
        let block = |i| Block::new(&sizes.stack(), widths, name(i));
        Ok(Self {
            time: pointwise(time, channels, vb.pp("time.0"))?,
            input_state: from_linear(&weight.narrow(1, 0, bands)?, None)?,
            input_given: from_linear(&weight.narrow(1, bands, rest)?, Some(&bias))?,
            films: (0..sizes.blocks).map(film).collect::<Result<_>>()?,
            blocks: (0..sizes.blocks).map(block).collect::<Result<_>>()?,
            gain: vb.get(channels, "flow_norm.gain")?,
            output: pointwise(channels, bands, vb.pp("output"))?,
            spread: config.prior.then(spread).transpose()?,
            rotary: Rotary::new(channels / sizes.heads),
            time_channels: time,
            device: vb.device().clone(),
        })
    }

    /// The angles of the frames `first..first + frames`.
    pub fn angles(&self, first: usize, frames: usize) -> Angles {
        Angles::new(&self.rotary, first, frames)
    }

    /// Keys and values of a target, one per block.
    pub fn project(&self, references: &References) -> Result<Vec<BlockKeys>> {
        self.blocks.iter().map(|b| b.project(references)).collect()
    }

    /// The states of one evaluation before a signal begins.
    pub fn states(&self) -> Vec<BlockState> {
        self.blocks.iter().map(Block::state).collect()
    }

    /// What depends on the time `t`, 0 to 1.
    pub fn evaluation(&self, t: f64) -> Result<Evaluation> {
        let embedding = time_embedding(t, self.time_channels);
        let embedding = Tensor::from_vec(embedding, (1, self.time_channels, 1), &self.device)?;
        let (none, silu) = (Activation::Identity, Activation::Silu);
        let time = self.time.forward_fused(&embedding, none, silu, None)?;
        let film = |film: &Conv1d| {
            let parts = film.forward(&time)?.chunk(2, 1)?;
            Ok(Film {
                scale: (&parts[0] + 1.0)?,
                shift: parts[1].clone(),
            })
        };
        Ok(Evaluation {
            films: self.films.iter().map(film).collect::<Result<_>>()?,
            prior: self.spread.as_ref().map(|s| self.terms(t, s)).transpose()?,
        })
    }

    fn terms(&self, t: f64, spread: &[f32]) -> Result<Terms> {
        let of = |term: fn(f64, f64, f64) -> f64| {
            let value = |s: &f32| {
                let s = f64::from(*s);
                let variance = (t * s).powi(2) + (1.0 - t).powi(2) + 1e-8;
                term(t, s, variance) as f32
            };
            let values: Vec<f32> = spread.iter().map(value).collect();
            Tensor::from_vec(values, (1, spread.len(), 1), &self.device)
        };
        Ok(Terms {
            time: t,
            inverse: of(|_, _, variance| variance.sqrt().recip())?,
            pull: of(|t, s, variance| (t * s * s - (1.0 - t)) / variance)?,
            scale: of(|_, s, variance| s / variance.sqrt())?,
        })
    }

    /// What all evaluations share.
    pub fn given(&self, condition: &Condition) -> Result<Given> {
        let Condition { h, mean } = condition;
        let entered = match mean {
            Some(mean) => self.input_given.forward(&Tensor::cat(&[mean, h], 1)?)?,
            None => self.input_given.forward(h)?,
        };
        Ok(Given {
            entered,
            mean: mean.clone(),
        })
    }

    /// The field at `x` [1, bands, T]; `network` gives y from the input of the network.
    pub fn field(
        &self,
        x: &Tensor,
        evaluation: &Evaluation,
        given: &Given,
        network: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let (Some(terms), Some(mean)) = (&evaluation.prior, &given.mean) else {
            return network(x);
        };
        let distance = (x - (mean * terms.time)?)?;
        let y = network(&distance.broadcast_mul(&terms.inverse)?)?;
        let gaussian = (mean + distance.broadcast_mul(&terms.pull)?)?;
        gaussian + y.broadcast_mul(&terms.scale)?
    }

    /// The network's output y [1, bands, T] for its input [1, bands, T].
    pub fn network(
        &self,
        input: &Tensor,
        (evaluation, given): (&Evaluation, &Given),
        keys: &[BlockKeys],
        sight: Sight,
        states: &mut [BlockState],
    ) -> Result<Tensor> {
        let none = Activation::Identity;
        let entered = Some(&given.entered);
        let mut x = self.input_state.forward_fused(input, none, none, entered)?;
        let films = &evaluation.films;
        for (((block, keys), film), state) in self.blocks.iter().zip(keys).zip(films).zip(states) {
            x = block.step(&x, keys, Some(film), sight, state)?;
        }
        self.output
            .forward(&rms_norm_channels(&x, &self.gain, NORM_EPS)?)
    }

    /// Keys of nobody: one key of zeros, a speaker of zeros, no style. What guidance turns away from.
    pub fn nobody(&self, widths: KeyWidths) -> Result<Vec<BlockKeys>> {
        let zeros = |n: usize| Tensor::zeros(n, DType::F32, &self.device);
        let keys = zeros(widths.keys)?.unsqueeze(0)?;
        self.project(&References::new(&keys, &zeros(widths.speaker)?, None)?)
    }
}

/// Sines and cosines of the time, `[size]`.
fn time_embedding(t: f64, size: usize) -> Vec<f32> {
    let half = size / 2;
    let angle = |i: usize| 1000.0 * t * 10000f64.powf(-(i as f64) / half as f64);
    let sines = (0..half).map(|i| angle(i).sin() as f32);
    sines
        .chain((0..half).map(|i| angle(i).cos() as f32))
        .collect()
}
