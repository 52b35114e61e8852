//! Vocos (Siuzdak, "Vocos: Closing the gap between time-domain and Fourier-based neural vocoders",
//! 2023, arXiv:2306.00814): a ConvNeXt backbone at frame rate and an inverse STFT.
//!
//! ```text
//! mel [100, T] ─ conv 7 ─ layer norm ─ ConvNeXt × 8 ─ layer norm ─ linear ─ magnitude, phase
//!                                                                              │
//!                                        wave [T · hop] ── iSTFT ── min(e^m, 100) · e^{ip}
//! ConvNeXt: x + γ · linear(GELU(linear(layer norm(depthwise conv 7 (x)))))
//! ```
//!
//! Tensor names are those of the reference implementation (`pytorch_model.bin` of
//! `charactr/vocos-mel-24khz`).

mod config;
mod convnext;
mod stream;

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;

pub use config::VocosConfig;
pub use stream::VocosStream;

use crate::Result;
use crate::checkpoint::{self, explain, in_file};
use crate::kernel::{Conv1d, Conv1dSpec, layer_norm_channels};
use crate::mel::MelConfig;
use crate::stft::Stft;
use crate::stream::{Frames, Stream};
use convnext::ConvNeXt;

/// Taps of the first convolution and of the depthwise ones.
const KERNEL: usize = 7;
/// Added to the variance under the root of the layer norms.
const NORM_EPS: f32 = 1e-6;

/// The weights of a Vocos vocoder; share it behind an `Arc`.
#[derive(Debug)]
pub struct Vocos {
    config: VocosConfig,
    embed: Conv1d,
    norm: LayerNorm,
    blocks: Vec<ConvNeXt>,
    final_norm: LayerNorm,
    out: Conv1d,
    synthesis: Stft,
}

/// Layer norm over the channels of `[B, C, T]`.
#[derive(Debug)]
struct LayerNorm {
    gain: Tensor,
    bias: Tensor,
}

impl Vocos {
    /// Loads a vocoder whose tensors lie directly below `vb` (`backbone.…`, `head.…`).
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for impossible sizes,
    /// [`Error::Weights`](crate::Error::Weights) where a tensor is missing or has another shape.
    pub fn load(config: VocosConfig, vb: VarBuilder<'_>) -> Result<Self> {
        config.validate()?;
        let load = || {
            let (dim, backbone) = (config.dim, vb.pp("backbone"));
            let spec = Conv1dSpec::same(KERNEL, 1);
            let blocks = (0..config.num_layers).map(|i| {
                ConvNeXt::load(dim, config.intermediate_dim, backbone.pp("convnext").pp(i))
            });
            candle_core::Result::Ok((
                Conv1d::load(config.mel.bands, dim, KERNEL, &spec, backbone.pp("embed"))?,
                LayerNorm::load(dim, backbone.pp("norm"))?,
                blocks.collect::<candle_core::Result<Vec<_>>>()?,
                LayerNorm::load(dim, backbone.pp("final_layer_norm"))?,
                linear(dim, config.mel.n_fft + 2, vb.pp("head").pp("out"))?,
            ))
        };
        let (embed, norm, blocks, final_norm, out) = load().map_err(explain)?;
        Ok(Self {
            embed,
            norm,
            blocks,
            final_norm,
            out,
            synthesis: Stft::new(config.mel.stft())?,
            config,
        })
    }

    /// Opens a checkpoint file, torch or safetensors.
    ///
    /// # Errors
    /// As [`Vocos::load`], and [`Error::Io`](crate::Error::Io) if the file cannot be read.
    pub fn open(path: &Path, config: VocosConfig, device: &Device) -> Result<Self> {
        let vb = checkpoint::open(path, None, device)?;
        Self::load(config, vb).map_err(in_file(path))
    }

    /// Sizes and front end.
    pub fn config(&self) -> &VocosConfig {
        &self.config
    }

    /// The mel spectrogram this vocoder was made for.
    pub fn mel(&self) -> &MelConfig {
        &self.config.mel
    }

    /// Wave of mel frames `[1, bands, T]`: `(T - 1) · hop` samples where frames are centred.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) for another shape.
    pub fn synthesise(self: &Arc<Self>, mel: &Tensor) -> Result<Vec<f32>> {
        let mut wave = Vec::new();
        let mut stream = self.stream();
        stream.push(&Frames::new(mel)?, &mut wave)?;
        stream.flush(&mut wave)?;
        Ok(wave)
    }

    /// A stream from mel frames to samples.
    pub fn stream(self: &Arc<Self>) -> VocosStream {
        VocosStream::new(Arc::clone(self))
    }

    /// What follows the last block: log magnitudes and phases, `[1, n_fft + 2, T]`.
    fn head(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.out.forward(&self.final_norm.forward(x)?)
    }
}

impl LayerNorm {
    fn load(channels: usize, vb: VarBuilder<'_>) -> candle_core::Result<Self> {
        Ok(Self {
            gain: vb.get(channels, "weight")?,
            bias: vb.get(channels, "bias")?,
        })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        layer_norm_channels(x, &self.gain, &self.bias, NORM_EPS)
    }
}

/// A linear layer over channels, as a pointwise convolution.
fn linear(inputs: usize, outputs: usize, vb: VarBuilder<'_>) -> candle_core::Result<Conv1d> {
    let weight = vb.get((outputs, inputs), "weight")?.unsqueeze(2)?;
    let bias = vb.get(outputs, "bias")?;
    Conv1d::from_tensors(&weight, Some(&bias), &Conv1dSpec::default())
}
