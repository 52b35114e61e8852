//! Frames that wait for their companions.

use candle_core::Tensor;

use crate::Result;

/// A queue of `[1, C, T]` pieces along time: where parallel branches of a network run at different
/// delays, each fills a queue, and what all have is taken.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    held: Option<Tensor>,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a piece, if there is one.
    ///
    /// # Errors
    /// If the channels differ from what is held.
    pub fn push(&mut self, piece: Option<Tensor>) -> Result<()> {
        self.held = match (self.held.take(), piece) {
            (Some(held), Some(piece)) => Some(Tensor::cat(&[&held, &piece], 2)?),
            (held, piece) => held.or(piece),
        };
        Ok(())
    }

    /// Frames held.
    pub fn len(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.dims()[2])
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first `frames` frames; `None` for none, all that is held for more.
    ///
    /// # Errors
    /// Those of candle.
    pub fn take(&mut self, frames: usize) -> Result<Option<Tensor>> {
        if frames == 0 {
            return Ok(None);
        }
        let Some(held) = self.held.take() else {
            return Ok(None);
        };
        let len = held.dims()[2];
        if frames >= len {
            return Ok(Some(held));
        }
        self.held = Some(held.narrow(2, frames, len - frames)?.contiguous()?);
        Ok(Some(held.narrow(2, 0, frames)?.contiguous()?))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.held = None;
    }
}
