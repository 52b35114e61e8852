//! HiFi-GAN generators (Kong, Kim and Bae, "HiFi-GAN: Generative Adversarial Networks for
//! Efficient and High Fidelity Speech Synthesis", 2020, arXiv:2010.05646).
//!
//! ```text
//! mel [80, T] ─ conv 7 ─┬─ leaky ReLU ─ transposed conv (×8) ─ MRF ─┐ … (×8, ×2, ×2)
//!                       └───────────────────────────────────────────┘
//!             ─ leaky ReLU ─ conv 7 ─ tanh ─ wave [1, 256 T]
//! MRF: the mean of residual blocks of kernels 3, 7 and 11, each dilated 1, 3 and 5
//! ```
//!
//! Tensor names are those of the reference implementation (`generator_*.pth.tar`, dictionary
//! `generator`), with weight norm or folded; [`HifiGan::open`] reads the published files as they
//! are.

mod config;
mod resblock;
mod stream;

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;

pub use config::{HifiGanConfig, Resblock};
pub use stream::HifiGanStream;

use crate::checkpoint::{self, explain, in_file};
use crate::kernel::{
    Activation, Conv1d, Conv1dSpec, ConvTranspose1d, ConvTranspose1dSpec, average,
};
use crate::mel::MelConfig;
use crate::{Error, Result};
use resblock::ResidualBlock;

/// Slope of the leaky ReLUs, and of the one before the last convolution, which the reference
/// leaves at torch's default.
const SLOPE: Activation = Activation::LeakyRelu(0.1);
const LAST_SLOPE: Activation = Activation::LeakyRelu(0.01);
/// Taps of the first and of the last convolution.
const OUTER_KERNEL: usize = 7;

/// The weights of a generator; share it behind an `Arc`.
#[derive(Debug)]
pub struct HifiGan {
    config: HifiGanConfig,
    conv_pre: Conv1d,
    stages: Vec<Stage>,
    conv_post: Conv1d,
}

/// One upsampling and its multi-receptive-field fusion.
#[derive(Debug)]
struct Stage {
    up: ConvTranspose1d,
    blocks: Vec<ResidualBlock>,
}

impl HifiGan {
    /// Loads a generator whose tensors lie directly below `vb`.
    ///
    /// # Errors
    /// [`Error::Config`] for impossible sizes, [`Error::Weights`] where a tensor is missing or has
    /// another shape.
    pub fn load(config: HifiGanConfig, vb: VarBuilder<'_>) -> Result<Self> {
        config.validate()?;
        let outer = Conv1dSpec::same(OUTER_KERNEL, 1);
        let width = config.upsample_initial_channel;
        let (bands, last) = (
            config.mel.bands,
            config.channels(config.upsample_rates.len()),
        );
        let conv = |inputs, outputs, name: &str| {
            Conv1d::load(inputs, outputs, OUTER_KERNEL, &outer, vb.pp(name)).map_err(explain)
        };
        let stages = 0..config.upsample_rates.len();
        Ok(Self {
            conv_pre: conv(bands, width, "conv_pre")?,
            stages: stages
                .map(|i| Stage::load(&config, i, &vb))
                .collect::<Result<_>>()?,
            conv_post: conv(last, 1, "conv_post")?,
            config,
        })
    }

    /// Opens a checkpoint file: a published `generator_*.pth.tar` (or `g_*`), or safetensors with
    /// or without the prefix `generator.`.
    ///
    /// # Errors
    /// As [`HifiGan::load`], and [`Error::Io`] if the file cannot be read.
    pub fn open(path: &Path, config: HifiGanConfig, device: &Device) -> Result<Self> {
        let vb = checkpoint::open(path, Some("generator"), device)?;
        let prefixed = vb.contains_tensor("generator.conv_pre.bias");
        let vb = if prefixed { vb.pp("generator") } else { vb };
        Self::load(config, vb).map_err(in_file(path))
    }

    /// Sizes and front end.
    pub fn config(&self) -> &HifiGanConfig {
        &self.config
    }

    /// The mel spectrogram this generator was made for.
    pub fn mel(&self) -> &MelConfig {
        &self.config.mel
    }

    /// Mel frames `[B, bands, T]` to waves `[B, 1, T · hop]`.
    ///
    /// # Errors
    /// [`Error::Input`] for another number of bands or no frames.
    pub fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        self.check(mel)?;
        if mel.dims()[2] == 0 {
            return Err(Error::Input("there are no mel frames to sound".into()));
        }
        let mut x = self.conv_pre.forward(mel)?;
        for stage in &self.stages {
            x = stage.upsample(&x)?;
            let branches = stage.blocks.iter().map(|block| block.forward(&x));
            x = average(&branches.collect::<candle_core::Result<Vec<_>>>()?)?;
        }
        Ok(self.finish(&x)?)
    }

    /// Wave of mel frames `[1, bands, T]`: `T · hop` samples.
    ///
    /// # Errors
    /// As [`HifiGan::forward`].
    pub fn synthesise(&self, mel: &Tensor) -> Result<Vec<f32>> {
        Ok(self.forward(mel)?.flatten_all()?.to_vec1()?)
    }

    /// A stream from mel frames to samples.
    pub fn stream(self: &Arc<Self>) -> HifiGanStream {
        HifiGanStream::new(Arc::clone(self))
    }

    fn check(&self, mel: &Tensor) -> Result<()> {
        let bands = self.config.mel.bands;
        match mel.dims() {
            [_, found, _] if *found == bands => Ok(()),
            other => Err(Error::Input(format!(
                "the vocoder takes mel frames [B, {bands}, T], got {other:?}"
            ))),
        }
    }

    fn finish(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.conv_post
            .forward_fused(x, LAST_SLOPE, Activation::Tanh, None)
    }
}

impl Stage {
    fn load(config: &HifiGanConfig, i: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let (rate, taps) = (config.upsample_rates[i], config.upsample_kernel_sizes[i]);
        let (inputs, outputs) = (config.channels(i), config.channels(i + 1));
        let spec = ConvTranspose1dSpec::strided(rate, (taps - rate) / 2);
        let sizes = config
            .resblock_kernel_sizes
            .iter()
            .zip(&config.resblock_dilation_sizes);
        let blocks = sizes.enumerate().map(|(j, (kernel, dilations))| {
            let n = i * config.resblock_kernel_sizes.len() + j;
            let vb = vb.pp("resblocks").pp(n);
            ResidualBlock::load(config.resblock, outputs, *kernel, dilations, vb)
        });
        Ok(Self {
            up: ConvTranspose1d::load(inputs, outputs, taps, &spec, vb.pp("ups").pp(i))
                .map_err(explain)?,
            blocks: blocks.collect::<Result<_>>()?,
        })
    }

    fn upsample(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.up.forward_fused(x, SLOPE, Activation::Identity, None)
    }

    fn mean(&self, sum: Tensor) -> candle_core::Result<Tensor> {
        sum * (1.0 / self.blocks.len() as f64)
    }
}
