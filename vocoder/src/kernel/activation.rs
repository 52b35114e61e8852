//! Pointwise nonlinearities: whole tensors, slices in place, and the form the convolutions fuse.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::elementary::{erf, exp, sigmoid, sin_squared, tanh};
use super::pool::{self, SharedMut};
use super::simd::{Level, Simd, dispatch};
use super::tensor::{elements, same_shape};

/// Numbers per piece of work, and rows are cut at no fewer: some 10 µs.
const PIECE: usize = 8192;

/// A function applied to every number on its own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// max(x, 0)
    Relu,
    /// x where positive, slope · x elsewhere.
    LeakyRelu(f32),
    /// x where positive, α (eˣ − 1) elsewhere.
    Elu(f32),
    /// x Φ(x), with the error function: torch's default `GELU`.
    GeluErf,
    /// The tanh approximation of GELU.
    GeluTanh,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// tanh x
    Tanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// eˣ
    Exp,
}

impl Activation {
    /// Applies the function to a slice in place, in the calling thread.
    pub fn apply(self, x: &mut [f32]) {
        // SAFETY: pointer and length are those of the slice.
        unsafe { self.map_at(Level::best(), x.as_mut_ptr(), x.as_ptr(), x.len()) }
    }

    /// `dst[i] = f(src[i])` for `n` numbers.
    ///
    /// # Safety
    /// `src` must be valid for reads and `dst` for writes of `n` numbers; they are equal or apart.
    pub(crate) unsafe fn map_at(self, level: Level, dst: *mut f32, src: *const f32, n: usize) {
        let f = self;
        dispatch!(level, map_activation(f: Activation, dst: *mut f32, src: *const f32, n: usize))
    }

    /// What candle itself computes, for other devices and types.
    fn on_candle(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, f64::from(slope)),
            Self::Elu(alpha) => x.elu(f64::from(alpha)),
            Self::GeluErf => x.gelu_erf(),
            Self::GeluTanh => x.gelu(),
            Self::Silu => x.silu(),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => candle_nn::ops::sigmoid(x),
            Self::Exp => x.exp(),
        }
    }
}

/// The function on one vector.
#[inline(always)]
unsafe fn value<S: Simd>(f: Activation, x: S::V) -> S::V {
    unsafe {
        let (zero, one, half) = (S::splat(0.0), S::splat(1.0), S::splat(0.5));
        match f {
            Activation::Identity => x,
            Activation::Relu => S::max(zero, x),
            Activation::LeakyRelu(slope) => {
                S::select(S::lt(x, zero), S::mul(x, S::splat(slope)), x)
            }
            Activation::Elu(alpha) => {
                let below = S::mul(S::splat(alpha), S::sub(exp::<S>(x), one));
                S::select(S::lt(x, zero), below, x)
            }
            Activation::GeluErf => {
                let e = erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2)));
                S::mul(S::mul(half, x), S::add(one, e))
            }
            Activation::GeluTanh => {
                let cubic = S::mul(S::mul(x, x), S::splat(0.044_715));
                let u = S::mul(S::fma(cubic, x, x), S::splat(0.797_884_6));
                S::mul(x, sigmoid::<S>(S::add(u, u)))
            }
            Activation::Silu => S::mul(x, sigmoid::<S>(x)),
            Activation::Tanh => tanh::<S>(x),
            Activation::Sigmoid => sigmoid::<S>(x),
            Activation::Exp => exp::<S>(x),
        }
    }
}

// The two loops below are macros, not functions taking closures: a closure is compiled without the
// instruction set of the function around it, and would then have to be inlined to be fast. Full and
// partial vectors share one body, because ten functions times four instruction sets add up.

/// `$dst[i] = f($src[i])` for `$n` numbers, `$dst` and `$src` equal or apart.
macro_rules! map {
    ($s:ident, $dst:ident, $src:ident, $n:ident, |$x:ident| $f:expr) => {
        // SAFETY: the caller of the enclosing function answers for `$n` numbers at both pointers.
        unsafe {
            let mut i = 0;
            while i < $n {
                let left = $n - i;
                let full = left >= $s::LANES;
                let $x = if full {
                    $s::load($src.add(i))
                } else {
                    $s::load_part($src.add(i), left)
                };
                let y = $f;
                if full {
                    $s::store($dst.add(i), y)
                } else {
                    $s::store_part($dst.add(i), left, y)
                }
                i += $s::LANES;
            }
        }
    };
}

