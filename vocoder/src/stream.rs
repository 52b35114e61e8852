//! The one streaming interface of everything that moves audio.
//!
//! A stream is fed in pieces of any size and gives what is ready; the concatenated output does not
//! depend on how the input was cut. A model (weights, shared behind an `Arc`) and its stream (the
//! state of one signal) are two types; an offline call is one push and one flush.

mod context;
mod queue;

use candle_core::Tensor;

pub use context::Context;
pub use queue::Queue;

use crate::{Error, Result};

/// A block that takes a signal in pieces and returns what it can finish.
pub trait Stream {
    /// One piece of input: `[f32]` samples, or [`Frames`].
    type Input: ?Sized;

    /// Takes a piece and appends what it finishes to `out`.
    ///
    /// # Errors
    /// If the piece does not fit the stream, or the computation fails; [`reset`](Stream::reset)
    /// before the stream is used again.
    fn push(&mut self, input: &Self::Input, out: &mut Vec<f32>) -> Result<()>;

    /// Ends the signal: appends the rest to `out` and resets.
    ///
    /// # Errors
    /// If the computation fails; the stream is reset all the same.
    fn flush(&mut self, out: &mut Vec<f32>) -> Result<()>;

    /// Forgets the signal so far; the stream is as new.
    fn reset(&mut self);

    /// Samples by which the output trails the input once the stream is running. Work on whole
    /// frames can hold back up to a hop more.
    fn latency_samples(&self) -> usize;
}

/// A piece of input to a vocoder: mel frames, and F0 where the vocoder uses it.
#[derive(Clone, Debug)]
pub struct Frames {
    mel: Tensor,
    f0: Vec<f32>,
}

impl Frames {
    /// Mel frames `[1, bands, T]`.
    ///
    /// # Errors
    /// [`Error::Input`] for another rank or batch.
    pub fn new(mel: &Tensor) -> Result<Self> {
        match mel.dims() {
            [1, _, _] => Ok(Self {
                mel: mel.clone(),
                f0: Vec::new(),
            }),
            other => Err(Error::Input(format!(
                "mel frames must be [1, bands, T], got {other:?}"
            ))),
        }
    }

    /// Mel frames `[1, bands, T]` with `T` values of F0 in Hz, 0 where unvoiced.
    ///
    /// # Errors
    /// [`Error::Input`] if the lengths differ.
    pub fn with_f0(mel: &Tensor, f0: &[f32]) -> Result<Self> {
        let mut frames = Self::new(mel)?;
        if frames.len() != f0.len() {
            return Err(Error::Input(format!(
                "{} mel frames with {} values of F0; every frame needs one",
                frames.len(),
                f0.len()
            )));
        }
        frames.f0.extend_from_slice(f0);
        Ok(frames)
    }

    /// The mel frames, `[1, bands, T]`.
    pub fn mel(&self) -> &Tensor {
        &self.mel
    }

    /// F0 in Hz per frame; empty where the frames carry none.
    pub fn f0(&self) -> &[f32] {
        &self.f0
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.mel.dims()[2]
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
