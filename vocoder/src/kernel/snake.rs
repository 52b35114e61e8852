//! Snake, the periodic activation of BigVGAN and the descript codec.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use super::elementary::sin_squared;
use super::elementwise::{PIECE, map, ours};
use super::pool::{self, SharedMut};
use super::simd::{Level, Simd, dispatch};
use super::tensor::{elements, filled};

/// x + sin²(frequency · x) · scale.
#[inline(always)]
unsafe fn snake_row<S: Simd>(dst: *mut f32, src: *const f32, n: usize, frequency: f32, scale: f32) {
    let (frequency, scale) = unsafe { (S::splat(frequency), S::splat(scale)) };
    map!(S, dst, src, n, |x| S::fma(
        sin_squared::<S>(S::mul(x, frequency)),
        scale,
        x
    ))
}

struct Snake {
    frequency: Vec<f32>,
    scale: Vec<f32>,
}

impl CustomOp1 for Snake {
    fn name(&self) -> &'static str {
        "snake"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(storage, layout)?;
        let (_, channels, time) = layout.shape().dims3()?;
        let level = Level::best();
        let per_piece = (PIECE / time.max(1)).max(1);
        let rows = x.len() / time.max(1);
        let write = |out: &mut [MaybeUninit<f32>]| {
            let out = SharedMut::new(out);
            pool::run(rows.div_ceil(per_piece), &|piece| {
                for row in piece * per_piece..rows.min((piece + 1) * per_piece) {
                    let (frequency, scale) =
                        (self.frequency[row % channels], self.scale[row % channels]);
                    // SAFETY: rows lie inside both buffers and do not overlap.
                    let (dst, src) =
                        unsafe { (out.get().add(row * time), x.as_ptr().add(row * time)) };
                    dispatch!(level, snake_row(
                        dst: *mut f32, src: *const f32, time: usize, frequency: f32, scale: f32
                    ));
                }
            });
            Ok(())
        };
        // SAFETY: the rows are all of the output.
        let out = unsafe { filled(x.len(), write)? };
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// Snake with separate frequency α and inverse amplitude β (BigVGAN): x + sin²(αx) / (β + 1e-9).
/// `x` \[B, C, T\], `alpha` and `beta` hold C numbers, on the linear scale (apply `exp` first where
/// the checkpoint stores logarithms).
///
/// # Errors
/// If the numbers of channels differ.
pub fn snake_beta(x: &Tensor, alpha: &Tensor, beta: &Tensor) -> Result<Tensor> {
    let (_, channels, _) = x.dims3()?;
    if alpha.elem_count() != channels || beta.elem_count() != channels {
        bail!(
            "snake: the signal has {channels} channels, alpha {:?} and beta {:?}",
            alpha.shape(),
            beta.shape()
        )
    }
    if !ours(x) {
        let alpha = alpha.to_dtype(x.dtype())?.reshape((1, channels, 1))?;
        let beta = beta.to_dtype(x.dtype())?.reshape((1, channels, 1))?;
        let wave = x.broadcast_mul(&alpha)?.sin()?.sqr()?;
        return x + wave.broadcast_div(&(beta + 1e-9)?)?;
    }
    let frequency: Vec<f32> = alpha.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    let mut scale: Vec<f32> = beta.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    scale.iter_mut().for_each(|b| *b = 1.0 / (*b + 1e-9));
    x.contiguous()?
        .apply_op1_no_bwd(&Snake { frequency, scale })
}

/// Snake (Ziyin et al. 2020): x + sin²(αx) / (α + 1e-9). `x` \[B, C, T\], `alpha` C numbers.
///
/// # Errors
/// If the numbers of channels differ.
pub fn snake(x: &Tensor, alpha: &Tensor) -> Result<Tensor> {
    snake_beta(x, alpha, alpha)
}
