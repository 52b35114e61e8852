//! The network that predicts the noise in a wave.

use candle_core::{D, Device, Tensor};
use syrinx_vocoder::kernel::{Activation, Conv1d, VectorNorm, activation};

use super::block::{Block, Kernels};
use super::config::Config;
use crate::sashimi::{Entry, Linear, Tensors, entries, gather, norm, pointwise, scatter};
use crate::{Result, error};

/// DiffWave with a U-net of S4 blocks and the weights of a checkpoint, of either branch of the reference.
pub struct DiffWave {
    config: Config,
    initial: Conv1d,
    step1: Linear,
    step2: Linear,
    down: Vec<Member>,
    center: Vec<Block>,
    up: Vec<Member>,
    norm: VectorNorm,
    last: [Conv1d; 2],
    pool: usize,
}

/// A member of the way down or up.
enum Member {
    Block(Box<Block>),
    /// Channels gathered from `pool` samples, or scattered to them.
    Pool {
        mix: Conv1d,
        pool: usize,
    },
}

impl DiffWave {
    /// Loads a checkpoint.
    ///
    /// # Errors
    /// [`crate::Error::Weights`] naming the tensor at fault, or saying what else the file resembles.
    pub fn load(tensors: &Tensors, config: Config) -> Result<Self> {
        config.validate()?;
        const MARKS: [&str; 4] = [
            "init_conv.0.conv.",
            "fc_t1.",
            "c_layers.0.fc_t.",
            "final_conv.2.",
        ];
        if let Some(mark) = MARKS.iter().find(|mark| !tensors.any(mark)) {
            let names: Vec<String> = tensors.names().map(str::to_owned).collect();
            let found = format!("none{}", crate::checkpoint::resemblance(&names));
            return Err(tensors.fault(mark, "that of a DiffWave-SaShiMi checkpoint", found));
        }
        let initial = Linear::load(tensors, "init_conv.0.conv", 1, None)?;
        let channels = initial.rows();
        let (_, _, sinusoids) = tensors.matrix("fc_t1")?;
        let step1 = Linear::load(tensors, "fc_t1", sinusoids, None)?;
        let step2 = Linear::load(tensors, "fc_t2", step1.rows(), None)?;
        let embedding = step2.rows();
        let (mut width, mut pool) = (channels, 1);
        let mut down = Vec::new();
        for entry in entries(tensors, "d_layers") {
            down.push(match entry {
                Entry::Layer(name) => Member::block(tensors, &name, width, embedding)?,
                Entry::Pool(name) => {
                    let name = format!("{name}.linear.conv");
                    let (_, rows, columns) = tensors.matrix(&name)?;
                    let factor = factor(tensors, &name, columns, width)?;
                    (width, pool) = (rows, pool * factor);
                    Member::pool(Linear::load(tensors, &name, columns, None)?, factor)?
                }
            });
        }
        let mut center = Vec::new();
        for entry in entries(tensors, "c_layers") {
            if let Entry::Layer(name) = entry {
                center.push(Block::load(tensors, &name, width, embedding)?);
            }
        }
        // The way up undoes the pools of the way down, the last one first.
        let mut factors: Vec<usize> = down.iter().filter_map(Member::factor).collect();
        let mut up = Vec::new();
        for entry in entries(tensors, "u_layers") {
            up.push(match entry {
                Entry::Layer(name) => Member::block(tensors, &name, width, embedding)?,
                Entry::Pool(name) => {
                    let name = format!("{name}.linear.conv");
                    let linear = Linear::load(tensors, &name, width, None)?;
                    let factor = factors.pop().unwrap_or(1);
                    width = linear.rows() / factor;
                    Member::pool(linear, factor)?
                }
            });
        }
        if up.len() != down.len() || width != channels {
            let found = format!("{} members that end with {width} channels", up.len());
            let expected = format!("{} that end with {channels}, as in a U-net", down.len());
            return Err(tensors.fault("u_layers", expected, found));
        }
        let middle = Linear::load(tensors, "final_conv.0.conv", channels, Some(channels))?;
        let last = Linear::load(tensors, "final_conv.2.conv", channels, Some(1))?;
        let model = Self {
            config,
            initial: pointwise(&initial)?,
            step1,
            step2,
            down,
            center,
            up,
            norm: norm(tensors, "norm", channels)?,
            last: [pointwise(&middle)?, pointwise(&last)?],
            pool,
        };
        tensors.finish("DiffWave-SaShiMi")?;
        Ok(model)
    }

    /// The noise schedule and the rate.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Waves are a multiple of this many samples.
    pub fn pool(&self) -> usize {
        self.pool
    }

    /// Whether it is a vocoder, which needs a mel.
    pub fn conditional(&self) -> bool {
        self.center.first().is_some_and(Block::conditional)
    }

