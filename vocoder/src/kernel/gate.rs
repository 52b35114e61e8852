//! Functions of two tensors: the gates of WaveNet and of gated linear units, and sums.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::elementary::{sigmoid, tanh};
use super::elementwise::{in_pieces, ours, zip};
use super::simd::{Level, Simd, dispatch};
use super::tensor::{elements, same_shape};

#[inline(always)]
unsafe fn gated_tanh_row<S: Simd>(dst: *mut f32, a: *const f32, b: *const f32, n: usize) {
    zip!(S, dst, a, b, n, |a, b| S::mul(
        tanh::<S>(a),
        sigmoid::<S>(b)
    ))
}

#[inline(always)]
unsafe fn glu_row<S: Simd>(dst: *mut f32, a: *const f32, b: *const f32, n: usize) {
    zip!(S, dst, a, b, n, |a, b| S::mul(a, sigmoid::<S>(b)))
}

#[inline(always)]
unsafe fn scaled_sum_row<S: Simd>(
    dst: *mut f32,
    a: *const f32,
    b: *const f32,
    n: usize,
    scale: f32,
) {
    let scale = unsafe { S::splat(scale) };
    zip!(S, dst, a, b, n, |a, b| S::mul(S::add(a, b), scale))
}

#[inline(always)]
unsafe fn glu_add_row<S: Simd>(dst: *mut f32, a: *const f32, b: *const f32, n: usize) {
    // SAFETY: the caller answers for `n` numbers at all three.
    unsafe {
        for i in (0..n).step_by(S::LANES) {
            let left = n - i;
            let (dst, a, b) = (dst.add(i), a.add(i), b.add(i));
            if left >= S::LANES {
                let gate = sigmoid::<S>(S::load(b));
                S::store(dst, S::fma(S::load(a), gate, S::load(dst)));
            } else {
                let gate = sigmoid::<S>(S::load_part(b, left));
                let sum = S::fma(S::load_part(a, left), gate, S::load_part(dst, left));
                S::store_part(dst, left, sum);
            }
        }
    }
}

/// `y += a · sigmoid(b)` on slices, in the calling thread; `x` is a and then b.
///
/// # Errors
/// If `x` is not twice as long as `y`.
pub fn glu_add(x: &[f32], y: &mut [f32]) -> Result<()> {
    let n = y.len();
    if x.len() != 2 * n {
        bail!("glu_add: {} numbers for {n}", x.len())
    }
    let (a, b) = x.split_at(n);
    let (level, dst, a, b) = (Level::best(), y.as_mut_ptr(), a.as_ptr(), b.as_ptr());
    // SAFETY: all three hold `n` numbers.
    dispatch!(level, glu_add_row(dst: *mut f32, a: *const f32, b: *const f32, n: usize));
    Ok(())
}

/// Functions of two numbers.
#[derive(Clone, Copy)]
enum Gate {
    /// tanh(a) · sigmoid(b)
    Tanh,
    /// a · sigmoid(b)
    Linear,
    /// (a + b) · scale
    Sum(f32),
}

impl CustomOp2 for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, y) = (elements(a, a_layout)?, elements(b, b_layout)?);
        if x.len() != y.len() {
            bail!("gate: {} and {} numbers", x.len(), y.len())
        }
        let (level, gate) = (Level::best(), *self);
        in_pieces(a_layout.shape(), |dst, start, n| {
            // SAFETY: a piece lies inside all three buffers, which have one shape.
            let (a, b) = unsafe { (x.as_ptr().add(start), y.as_ptr().add(start)) };
            match gate {
                Gate::Tanh => dispatch!(level, gated_tanh_row(
                    dst: *mut f32, a: *const f32, b: *const f32, n: usize
                )),
                Gate::Linear => dispatch!(level, glu_row(
                    dst: *mut f32, a: *const f32, b: *const f32, n: usize
                )),
                Gate::Sum(scale) => dispatch!(level, scaled_sum_row(
                    dst: *mut f32, a: *const f32, b: *const f32, n: usize, scale: f32
                )),
            }
        })
    }
}

/// tanh(a) · sigmoid(b), the gate of WaveNet; `a` and `b` of one shape.
///
/// # Errors
/// If the shapes differ.
pub fn gated_tanh(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    same_shape("gated_tanh", a, b)?;
    if !ours(a) || !ours(b) {
        return a.tanh()? * candle_nn::ops::sigmoid(b)?;
    }
    a.contiguous()?
        .apply_op2_no_bwd(&b.contiguous()?, &Gate::Tanh)
}

/// Gated linear unit: halves `a`, `b` of `x` along `dim`, result a · sigmoid(b).
///
/// # Errors
/// If `dim` does not exist or has an odd size.
pub fn glu(x: &Tensor, dim: usize) -> Result<Tensor> {
    let size = x.dim(dim)?;
    if size % 2 != 0 {
        bail!("glu: dimension {dim} of {:?} has an odd size", x.shape())
    }
    let (a, b) = (
        x.narrow(dim, 0, size / 2)?,
        x.narrow(dim, size / 2, size / 2)?,
    );
    if !ours(x) {
        return a * candle_nn::ops::sigmoid(&b)?;
    }
    a.contiguous()?
        .apply_op2_no_bwd(&b.contiguous()?, &Gate::Linear)
}

/// The mean of tensors of one shape, as a multi-receptive-field block of HiFi-GAN ends with.
///
/// # Errors
/// If there are none, or shapes differ.
pub fn average(tensors: &[Tensor]) -> Result<Tensor> {
    let Some((first, rest)) = tensors.split_first() else {
        bail!("average: of no tensors")
    };
    let mut sum = first.clone();
    for (i, x) in rest.iter().enumerate() {
        same_shape("average", &sum, x)?;
        let last = i + 1 == rest.len();
        let scale = if last {
            1.0 / tensors.len() as f32
        } else {
            1.0
        };
        sum = if ours(&sum) && ours(x) {
            sum.contiguous()?
                .apply_op2_no_bwd(&x.contiguous()?, &Gate::Sum(scale))?
        } else {
            ((sum + x)? * f64::from(scale))?
        };
    }
    Ok(sum)
}
