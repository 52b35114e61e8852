//! The aligner: which symbol each stretch of a recording belongs to, where its text is known.
//!
//! Mega-TTS 2 takes the durations of its prompts from a separate tool (section 4.1); this small
//! network of our own takes that tool's place, so that any recording can be a prompt:
//!
//! ```text
//! mel [bands, T] ─► conv 5 ─► SiLU ─► conv 4, stride 2 ─► ConvBlocks ─► norm ─► conv 1 ─► log p [U, symbols]
//! symbols [N] ─────────────────────────────────────────────────────────────► Viterbi ─► units [N], score
//! ```
//!
//! U = ceil(T / 2) units. The network knows sounds only; the order of the text comes in with the
//! search for the best path, whose emissions are scaled likelihoods, p(symbol | unit) / p(symbol)^½
//! (hybrid systems divide by the whole prior, Bourlard and Morgan 1994; the root keeps rare symbols
//! from swallowing their neighbours).

mod config;
mod viterbi;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::log_softmax;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};

pub use config::AlignerConfig;

use crate::error::input;
use crate::nn::ConvBlock;
use crate::{Checkpoint, Result};

/// Mel levels are shifted and scaled to the order of one, as in the acoustic model.
const MEL_CENTRE: f64 = -5.0;
const MEL_SPREAD: f64 = 2.5;

/// Cells of a search, units times symbols: 256 MiB of decisions, more than an hour of speech.
const LARGEST_SEARCH: usize = 1 << 31;

/// Finds durations for symbols in a recording.
#[derive(Debug, Clone)]
pub struct Aligner {
    input: Conv1d,
    down: Conv1d,
    blocks: Vec<ConvBlock>,
    gain: Tensor,
    output: Conv1d,
    /// Share of each symbol in speech, by time, `[symbols]`.
    prior: Vec<f32>,
    config: AlignerConfig,
    device: Device,
}

/// Symbols laid over a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// Duration of each symbol in units of two mel frames, `[N]`: all are 1 or more, their sum is [ceil(T / 2)].
    pub units: Vec<u32>,
    /// Mean emission on the best path, in nats per unit: how well the text fits the recording.
    pub score: f32,
}

impl Aligner {
    /// Mel frames per unit.
    pub const FRAMES_PER_UNIT: usize = 2;

    /// Loads the network from a checkpoint of its own.
    ///
    /// # Errors
    /// [`crate::Error::Config`] or [`crate::Error::Weights`].
    pub fn load(config: &AlignerConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        config.validate()?;
        checkpoint.build(device, |vb| Self::new(config, vb))
    }

    /// Builds the network on the device of `vb`. Weights: `input`, `down`, `blocks.0`, .., `norm.gain`, `output`, and
    /// the shares of the symbols, `prior` `[symbols]`.
    pub fn new(config: &AlignerConfig, vb: VarBuilder) -> candle_core::Result<Self> {
        let AlignerConfig {
            symbols,
            bands,
            channels,
            hidden,
            kernel,
            blocks,
            ..
        } = *config;
        let halve = Conv1dSpec {
            stride: Self::FRAMES_PER_UNIT,
            ..Conv1dSpec::padded(1)
        };
        let block = |i| ConvBlock::new(channels, hidden, kernel, vb.pp(format!("blocks.{i}")));
        let point = Conv1dSpec::default();
        Ok(Self {
            input: Conv1d::load(bands, channels, 5, &Conv1dSpec::same(5, 1), vb.pp("input"))?,
            down: Conv1d::load(channels, channels, 4, &halve, vb.pp("down"))?,
            blocks: (0..blocks).map(block).collect::<candle_core::Result<_>>()?,
            gain: vb.get(channels, "norm.gain")?,
            output: Conv1d::load(channels, symbols, 1, &point, vb.pp("output"))?,
            prior: vb.get(symbols, "prior")?.to_vec1()?,
            config: config.clone(),
            device: vb.device().clone(),
        })
    }

    /// Sizes of the network.
    pub fn config(&self) -> &AlignerConfig {
        &self.config
    }

