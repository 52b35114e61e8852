//! The prosody language model (P-LLM, section 3.3): content and the past codes to the next code.

use std::sync::Arc;

use candle_core::{D, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::log_softmax};

use super::window::{Sentence, Window};
use super::{Config, Prompt};
use crate::error::input;
use crate::nn::{CausalStack, KvCache, Scratch, step};
use crate::sampling::Sampler;
use crate::{Checkpoint, Result};

/// A causal transformer over rows of sentences; at the rate of codes, each position sees the content there and the
/// code before it.
///
/// A sentence of L codes takes L + 1 positions: the first sees the token that begins a sentence in place of a code,
/// the last sees `end_content` in place of content and predicts the end. Weights are on the CPU.
#[derive(Debug, Clone)]
pub struct ProsodyLm {
    embedding: Tensor,
    input: Linear,
    stack: CausalStack,
    output: Linear,
    null_content: Tensor,
    end_content: Tensor,
    codes: usize,
    content_channels: usize,
}

impl ProsodyLm {
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
        let (plm, content, codes) = (&config.plm, config.content.channels, config.prosody.codes);
        Ok(Self {
            embedding: vb.get((codes + 1, plm.code_channels), "embedding.weight")?,
            input: linear(content + plm.code_channels, plm.channels, vb.pp("input"))?,
            stack: CausalStack::new(plm.channels, plm.layers, plm.heads, plm.hidden, vb.clone())?,
            output: linear(plm.channels, codes + 1, vb.pp("output"))?,
            null_content: vb.get(content, "null_content")?,
            end_content: vb.get(content, "end_content")?,
            codes,
            content_channels: content,
        })
    }

    /// Number of prosody codes.
    pub fn codes(&self) -> usize {
        self.codes
    }

    /// Logits of a whole row: `content` [L, C] and the `previous` tokens `[L]` (a code, or [`ProsodyLm::codes`] to begin
    /// a sentence) to [L, codes + 1], the last of each row for the end of the sentence.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ or a token is out of range.
    pub fn forward(&self, content: &Tensor, previous: &[u32]) -> Result<Tensor> {
        Ok(self
            .output
            .forward(&self.extend(content, previous, &mut self.stack.cache())?)?)
    }

    /// Whether these are codes of the model, one for each row of `content`.
    fn check(&self, codes: &[u32], content: Option<&Tensor>) -> Result<()> {
        if let Some(code) = codes.iter().find(|&&code| code as usize >= self.codes) {
            return input(format!("prosody code {code}: the model has {}", self.codes));
        }
        match content.map(Tensor::dims) {
            Some(shape) if shape != [codes.len(), self.content_channels] => input(format!(
                "{} prosody codes for content of shape {shape:?}, expected {} channels",
                codes.len(),
                self.content_channels
            )),
            _ => Ok(()),
        }
    }

    /// The next positions of a row, after those in `cache`: [L, channels].
    fn extend(&self, content: &Tensor, previous: &[u32], cache: &mut KvCache) -> Result<Tensor> {
        let (rows, channels) = content.dims2()?;
        if rows != previous.len() || channels != self.content_channels {
            return input(format!(
                "{} prosody codes for content of {rows} rows of {channels} channels, expected {}",
                previous.len(),
                self.content_channels
            ));
        }
        if let Some(code) = previous.iter().find(|&&code| code as usize > self.codes) {
            return input(format!("prosody code {code}: the model has {}", self.codes));
        }
        let codes = self
            .embedding
            .index_select(&Tensor::new(previous, &Device::Cpu)?, 0)?;
        let content = content.to_device(&Device::Cpu)?;
        let x = self
            .input
            .forward(&Tensor::cat(&[&content, &codes], D::Minus1)?)?;
        Ok(self.stack.extend(&x, cache)?)
    }
}

/// A row in the making: what a [`ProsodyLm`] has read and said so far.
#[derive(Debug, Clone)]
pub struct ProsodySession {
    lm: Arc<ProsodyLm>,
    prompt: Window,
    cache: KvCache,
    /// The token before the next position.
    previous: u32,
    input: Vec<f32>,
    x: Vec<f32>,
    logits: Vec<f32>,
    scratch: Scratch,
}

impl ProsodySession {
    /// A session that has read nothing, and will keep [`Prompt::LONGEST_CODES`] of a prompt.
    pub fn new(lm: Arc<ProsodyLm>) -> Self {
        let cache = lm.stack.cache();
        let previous = lm.codes as u32;
        let (input, x, logits) = Default::default();
        Self {
            lm,
            prompt: Window::new(Prompt::LONGEST_CODES),
            cache,
            previous,
            input,
            x,
            logits,
            scratch: Scratch::default(),
        }
    }

    /// Keeps at most this many codes of what is prefilled from now on, at least one.
    pub fn longest_prompt(mut self, codes: usize) -> Self {
        self.prompt = Window::new(codes);
        self
    }

    /// A session that goes on from here on its own; what was read with [`ProsodySession::prefill`] is shared, not copied.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Positions read and said so far, those about to be read included.
    pub fn positions(&self) -> usize {
        let (sentences, codes) = self.prompt.unread();
        let read = if self.prompt.is_stale() {
            0
        } else {
            self.cache.positions()
        };
        read + sentences + codes
    }

