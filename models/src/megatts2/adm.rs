//! The autoregressive duration model (ADM, section 3.3): content and the past durations to the next duration.

use std::sync::Arc;

use candle_core::{D, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};

use super::window::{Sentence, Window};
use super::{Config, Prompt};
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
        self.check(units, Some(content))?;
        let before: Vec<_> = preceding(units).collect();
        let y = self.extend(content, &before, &mut self.stack.cache())?;
        Ok(self.output.forward(&y)?.flatten_all()?.to_vec1()?)
    }

    /// Whether there is a row of `content` for each duration.
    fn check(&self, units: &[u32], content: Option<&Tensor>) -> Result<()> {
        match content.map(Tensor::dims) {
            Some(shape) if shape != [units.len(), self.content_channels] => input(format!(
                "{} durations for content of shape {shape:?}, expected {} channels",
                units.len(),
                self.content_channels
            )),
            _ => Ok(()),
        }
    }

    /// The next positions, given the duration before each, after those in `cache`: [N, channels].
    fn extend(
        &self,
        content: &Tensor,
        before: &[Option<u32>],
        cache: &mut KvCache,
    ) -> Result<Tensor> {
        let features: Vec<f32> = before.iter().copied().flat_map(features).collect();
        let features = Tensor::from_vec(features, (before.len(), 2), &Device::Cpu)?;
        let content = content.to_device(&Device::Cpu)?;
        let x = self
            .input
            .forward(&Tensor::cat(&[&content, &features], D::Minus1)?)?;
        Ok(self.stack.extend(&x, cache)?)
    }
}

/// The duration before each of a sentence's; there is none before the first.
fn preceding(units: &[u32]) -> impl Iterator<Item = Option<u32>> + '_ {
    let before = [None].into_iter().chain(units.iter().copied().map(Some));
    before.take(units.len())
}

/// How the previous duration enters: ln(1 + d), and whether there is none because the sentence begins.
fn features(before: Option<u32>) -> [f32; 2] {
    before.map_or([0.0, 1.0], |units| [(units as f32).ln_1p(), 0.0])
}

/// What a [`DurationModel`] has read and said so far.
#[derive(Debug, Clone)]
pub struct DurationSession {
    model: Arc<DurationModel>,
    prompt: Window,
    cache: KvCache,
    before: Option<u32>,
    input: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    scratch: Scratch,
}

impl DurationSession {
    /// A session that has read nothing, and will keep [`Prompt::LONGEST_SYMBOLS`] of a prompt.
    pub fn new(model: Arc<DurationModel>) -> Self {
        let cache = model.stack.cache();
        let (input, x, y) = Default::default();
        Self {
            model,
            prompt: Window::new(Prompt::LONGEST_SYMBOLS),
            cache,
            before: None,
            input,
            x,
            y,
            scratch: Scratch::default(),
        }
    }

    /// Keeps at most this many symbols of what is prefilled from now on, at least one.
    pub fn longest_prompt(mut self, symbols: usize) -> Self {
        self.prompt = Window::new(symbols);
        self
    }

    /// A session that goes on from here on its own; what was read with [`DurationSession::prefill`] is shared, not copied.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Symbols read and timed so far, those about to be read included.
    pub fn positions(&self) -> usize {
        let (_, symbols) = self.prompt.unread();
        let read = if self.prompt.is_stale() {
            0
        } else {
            self.cache.positions()
        };
        read + symbols
    }

    /// Bytes the cache holds, those shared with other sessions included.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Reads a sentence of the prompt: durations `units` `[N]` and its `content` [N, C], or none where the text is unknown.
    ///
    /// Of a prompt that grows too long the most recent part is kept, as in [`super::ProsodySession::prefill`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ.
    pub fn prefill(&mut self, content: Option<&Tensor>, units: &[u32]) -> Result<()> {
        self.queue(content, units)?;
        if self.prompt.holds_all() {
            self.settle()?;
        }
        Ok(())
    }

    /// As [`DurationSession::prefill`], read only when the session goes on: many sentences at once cost less.
    pub(super) fn queue(&mut self, content: Option<&Tensor>, units: &[u32]) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        self.model.check(units, content)?;
        let content = content.map(|content| content.to_device(&Device::Cpu));
        self.prompt.push(Sentence {
            content: content.transpose()?,
            numbers: units.to_vec(),
        })
    }

    /// Reads what is still unread of the prompt, so that every fork shares it.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn settle(&mut self) -> Result<()> {
        if self.prompt.is_stale() {
            self.cache = self.model.stack.cache();
        }
        let unread = self.prompt.take_unread();
        if unread.is_empty() {
            return Ok(());
        }
        self.before = None;
        let model = self.model.clone();
        let (mut contents, mut before) = (Vec::new(), Vec::new());
        for Sentence { content, numbers } in &unread {
            contents.push(match content {
                Some(content) => content.clone(),
                None => model
                    .null_content
                    .unsqueeze(0)?
                    .expand((numbers.len(), model.content_channels))?,
            });
            before.extend(preceding(numbers));
        }
        model.extend(&Tensor::cat(&contents, 0)?, &before, &mut self.cache)?;
        self.cache.seal();
        Ok(())
    }

    /// Predicted ln(1 + duration) of the next symbol, given its `content` `[C]`. Follow with [`DurationSession::accept`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn step(&mut self, content: &[f32]) -> Result<f32> {
        self.settle()?;
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
