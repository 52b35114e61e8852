//! Content in a voice and a prosody to mel, F0 and voicing.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};
use syrinx_vocoder::kernel::{Conv1d, Conv1dSpec};

use super::DecoderConfig;
use crate::nn::ConvBlock;

/// Convolutional decoder: blocks at the rate of units, then blocks at the rate of frames.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    input: Conv1d,
    blocks: Vec<ConvBlock>,
    film: Option<Linear>,
    up: Conv1d,
    fine: Vec<ConvBlock>,
    output: Conv1d,
    config: DecoderConfig,
    frames_per_unit: usize,
}

/// Origin of registers, ln Hz (148 Hz): what the networks are given and predict is counted from here.
pub(super) const REGISTER_ORIGIN: f32 = 5.0;

/// Scale and shift [1, C] of each block, from the global timbre and the register.
pub(super) type Modulation = Vec<(Tensor, Tensor)>;

impl Decoder {
    /// `inputs`: channels of a unit; `global`: width of the global timbre where it modulates the blocks.
    pub fn new(
        inputs: usize,
        global: Option<usize>,
        bands: usize,
        frames_per_unit: usize,
        config: &DecoderConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let DecoderConfig {
            channels,
            hidden,
            kernel,
            fine_kernel,
            ..
        } = *config;
        let same = Conv1dSpec::same(kernel, 1);
        let stack = |name: &str, count: usize, kernel: usize| -> Result<Vec<_>> {
            let block = |i| ConvBlock::new(channels, hidden, kernel, vb.pp(format!("{name}.{i}")));
            (0..count).map(block).collect()
        };
        let film = |width| {
            linear(
                width + usize::from(config.register),
                2 * channels * config.blocks,
                vb.pp("film"),
            )
        };
        let outputs = bands + if config.pitch_heads { 2 } else { 0 };
        let point = Conv1dSpec::default();
        Ok(Self {
            input: Conv1d::load(inputs, channels, kernel, &same, vb.pp("input"))?,
            blocks: stack("blocks", config.blocks, kernel)?,
            film: global.map(film).transpose()?,
            up: Conv1d::load(channels, channels * frames_per_unit, 1, &point, vb.pp("up"))?,
            fine: stack("fine", config.fine_blocks, fine_kernel)?,
            output: Conv1d::load(channels, outputs, 1, &point, vb.pp("output"))?,
            config: config.clone(),
            frames_per_unit,
        })
    }

    /// Units to either side that a unit's output depends on.
    pub fn context(&self) -> usize {
        let coarse = (1 + self.config.blocks) * (self.config.kernel / 2);
        let fine = self.config.fine_blocks * (self.config.fine_kernel / 2);
        coarse + fine.div_ceil(self.frames_per_unit)
    }

    /// The blocks' modulation by a global timbre `[K]` and a register in ln Hz; empty where the model has none.
    pub fn modulation(&self, global: &Tensor, register: f32) -> Result<Modulation> {
        let Some(film) = &self.film else {
            return Ok(Vec::new());
        };
        let global = if self.config.register {
            let register = Tensor::new(&[register - REGISTER_ORIGIN], global.device())?;
            &Tensor::cat(&[global, &register], 0)?
        } else {
            global
        };
        let all = film.forward(&global.unsqueeze(0)?)?.reshape((
            self.config.blocks,
            2,
            1,
            self.config.channels,
        ))?;
        let part = |block: usize, i: usize| all.get(block)?.get(i);
        (0..self.config.blocks)
            .map(|block| Ok((part(block, 0)?, part(block, 1)?)))
            .collect()
    }

    /// Units [1, inputs, U] to raw outputs [bands (+ ln F0, voicing logit), T].
    pub fn forward(&self, x: &Tensor, modulation: &Modulation) -> Result<Tensor> {
        let mut x = self.input.forward(x)?;
        for (i, block) in self.blocks.iter().enumerate() {
            x = match modulation.get(i) {
                Some((scale, shift)) => block.forward_film(&x, scale, shift)?,
                None => block.forward(&x)?,
            };
        }
        x = self.to_frames(&self.up.forward(&x)?)?;
        for block in &self.fine {
            x = block.forward(&x)?;
        }
        self.output.forward(&x)?.squeeze(0)
    }

    /// [1, F · C, U] to [1, C, U · F]: the frames of a unit lie in its channels.
    fn to_frames(&self, x: &Tensor) -> Result<Tensor> {
        if self.frames_per_unit == 1 {
            return Ok(x.clone());
        }
        let (channels, units) = (self.config.channels, x.dim(2)?);
        let x = x.reshape((1, self.frames_per_unit, channels, units))?;
        x.permute((0, 2, 3, 1))?
            .contiguous()?
            .reshape((1, channels, units * self.frames_per_unit))
    }
}
