//! Functions of one number: on whole tensors, on slices, and in the form the convolutions fuse.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::elementary::{erf, exp, sigmoid, tanh};
use super::elementwise::{in_pieces, map, ours};
use super::simd::{Level, Simd, dispatch};
use super::tensor::elements;

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

struct ActivationOp(Activation);

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(storage, layout)?;
        let (f, level) = (self.0, Level::best());
        in_pieces(layout.shape(), |dst, start, n| {
            // SAFETY: a piece lies inside both buffers, which have one shape.
            unsafe { f.map_at(level, dst, x.as_ptr().add(start), n) };
        })
    }
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
