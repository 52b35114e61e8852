//! The prosody language model (P-LLM, section 3.3): content and the past codes to the next code.

use std::sync::Arc;

use candle_core::{D, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::log_softmax};

use super::Config;
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
    cache: KvCache,
    /// The token before the next position.
    previous: u32,
    input: Vec<f32>,
    x: Vec<f32>,
    logits: Vec<f32>,
    scratch: Scratch,
}

impl ProsodySession {
    /// A session that has read nothing.
    pub fn new(lm: Arc<ProsodyLm>) -> Self {
        let cache = lm.stack.cache();
        let previous = lm.codes as u32;
        let (input, x, logits) = Default::default();
        Self {
            lm,
            cache,
            previous,
            input,
            x,
            logits,
            scratch: Scratch::default(),
        }
    }

    /// A session that goes on from here on its own; what was read with [`ProsodySession::prefill`] is shared, not copied.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Positions read and said so far.
    pub fn positions(&self) -> usize {
        self.cache.positions()
    }

    /// Bytes the cache holds, those shared with other sessions included.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Reads a sentence of the prompt: its `codes` `[L]` and pooled `content` [L, C], or none where the text is unknown.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths differ or a code is out of range.
    pub fn prefill(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<()> {
        self.read(content, codes)?;
        self.cache.seal();
        Ok(())
    }

    /// Reads a sentence as [`ProsodySession::prefill`] does and tells the natural logarithm of the probability of each
    /// code, and last of the end: [L + 1].
    ///
    /// # Errors
    /// As [`ProsodySession::prefill`].
    pub fn score(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<Vec<f32>> {
        let lm = self.lm.clone();
        let logits = lm.output.forward(&self.read(content, codes)?)?;
        self.cache.seal();
        let mut targets = codes.to_vec();
        targets.push(lm.codes as u32);
        let targets = Tensor::from_vec(targets, (codes.len() + 1, 1), &Device::Cpu)?;
        Ok(log_softmax(&logits, D::Minus1)?
            .gather(&targets, 1)?
            .flatten_all()?
            .to_vec1()?)
    }

    fn read(&mut self, content: Option<&Tensor>, codes: &[u32]) -> Result<Tensor> {
        self.end_sentence()?;
        let lm = self.lm.clone();
        if let Some(code) = codes.iter().find(|&&code| code as usize >= lm.codes) {
            return input(format!("prosody code {code}: the model has {}", lm.codes));
        }
        let end = lm.end_content.unsqueeze(0)?;
        let null = lm
            .null_content
            .unsqueeze(0)?
            .expand((codes.len(), lm.content_channels))?;
        let content = content.unwrap_or(&null).to_device(&Device::Cpu)?;
        let mut previous = vec![lm.codes as u32];
        previous.extend_from_slice(codes);
        lm.extend(
            &Tensor::cat(&[content, end], 0)?,
            &previous,
            &mut self.cache,
        )
    }

    /// Logits of the next code, `[codes]`, given the `content` `[C]` there; the end of the sentence is not among them,
    /// since the durations decide it. Follow with [`ProsodySession::accept`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if `content` has another width.
    pub fn step(&mut self, content: &[f32]) -> Result<&mut [f32]> {
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
