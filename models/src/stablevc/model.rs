//! The whole model.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::kernel::{Activation, Conv1d};

use super::block::{Block, BlockState};
use super::content::ContentExtractor;
use super::dual_attention::{KeyWidths, References};
use super::envelope::Envelopes;
use super::flow::FlowModule;
use super::frame_part::FramePart;
use super::pointwise::{from_linear, pointwise};
use super::speaker::SpeakerEncoder;
use super::style::StyleEncoder;
use super::target::{Parts, Target};
use super::{Config, KMeans, PhoneEncoder, ShapeConfig};
use crate::error::input;
use crate::nn::Rotary;
use crate::{Checkpoint, Result};

/// Registers that voices have, Hz.
const REGISTERS: std::ops::RangeInclusive<f32> = 20.0..=2000.0;

/// The networks of StableVC, but for the timbre keys, the prosody codes and the vocoder.
#[derive(Debug)]
pub struct StableVc {
    pub(super) content: Option<Arc<dyn ContentExtractor>>,
    pub(super) clusters: KMeans,
    speaker: Option<SpeakerEncoder>,
    style: StyleEncoder,
    pub(super) enter: Conv1d,
    /// The shape of a unit's frames, beside its content.
    pub(super) shaped: Option<Conv1d>,
    pub(super) module: Vec<Block>,
    pub(super) module_rotary: Rotary,
    duration: (Conv1d, Conv1d),
    pub(super) envelopes: Envelopes,
    pub(super) frame: FramePart,
    pub(super) flow: FlowModule,
    config: Config,
    device: Device,
}

impl StableVc {
    /// Loads the networks from a checkpoint.
    ///
    /// # Errors
    /// [`crate::Error::Config`] or [`crate::Error::Weights`].
    pub fn load(config: &Config, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        config.validate()?;
        checkpoint.build(device, |vb| Self::new(config, vb))
    }

    /// Builds the networks of a checked configuration on the device of `vb`. Weights are those of
    /// `training/stablevc/network.py`, under the same names.
    pub fn new(config: &Config, vb: VarBuilder) -> candle_core::Result<Self> {
        let (content, module) = (&config.content, &config.module);
        let channels = module.channels;
        let widths = Self::key_widths(config);
        let encoder = |sizes| {
            let encoder = PhoneEncoder::new(config, sizes, vb.pp("content"))?;
            Ok::<_, candle_core::Error>(Arc::new(encoder) as Arc<dyn ContentExtractor>)
        };
        let centroids = vb.get((content.clusters, content.features), "content.centroids")?;
        let speaker = |hidden| {
            let (keys, features) = (config.key_channels, config.speaker.features);
            SpeakerEncoder::new(keys, hidden, features, vb.pp("speaker"))
        };
        let block = |i| Block::new(module, widths, vb.pp(format!("module.{i}")));
        let shaped = |shape: &ShapeConfig| {
            let inputs = shape.width() * config.frames_per_unit;
            from_linear(&vb.get((channels, inputs), "shaped.weight")?, None)
        };
        let duration = vb.pp("duration");
        Ok(Self {
            content: content.encoder.as_ref().map(encoder).transpose()?,
            clusters: KMeans::new(&centroids)?,
            speaker: config.speaker.channels.map(speaker).transpose()?,
            style: StyleEncoder::new(&config.style, vb.pp("style"))?,
            enter: pointwise(content.features, channels, vb.pp("enter"))?,
            shaped: config.shape.as_ref().map(shaped).transpose()?,
            module: (0..module.blocks)
                .map(block)
                .collect::<candle_core::Result<_>>()?,
            module_rotary: Rotary::new(channels / module.heads),
            duration: (
                pointwise(channels, channels, duration.pp("0"))?,
                pointwise(channels, 1, duration.pp("2"))?,
            ),
            envelopes: Envelopes::new(config, &vb)?,
            frame: FramePart::new(config, vb.clone())?,
            flow: FlowModule::new(config, widths, vb.clone())?,
            config: config.clone(),
            device: vb.device().clone(),
        })
    }

    /// The model with another content extractor, as one whose configuration has no encoder needs.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if its features have another width or rate than the model was trained on.
    pub fn with_content(self, content: Arc<dyn ContentExtractor>) -> Result<Self> {
        let (width, rate) = (self.config.content.features, self.config.frames_per_unit);
        if content.width() != width || content.frames_per_unit() != rate {
            return Err(crate::Error::Config(format!(
                "content.features = {width}, frames_per_unit = {rate}: the extractor makes {} of {} frames",
                content.width(),
                content.frames_per_unit()
            )));
        }
        Ok(Self {
            content: Some(content),
            ..self
        })
    }

    /// Sizes of the networks.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The content extractor, if the model has one.
    pub fn content(&self) -> Option<&Arc<dyn ContentExtractor>> {
        self.content.as_ref()
    }

    /// The content extractor.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a model without one.
    pub(super) fn need_content(&self) -> Result<&Arc<dyn ContentExtractor>> {
        self.content.as_ref().ok_or_else(|| {
            crate::Error::Config(
                "the model has no content encoder: give it the extractor it was trained on".into(),
            )
        })
    }

    /// Clusters of the content features.
    pub fn clusters(&self) -> &KMeans {
        &self.clusters
    }

