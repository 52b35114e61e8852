//! SaShiMi: raw waveforms, sample by sample, from state-space models.
//!
//! Goel, Gu, Donahue, Ré, *It's Raw! Audio Generation with State-Space Models*, ICML 2022 (arXiv
//! 2202.09729): section 4.1 the stable form of S4 ([`Dplr`]), 4.2 the multi-scale architecture;
//! Gu, Goel, Ré, *Efficiently Modeling Long Sequences with Structured State Spaces*, ICLR 2022.
//!
//! ```text
//! codes [T] ─► embedding [C, T] ─┬──────────────────────────────────────► + ─► n × (S4, FF) ─► + skip ─► norm ─► logits
//!                                ▼ 4 samples to one                       ▲ one to 4, a step later          [256, T]
//!                            [2C, T/4] ─┬───────────► + ─► n × (S4, FF) ──┘
//!                                       ▼             ▲
//!                                  [4C, T/16] ─► n × (S4, FF) + skip
//! ```
//!
//! The U-net form has layers on the way down too, and a skip around every layer. One set of weights
//! computes in two ways, which agree: whole clips at once by convolution ([`Teacher`], for
//! likelihoods) and sample by sample by recurrence ([`Streams`], [`Generation`]).
//!
//! Checkpoints of the reference's training code are read in all three of their [`Layout`]s; sizes are
//! read off the tensors. What differs from the reference: the kernel has no pole at the highest
//! frequency and is computed in double precision; a step costs ten fused multiplications for each
//! complex state, after the two rank-one factors of the bilinear rule are multiplied out
//! ([`Dplr::recurrences`]); the tiers of a stream may work in two threads, and the innermost is
//! spread over the samples it has time for.
//!
//! ```no_run
//! use syrinx_models::sashimi::{Config, Drawing, Generation, Sashimi, Tensors};
//! use syrinx_vocoder::kernel::Precision;
//!
//! # fn main() -> syrinx_models::Result<()> {
//! let model = Sashimi::load(&Tensors::open("sashimi_sc09.pt")?, Config::default())?;
//! let stepper = model.stepper(Precision::F32)?;
//! let quantisation = model.config().quantisation;
//! let mut clips = Generation::new(&stepper, &[7, 8], Drawing::default(), quantisation.silence(), 2)?;
//! let codes = clips.advance(16_000)?;
//! let wave = quantisation.decode(&codes[0]);
//! # Ok(())
//! # }
//! ```

mod backbone;
mod cascade;
mod convolution;
mod dplr;
mod generation;
mod hippo;
mod layers;
mod layout;
mod model;
mod quantise;
mod stepping;
mod streams;
mod tensors;
mod truncation;

#[cfg(test)]
mod tests;

pub use backbone::Backbone;
pub use dplr::{Dplr, StepTransform};
pub use generation::{Drawing, Generation, keep};
pub use hippo::{Hippo, legs};
pub use layout::Layout;
pub use model::{Config, Sashimi, Teacher};
pub use quantise::{Quantisation, stretched};
pub use streams::{Cost, Stepper, Streams};
pub use syrinx_vocoder::kernel::Precision;
pub use tensors::Tensors;

pub(crate) use backbone::{Entry, entries};
pub(crate) use convolution::{gather, pointwise, scatter};
pub(crate) use layers::{Linear, norm};
