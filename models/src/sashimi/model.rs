//! The whole model: codes in, logits of the next code out.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use syrinx_vocoder::kernel::{Conv1d, Precision};

use super::backbone::Backbone;
use super::convolution::{Convolution, pointwise};
use super::dplr::StepTransform;
use super::layers::Linear;
use super::layout::Layout;
use super::quantise::Quantisation;
use super::streams::Stepper;
use super::tensors::Tensors;
use crate::{Error, Result, error};

/// What a checkpoint does not say of itself; sizes are read off its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Samples per second.
    pub rate_hz: u32,
    /// What a code means.
    pub quantisation: Quantisation,
    /// How Δ is stored.
    pub dt_transform: StepTransform,
}

impl Default for Config {
    /// That of the SC09 and YouTubeMix checkpoints.
    fn default() -> Self {
        Self {
            rate_hz: 16_000,
            quantisation: Quantisation::MuLaw,
            dt_transform: StepTransform::Exp,
        }
    }
}

/// SaShiMi with the weights of a checkpoint.
pub struct Sashimi {
    pub(super) config: Config,
    pub(super) layout: Layout,
    /// \[codes, channels\]
    pub(super) embedding: Vec<f32>,
    pub(super) backbone: Backbone,
    pub(super) decoder: Linear,
}

impl Sashimi {
    /// Loads a checkpoint of any of the layouts v2, v3 and v4, snet or U-net.
    ///
    /// # Errors
    /// [`Error::Weights`] saying what the file resembles and what differs.
    pub fn load(tensors: &Tensors, config: Config) -> Result<Self> {
        if config.rate_hz == 0 {
            return Err(Error::Config(
                "rate_hz 0: give the samples per second".into(),
            ));
        }
        let layout = Layout::recognise(tensors)?;
        let (encoder, decoder) = layout.ends();
        let table = format!("{encoder}.weight");
        let dims = tensors.dims(&table).unwrap_or_default().to_vec();
        let &[codes, channels] = dims.as_slice() else {
            return Err(tensors.fault(&table, "[codes, channels]", format!("{dims:?}")));
        };
        if codes != config.quantisation.codes() {
            let expected = format!("[{}, {channels}]", config.quantisation.codes());
            return Err(tensors.fault(&table, expected, format!("{dims:?}")));
        }
        let model = Self {
            config,
            layout,
            embedding: tensors.values(&table, codes * channels)?,
            backbone: Backbone::load(tensors, "model.", channels, config.dt_transform)?,
            decoder: Linear::load(
                tensors,
                &format!("{decoder}.output_transform"),
                channels,
                Some(codes),
            )?,
        };
        tensors.finish(layout.name())?;
        Ok(model)
    }

    /// What the checkpoint does not say.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The names the checkpoint uses.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of codes.
    pub fn codes(&self) -> usize {
        self.decoder.rows()
    }

    /// Packs the weights for generation. If C is stored corrected for the length of its kernel, it is
    /// restored here, which takes some seconds at most; do it once.
    ///
    /// # Errors
    /// [`Error::Config`] for a bidirectional model.
    pub fn stepper(&self, precision: Precision) -> Result<Arc<Stepper>> {
        Ok(Arc::new(Stepper::new(self, precision)?))
    }

    /// Computes the kernels for clips of up to `samples` samples.
    ///
    /// # Errors
    /// [`Error::Compute`] if a product of matrices fails.
    pub fn teacher(&self, samples: usize) -> Result<Teacher<'_>> {
        let pool = self.backbone.pool();
        Ok(Teacher {
            model: self,
            convolution: Convolution::new(&self.backbone, samples.max(1).next_multiple_of(pool))?,
            decoder: pointwise(&self.decoder)?,
        })
    }
}

/// A model in convolution mode: what it expects after each code of clips that are known.
pub struct Teacher<'a> {
    model: &'a Sashimi,
    convolution: Convolution,
    decoder: Conv1d,
}

