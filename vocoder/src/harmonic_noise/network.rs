//! The network that reads filters off the mel spectrogram.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use super::HarmonicNoiseConfig;
use crate::checkpoint::{explain, values};
use crate::conv_block::{ConvBlock, NORM_EPS};
use crate::kernel::{Conv1d, Conv1dSpec, rms_norm_channels};
use crate::mel::MelFilterbank;
use crate::stream::{Context, Frames};
use crate::{Error, Result};

/// F0 below this, Hz, is unvoiced to the network.
const VOICED_FROM_HZ: f32 = 20.0;
/// Subtracted from ln F0, to centre it on the range of voices.
const LN_F0_CENTRE: f32 = 5.0;
/// The least-squares spectrum is floored here before its logarithm.
const PRIOR_FLOOR: f32 = 1e-5;

#[derive(Debug)]
pub(super) struct Network {
    mel_mean: Vec<f32>,
    mel_std: Vec<f32>,
    input: Conv1d,
    blocks: Vec<ConvBlock>,
    gain: Tensor,
    head: Conv1d,
    /// Pseudo-inverse of the mel filters as a pointwise convolution, bands → bins.
    inverse: Conv1d,
    device: Device,
}

impl Network {
    pub(super) fn load(config: &HarmonicNoiseConfig, vb: VarBuilder<'_>) -> Result<Self> {
        let bands = config.mel.bands;
        let load = |inputs, outputs, (kernel, ahead): (usize, usize), name: &str| {
            let spec = Conv1dSpec::ahead(kernel, ahead);
            Conv1d::load(inputs, outputs, kernel, &spec, vb.pp(name)).map_err(explain)
        };
        let reaches = config.reaches();
        let blocks = reaches[1..]
            .iter()
            .enumerate()
            .map(|(i, &(kernel, ahead))| {
                let vb = vb.pp("blocks").pp(i);
                ConvBlock::load(config.channels, config.hidden, kernel, ahead, vb)
            });
        let outputs = config.parts() * config.mel.bins();
        let mel_std = values(&vb, bands, "mel_std")?;
        if !mel_std.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return Err(Error::Weights {
                path: None,
                name: "mel_std".into(),
                expected: "positive numbers".into(),
                found: "others".into(),
            });
        }
        Ok(Self {
            mel_mean: values(&vb, bands, "mel_mean")?,
            mel_std,
            input: load(bands + 2, config.channels, reaches[0], "input")?,
            blocks: blocks.collect::<Result<_>>()?,
            gain: vb.get(config.channels, "norm.gain").map_err(explain)?,
            head: load(config.channels, outputs, (1, 0), "head")?,
            inverse: inverse_filters(config, vb.device())?,
            device: vb.device().clone(),
        })
    }

    /// `[1, bands, T]` log mels to the log of their least-squares spectrum, `[1, bins, T]`.
    fn prior(&self, mel: &Tensor) -> candle_core::Result<Tensor> {
        let spectrum = self.inverse.forward(&mel.exp()?)?;
        spectrum.maximum(PRIOR_FLOOR)?.log()
    }

    /// Standardised mels, centred log F0 and voicing, `[1, bands + 2, T]`.
    fn features(&self, frames: &Frames) -> Result<Tensor> {
        let (bands, len) = (self.mel_mean.len(), frames.len());
        let mel: Vec<f32> = frames
            .mel()
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1()?;
        let mut features = Vec::with_capacity((bands + 2) * len);
        let statistics = self.mel_mean.iter().zip(&self.mel_std);
        for (band, (mean, std)) in mel.chunks_exact(len).zip(statistics) {
            features.extend(band.iter().map(|x| (x - mean) / std));
        }
        let voiced = |hz: &f32| hz.is_finite() && *hz >= VOICED_FROM_HZ;
        let ln_f0 = |hz: &f32| {
            if voiced(hz) {
                hz.ln() - LN_F0_CENTRE
            } else {
                0.0
            }
        };
        features.extend(frames.f0().iter().map(ln_f0));
        features.extend(frames.f0().iter().map(|hz| f32::from(u8::from(voiced(hz)))));
        Ok(Tensor::from_vec(
            features,
            (1, bands + 2, len),
            &self.device,
        )?)
    }
}

