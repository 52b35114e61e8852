//! Content by phone posteriors: the features are the bottleneck of a small network that was trained to tell phones.
//!
//! ```text
//! mel [bands, T] ─► conv 5 ─► SiLU ─► conv 4, stride 2 ─► causal blocks, `ahead` units each ─► norm ─► conv 1 ─► RMS norm ─► [U, F]
//! ```
//!
//! Every convolution is causal but those of the blocks that look ahead: unit u depends on frames up to 2 u + 1 + 2 Σ ahead.
//! One set of weights serves several look-aheads: a shorter one leaves out the taps that reach further, as in training.

use std::sync::Arc;

use candle_core::{DType, Result as Candle, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};

use super::causal_block::{CausalBlock, CausalState};
use super::content::{ContentExtractor, ContentStream, LookAhead};
use super::level::normal;
use super::tail::Tail;
use super::{Config, EncoderConfig};
use crate::Result;
use crate::error::input;

/// The content encoder of the starter model; cloning shares the weights.
#[derive(Debug, Clone)]
pub struct PhoneEncoder {
    layers: Arc<Layers>,
}

#[derive(Debug)]
struct Layers {
    input: Conv1d,
    down: Conv1d,
    /// Of each look-ahead, the shortest first.
    ways: Vec<Vec<CausalBlock>>,
    gain: Tensor,
    output: Conv1d,
    ones: Tensor,
    bands: usize,
    features: usize,
    /// In frames, of each way.
    look_aheads: Vec<usize>,
}

impl PhoneEncoder {
    /// Mel frames per unit.
    pub const FRAMES_PER_UNIT: usize = 2;

    /// Taps of the convolution over frames.
    const INPUT: usize = 5;
    /// Taps of the convolution to units.
    const DOWN: usize = 4;

    /// Builds the encoder on the device of `vb`. Weights: `input`, `down`, `blocks.0`, .., `norm.gain`, `output`.
    pub fn new(config: &Config, sizes: &EncoderConfig, vb: VarBuilder) -> Candle<Self> {
        let EncoderConfig {
            channels,
            hidden,
            kernel,
            ..
        } = *sizes;
        let (bands, features) = (config.bands, config.content.features);
        let point = Conv1dSpec::default();
        let halve = Conv1dSpec {
            stride: Self::FRAMES_PER_UNIT,
            ..point
        };
        let widest = sizes.ahead.last().map_or(&[][..], Vec::as_slice);
        let way = |ahead: &Vec<usize>| {
            let both = ahead.iter().zip(widest).enumerate();
            both.map(|(i, (&ahead, &widest))| {
                let vb = vb.pp(format!("blocks.{i}"));
                CausalBlock::reaching(channels, hidden, kernel, widest, ahead, vb)
            })
            .collect::<Candle<_>>()
        };
        let frames = |ahead: &Vec<usize>| Self::FRAMES_PER_UNIT * ahead.iter().sum::<usize>();
        let layers = Layers {
            input: Conv1d::load(bands, channels, Self::INPUT, &point, vb.pp("input"))?,
            down: Conv1d::load(channels, channels, Self::DOWN, &halve, vb.pp("down"))?,
            ways: sizes.ahead.iter().map(way).collect::<Candle<_>>()?,
            gain: vb.get(channels, "norm.gain")?,
            output: Conv1d::load(channels, features, 1, &point, vb.pp("output"))?,
            ones: Tensor::ones(features, DType::F32, vb.device())?,
            bands,
            features,
            look_aheads: sizes.ahead.iter().map(frames).collect(),
        };
        Ok(Self {
            layers: Arc::new(layers),
        })
    }
}

impl ContentExtractor for PhoneEncoder {
    fn features(&self, mel: &Tensor) -> Result<Tensor> {
        if mel.rank() != 2 || mel.dim(1)? == 0 {
            let bands = self.layers.bands;
            return input(format!(
                "a mel of shape {:?}, expected [{bands}, frames]",
                mel.dims()
            ));
        }
        let mut stream = self.stream(LookAhead::Longest);
        let first = stream.push(&mel.unsqueeze(0)?)?;
        let parts: Vec<Tensor> = first.into_iter().chain(stream.flush()?).collect();
        Ok(Tensor::cat(&parts, 0)?)
    }

