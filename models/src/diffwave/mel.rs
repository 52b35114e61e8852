//! From mel frames to samples: two transposed convolutions over time and band, one per block.

use candle_core::{Device, Tensor};
use syrinx_vocoder::kernel::{Conv1d, fold_weight_norm};

use crate::sashimi::{Linear, Tensors, pointwise};
use crate::{Result, error};

/// Slope of the leaky ReLU behind each convolution.
const SLOPE: f64 = 0.4;

/// Stretches a mel to the rate of the samples and mixes its bands.
pub(super) struct MelUpsampler {
    stages: Vec<Stage>,
    mix: Conv1d,
    bands: usize,
}

/// A transposed convolution of 3 bands by 2·`stride` samples.
struct Stage {
    /// \[1, 1, 3, 2 stride\]
    weight: Tensor,
    bias: f64,
    stride: usize,
}

impl MelUpsampler {
    pub fn load(tensors: &Tensors, prefix: &str, channels: usize) -> Result<Self> {
        let mix = format!("{prefix}.mel_conv.conv");
        let (_, _, bands) = tensors.matrix(&mix)?;
        let mut stages = Vec::new();
        while tensors.any(&format!("{prefix}.upsample_conv2d.{}.", stages.len())) {
            let name = format!("{prefix}.upsample_conv2d.{}", stages.len());
            stages.push(Stage::load(tensors, &name)?);
        }
        Ok(Self {
            stages,
            mix: pointwise(&Linear::load(tensors, &mix, bands, Some(channels))?)?,
            bands,
        })
    }

    /// `mel` \[B, bands, F\] to \[B, C, `time`\]. Every tier reads the first `time` samples of the
    /// stretched mel, also those at a fraction of the rate: so the reference was trained.
    pub fn forward(&self, mel: &Tensor, time: usize) -> Result<Tensor> {
        if mel.dim(1)? != self.bands {
            let bands = self.bands;
            return error::input(format!("a mel {:?}: give {bands} bands", mel.dims()));
        }
        let mut stretched = mel.unsqueeze(1)?;
        for stage in &self.stages {
            stretched = stage.forward(&stretched)?;
        }
        let stretched = stretched.squeeze(1)?;
        let long = stretched.dim(2)?;
        if long < time {
            return error::input(format!("a mel for {long} samples: give one for {time}"));
        }
        Ok(self
            .mix
            .forward(&stretched.narrow(2, 0, time)?.contiguous()?)?)
    }
}

impl Stage {
    fn load(tensors: &Tensors, name: &str) -> Result<Self> {
        let (plain, direction) = (format!("{name}.weight"), format!("{name}.weight_v"));
        let normed = tensors.contains(&direction);
        let key = if normed { &direction } else { &plain };
        let dims = tensors.dims(key).unwrap_or_default().to_vec();
        let &[1, 1, 3, width] = dims.as_slice() else {
            return Err(tensors.fault(key, "[1, 1, 3, 2 · stride]", format!("{dims:?}")));
        };
        if width == 0 || !width.is_multiple_of(4) {
            return Err(tensors.fault(key, "an even stride", format!("{dims:?}")));
        }
        let weight = tensors.values(key, 3 * width)?;
        let weight = Tensor::from_vec(weight, (1, 3, width), &Device::Cpu)?;
        let weight = match normed {
            true => {
                let gain = tensors.values(&format!("{name}.weight_g"), 1)?;
                let gain = Tensor::from_vec(gain, (1, 1, 1), &Device::Cpu)?;
                fold_weight_norm(&gain, &weight)?
            }
            false => weight,
        };
        Ok(Self {
            weight: weight.reshape((1, 1, 3, width))?,
            bias: tensors.doubles(&format!("{name}.bias"), 1)?[0],
            stride: width / 2,
        })
    }

    /// \[B, 1, bands, F\] to \[B, 1, bands, F · stride\], padding 1 by stride / 2.
    ///
    /// The two strides differ, which candle's own transposed convolution does not have: zeros are set
    /// between the frames and the flipped kernel is convolved.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, _, bands, frames) = x.dims4()?;
        let stride = self.stride;
        let spread = x.unsqueeze(4)?.pad_with_zeros(4, 0, stride - 1)?;
        let spread = spread.reshape((batch, 1, bands, frames * stride))?;
        let length = (frames - 1) * stride + 1;
        let spread = spread.narrow(3, 0, length)?.contiguous()?;
        // A transposed convolution with padding p is a convolution padded by k − 1 − p.
        let border = 2 * stride - 1 - stride / 2;
        let spread = spread
            .pad_with_zeros(3, border, border)?
            .pad_with_zeros(2, 1, 1)?;
        let flipped = self.weight.flip(&[2, 3])?.contiguous()?;
        let y = (spread.conv2d(&flipped, 0, 1, 1, 1)? + self.bias)?;
        Ok(candle_nn::ops::leaky_relu(&y, SLOPE)?)
    }
}