    /// ln p(symbol | unit), [ceil(T / 2), symbols], of a `mel` [bands, T]; an odd last frame is heard twice.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a mel of another number of bands, or no frames.
    pub fn posteriors(&self, mel: &Tensor) -> Result<Tensor> {
        let bands = self.config.bands;
        if mel.rank() != 2 || mel.dim(0)? != bands || mel.dim(1)? == 0 {
            return input(format!(
                "a mel of shape {:?}, expected [{bands}, frames]",
                mel.dims()
            ));
        }
        let frames = mel.dim(1)?;
        let mel = mel.to_device(&self.device)?;
        let mel = match frames % Self::FRAMES_PER_UNIT {
            0 => mel,
            _ => Tensor::cat(&[&mel, &mel.narrow(1, frames - 1, 1)?], 1)?,
        };
        let mel = ((mel - MEL_CENTRE)? / MEL_SPREAD)?.unsqueeze(0)?;
        let none = Activation::Identity;
        let x = self
            .input
            .forward_fused(&mel, none, Activation::Silu, None)?;
        let mut x = self.down.forward(&x)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let logits = self
            .output
            .forward(&rms_norm_channels(&x, &self.gain, NORM_EPS)?)?;
        Ok(log_softmax(&logits.squeeze(0)?.t()?.contiguous()?, 1)?)
    }

    /// The durations of the symbols `ids` `[N]` in the recording whose `mel` [bands, T] is given: monotone, nothing left
    /// out, every symbol at least a unit. The recording should be at the level the network was trained at.
    ///
    /// Symbols that are heard as silence count as one: which punctuation is written makes no difference to the sound.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a mel or symbols the network does not know, a recording too short for so many
    /// symbols, or a text that does not fit it (a score below [`AlignerConfig::lowest_score`]).
    pub fn align(&self, mel: &Tensor, ids: &[u32]) -> Result<Alignment> {
        let symbols = self.config.symbols;
        if ids.is_empty() {
            return input("no symbols to align");
        }
        if let Some(id) = ids.iter().find(|&&id| id as usize >= symbols) {
            return input(format!("symbol {id}: the aligner has {symbols}"));
        }
        let mut emissions = self.posteriors(mel)?.flatten_all()?.to_vec1::<f32>()?;
        let units = emissions.len() / symbols;
        if units < ids.len() {
            return input(format!(
                "the recording lasts {units} units of duration, too short for the {} symbols of its text: \
                 is it the text of this recording?",
                ids.len()
            ));
        }
        if units.saturating_mul(ids.len()) > LARGEST_SEARCH {
            return input(format!(
                "{} symbols over {units} units of duration are too many to align at once: cut the recording into pieces",
                ids.len()
            ));
        }
        self.scale(&mut emissions);
        let alignment = viterbi::best_path(&emissions, symbols, ids);
        match self.config.lowest_score {
            Some(lowest) if alignment.score < lowest => input(format!(
                "the text does not fit the recording (score {:.2}, expected {lowest:.2} or more): give the words that \
                 are spoken in it",
                alignment.score
            )),
            _ => Ok(alignment),
        }
    }

    /// Log posteriors [U, symbols] to emissions, in place.
    fn scale(&self, rows: &mut [f32]) {
        let penalty = |share: f32| 0.5 * share.max(1e-8).ln();
        let pauses = || self.config.pauses.iter().map(|&pause| pause as usize);
        let pause_penalty = penalty(pauses().map(|pause| self.prior[pause]).sum());
        let penalties: Vec<f32> = self.prior.iter().map(|&share| penalty(share)).collect();
        for row in rows.chunks_exact_mut(self.config.symbols) {
            let top = pauses().map(|i| row[i]).fold(f32::NEG_INFINITY, f32::max);
            let silence = top + pauses().map(|i| (row[i] - top).exp()).sum::<f32>().ln();
            row.iter_mut().zip(&penalties).for_each(|(x, p)| *x -= p);
            pauses().for_each(|pause| row[pause] = silence - pause_penalty);
        }
    }
}
