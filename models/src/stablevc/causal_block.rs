//! The residual block of [`syrinx_vocoder::conv_block`], causal up to a bounded look-ahead.
//!
//! ```text
//! x [1, C, T] ── RMS norm ── (FiLM) ── conv k over t - (k - 1 - ahead) ..= t + ahead ── SiLU ── conv 1 ──(+)── [1, C, T]
//!   └──────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use syrinx_vocoder::conv_block::NORM_EPS;
use syrinx_vocoder::kernel::{Activation, Conv1d, Conv1dSpec, rms_norm_channels};

use super::tail::Tail;

/// Scale and shift of columns, each [1, C, 1].
#[derive(Debug, Clone)]
pub(super) struct Film {
    pub scale: Tensor,
    pub shift: Tensor,
}

impl Film {
    /// `x · scale + shift`.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)
    }
}

/// A block; the state of a signal is a [`CausalState`].
#[derive(Debug, Clone)]
pub(super) struct CausalBlock {
    gain: Tensor,
    expand: Conv1d,
    project: Conv1d,
    kernel: usize,
    ahead: usize,
}

/// What a block remembers of a signal: normed columns, and inputs whose outputs wait for the look-ahead.
#[derive(Debug, Clone)]
pub(super) struct CausalState {
    normed: Tail,
    waiting: Option<Tensor>,
    started: bool,
}

impl CausalBlock {
    /// Weights: `norm.gain` `[C]`, `expand` [H, C, kernel], `project` [C, H, 1].
    pub fn new(
        channels: usize,
        hidden: usize,
        kernel: usize,
        ahead: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        Self::reaching(channels, hidden, kernel, ahead, ahead, vb)
    }

    /// A block whose weights see `widest` columns ahead, without the taps that reach further than `ahead`.
    pub fn reaching(
        channels: usize,
        hidden: usize,
        kernel: usize,
        widest: usize,
        ahead: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        // The state pads.
        let point = Conv1dSpec::default();
        let taps = kernel - (widest - ahead);
        let expand = vb.pp("expand");
        let weight = expand.get((hidden, channels, kernel), "weight")?;
        let weight = weight.narrow(2, 0, taps)?.force_contiguous()?;
        let bias = expand.get(hidden, "bias")?;
        Ok(Self {
            gain: vb.get(channels, "norm.gain")?,
            expand: Conv1d::from_tensors(&weight, Some(&bias), &point)?,
            project: Conv1d::load(hidden, channels, 1, &point, vb.pp("project"))?,
            kernel: taps,
            ahead,
        })
    }

    /// The state before a signal begins.
    pub fn state(&self) -> CausalState {
        CausalState {
            normed: Tail::padded(self.kernel - 1, self.kernel - 1 - self.ahead),
            waiting: None,
            started: false,
        }
    }

    /// The outputs that the next piece `x` [1, C, n] completes: all that are `ahead` columns back.
    pub fn step(
        &self,
        x: &Tensor,
        film: Option<&Film>,
        state: &mut CausalState,
    ) -> Result<Option<Tensor>> {
        let normed = rms_norm_channels(x, &self.gain, NORM_EPS)?;
        let normed = match film {
            Some(film) => film.apply(&normed)?,
            None => normed,
        };
        let waiting = match state.waiting.take() {
            Some(waiting) => Tensor::cat(&[&waiting, x], 2)?,
            None => x.clone(),
        };
        state.started = true;
        self.complete(&normed, waiting, state)
    }

    /// The outputs that wait for more, now that no more comes; `state` is done with.
    pub fn finish(&self, state: &mut CausalState) -> Result<Option<Tensor>> {
        let (true, Some(waiting)) = (state.started, state.waiting.take()) else {
            return Ok(None);
        };
        let channels = waiting.dim(1)?;
        let zeros = Tensor::zeros((1, channels, self.ahead), waiting.dtype(), waiting.device())?;
        self.complete(&zeros, waiting, state)
    }

    fn complete(
        &self,
        normed: &Tensor,
        waiting: Tensor,
        state: &mut CausalState,
    ) -> Result<Option<Tensor>> {
        let whole = state.normed.extend(normed)?;
        let Some(ready) = (whole.dim(2)? + 1)
            .checked_sub(self.kernel)
            .filter(|&n| n > 0)
        else {
            state.waiting = Some(waiting);
            return Ok(None);
        };
        let rest = waiting.dim(2)? - ready;
        let x = if rest > 0 {
            state.waiting = Some(waiting.narrow(2, ready, rest)?.force_contiguous()?);
            waiting.narrow(2, 0, ready)?.contiguous()?
        } else {
            waiting
        };
        let none = Activation::Identity;
        let hidden = self
            .expand
            .forward_fused(&whole, none, Activation::Silu, None)?;
        Ok(Some(self.project.forward_fused(
            &hidden,
            none,
            none,
            Some(&x),
        )?))
    }
}
