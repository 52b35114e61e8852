//! DiffWave with the backbone of SaShiMi: whole waves from noise, freely or from a mel.
//!
//! Kong et al., *DiffWave: A Versatile Diffusion Model for Audio Synthesis*, ICLR 2021 (arXiv
//! 2009.09761), with the U-net of Goel et al., *It's Raw!* (section 4.3 and appendix C.3) in place of
//! the dilated convolutions.
//!
//! ```text
//! x [1, T] ─► [C, T] ─► n × block ─┬─ pool 4 ─► n × block ─┬─ pool 4 ─► n × block ─┐ + skips around
//!             ε [1, T] ◄─ norm ◄─ n × block ◄─ unpool 4 ◄─ n × block ◄─ unpool 4 ◄─┘ every member
//!
//! block: x ─► norm ─► + step ─► S4 in both directions ─► + mel ─► + x ─► norm ─► FF ─► + x
//! ```
//!
//! The reference has two branches with different layers, `master` and `checkpoints` (the published
//! weights); which one a file is of is read off its names. For C̃ of the latter the length is fixed at
//! training; longer waves double it.

mod block;
mod config;
mod mel;
mod model;
mod reverse;

pub use config::Config;
pub use model::{Denoiser, DiffWave};