    /// Computes the kernels for waves of `samples` samples.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a length that is no multiple of [`DiffWave::pool`].
    pub fn denoiser(&self, samples: usize) -> Result<Denoiser<'_>> {
        if samples == 0 || !samples.is_multiple_of(self.pool) {
            let pool = self.pool;
            return error::input(format!("{samples} samples: give a multiple of {pool}"));
        }
        let mut taps = samples;
        let mut kernels = Vec::new();
        for member in &self.down {
            match member {
                Member::Block(block) => kernels.push(block.kernels(taps)?),
                Member::Pool { pool, .. } => taps /= pool,
            }
        }
        for block in &self.center {
            kernels.push(block.kernels(taps)?);
        }
        for member in &self.up {
            match member {
                Member::Block(block) => kernels.push(block.kernels(taps)?),
                Member::Pool { pool, .. } => taps *= pool,
            }
        }
        Ok(Denoiser {
            model: self,
            kernels,
            samples,
        })
    }

    /// sin and cos of the step at frequencies from 1 to 1e-4, through two layers: \[B, E\].
    fn embedding(&self, steps: &[f32]) -> Result<Tensor> {
        let half = self.step1.columns / 2;
        let mut sinusoids = Vec::with_capacity(steps.len() * 2 * half);
        for step in steps {
            let ratio = 1e4f64.ln() / (half.max(2) - 1) as f64;
            let angle = |i: usize| f64::from(*step) * (-ratio * i as f64).exp();
            sinusoids.extend((0..half).map(|i| angle(i).sin() as f32));
            sinusoids.extend((0..half).map(|i| angle(i).cos() as f32));
        }
        let mut x = Tensor::from_vec(sinusoids, (steps.len(), 2 * half), &Device::Cpu)?;
        for layer in [&self.step1, &self.step2] {
            let (rows, columns) = (layer.rows(), layer.columns);
            let weight = Tensor::from_slice(&layer.weight, (rows, columns), &Device::Cpu)?;
            let bias = Tensor::from_slice(&layer.bias, rows, &Device::Cpu)?;
            x = x.matmul(&weight.t()?)?.broadcast_add(&bias)?;
            x = activation(&x, &Activation::Silu)?;
        }
        Ok(x)
    }
}

/// Samples per sample of a pool of this many columns.
fn factor(tensors: &Tensors, name: &str, columns: usize, width: usize) -> Result<usize> {
    match columns.is_multiple_of(width) {
        true => Ok(columns / width),
        false => Err(tensors.fault(
            &format!("{name}.weight"),
            format!("columns that are a multiple of {width}"),
            columns.to_string(),
        )),
    }
}

impl Member {
    fn block(tensors: &Tensors, name: &str, width: usize, embedding: usize) -> Result<Self> {
        Ok(Self::Block(Box::new(Block::load(
            tensors, name, width, embedding,
        )?)))
    }

    fn pool(linear: Linear, pool: usize) -> Result<Self> {
        Ok(Self::Pool {
            mix: pointwise(&linear)?,
            pool,
        })
    }

    fn factor(&self) -> Option<usize> {
        match self {
            Self::Pool { pool, .. } => Some(*pool),
            Self::Block(_) => None,
        }
    }
}

/// A model with the kernels for waves of one length.
pub struct Denoiser<'a> {
    model: &'a DiffWave,
    /// Of all blocks, in the order they are passed.
    kernels: Vec<Kernels>,
    samples: usize,
}

impl Denoiser<'_> {
    /// The model.
    pub fn model(&self) -> &DiffWave {
        self.model
    }

    /// Samples of a wave.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The noise in `x` \[B, 1, T\] after as many `steps` \[B\] of diffusion; `mel` \[B, bands, F\] for a vocoder.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for other shapes, or a mel where there should be none, or none.
    pub fn noise(&self, x: &Tensor, steps: &[f32], mel: Option<&Tensor>) -> Result<Tensor> {
        let model = self.model;
        let (batch, channels, time) = x.dims3()?;
        if (batch, channels, time) != (steps.len(), 1, self.samples) {
            let samples = self.samples;
            return error::input(format!(
                "{:?}: give [{}, 1, {samples}]",
                x.dims(),
                steps.len()
            ));
        }
        if model.conditional() != mel.is_some() {
            return error::input(match mel {
                Some(_) => "this model takes no mel",
                None => "this model is a vocoder: give it a mel",
            });
        }
        let embedding = model.embedding(steps)?;
        let plain = Activation::Identity;
        let mut x = model
            .initial
            .forward_fused(x, plain, Activation::Relu, None)?;
        let mut kernels = self.kernels.iter();
        let mut block = |block: &Block, x: &Tensor| match kernels.next() {
            Some(kernels) => block.forward(x, kernels, &embedding, mel),
            None => error::input("more blocks than kernels"),
        };
        let mut skips = Vec::new();
        for member in &model.down {
            skips.push(x.clone());
            x = match member {
                Member::Block(b) => block(b, &x)?,
                Member::Pool { mix, pool } => mix.forward(&gather(&x, *pool)?)?,
            };
        }
        let around = x.clone();
        for b in &model.center {
            x = block(b, &x)?;
        }
        x = (x + around)?;
        for (member, skip) in model.up.iter().zip(skips.iter().rev()) {
            x = match member {
                Member::Block(b) => block(b, &x)?,
                Member::Pool { mix, pool } => scatter(&mix.forward(&x)?, *pool)?,
            };
            x = (x + skip)?;
        }
        let [middle, last] = &model.last;
        let x = middle.forward_fused(&model.norm.forward(&x)?, plain, Activation::Relu, None)?;
        debug_assert_eq!(x.dim(D::Minus1)?, time);
        Ok(last.forward(&x)?)
    }
}