/// The pseudo-inverse as a layer, so that it runs in our kernels with results independent of the
/// number of frames.
fn inverse_filters(config: &HarmonicNoiseConfig, device: &Device) -> Result<Conv1d> {
    let inverse = MelFilterbank::new(&config.mel)?.pseudo_inverse();
    let inverse: Vec<f32> = inverse.iter().map(|x| *x as f32).collect();
    let shape = (config.mel.bins(), config.mel.bands, 1);
    let weight = Tensor::from_vec(inverse, shape, device)?;
    Ok(Conv1d::from_tensors(&weight, None, &Conv1dSpec::default())?)
}

/// Rows of numbers, one per frame, taken in the order they came.
#[derive(Debug, Default)]
pub(super) struct Rows {
    values: Vec<f32>,
}

impl Rows {
    /// Appends a `[1, C, T]` tensor as `T` rows of `C` numbers.
    fn append(&mut self, tensor: &Tensor) -> Result<()> {
        let (_, width, len) = tensor.dims3()?;
        let columns: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
        let first = self.values.len();
        self.values.resize(first + width * len, 0.0);
        for (t, row) in self.values[first..].chunks_exact_mut(width).enumerate() {
            let column = columns[t..].iter().step_by(len);
            row.iter_mut()
                .zip(column)
                .for_each(|(to, from)| *to = *from);
        }
        Ok(())
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Forgets the first `count` numbers.
    pub(super) fn drop(&mut self, count: usize) {
        self.values.drain(..count);
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }
}

/// The state of the network over one signal.
#[derive(Debug)]
pub(super) struct NetworkStream {
    input: Context,
    blocks: Vec<Context>,
    /// `parts · bins` numbers a frame, and `bins` numbers a frame; the latter run ahead.
    pub(super) parts: Rows,
    pub(super) prior: Rows,
}

impl NetworkStream {
    pub(super) fn new(network: &Network) -> Self {
        let context = |(left, right)| Context::new(left, right);
        let blocks = network.blocks.iter().map(ConvBlock::context);
        Self {
            input: context(network.input.spec().padding),
            blocks: blocks.map(context).collect(),
            parts: Rows::default(),
            prior: Rows::default(),
        }
    }

    /// Frames by which the parts trail the input.
    pub(super) fn delay(&self) -> usize {
        let blocks = self.blocks.iter().map(Context::right);
        self.input.right() + blocks.sum::<usize>()
    }

    pub(super) fn step(
        &mut self,
        network: &Network,
        frames: Option<&Frames>,
        last: bool,
    ) -> Result<()> {
        let mut features = None;
        if let Some(frames) = frames {
            let mel = frames
                .mel()
                .to_device(&network.device)?
                .to_dtype(DType::F32)?;
            self.prior.append(&network.prior(&mel)?)?;
            features = Some(network.features(frames)?);
        }
        let mut x = self
            .input
            .step(features.as_ref(), last, |x| network.input.forward(x))?;
        for (context, block) in self.blocks.iter_mut().zip(&network.blocks) {
            x = context.step(x.as_ref(), last, |x| block.forward(x))?;
        }
        if let Some(x) = x {
            let normed = rms_norm_channels(&x, &network.gain, NORM_EPS)?;
            self.parts.append(&network.head.forward(&normed)?)?;
        }
        Ok(())
    }

    pub(super) fn reset(&mut self) {
        self.input.reset();
        self.blocks.iter_mut().for_each(Context::reset);
        self.parts.clear();
        self.prior.clear();
    }
}
