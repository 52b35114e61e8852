//! The tiers of running streams, and when each of them works.
//!
//! A tier hands what it has gathered to the tier inside it, and reads the answer only with its next
//! step: pooling up delays by one step of the inner tier, which is what keeps the model causal. So
//! the innermost tier has until the next step of the one around it, four samples in a model with two
//! pools of four, and its layers are spread over them ([`Cascade::relax`]): no sample has to wait
//! for a whole step of it.

use std::ops::Range;
use std::sync::Arc;

use syrinx_vocoder::kernel::StateSpaceState;

use super::stepping::{Scratch, StepResidual, StepTier, Stepping};

/// The state of a list of layers.
type States = Vec<Option<StateSpaceState>>;

fn start(layers: &[StepResidual], streams: usize) -> States {
    layers.iter().map(|layer| layer.start(streams)).collect()
}

/// The tiers from one on inwards, and what they remember of their streams.
pub(super) struct Cascade {
    weights: Arc<Stepping>,
    outer: Vec<TierState>,
    center: CenterState,
    scratch: Scratch,
    first: usize,
}

struct TierState {
    before: States,
    after: States,
    /// Inputs of the layers before the pool, for the skips of a U-net.
    skips: Vec<Vec<f32>>,
    /// \[S, channels, pool\], the first `filled` of each channel.
    gathered: Vec<f32>,
    filled: usize,
    /// Answers of the inner tier, \[S, channels, pool\], those from `at` on still to be read.
    answers: Vec<f32>,
    at: usize,
    /// What the inner tier has answered already.
    kept: Vec<f32>,
}

/// The innermost tier works layer by layer.
struct CenterState {
    states: States,
    /// What came in, kept for the skip around the tier.
    input: Vec<f32>,
    x: Vec<f32>,
    /// The layer that is next; all done at the end.
    next: usize,
}

impl Cascade {
    /// Silence, for `streams` streams, in the tiers `tiers`, and in the innermost if they go that far.
    pub fn new(weights: Arc<Stepping>, tiers: Range<usize>, streams: usize) -> Self {
        let first = tiers.start;
        let center = match tiers.end == weights.tiers.len() {
            true => start(&weights.center, streams),
            false => States::new(),
        };
        let outer = weights.tiers[tiers].iter();
        Self {
            outer: outer.map(|tier| TierState::new(tier, streams)).collect(),
            center: CenterState {
                states: center,
                input: Vec::new(),
                x: vec![0.0; streams * weights.center_channels],
                next: weights.center.len(),
            },
            scratch: Scratch::default(),
            weights,
            first,
        }
    }

    /// One step of the outermost of these tiers: `x` \[S, channels\] in place. `inner` stands for the
    /// tiers within where they work elsewhere; else they are this cascade's own.
    pub fn step(
        &mut self,
        x: &mut [f32],
        inner: Option<&mut dyn Inner>,
    ) -> candle_core::Result<()> {
        if self.outer.is_empty() {
            self.center.begin(x);
            self.finish_center()?;
            x.copy_from_slice(&self.center.x);
            return Ok(());
        }
        self.tier(0, x, inner)
    }

    /// The layers of the innermost tier that are waiting.
    pub fn waiting(&self) -> usize {
        self.weights.center.len() - self.center.next
    }

    /// Works off up to `layers` of the layers that are waiting.
    pub fn relax(&mut self, layers: usize) -> candle_core::Result<()> {
        let upto = (self.center.next + layers).min(self.weights.center.len());
        while self.center.next < upto {
            self.center
                .advance(&self.weights.center, &mut self.scratch)?;
        }
        Ok(())
    }

    fn finish_center(&mut self) -> candle_core::Result<()> {
        self.relax(self.waiting())
    }