    /// Bytes the cache holds, those shared with other sessions included.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Reads a sentence of the prompt: its `codes` `[L]` and pooled `content` [L, C], or none where the text is unknown.
    ///
    /// Of a prompt that grows too long the most recent sentences are kept, and of a sentence that is too long by
    /// itself its end, exactly as if nothing else had been prefilled; what was said in between is forgotten with the
    /// rest. What is left is read again when the session goes on, or at [`ProsodySession::settle`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ or a code is out of range.
    pub fn prefill(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<()> {
        self.queue(content, codes)?;
        if self.prompt.holds_all() {
            self.settle()?;
        }
        Ok(())
    }

    /// As [`ProsodySession::prefill`], read only when the session goes on: many sentences at once cost less.
    pub(super) fn queue(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<()> {
        self.lm.check(codes, content)?;
        if codes.is_empty() {
            return Ok(());
        }
        let content = content.map(|content| content.to_device(&Device::Cpu));
        self.prompt.push(Sentence {
            content: content.transpose()?,
            numbers: codes.to_vec(),
        })
    }

    /// Reads what is still unread of the prompt, so that every fork shares it.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn settle(&mut self) -> Result<()> {
        if self.prompt.is_stale() {
            self.cache = self.lm.stack.cache();
            self.previous = self.lm.codes as u32;
        }
        let unread = self.prompt.take_unread();
        if unread.is_empty() {
            return Ok(());
        }
        self.read(&unread)?;
        self.cache.seal();
        Ok(())
    }

    /// Reads a sentence as [`ProsodySession::prefill`] does, however long, and tells the natural logarithm of the
    /// probability of each code, and last of the end: [L + 1].
    ///
    /// # Errors
    /// As [`ProsodySession::prefill`].
    pub fn score(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<Vec<f32>> {
        self.settle()?;
        let lm = self.lm.clone();
        lm.check(codes, content)?;
        let sentence = Sentence {
            content: content.cloned(),
            numbers: codes.to_vec(),
        };
        let logits = lm.output.forward(&self.read(&[sentence])?)?;
        self.cache.seal();
        let mut targets = codes.to_vec();
        targets.push(lm.codes as u32);
        let targets = Tensor::from_vec(targets, (codes.len() + 1, 1), &Device::Cpu)?;
        Ok(log_softmax(&logits, D::Minus1)?
            .gather(&targets, 1)?
            .flatten_all()?
            .to_vec1()?)
    }

    /// The next sentences, all at once.
    fn read(&mut self, sentences: &[Sentence]) -> Result<Tensor> {
        self.end_said()?;
        let lm = self.lm.clone();
        let end = lm.end_content.unsqueeze(0)?;
        let (mut contents, mut previous) = (Vec::new(), Vec::new());
        for Sentence { content, numbers } in sentences {
            contents.push(match content {
                Some(content) => content.to_device(&Device::Cpu)?,
                None => lm
                    .null_content
                    .unsqueeze(0)?
                    .expand((numbers.len(), lm.content_channels))?,
            });
            contents.push(end.clone());
            previous.push(lm.codes as u32);
            previous.extend_from_slice(numbers);
        }
        lm.extend(&Tensor::cat(&contents, 0)?, &previous, &mut self.cache)
    }

    /// Logits of the next code, `[codes]`, given the `content` `[C]` there; the end of the sentence is not among them,
    /// since the durations decide it. Follow with [`ProsodySession::accept`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn step(&mut self, content: &[f32]) -> Result<&mut [f32]> {
        self.settle()?;
        self.advance(content)?;
        step::linear(&self.lm.output, &self.x, &mut self.logits)?;
        let codes = self.lm.codes.min(self.logits.len());
        Ok(&mut self.logits[..codes])
    }

    /// Tells which code was chosen.
    pub fn accept(&mut self, code: u32) {
        self.previous = code.min(self.lm.codes as u32);
    }

    /// Ends the sentence, so that what follows is read as the beginning of one; nothing if none was begun.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn end_sentence(&mut self) -> Result<()> {
        self.settle()?;
        self.end_said()
    }

    fn end_said(&mut self) -> Result<()> {
        if self.previous != self.lm.codes as u32 {
            let end = self.lm.end_content.to_vec1::<f32>()?;
            self.advance(&end)?;
            self.previous = self.lm.codes as u32;
        }
        Ok(())
    }

    /// Says a sentence: exactly one code for each row of pooled `content` [L, C].
    ///
    /// `first` is the position at which the first code is drawn, see [`Sampler::draw`]. The end of the sentence is
    /// read when the next one begins.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn generate(
        &mut self,
        content: &Tensor,
        sampler: &Sampler,
        first: u64,
    ) -> Result<Vec<u32>> {
        self.end_sentence()?;
        let mut codes = Vec::with_capacity(content.dim(0)?);
        for (position, row) in (first..).zip(content.to_vec2::<f32>()?) {
            let logits = self.step(&row)?;
            sampler.probabilities(logits);
            let code = sampler.draw(logits, position);
            self.accept(code);
            codes.push(code);
        }
        Ok(codes)
    }

    fn advance(&mut self, content: &[f32]) -> Result<()> {
        let lm = &self.lm;
        if content.len() != lm.content_channels {
            return input(format!(
                "content of {} channels, expected {}",
                content.len(),
                lm.content_channels
            ));
        }
        self.input.clear();
        self.input.extend_from_slice(content);
        let (codes, input) = (lm.embedding.get(self.previous as usize)?, &mut self.input);
        step::with_slice(&codes, |codes| input.extend_from_slice(codes))?;
        step::linear(&lm.input, &self.input, &mut self.x)?;
        Ok(lm
            .stack
            .step(&mut self.x, &mut self.cache, &mut self.scratch)?)
    }
}
