//! Normalisation over the channels of \[B, C, T\], each time step on its own.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp1, D, DType, Layout, Result, Shape, Tensor, bail};

use super::elementwise::ours;
use super::pool::{self, SharedMut};
use super::simd::{Level, Simd, dispatch};
use super::tensor::{elements, filled};

/// Time steps per piece of work.
const PIECE: usize = 64;

/// Statistics and affine part; without a bias it is RMS norm.
struct ChannelNorm {
    gain: Vec<f32>,
    /// Layer norm (mean removed) where present.
    bias: Option<Vec<f32>>,
    eps: f32,
    /// Added once the mean is removed, before the division.
    shift: f32,
}

/// Columns `at..at + n` (n ≤ `LANES`) of one batch item; channels are `time` apart.
#[inline(always)]
unsafe fn columns<S: Simd>(
    norm: &ChannelNorm,
    x: *const f32,
    y: *mut f32,
    time: usize,
    steps: usize,
) {
    let channels = norm.gain.len();
    // SAFETY: the caller answers for `steps` numbers in each of `channels` rows.
    unsafe {
        let inverse = S::splat(1.0 / channels as f32);
        let mut at = 0;
        while at < steps {
            let n = (steps - at).min(S::LANES);
            macro_rules! read {
                ($c:expr) => {{
                    let p = x.add($c * time + at);
                    if n == S::LANES {
                        S::load(p)
                    } else {
                        S::load_part(p, n)
                    }
                }};
            }
            let mut mean = S::splat(0.0);
            if norm.bias.is_some() {
                for c in 0..channels {
                    mean = S::add(mean, read!(c));
                }
                mean = S::mul(mean, inverse);
            }
            let mut power = S::splat(0.0);
            for c in 0..channels {
                let d = S::sub(read!(c), mean);
                power = S::fma(d, d, power);
            }
            let power = S::fma(power, inverse, S::splat(norm.eps));
            let scale = S::div(S::splat(1.0), S::sqrt(power));
            for c in 0..channels {
                let bias = match &norm.bias {
                    Some(b) => S::splat(*b.as_ptr().add(c)),
                    None => S::splat(0.0),
                };
                let d = S::add(S::sub(read!(c), mean), S::splat(norm.shift));
                let d = S::mul(d, scale);
                let v = S::fma(d, S::splat(*norm.gain.as_ptr().add(c)), bias);
                let p = y.add(c * time + at);
                if n == S::LANES {
                    S::store(p, v)
                } else {
                    S::store_part(p, n, v)
                }
            }
            at += n;
        }
    }
}

impl CustomOp1 for ChannelNorm {
    fn name(&self) -> &'static str {
        "channel_norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(storage, layout)?;
        let (batch, channels, time) = layout.shape().dims3()?;
        let (level, norm) = (Level::best(), self);
        let tiles = time.div_ceil(PIECE);
        let write = |out: &mut [MaybeUninit<f32>]| {
            let out = SharedMut::new(out);
            pool::run(batch * tiles, &|piece| {
                let (item, start) = (piece / tiles, piece % tiles * PIECE);
                let steps = PIECE.min(time - start);
                let offset = item * channels * time + start;
                // SAFETY: the columns lie inside both buffers; pieces do not overlap.
                let (x, y) = unsafe { (x.as_ptr().add(offset), out.get().add(offset)) };
                dispatch!(level, columns(
                    norm: &ChannelNorm, x: *const f32, y: *mut f32, time: usize, steps: usize
                ));
            });
            Ok(())
        };
        // SAFETY: the columns of all tiles are all of the output.
        let out = unsafe { filled(x.len(), write)? };
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// Layer norm over channels, of single vectors where a network steps and of \[B, C, T\] where it does
/// not: y = (x − mean + shift) / deviation · gain + bias.
#[derive(Debug, Clone)]
pub struct VectorNorm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
    shift: f32,
}

impl VectorNorm {
    /// `gain` and `bias` \[channels\]; `eps` stands under the root.
    ///
    /// # Errors
    /// If their lengths differ, or they are empty.
    pub fn new(gain: Vec<f32>, bias: Vec<f32>, eps: f32) -> Result<Self> {
        if gain.is_empty() || gain.len() != bias.len() {
            bail!("norm: {} gains and {} biases", gain.len(), bias.len())
        }
        Ok(Self {
            gain,
            bias,
            eps,
            shift: 0.0,
        })
    }

    /// The norm of SaShiMi, y = `scale` / deviation · (x − mean + `shift`): no epsilon, so that all it
    /// holds is one that keeps equal channels from dividing by zero.
    ///
    /// # Errors
    /// If there are no channels.
    pub fn scalar(channels: usize, scale: f32, shift: f32) -> Result<Self> {
        let norm = Self::new(vec![scale; channels], vec![0.0; channels], 1e-30)?;
        Ok(Self { shift, ..norm })
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.gain.len()
    }