/// `$dst[i] = f($a[i], $b[i])`.
macro_rules! zip {
    ($s:ident, $dst:ident, $a:ident, $b:ident, $n:ident, |$x:ident, $y:ident| $f:expr) => {
        // SAFETY: as for `map`.
        unsafe {
            let mut i = 0;
            while i < $n {
                let left = $n - i;
                let full = left >= $s::LANES;
                let ($x, $y) = if full {
                    ($s::load($a.add(i)), $s::load($b.add(i)))
                } else {
                    (
                        $s::load_part($a.add(i), left),
                        $s::load_part($b.add(i), left),
                    )
                };
                let z = $f;
                if full {
                    $s::store($dst.add(i), z)
                } else {
                    $s::store_part($dst.add(i), left, z)
                }
                i += $s::LANES;
            }
        }
    };
}

/// The match stands outside the loop, so that each loop holds one function only.
#[inline(always)]
unsafe fn map_activation<S: Simd>(f: Activation, dst: *mut f32, src: *const f32, n: usize) {
    macro_rules! one {
        ($f:expr) => {
            map!(S, dst, src, n, |x| value::<S>($f, x))
        };
    }
    match f {
        Activation::Identity => unsafe { std::ptr::copy(src, dst, n) },
        Activation::Relu => one!(Activation::Relu),
        Activation::LeakyRelu(slope) => one!(Activation::LeakyRelu(slope)),
        Activation::Elu(alpha) => one!(Activation::Elu(alpha)),
        Activation::GeluErf => one!(Activation::GeluErf),
        Activation::GeluTanh => one!(Activation::GeluTanh),
        Activation::Silu => one!(Activation::Silu),
        Activation::Tanh => one!(Activation::Tanh),
        Activation::Sigmoid => one!(Activation::Sigmoid),
        Activation::Exp => one!(Activation::Exp),
    }
}

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

/// Cuts `n` numbers into pieces and runs `f(start, length)` on the pool.
fn in_pieces(n: usize, f: impl Fn(usize, usize) + Sync) {
    pool::run(n.div_ceil(PIECE), &|i| {
        f(i * PIECE, PIECE.min(n - i * PIECE))
    });
}

struct ActivationOp(Activation);

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        let (dst, f, level) = (SharedMut::new(&mut out), self.0, Level::best());
        in_pieces(x.len(), |start, n| {
            // SAFETY: both buffers hold `x.len()` numbers and pieces do not overlap.
            unsafe { f.map_at(level, dst.get().add(start), x.as_ptr().add(start), n) };
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

fn ours(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Applies `f` to every number of a tensor of any shape.
///
/// # Errors
/// Those of candle.
pub fn activation(x: &Tensor, f: &Activation) -> Result<Tensor> {
    if *f == Activation::Identity {
        return Ok(x.clone());
    }
    if !ours(x) {
        return f.on_candle(x);
    }
    x.contiguous()?.apply_op1_no_bwd(&ActivationOp(*f))
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
        let mut out = vec![0.0; x.len()];
        let (dst, level) = (SharedMut::new(&mut out), Level::best());
        let per_piece = (PIECE / time.max(1)).max(1);
        let rows = x.len() / time.max(1);
        pool::run(rows.div_ceil(per_piece), &|piece| {
            for row in piece * per_piece..rows.min((piece + 1) * per_piece) {
                let (frequency, scale) =
                    (self.frequency[row % channels], self.scale[row % channels]);
                // SAFETY: rows lie inside both buffers and do not overlap.
                let (dst, src) = unsafe { (dst.get().add(row * time), x.as_ptr().add(row * time)) };
                dispatch!(level, snake_row(
                    dst: *mut f32, src: *const f32, time: usize, frequency: f32, scale: f32
                ));
            }
        });
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

/// The two products with a sigmoid gate.
#[derive(Clone, Copy)]
enum Gate {
    Tanh,
    Linear,
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
        let mut out = vec![0.0; x.len().min(y.len())];
        let (dst, level, gate) = (SharedMut::new(&mut out), Level::best(), *self);
        in_pieces(x.len().min(y.len()), |start, n| {
            // SAFETY: all three buffers hold the numbers, pieces do not overlap.
            let (dst, a, b) = unsafe {
                (
                    dst.get().add(start),
                    x.as_ptr().add(start),
                    y.as_ptr().add(start),
                )
            };
            match gate {
                Gate::Tanh => dispatch!(level, gated_tanh_row(
                    dst: *mut f32, a: *const f32, b: *const f32, n: usize
                )),
                Gate::Linear => dispatch!(level, glu_row(
                    dst: *mut f32, a: *const f32, b: *const f32, n: usize
                )),
            }
        });
        Ok((CpuStorage::F32(out), a_layout.shape().clone()))
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
