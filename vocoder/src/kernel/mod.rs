//! The operations audio networks spend their time in, fast on a CPU.
//!
//! Candle's own convolutions copy the signal once per tap and go through rows of channels in a
//! naive loop where padding or groups are involved; its pointwise functions are scalar. The kernels
//! here read the signal in place, hold a block of channels × steps in registers, fuse bias,
//! activation and residual, and run on a pool of physical cores ([`set_threads`]) with the vector
//! instructions found at run time ([`Level`]). They are f32 and CPU only; on other devices and
//! types every function computes the same through candle.
//!
//! Results do not depend on the number of threads, and a signal convolved in chunks gives the same
//! bits as the whole. Wrong shapes are errors, never panics; layouts do not matter (inputs and
//! weights are made contiguous where they are not).
//!
//! * [`Conv1d`], [`ConvTranspose1d`]: layers with weights packed at load.
//! * [`conv1d()`], [`conv_transpose1d()`]: the same as functions of tensors.
//! * [`Conv1dKernel`], [`ConvTranspose1dKernel`]: the same on slices, without allocation.
//! * [`gemv()`], [`gemv_strided`], [`gemv_transposed`], [`dot`], [`softmax()`]: one vector at a time,
//!   on slices, for networks that step from position to position.
//! * [`Dense`], [`StateSpace`], [`VectorNorm`], [`glu_add`]: one step of a recurrent network for one or more streams.
//! * [`dplr_kernels`], [`LongConv`]: state-space models as convolutions as long as the signal.
//! * [`activation()`], [`snake`], [`gated_tanh`], [`glu`], [`average`]: number by number.
//! * [`rms_norm_channels`], [`layer_norm_channels`]: normalisation in \[B, C, T\].
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec};
//!
//! # fn main() -> candle_core::Result<()> {
//! let weight = Tensor::new(&[[[0.25f32, 0.5, 0.25]]], &Device::Cpu)?;
//! let smooth = Conv1d::from_tensors(&weight, None, &Conv1dSpec::same(3, 1))?;
//! let x = Tensor::new(&[[[0f32, 4.0, 0.0, -8.0]]], &Device::Cpu)?;
//! let y = smooth.forward_fused(&x, Activation::Relu, Activation::Identity, None)?;
//! assert_eq!(y.to_vec3::<f32>()?, [[[1.0, 2.0, 1.0, 0.0]]]);
//! # Ok(())
//! # }
//! ```

mod activation;
mod cauchy;
mod clock;
mod conv1d;
mod conv_transpose1d;
mod dense;
mod elementary;
mod elementwise;
mod gate;
mod gemv;
mod layer;
mod long_conv;
mod lowered;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norm;
mod op;
mod piece;
mod pool;
mod portable;
mod simd;
mod snake;
mod softmax;
mod state_space;
mod tensor;
mod tile;
mod weight_norm;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

pub use activation::{Activation, activation};
pub use cauchy::{Complex64, DplrPole, dplr_kernels};
pub use clock::cpu_time;
pub use conv_transpose1d::{ConvTranspose1dKernel, ConvTranspose1dSpec, conv_transpose1d};
pub use conv1d::{Conv1dKernel, Conv1dSpec, conv1d};
pub use dense::{Dense, Precision};
pub use gate::{average, gated_tanh, glu, glu_add};
pub use gemv::{dot, gemv, gemv_strided, gemv_transposed};
pub use layer::{Conv1d, ConvTranspose1d};
pub use long_conv::LongConv;
pub use norm::{VectorNorm, layer_norm_channels, rms_norm_channels};
pub use pool::{physical_cores, set_threads, threads};
pub use simd::Level;
pub use snake::{snake, snake_beta};
pub use softmax::softmax;
pub use state_space::{Recurrence, StateSpace, StateSpaceState};
pub use weight_norm::fold_weight_norm;