    /// Normalises each column of `x` \[B, C, T\], f32 on the CPU.
    ///
    /// # Errors
    /// If the channels are others, or the tensor is elsewhere.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, channels, _) = x.dims3()?;
        if channels != self.channels() || !ours(x) {
            bail!("norm of {} channels: {:?}", self.channels(), x.shape())
        }
        x.contiguous()?.apply_op1_no_bwd(&ChannelNorm {
            gain: self.gain.clone(),
            bias: Some(self.bias.clone()),
            eps: self.eps,
            shift: self.shift,
        })
    }

    /// Normalises each of the vectors of `x` \[S, channels\] into `y`, in the calling thread.
    ///
    /// # Errors
    /// If the lengths do not fit together.
    pub fn apply(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        let channels = self.gain.len();
        if x.len() != y.len() || !x.len().is_multiple_of(channels) {
            bail!(
                "norm: {} numbers to {}, of {channels} channels",
                x.len(),
                y.len()
            )
        }
        let (norm, level) = (self, Level::best());
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
            let (x, y) = (x.as_ptr(), y.as_mut_ptr());
            // SAFETY: both hold as many numbers as gain and bias do.
            dispatch!(level, one_vector(norm: &VectorNorm, x: *const f32, y: *mut f32));
        }
        Ok(())
    }
}

#[inline(always)]
unsafe fn one_vector<S: Simd>(norm: &VectorNorm, x: *const f32, y: *mut f32) {
    let n = norm.gain.len();
    let (gain, bias) = (norm.gain.as_ptr(), norm.bias.as_ptr());
    // SAFETY: the caller answers for `n` numbers at both pointers.
    unsafe {
        let whole = n - n % S::LANES;
        let mut sum = S::splat(0.0);
        for i in (0..whole).step_by(S::LANES) {
            sum = S::add(sum, S::load(x.add(i)));
        }
        let mut mean = S::sum(sum);
        for i in whole..n {
            mean += *x.add(i);
        }
        mean /= n as f32;
        let centre = S::splat(mean);
        let mut squares = S::splat(0.0);
        for i in (0..whole).step_by(S::LANES) {
            let d = S::sub(S::load(x.add(i)), centre);
            squares = S::fma(d, d, squares);
        }
        let mut power = S::sum(squares);
        for i in whole..n {
            power += (*x.add(i) - mean) * (*x.add(i) - mean);
        }
        let scale = 1.0 / (power / n as f32 + norm.eps).sqrt();
        let (mean, centre) = (mean - norm.shift, S::splat(mean - norm.shift));
        for i in (0..whole).step_by(S::LANES) {
            let d = S::mul(S::sub(S::load(x.add(i)), centre), S::splat(scale));
            S::store(
                y.add(i),
                S::fma(d, S::load(gain.add(i)), S::load(bias.add(i))),
            );
        }
        for i in whole..n {
            *y.add(i) = (*x.add(i) - mean) * scale * *gain.add(i) + *bias.add(i);
        }
    }
}

fn check(what: &str, x: &Tensor, parameters: &[&Tensor]) -> Result<usize> {
    let (_, channels, _) = x.dims3()?;
    for p in parameters {
        if p.elem_count() != channels {
            bail!(
                "{what}: the signal has {channels} channels, gain or bias {:?}",
                p.shape()
            )
        }
    }
    Ok(channels)
}

fn numbers(x: &Tensor) -> Result<Vec<f32>> {
    x.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// y = x · (mean over channels of x² + eps)^(−1/2) · gain, for `x` \[B, C, T\] and `gain` \[C\].
///
/// # Errors
/// If the numbers of channels differ.
pub fn rms_norm_channels(x: &Tensor, gain: &Tensor, eps: f32) -> Result<Tensor> {
    let channels = check("rms_norm_channels", x, &[gain])?;
    if ours(x) {
        let norm = ChannelNorm {
            gain: numbers(gain)?,
            bias: None,
            eps,
            shift: 0.0,
        };
        return x.contiguous()?.apply_op1_no_bwd(&norm);
    }
    let power = (x.sqr()?.mean_keepdim(D::Minus2)? + f64::from(eps))?;
    x.broadcast_div(&power.sqrt()?)?
        .broadcast_mul(&gain.reshape((1, channels, 1))?)
}

/// Layer norm over channels: mean removed, divided by the (biased) standard deviation with `eps`
/// under the root, times `gain` \[C\], plus `bias` \[C\], for `x` \[B, C, T\].
///
/// # Errors
/// If the numbers of channels differ.
pub fn layer_norm_channels(x: &Tensor, gain: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    let channels = check("layer_norm_channels", x, &[gain, bias])?;
    if ours(x) {
        let norm = ChannelNorm {
            gain: numbers(gain)?,
            bias: Some(numbers(bias)?),
            eps,
            shift: 0.0,
        };
        return x.contiguous()?.apply_op1_no_bwd(&norm);
    }
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus2)?)?;
    let power = (centred.sqr()?.mean_keepdim(D::Minus2)? + f64::from(eps))?;
    centred
        .broadcast_div(&power.sqrt()?)?
        .broadcast_mul(&gain.reshape((1, channels, 1))?)?
        .broadcast_add(&bias.reshape((1, channels, 1))?)
}
