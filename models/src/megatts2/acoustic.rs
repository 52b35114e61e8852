//! The autoencoder (section 3.2): content, timbre and prosody, apart and together again.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;

use super::content::ContentEncoder;
use super::decoder::{Decoder, Modulation, REGISTER_ORIGIN};
use super::durations::{LONGEST_ROW, total};
use super::prosody::ProsodyEncoder;
use super::stream::Conditions;
use super::timbre::TimbreEncoder;
use super::{Config, DecodeStream, Expansion, expand};
use crate::error::input;
use crate::nn::{CrossAttention, ProjectedKeys, RmsNorm};
use crate::{Checkpoint, Result};

/// Mel levels are shifted and scaled to the order of one inside the network.
const MEL_CENTRE: f64 = -5.0;
const MEL_SPREAD: f64 = 2.5;

/// Content encoder, timbre encoder, prosody encoder and decoder.
///
/// Mels are [bands, T], natural logarithms as the front end of the configuration makes them.
#[derive(Debug, Clone)]
pub struct Acoustic {
    content: ContentEncoder,
    timbre: TimbreEncoder,
    timbre_norm: RmsNorm,
    timbre_attention: CrossAttention,
    prosody: ProsodyEncoder,
    pub(super) decoder: Decoder,
    config: Config,
    device: Device,
}

/// A voice's timbre, with what the networks derive from it computed once.
#[derive(Debug, Clone)]
pub struct Timbre {
    keys: Tensor,
    global: Tensor,
    projected: ProjectedKeys,
    /// Median ln F0 it speaks at.
    register: f32,
    pub(super) modulation: Modulation,
}

impl Timbre {
    /// Keys of all references, [M, K]: with [`Acoustic::timbre_from_keys`], all there is to store of a voice's timbre.
    pub fn keys(&self) -> &Tensor {
        &self.keys
    }

    /// Their mean, `[K]`.
    pub fn global(&self) -> &Tensor {
        &self.global
    }

    /// Median F0 it speaks at, Hz, where the model has a register; see [`Acoustic::at_register`].
    pub fn register_hz(&self) -> f32 {
        self.register.exp()
    }
}

/// A stretch of decoded speech.
#[derive(Debug, Clone)]
pub struct AcousticFrames {
    /// Log mel, [bands, T].
    pub mel: Tensor,
    /// Fundamental frequency in Hz, 0 where unvoiced, `[T]`; empty if the model does not predict it.
    pub f0_hz: Vec<f32>,
    /// Probability of voicing, `[T]`; empty if the model does not predict it.
    pub voicing: Vec<f32>,
}

impl AcousticFrames {
    /// Number of frames, T.
    pub fn frames(&self) -> usize {
        self.mel.dims().get(1).copied().unwrap_or_default()
    }
}

impl Acoustic {
    /// Loads the networks from a checkpoint of their own.
    ///
    /// # Errors
    /// [`crate::Error::Config`] or [`crate::Error::Weights`].
    pub fn load(config: &Config, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        config.validate()?;
        checkpoint.build(device, |vb| Self::new(config, vb))
    }

    /// Builds the networks on the device of `vb`.
    pub fn new(config: &Config, vb: VarBuilder) -> candle_core::Result<Self> {
        let (channels, timbre) = (config.content.channels, &config.timbre);
        let inputs = channels + 3 + config.prosody.code_channels;
        let global = timbre.global_vector.then_some(timbre.key_channels);
        Ok(Self {
            content: ContentEncoder::new(config.symbols, &config.content, vb.pp("content"))?,
            timbre: TimbreEncoder::new(config.bands, timbre, vb.pp("timbre"))?,
            timbre_norm: RmsNorm::new(channels, vb.pp("timbre_norm"))?,
            timbre_attention: CrossAttention::new(
                channels,
                timbre.key_channels,
                timbre.heads,
                vb.pp("timbre_attention"),
            )?,
            prosody: ProsodyEncoder::new(&config.prosody, vb.pp("prosody"))?,
            decoder: Decoder::new(
                inputs,
                global,
                config.bands,
                config.frames_per_unit,
                &config.decoder,
                vb.pp("decoder"),
            )?,
            config: config.clone(),
            device: vb.device().clone(),
        })
    }

