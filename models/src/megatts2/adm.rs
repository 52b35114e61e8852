//! The autoregressive duration model (ADM, section 3.3): content and the past durations to the next duration.

use std::sync::Arc;

use candle_core::{D, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};

use super::Config;
use crate::error::input;
use crate::nn::{CausalStack, KvCache, Scratch, step};
use crate::{Checkpoint, Result};

/// A causal transformer over symbols; each position sees the content there and the duration before it, and predicts
/// ln(1 + duration in units). Weights are on the CPU.
#[derive(Debug, Clone)]
pub struct DurationModel {
    input: Linear,
    stack: CausalStack,
    output: Linear,
    null_content: Tensor,
    content_channels: usize,
}

impl DurationModel {
    /// No symbol lasts longer, in units.
    pub const LONGEST: u32 = 100;

    /// Loads the network from a checkpoint of its own.
    ///
    /// # Errors
    /// [`crate::Error::Config`] or [`crate::Error::Weights`].
    pub fn load(config: &Config, checkpoint: &Checkpoint) -> Result<Self> {
        config.validate()?;
        checkpoint.build(&Device::Cpu, |vb| Self::new(config, vb))
    }

    /// Builds the network; `vb` is on the CPU.
    pub fn new(config: &Config, vb: VarBuilder) -> candle_core::Result<Self> {
        let (adm, content) = (&config.adm, config.content.channels);
        Ok(Self {
            input: linear(content + 2, adm.channels, vb.pp("input"))?,
            stack: CausalStack::new(adm.channels, adm.layers, adm.heads, adm.hidden, vb.clone())?,
            output: linear(adm.channels, 1, vb.pp("output"))?,
            null_content: vb.get(content, "null_content")?,
            content_channels: content,
        })
    }

    /// ln(1 + duration) of each symbol, `[N]`, from `content` [N, C] and the true durations `units` `[N]` of one sentence.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ.
    pub fn forward(&self, content: &Tensor, units: &[u32]) -> Result<Vec<f32>> {
        let y = self.extend(content, units, &mut self.stack.cache())?;
        Ok(self.output.forward(&y)?.flatten_all()?.to_vec1()?)
    }

    fn extend(&self, content: &Tensor, units: &[u32], cache: &mut KvCache) -> Result<Tensor> {
        let (rows, channels) = content.dims2()?;
        if rows != units.len() || channels != self.content_channels {
            return input(format!(
                "{} durations for content of {rows} rows of {channels} channels, expected {}",
                units.len(),
                self.content_channels
            ));
        }
        let before = [None].into_iter().chain(units.iter().copied().map(Some));
        let features: Vec<f32> = before.take(rows).flat_map(features).collect();
        let features = Tensor::from_vec(features, (rows, 2), &Device::Cpu)?;
        let content = content.to_device(&Device::Cpu)?;
        let x = self
            .input
            .forward(&Tensor::cat(&[&content, &features], D::Minus1)?)?;
        Ok(self.stack.extend(&x, cache)?)
    }
}

/// How the previous duration enters: ln(1 + d), and whether there is none because the sentence begins.
fn features(before: Option<u32>) -> [f32; 2] {
    before.map_or([0.0, 1.0], |units| [(units as f32).ln_1p(), 0.0])
}

/// What a [`DurationModel`] has read and said so far.
#[derive(Debug, Clone)]
pub struct DurationSession {
    model: Arc<DurationModel>,
    cache: KvCache,
    before: Option<u32>,
    input: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    scratch: Scratch,
}

impl DurationSession {
    /// A session that has read nothing.
    pub fn new(model: Arc<DurationModel>) -> Self {
        let cache = model.stack.cache();
        let (input, x, y) = Default::default();
        Self {
            model,
            cache,
            before: None,
            input,
            x,
            y,
            scratch: Scratch::default(),
        }
    }

    /// A session that goes on from here on its own; what was read with [`DurationSession::prefill`] is shared, not copied.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Symbols read and timed so far.
    pub fn positions(&self) -> usize {
        self.cache.positions()
    }

    /// Reads a sentence of the prompt: durations `units` `[N]` and its `content` [N, C], or none where the text is unknown.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ.
    pub fn prefill(&mut self, content: Option<&Tensor>, units: &[u32]) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        self.end_sentence();
        let model = self.model.clone();
        let null = model
            .null_content
            .unsqueeze(0)?
            .expand((units.len(), model.content_channels))?;
        model.extend(content.unwrap_or(&null), units, &mut self.cache)?;
        self.cache.seal();
        Ok(())
    }

    /// Predicted ln(1 + duration) of the next symbol, given its `content` `[C]`. Follow with [`DurationSession::accept`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn step(&mut self, content: &[f32]) -> Result<f32> {
        let model = &self.model;
        if content.len() != model.content_channels {
            return input(format!(
                "content of {} channels, expected {}",
                content.len(),
                model.content_channels
            ));
        }
        self.input.clear();
        self.input.extend_from_slice(content);
        self.input.extend_from_slice(&features(self.before));
        step::linear(&model.input, &self.input, &mut self.x)?;
        model
            .stack
            .step(&mut self.x, &mut self.cache, &mut self.scratch)?;
        step::linear(&model.output, &self.x, &mut self.y)?;
        Ok(self.y.first().copied().unwrap_or_default())
    }

    /// Tells which duration was chosen, in units, before any change of speed.
    pub fn accept(&mut self, units: u32) {
        self.before = Some(units);
    }

    /// What follows is read as the beginning of a sentence.
    pub fn end_sentence(&mut self) {
        self.before = None;
    }

    /// Times a sentence of `content` [N, C]: a duration for each symbol, 1 to [`DurationModel::LONGEST`] units.
    ///
    /// Speed is applied afterwards, with [`super::scale_units`], so that the model goes on hearing its own.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn generate(&mut self, content: &Tensor) -> Result<Vec<u32>> {
        self.end_sentence();
        let mut durations = Vec::with_capacity(content.dim(0)?);
        for row in content.to_vec2::<f32>()? {
            let units = rounded(self.step(&row)?);
            self.accept(units);
            durations.push(units);
        }
        Ok(durations)
    }
}

/// Units of a predicted ln(1 + duration).
pub(super) fn rounded(log_duration: f32) -> u32 {
    // `as` takes what is no number to 0.
    (log_duration.exp_m1().round() as u32).clamp(1, DurationModel::LONGEST)
}