    fn tier(
        &mut self,
        index: usize,
        x: &mut [f32],
        mut inner: Option<&mut dyn Inner>,
    ) -> candle_core::Result<()> {
        let weights = self.weights.clone();
        let tier = &weights.tiers[self.first + index];
        for i in 0..tier.before.len() {
            let state = &mut self.outer[index];
            state.skips[i].copy_from_slice(x);
            tier.before[i].step(&mut state.before[i], x, &mut self.scratch)?;
        }
        if self.outer[index].at == tier.pool {
            let answer = match &mut inner {
                Some(inner) => inner.answer()?,
                None => self.inner_answer(index)?,
            };
            let state = &mut self.outer[index];
            tier.up.forward(&answer, &mut state.answers)?;
            state.at = 0;
        }
        self.outer[index].gather(x, tier);
        if self.outer[index].filled == tier.pool {
            let state = &mut self.outer[index];
            state.filled = 0;
            let mut coarse = vec![0.0; x.len() / tier.channels * tier.down.rows()];
            tier.down.forward(&state.gathered, &mut coarse)?;
            match &mut inner {
                Some(inner) => inner.ask(coarse)?,
                None => self.inner_ask(index, coarse)?,
            }
        }
        self.outer[index].read_answer(x, tier);
        let kept = (!weights.unet).then(|| x.to_vec());
        for i in 0..tier.after.len() {
            let state = &mut self.outer[index];
            tier.after[i].step(&mut state.after[i], x, &mut self.scratch)?;
            if weights.unet {
                add(x, &state.skips[tier.before.len() - 1 - i]);
            }
        }
        if let Some(kept) = kept {
            add(x, &kept);
        }
        Ok(())
    }

    /// Hands a step to the tier inside `index`: the innermost takes it up later, others at once.
    fn inner_ask(&mut self, index: usize, mut coarse: Vec<f32>) -> candle_core::Result<()> {
        if index + 1 == self.outer.len() {
            self.finish_center()?;
            self.center.begin(&coarse);
            return Ok(());
        }
        self.tier(index + 1, &mut coarse, None)?;
        self.outer[index].kept = coarse;
        Ok(())
    }

    fn inner_answer(&mut self, index: usize) -> candle_core::Result<Vec<f32>> {
        if index + 1 == self.outer.len() {
            self.finish_center()?;
            return Ok(self.center.x.clone());
        }
        Ok(std::mem::take(&mut self.outer[index].kept))
    }
}

/// Tiers that work elsewhere.
pub(super) trait Inner {
    /// Hands them a step.
    fn ask(&mut self, x: Vec<f32>) -> candle_core::Result<()>;
    /// What came of it.
    fn answer(&mut self) -> candle_core::Result<Vec<f32>>;
}

impl TierState {
    fn new(tier: &StepTier, streams: usize) -> Self {
        let size = streams * tier.channels;
        Self {
            before: start(&tier.before, streams),
            after: start(&tier.after, streams),
            skips: vec![vec![0.0; size]; tier.before.len()],
            gathered: vec![0.0; size * tier.pool],
            filled: 0,
            // The first answers are silence rather than what the inner tier makes of it.
            answers: vec![0.0; size * tier.pool],
            at: 0,
            kept: Vec::new(),
        }
    }

    fn gather(&mut self, x: &[f32], tier: &StepTier) {
        let slots = self.gathered.chunks_exact_mut(tier.pool);
        for (slot, x) in slots.zip(x) {
            slot[self.filled] = *x;
        }
        self.filled += 1;
    }

    fn read_answer(&mut self, x: &mut [f32], tier: &StepTier) {
        let slots = self.answers.chunks_exact(tier.pool);
        for (slot, x) in slots.zip(x) {
            *x += slot[self.at];
        }
        self.at += 1;
    }
}

impl CenterState {
    fn begin(&mut self, x: &[f32]) {
        self.input.clear();
        self.input.extend_from_slice(x);
        self.x.copy_from_slice(x);
        self.next = 0;
    }

    fn advance(
        &mut self,
        layers: &[StepResidual],
        scratch: &mut Scratch,
    ) -> candle_core::Result<()> {
        let layer = &layers[self.next];
        layer.step(&mut self.states[self.next], &mut self.x, scratch)?;
        self.next += 1;
        if self.next == layers.len() {
            add(&mut self.x, &self.input);
        }
        Ok(())
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
