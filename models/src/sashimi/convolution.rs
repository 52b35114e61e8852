//! Convolution mode: whole signals at once, as in training.

use candle_core::{Device, Tensor};
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, LongConv, VectorNorm, glu};

use super::backbone::{Backbone, Tier, whole};
use super::layers::{Layer, Linear, Residual, S4};
use crate::Result;

/// A backbone with the kernels for signals up to a length, computed once.
pub struct Convolution {
    tiers: Vec<ConvTier>,
    center: Vec<ConvResidual>,
    norm: VectorNorm,
    unet: bool,
    samples: usize,
    pool: usize,
}

struct ConvTier {
    pool: usize,
    before: Vec<ConvResidual>,
    down: Conv1d,
    up: Conv1d,
    after: Vec<ConvResidual>,
}

struct ConvResidual {
    norm: VectorNorm,
    layer: ConvLayer,
}

enum ConvLayer {
    S4 {
        conv: LongConv,
        output: Conv1d,
        gated: bool,
    },
    FeedForward {
        inward: Conv1d,
        outward: Conv1d,
    },
}

impl Convolution {
    /// Computes the kernels for signals of up to `samples` samples, a multiple of the model's pool.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for another length.
    pub(crate) fn new(backbone: &Backbone, samples: usize) -> Result<Self> {
        let pool = backbone.pool();
        whole(samples, pool)?;
        let mut taps = samples;
        let mut tiers = Vec::new();
        for tier in &backbone.tiers {
            tiers.push(ConvTier::new(tier, taps)?);
            taps /= tier.pool;
        }
        Ok(Self {
            tiers,
            center: residuals(&backbone.center, taps)?,
            norm: backbone.norm.clone(),
            unet: backbone.unet,
            samples,
            pool,
        })
    }

    /// The longest signal it takes.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// `x` \[B, C, T\] to \[B, C, T\], T a multiple of the pool, the last norm included.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for another length.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        whole(x.dim(2)?, self.pool)?;
        let x = self.tier(0, x)?;
        Ok(self.norm.forward(&x)?)
    }

    fn tier(&self, index: usize, x: &Tensor) -> Result<Tensor> {
        let Some(tier) = self.tiers.get(index) else {
            let y = through(&self.center, x)?;
            return Ok((y + x)?);
        };
        let mut skips = Vec::new();
        let mut x = x.clone();
        for layer in &tier.before {
            skips.push(x.clone());
            x = layer.forward(&x)?;
        }
        let inner = self.tier(index + 1, &tier.pooled(&x)?)?;
        let x = (tier.spread(&inner)? + &x)?;
        if !self.unet {
            return Ok((through(&tier.after, &x)? + x)?);
        }
        let mut x = x;
        for layer in &tier.after {
            x = layer.forward(&x)?;
            if let Some(skip) = skips.pop() {
                x = (x + skip)?;
            }
        }
        Ok(x)
    }
}

impl ConvTier {
    fn new(tier: &Tier, taps: usize) -> Result<Self> {
        Ok(Self {
            pool: tier.pool,
            before: residuals(&tier.before, taps)?,
            down: pointwise(&tier.down)?,
            up: pointwise(&tier.up)?,
            after: residuals(&tier.after, taps)?,
        })
    }

    fn pooled(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.down.forward(&gather(x, self.pool)?)?)
    }

    fn spread(&self, x: &Tensor) -> Result<Tensor> {
        let x = delayed(&self.up.forward(x)?)?;
        Ok(scatter(&x, self.pool)?)
    }
}

/// \[B, H, T\] to \[B, H p, T / p\]: p samples of a channel become neighbouring channels.
pub(crate) fn gather(x: &Tensor, pool: usize) -> candle_core::Result<Tensor> {
    let (batch, channels, time) = x.dims3()?;
    x.reshape((batch, channels, time / pool, pool))?
        .permute((0, 1, 3, 2))?
        .reshape((batch, channels * pool, time / pool))
}

/// The way back.
pub(crate) fn scatter(x: &Tensor, pool: usize) -> candle_core::Result<Tensor> {
    let (batch, channels, time) = x.dims3()?;
    x.reshape((batch, channels / pool, pool, time))?
        .permute((0, 1, 3, 2))?
        .reshape((batch, channels / pool, time * pool))
}

/// One sample later, so that nothing reaches the samples it was made of.
fn delayed(x: &Tensor) -> candle_core::Result<Tensor> {
    let time = x.dim(2)?;
    x.narrow(2, 0, time - 1)?.pad_with_zeros(2, 1, 0)
}

fn residuals(layers: &[Residual], taps: usize) -> Result<Vec<ConvResidual>> {
    let layers = layers.iter();
    layers.map(|layer| ConvResidual::new(layer, taps)).collect()
}

fn through(layers: &[ConvResidual], x: &Tensor) -> Result<Tensor> {
    let mut x = x.clone();
    for layer in layers {
        x = layer.forward(&x)?;
    }
    Ok(x)
}

/// A matrix as a convolution of one tap.
pub(crate) fn pointwise(linear: &Linear) -> Result<Conv1d> {
    let (rows, columns) = (linear.rows(), linear.columns);
    let weight = Tensor::from_slice(&linear.weight, (rows, columns, 1), &Device::Cpu)?;
    let bias = Tensor::from_slice(&linear.bias, rows, &Device::Cpu)?;
    let spec = Conv1dSpec::default();
    Ok(Conv1d::from_tensors(&weight, Some(&bias), &spec)?)
}

impl ConvResidual {
    fn new(residual: &Residual, taps: usize) -> Result<Self> {
        let layer = match &residual.layer {
            Layer::S4(s4) => ConvLayer::S4 {
                conv: long_conv(s4, taps)?,
                output: pointwise(&s4.output)?,
                gated: s4.gated(),
            },
            Layer::FeedForward { inward, outward } => ConvLayer::FeedForward {
                inward: pointwise(inward)?,
                outward: pointwise(outward)?,
            },
        };
        Ok(Self {
            norm: residual.norm.clone(),
            layer,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        const PLAIN: Activation = Activation::Identity;
        let u = self.norm.forward(x)?;
        Ok(match &self.layer {
            ConvLayer::S4 {
                conv,
                output,
                gated: true,
            } => {
                let y = conv.forward(&u, Activation::GeluErf)?;
                (glu(&output.forward(&y)?, 1)? + x)?
            }
            ConvLayer::S4 { conv, output, .. } => {
                let y = conv.forward(&u, Activation::GeluErf)?;
                output.forward_fused(&y, PLAIN, PLAIN, Some(x))?
            }
            ConvLayer::FeedForward { inward, outward } => {
                let y = inward.forward_fused(&u, PLAIN, Activation::GeluErf, None)?;
                outward.forward_fused(&y, PLAIN, PLAIN, Some(x))?
            }
        })
    }
}

fn long_conv(s4: &S4, taps: usize) -> Result<LongConv> {
    let mut kernels = s4.kernel.kernels(taps)?.into_iter();
    let forward = kernels.next().unwrap_or_default();
    let reverse = kernels.next().map(Into::into);
    Ok(LongConv::new(forward, reverse, &s4.skip)?)
}