/// Columns decoded at a time: the logits of a whole clip would be the largest tensor of all.
const COLUMNS: usize = 1 << 14;

impl Teacher<'_> {
    /// The longest clip it takes.
    pub fn samples(&self) -> usize {
        self.convolution.samples()
    }

    /// The logits \[codes, T\] of the code after each of `codes` \[T\].
    ///
    /// # Errors
    /// [`Error::Input`] for no codes, too many, or unknown ones.
    pub fn logits(&self, codes: &[u32]) -> Result<Tensor> {
        let x = self.features(codes)?;
        Ok(self.decoder.forward(&x)?.squeeze(0)?)
    }

    /// log₂ p(code | those before it) of each of `codes` \[T\], the first after silence.
    ///
    /// # Errors
    /// As [`Teacher::logits`].
    pub fn log2_likelihoods(&self, codes: &[u32]) -> Result<Vec<f32>> {
        let silence = std::iter::once(self.model.config.quantisation.silence());
        let before: Vec<u32> = silence
            .chain(codes.iter().copied())
            .take(codes.len())
            .collect();
        let x = self.features(&before)?;
        let mut likelihoods = Vec::with_capacity(codes.len());
        for (piece, codes) in codes.chunks(COLUMNS).enumerate() {
            let columns = x.narrow(2, piece * COLUMNS, codes.len())?;
            let logits = self.decoder.forward(&columns.contiguous()?)?;
            let logits = logits.flatten_all()?.to_vec1::<f32>()?;
            likelihoods.extend(log2_softmax(&logits, codes)?);
        }
        Ok(likelihoods)
    }

    /// Embedding and backbone, \[1, C, T\].
    fn features(&self, codes: &[u32]) -> Result<Tensor> {
        let (model, time) = (self.model, codes.len());
        let pool = model.backbone.pool();
        if time == 0 || time > self.samples() {
            let most = self.samples();
            return error::input(format!("a clip of {time} samples: give 1 to {most}"));
        }
        let channels = model.backbone.channels();
        let padded = time.next_multiple_of(pool);
        let mut x = vec![0.0; channels * padded];
        // What is added at the end cannot reach back, but a column of zeros could not be normalised.
        let silence = model.config.quantisation.silence();
        let all = codes.iter().copied().chain(std::iter::repeat(silence));
        for (t, code) in all.take(padded).enumerate() {
            let from = code as usize * channels;
            let Some(row) = model.embedding.get(from..from + channels) else {
                return error::input(format!("code {code}: the model knows {}", model.codes()));
            };
            for (channel, value) in row.iter().enumerate() {
                x[channel * padded + t] = *value;
            }
        }
        let x = Tensor::from_vec(x, (1, channels, padded), &Device::Cpu)?;
        Ok(self.convolution.forward(&x)?.narrow(2, 0, time)?)
    }
}

/// log₂ of the softmax of `logits` \[codes, T\] at `codes` \[T\].
fn log2_softmax(logits: &[f32], codes: &[u32]) -> Result<Vec<f32>> {
    let time = codes.len();
    let mut top = vec![f32::NEG_INFINITY; time];
    for row in logits.chunks_exact(time) {
        top.iter_mut()
            .zip(row)
            .for_each(|(top, x)| *top = top.max(*x));
    }
    let mut sum = vec![0.0; time];
    for row in logits.chunks_exact(time) {
        for ((sum, x), top) in sum.iter_mut().zip(row).zip(&top) {
            *sum += (x - top).exp();
        }
    }
    let one = |(t, code): (usize, &u32)| match logits.get(*code as usize * time + t) {
        Some(x) => Ok((x - top[t] - sum[t].ln()) * std::f32::consts::LOG2_E),
        None => error::input(format!(
            "code {code}: the model knows {}",
            logits.len() / time
        )),
    };
    codes.iter().enumerate().map(one).collect()
}