    fn width(&self) -> usize {
        self.layers.features
    }

    fn frames_per_unit(&self) -> usize {
        Self::FRAMES_PER_UNIT
    }

    fn look_aheads(&self) -> Vec<usize> {
        self.layers.look_aheads.clone()
    }

    fn stream(&self, look_ahead: LookAhead) -> Box<dyn ContentStream> {
        let way = look_ahead.of(self.layers.ways.len());
        Box::new(PhoneStream::new(self.layers.clone(), way))
    }
}

/// State of one signal.
#[derive(Debug)]
struct PhoneStream {
    layers: Arc<Layers>,
    /// Which of the look-aheads.
    way: usize,
    /// A frame that waits for the second of its unit, [1, bands, 1].
    odd: Option<Tensor>,
    frames: Tail,
    activated: Tail,
    blocks: Vec<CausalState>,
}

impl PhoneStream {
    fn new(layers: Arc<Layers>, way: usize) -> Self {
        Self {
            way,
            odd: None,
            frames: Tail::new(PhoneEncoder::INPUT - 1),
            activated: Tail::new(PhoneEncoder::DOWN - PhoneEncoder::FRAMES_PER_UNIT),
            blocks: layers.ways[way].iter().map(CausalBlock::state).collect(),
            layers,
        }
    }

    /// An even number of frames to units before the blocks, [1, C, n / 2].
    fn units(&mut self, mel: &Tensor) -> Candle<Tensor> {
        let (layers, none) = (&self.layers, Activation::Identity);
        let x = self.frames.extend(&normal(mel)?)?;
        let x = layers
            .input
            .forward_fused(&x, none, Activation::Silu, None)?;
        layers.down.forward(&self.activated.extend(&x)?)
    }

    /// Units through the blocks; with `last`, also those that wait in them.
    fn blocks(&mut self, units: Option<Tensor>, last: bool) -> Candle<Option<Tensor>> {
        let layers = self.layers.clone();
        let mut x = units;
        for (block, state) in layers.ways[self.way].iter().zip(&mut self.blocks) {
            let ready = match &x {
                Some(x) => block.step(x, None, state)?,
                None => None,
            };
            let rest = if last { block.finish(state)? } else { None };
            x = match (ready, rest) {
                (Some(ready), Some(rest)) => Some(Tensor::cat(&[ready, rest], 2)?),
                (ready, rest) => ready.or(rest),
            };
        }
        x.map(|x| layers.output(&x)).transpose()
    }
}

impl Layers {
    /// Columns of the last block to features [n, F].
    fn output(&self, x: &Tensor) -> Candle<Tensor> {
        let x = self
            .output
            .forward(&rms_norm_channels(x, &self.gain, NORM_EPS)?)?;
        let x = rms_norm_channels(&x, &self.ones, NORM_EPS)?;
        x.squeeze(0)?.t()?.contiguous()
    }
}

impl ContentStream for PhoneStream {
    fn push(&mut self, mel: &Tensor) -> Result<Option<Tensor>> {
        let bands = self.layers.bands;
        if mel.rank() != 3 || mel.dim(0)? != 1 || mel.dim(1)? != bands {
            return input(format!(
                "mel frames of shape {:?}, expected [1, {bands}, frames]",
                mel.dims()
            ));
        }
        let mel = mel.to_device(self.layers.gain.device())?;
        let mel = match self.odd.take() {
            Some(odd) => Tensor::cat(&[&odd, &mel], 2)?,
            None => mel,
        };
        let frames = mel.dim(2)?;
        let even = frames - frames % PhoneEncoder::FRAMES_PER_UNIT;
        if even < frames {
            self.odd = Some(mel.narrow(2, even, 1)?.force_contiguous()?);
        }
        if even == 0 {
            return Ok(None);
        }
        let units = self.units(&mel.narrow(2, 0, even)?)?;
        Ok(self.blocks(Some(units), false)?)
    }

    fn flush(&mut self) -> Result<Option<Tensor>> {
        let units = match self.odd.take() {
            Some(odd) => Some(self.units(&Tensor::cat(&[&odd, &odd], 2)?)?),
            None => None,
        };
        let features = self.blocks(units, true);
        self.reset();
        Ok(features?)
    }

    fn reset(&mut self) {
        *self = Self::new(self.layers.clone(), self.way);
    }
}