    /// The embedding `[V]` of the voice whose timbre keys [M, K] these are, in any order.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for keys of another width, or none; [`crate::Error::Config`] for a model that takes
    /// embeddings from outside.
    pub fn speaker(&self, keys: &Tensor) -> Result<Tensor> {
        let keys = self.rows("timbre keys", keys, self.config.key_channels)?;
        let Some(speaker) = &self.speaker else {
            return Err(crate::Error::Config(
                "the model has no speaker encoder: give the embedding it was trained on".into(),
            ));
        };
        Ok(speaker.forward(&keys)?)
    }

    /// The style [S, C] of prosody codes `[L]`, S = L · code_frames / pool.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for codes that there are not, or too few; [`crate::Error::Config`] for a model that takes
    /// vectors.
    pub fn style(&self, codes: &[u32]) -> Result<Tensor> {
        let known = self.config.style.codes.unwrap_or_default();
        if let Some(code) = codes.iter().find(|&&c| known > 0 && c as usize >= known) {
            return input(format!("prosody code {code}: there are {known}"));
        }
        self.need_columns(codes.len())?;
        match self.style.vectors(codes)? {
            Some(vectors) => Ok(self.style.forward(&vectors)?),
            None => Err(crate::Error::Config(
                "the model has no prosody codes: give the vectors it was trained on".into(),
            )),
        }
    }

    /// The style [S, C] of the vectors [L, D] of another codec.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for vectors of another width, or too few.
    pub fn style_of_vectors(&self, vectors: &Tensor) -> Result<Tensor> {
        let vectors = self.rows("style vectors", vectors, self.config.style.code_channels)?;
        self.need_columns(vectors.dim(0)?)?;
        Ok(self.style.forward(&vectors)?)
    }

    /// A target voice from timbre keys [M, K] of its references, its register (median F0, Hz) and, where the manner of
    /// speaking is to come from somewhere, a style [S, C].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for shapes or numbers that do not fit, and what [`StableVc::speaker`] says.
    pub fn target(
        &self,
        keys: &Tensor,
        register_hz: f32,
        style: Option<&Tensor>,
    ) -> Result<Target> {
        self.target_with_speaker(keys, &self.speaker(keys)?, register_hz, style)
    }

    /// As [`StableVc::target`], with an embedding `[V]` of the speaker from outside.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for shapes or numbers that do not fit.
    pub fn target_with_speaker(
        &self,
        keys: &Tensor,
        speaker: &Tensor,
        register_hz: f32,
        style: Option<&Tensor>,
    ) -> Result<Target> {
        let config = &self.config;
        if !REGISTERS.contains(&register_hz) {
            return input(format!(
                "a register of {register_hz} Hz: give a median F0 from 20 to 2000 Hz"
            ));
        }
        let keys = self.rows("timbre keys", keys, config.key_channels)?;
        let embedding = speaker.reshape((1, ()))?;
        let speaker = self
            .rows("a speaker's embedding", &embedding, config.speaker.features)?
            .squeeze(0)?;
        let style = style
            .map(|style| self.rows("a style", style, config.style.channels))
            .transpose()?;
        let references = References::new(&keys, &speaker, style.as_ref())?;
        let register = f64::from(register_hz).ln();
        let module = self.module.iter().map(|b| b.project(&references));
        Ok(Target {
            parts: Arc::new(Parts {
                config: config.clone(),
                films: self.frame.films(&speaker, register)?,
                speaker,
                register,
                module: module.collect::<candle_core::Result<_>>()?,
                flow: self.flow.project(&references)?,
            }),
        })
    }

    /// ln of the length of each unit, in units, from the hidden content [1, C, N]: `[N]`.
    pub(super) fn log_durations(&self, hidden: &Tensor) -> candle_core::Result<Vec<f32>> {
        let (none, silu) = (Activation::Identity, Activation::Silu);
        let x = self.duration.0.forward_fused(hidden, none, silu, None)?;
        self.duration.1.forward(&x)?.flatten_all()?.to_vec1()
    }

    /// The states of the content module before a signal begins.
    pub(super) fn module_states(&self) -> Vec<BlockState> {
        self.module.iter().map(Block::state).collect()
    }

    pub(super) fn widths(&self) -> KeyWidths {
        Self::key_widths(&self.config)
    }

    fn key_widths(config: &Config) -> KeyWidths {
        KeyWidths {
            keys: config.key_channels,
            speaker: config.speaker.features,
            style: config.style.channels,
        }
    }

    /// `rows` on the device of the model, once it is certain that they are one or more finite rows of `width`.
    pub(super) fn rows(&self, what: &str, rows: &Tensor, width: usize) -> Result<Tensor> {
        if rows.rank() != 2 || rows.dim(0)? == 0 || rows.dim(1)? != width {
            return input(format!(
                "{what} of shape {:?}, expected [1 or more, {width}]",
                rows.dims()
            ));
        }
        let rows = rows.to_dtype(DType::F32)?.to_device(&self.device)?;
        if !rows.abs()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
            return input(format!("{what} with numbers that are not finite"));
        }
        Ok(rows)
    }

    fn need_columns(&self, vectors: usize) -> Result<()> {
        if self.style.columns(vectors) == 0 {
            return input(format!("{vectors} prosody codes are too few for a style"));
        }
        Ok(())
    }
}
