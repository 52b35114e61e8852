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
                let d = S::mul(S::sub(read!(c), mean), scale);
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
