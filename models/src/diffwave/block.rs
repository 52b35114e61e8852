//! One residual block: norm, step of diffusion, state space in both directions, mel, feed-forward.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_vocoder::kernel::{Activation, Conv1d, LongConv, VectorNorm, glu};

use super::mel::MelUpsampler;
use crate::sashimi::{Dplr, Linear, StepTransform, Tensors, norm, pointwise};
use crate::{Result, error};

/// The weights of a block; its kernels depend on the length of the signal.
pub(super) struct Block {
    channels: usize,
    norm1: VectorNorm,
    norm2: VectorNorm,
    step: Linear,
    space: Space,
    skip: Vec<f32>,
    output: Conv1d,
    inward: Conv1d,
    outward: Conv1d,
    mel: Option<MelUpsampler>,
}

/// The two forms of a bidirectional S4 layer.
enum Space {
    /// `master`: one kernel with two outputs, added; the reverse one begins with the next sample.
    Joint(Dplr),
    /// `checkpoints`: two kernels, their outputs side by side; the reverse one begins with this sample.
    Separate(Dplr, Dplr),
}

/// The convolutions of a block for signals of one length.
pub(super) enum Kernels {
    Joint(LongConv),
    Separate(LongConv, LongConv),
}

impl Block {
    pub fn load(
        tensors: &Tensors,
        prefix: &str,
        channels: usize,
        embedding: usize,
    ) -> Result<Self> {
        let name = |part: &str| format!("{prefix}.{part}");
        let separate = tensors.any(&name("layer.kernel2."));
        let (space, inputs, rows) = if separate {
            let load = |kernel: &str| {
                Dplr::load_krylov(tensors, &name(&format!("layer.{kernel}.krylov")), channels)
            };
            let space = Space::Separate(load("kernel")?, load("kernel2")?);
            (space, 2 * channels, channels)
        } else {
            let kernel = name("layer.kernel.kernel");
            let kernel = Dplr::load(tensors, &kernel, channels, StepTransform::Exp)?;
            if kernel.directions() != 2 {
                return Err(tensors.fault(&name("layer.kernel.kernel.C"), "two outputs", "one"));
            }
            (Space::Joint(kernel), channels, 2 * channels)
        };
        let output = match separate {
            true => name("layer.output_linear"),
            false => name("layer.output_linear.0"),
        };
        let inward = Linear::load(tensors, &name("ff.ff.0.conv"), channels, None)?;
        let hidden = inward.rows();
        let outward = Linear::load(tensors, &name("ff.ff.2.conv"), hidden, Some(channels))?;
        Ok(Self {
            channels,
            norm1: norm(tensors, &name("norm1"), channels)?,
            norm2: norm(tensors, &name("norm2"), channels)?,
            step: Linear::load(tensors, &name("fc_t"), embedding, Some(channels))?,
            space,
            skip: tensors.values(&name("layer.D"), channels)?,
            output: pointwise(&Linear::load(tensors, &output, inputs, Some(rows))?)?,
            inward: pointwise(&inward)?,
            outward: pointwise(&outward)?,
            mel: match tensors.any(&name("mel_conv.")) {
                true => Some(MelUpsampler::load(tensors, prefix, channels)?),
                false => None,
            },
        })
    }

    /// Whether it takes a mel.
    pub fn conditional(&self) -> bool {
        self.mel.is_some()
    }

    /// The convolutions for `taps` samples.
    pub fn kernels(&self, taps: usize) -> Result<Kernels> {
        match &self.space {
            Space::Joint(dplr) => {
                let mut both = dplr.kernels(taps)?.into_iter();
                let (forward, reverse) = (both.next().unwrap_or_default(), both.next());
                let reverse = reverse.map(Arc::from);
                Ok(Kernels::Joint(LongConv::new(forward, reverse, &self.skip)?))
            }
            Space::Separate(forward, reverse) => {
                let one = |dplr: &Dplr| -> Result<Vec<f32>> {
                    Ok(dplr.kernels(taps)?.into_iter().next().unwrap_or_default())
                };
                let ahead = LongConv::new(one(forward)?, None, &self.skip)?;
                // Its first tap reads this very sample: it belongs to what goes straight through.
                let mut reverse = one(reverse)?;
                let mut skip = self.skip.clone();
                for (row, skip) in reverse.chunks_exact_mut(taps).zip(&mut skip) {
                    *skip += row[0];
                    row.rotate_left(1);
                    row[taps - 1] = 0.0;
                }
                let nothing = vec![0.0; reverse.len()];
                let back = LongConv::new(nothing, Some(Arc::from(reverse)), &skip)?;
                Ok(Kernels::Separate(ahead, back))
            }
        }
    }

    /// `x` \[B, C, T\] with the embedded step \[B, E\] and, where there is one, the upsampled mel.
    pub fn forward(
        &self,
        x: &Tensor,
        kernels: &Kernels,
        embedding: &Tensor,
        mel: Option<&Tensor>,
    ) -> Result<Tensor> {
        const PLAIN: Activation = Activation::Identity;
        let time = x.dim(2)?;
        let (rows, columns) = (self.step.rows(), self.step.columns);
        let weight = Tensor::from_slice(&self.step.weight, (rows, columns), &Device::Cpu)?;
        let bias = Tensor::from_slice(&self.step.bias, rows, &Device::Cpu)?;
        let step = embedding.matmul(&weight.t()?)?.broadcast_add(&bias)?;
        let u = self.norm1.forward(x)?.broadcast_add(&step.unsqueeze(2)?)?;
        let y = match kernels {
            Kernels::Joint(conv) => {
                let y = conv.forward(&u, Activation::GeluErf)?;
                glu(&self.output.forward(&y)?, 1)?
            }
            Kernels::Separate(ahead, back) => {
                let ahead = ahead.forward(&u, Activation::GeluErf)?;
                let back = back.forward(&u, Activation::GeluErf)?;
                self.output.forward(&Tensor::cat(&[ahead, back], 1)?)?
            }
        };
        let mut x = (x + y)?;
        if let (Some(upsampler), Some(mel)) = (&self.mel, mel) {
            x = (x + upsampler.forward(mel, time)?)?;
        }
        if x.dim(1)? != self.channels {
            return error::input(format!("{:?} for {} channels", x.dims(), self.channels));
        }
        let hidden = self.norm2.forward(&x)?;
        let hidden = self
            .inward
            .forward_fused(&hidden, PLAIN, Activation::GeluErf, None)?;
        Ok(self
            .outward
            .forward_fused(&hidden, PLAIN, PLAIN, Some(&x))?)
    }
}