    /// Sizes of the networks.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the networks compute.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Symbols `[N]` to content [N, C].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for no symbols, or one outside the table.
    pub fn content(&self, ids: &[u32]) -> Result<Tensor> {
        if ids.is_empty() {
            return input("no symbols to speak");
        }
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.config.symbols) {
            return input(format!(
                "symbol {id}: the model has {}",
                self.config.symbols
            ));
        }
        Ok(self.content.forward(ids)?)
    }

    /// The timbre of any number of reference mels [bands, T], at least one frame in all.
    ///
    /// Each is encoded by itself and the attention has no positions, so that their order changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for nothing to hear, or mels of another number of bands.
    pub fn timbre(&self, references: &[Tensor]) -> Result<Timbre> {
        let mut keys = Vec::with_capacity(references.len());
        for mel in references {
            let mel = self.mel(mel)?;
            keys.push(self.timbre.forward(&((mel - MEL_CENTRE)? / MEL_SPREAD)?)?);
        }
        if keys.is_empty() {
            return input("no reference to take the timbre from");
        }
        self.timbre_from_keys(&Tensor::cat(&keys, 0)?)
    }

    /// The timbre of stored keys [M, K], see [`Timbre::keys`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for keys of another width than the model's, or none.
    pub fn timbre_from_keys(&self, keys: &Tensor) -> Result<Timbre> {
        let width = self.config.timbre.key_channels;
        if keys.rank() != 2 || keys.dim(1)? != width || keys.dim(0)? == 0 {
            return input(format!(
                "timbre keys of shape {:?}, expected [1 or more, {width}]",
                keys.dims()
            ));
        }
        let keys = keys.to_device(&self.device)?;
        let global = keys.mean(0)?;
        Ok(Timbre {
            projected: self.timbre_attention.project(&keys)?,
            modulation: self.decoder.modulation(&global, REGISTER_ORIGIN)?,
            register: REGISTER_ORIGIN,
            keys,
            global,
        })
    }

    /// The same timbre speaking at a median F0 of `register_hz`; as made from references alone, it speaks at 148 Hz.
    /// Without effect on a model that has no register.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a frequency outside 20 to 2000 Hz.
    pub fn at_register(&self, timbre: &Timbre, register_hz: f32) -> Result<Timbre> {
        if !(20.0..=2000.0).contains(&register_hz) {
            return input(format!("a register of {register_hz} Hz: give 20 to 2000"));
        }
        let register = register_hz.ln();
        Ok(Timbre {
            modulation: self.decoder.modulation(&timbre.global, register)?,
            register,
            ..timbre.clone()
        })
    }

    /// Prosody codes of a mel [bands, T]: [ceil(T / pool)]. A model whose codes carry no register takes them from mels
    /// moved along frequency to [`super::ProsodyConfig::register_hz`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a mel of another number of bands, or no frames.
    pub fn prosody_codes(&self, mel: &Tensor) -> Result<Vec<u32>> {
        Ok(self.prosody.encode(&self.mel(mel)?)?)
    }

    /// Speaks `content` [N, C] in a timbre with durations `units` `[N]` and prosody `codes` [ceil(Σ units / r)].
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the lengths do not fit together or a code is out of range.
    pub fn decode(
        &self,
        content: &Tensor,
        timbre: &Timbre,
        units: &[u32],
        codes: &[u32],
    ) -> Result<AcousticFrames> {
        let conditions = self.conditions(content, timbre, units, codes)?;
        self.decode_units(&conditions, timbre, 0..conditions.units())
    }

    /// As [`Acoustic::decode`], in chunks of `chunk` units, in memory that does not grow with the length.
    ///
    /// The chunks joined equal the whole: the decoder sees a fixed number of units to either side, which are computed
    /// again at each seam.
    ///
    /// # Errors
    /// As [`Acoustic::decode`].
    pub fn decode_stream(
        self: &Arc<Self>,
        content: &Tensor,
        timbre: &Timbre,
        units: &[u32],
        codes: &[u32],
        chunk: usize,
    ) -> Result<DecodeStream> {
        let conditions = self.conditions(content, timbre, units, codes)?;
        Ok(DecodeStream::new(
            Arc::clone(self),
            conditions,
            timbre.clone(),
            chunk,
        ))
    }

    fn conditions(
        &self,
        content: &Tensor,
        timbre: &Timbre,
        units: &[u32],
        codes: &[u32],
    ) -> Result<Conditions> {
        let (rows, channels) = content.dims2()?;
        if rows != units.len() || channels != self.config.content.channels {
            return input(format!(
                "{} durations for content of {rows} symbols of {channels} channels, expected {}",
                units.len(),
                self.config.content.channels
            ));
        }
        let total = total(units);
        let expected = total.div_ceil(self.config.units_per_code());
        if total == 0 || total > LONGEST_ROW || codes.len() != expected {
            return input(format!(
                "{} prosody codes for {total} units, expected {expected}",
                codes.len()
            ));
        }
        if let Some(code) = codes
            .iter()
            .find(|&&code| code as usize >= self.config.prosody.codes)
        {
            return input(format!(
                "prosody code {code}: the model has {}",
                self.config.prosody.codes
            ));
        }
        let Expansion { index, position } = expand(units);
        let attended = self
            .timbre_attention
            .attend(&self.timbre_norm.forward(content)?, &timbre.projected)?;
        Ok(Conditions {
            content: (content + attended)?,
            index,
            position,
            codes: codes.to_vec(),
        })
    }

    /// Decodes a range of units, which is treated as if nothing stood around it.
    pub(super) fn decode_units(
        &self,
        conditions: &Conditions,
        timbre: &Timbre,
        range: std::ops::Range<usize>,
    ) -> Result<AcousticFrames> {
        let (units, device) = (range.len(), &self.device);
        let index = Tensor::new(&conditions.index[range.clone()], device)?;
        let content = conditions.content.index_select(&index, 0)?;
        let position = conditions.position[range.clone()].concat();
        let position = Tensor::from_vec(position, (units, 3), device)?;
        let per_code = self.config.units_per_code();
        let codes: Vec<u32> = range
            .map(|unit| conditions.codes[unit / per_code])
            .collect();
        let x = Tensor::cat(&[content, position, self.prosody.decode(&codes)?], 1)?;
        let y = self
            .decoder
            .forward(&x.t()?.unsqueeze(0)?.contiguous()?, &timbre.modulation)?;

        let bands = self.config.bands;
        let mel = ((y.narrow(0, 0, bands)? * MEL_SPREAD)? + MEL_CENTRE)?;
        if !self.config.decoder.pitch_heads {
            return Ok(AcousticFrames {
                mel,
                f0_hz: Vec::new(),
                voicing: Vec::new(),
            });
        }
        let register = if self.config.decoder.register {
            timbre.register - REGISTER_ORIGIN
        } else {
            0.0
        };
        let log_f0 = y.get(bands)?.to_vec1::<f32>()?;
        let logits = y.get(bands + 1)?.to_vec1::<f32>()?;
        let f0_hz = log_f0.iter().zip(&logits).map(|(f0, voiced)| {
            if *voiced >= 0.0 {
                (f0 + register).exp()
            } else {
                0.0
            }
        });
        let voicing = logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp()));
        Ok(AcousticFrames {
            mel,
            f0_hz: f0_hz.collect(),
            voicing: voicing.collect(),
        })
    }

    /// Checks a mel and brings it to the device.
    fn mel(&self, mel: &Tensor) -> Result<Tensor> {
        if mel.rank() != 2 || mel.dim(0)? != self.config.bands || mel.dim(1)? == 0 {
            return input(format!(
                "a mel of shape {:?}, expected [{}, frames]",
                mel.dims(),
                self.config.bands
            ));
        }
        Ok(mel.to_device(&self.device)?)
    }
}
