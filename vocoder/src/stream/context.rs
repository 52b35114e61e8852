//! Streaming of local operations.

use candle_core::Tensor;

use crate::Result;

/// Runs a local operation over a stream of `[1, C, T]` pieces.
///
/// An operation is local if output frame `t` depends on the inputs `t - left ..= t + right` only,
/// with zeros beyond the ends: a padded convolution, a residual block of them, an upsampling by a
/// whole `factor`. The context keeps the few input frames that later outputs need and discards the
/// outputs that a cut has spoilt, so the concatenated result is what the operation makes of the
/// whole signal, edges included. It costs `left + right` frames of recomputation per piece.
#[derive(Clone, Debug)]
pub struct Context {
    left: usize,
    right: usize,
    factor: usize,
    /// Input frames still needed, from absolute frame `start`.
    kept: Option<Tensor>,
    start: usize,
    received: usize,
    emitted: usize,
}

impl Context {
    /// For an operation that sees `left` frames back and `right` frames ahead.
    pub fn new(left: usize, right: usize) -> Self {
        Self::upsampling(left, right, 1)
    }

    /// For an operation that makes `factor` output frames of every input frame; `left` and
    /// `right` count input frames.
    pub fn upsampling(left: usize, right: usize, factor: usize) -> Self {
        Self {
            left,
            right,
            factor,
            kept: None,
            start: 0,
            received: 0,
            emitted: 0,
        }
    }

    /// For a transposed convolution of `taps` taps and `stride`, with `padding` outputs cut at
    /// both ends and `taps - stride = 2 · padding`.
    pub fn transposed(taps: usize, stride: usize, padding: usize) -> Self {
        // Output u of frame j: inputs from j + ceil((padding - taps + 1) / stride)
        // to j + ceil(padding / stride).
        let left = (taps - 1 - padding.min(taps - 1)) / stride;
        let right = padding.div_ceil(stride);
        Self::upsampling(left, right, stride)
    }

    /// Frames of look-ahead, in input frames.
    pub fn right(&self) -> usize {
        self.right
    }

    /// Takes a piece `[1, C, T]` (or none) and returns the outputs that are now certain, if any;
    /// `last` says that no piece follows. `operation` maps `[1, C, n]` to `[1, C', n · factor]`
    /// and pads with zeros.
    ///
    /// # Errors
    /// Those of `operation`.
    pub fn step(
        &mut self,
        piece: Option<&Tensor>,
        last: bool,
        operation: impl FnOnce(&Tensor) -> candle_core::Result<Tensor>,
    ) -> Result<Option<Tensor>> {
        if let Some(piece) = piece.filter(|p| p.dims()[2] > 0) {
            self.received += piece.dims()[2];
            self.kept = Some(match self.kept.take() {
                Some(kept) => Tensor::cat(&[&kept, piece], 2)?,
                None => piece.clone(),
            });
        }
        let ready = if last {
            self.received
        } else {
            self.received.saturating_sub(self.right)
        };
        let Some(input) = self.kept.as_ref().filter(|_| ready > self.emitted) else {
            return Ok(None);
        };
        let output = operation(input)?;
        let first = (self.emitted - self.start) * self.factor;
        let output = output.narrow(2, first, (ready - self.emitted) * self.factor)?;
        self.emitted = ready;
        self.forget()?;
        Ok(Some(output.contiguous()?))
    }

    /// As new.
    pub fn reset(&mut self) {
        self.kept = None;
        self.start = 0;
        self.received = 0;
        self.emitted = 0;
    }

    /// Drops the frames that no later output sees.
    fn forget(&mut self) -> Result<()> {
        let needed = self.emitted.saturating_sub(self.left);
        if needed > self.start
            && let Some(kept) = self.kept.take()
        {
            let frames = self.received - needed;
            if frames > 0 {
                let rest = kept.narrow(2, needed - self.start, frames)?;
                self.kept = Some(rest.contiguous()?);
            }
            self.start = needed;
        }
        Ok(())
    }
}
