//! Recurrent mode: the weights packed for one sample at a time.

use syrinx_vocoder::kernel::{
    Activation, Dense, Precision, StateSpace, StateSpaceState, VectorNorm, glu_add,
};

use super::backbone::{Backbone, Tier};
use super::layers::{Layer, Linear, Residual};
use crate::Result;

/// A backbone packed for stepping; streams share it.
pub(super) struct Stepping {
    pub tiers: Vec<StepTier>,
    pub center: Vec<StepResidual>,
    pub center_channels: usize,
    pub norm: VectorNorm,
    pub unet: bool,
}

pub(super) struct StepTier {
    pub channels: usize,
    pub pool: usize,
    pub before: Vec<StepResidual>,
    pub down: Dense,
    pub up: Dense,
    pub after: Vec<StepResidual>,
}

pub(super) struct StepResidual {
    norm: VectorNorm,
    layer: StepLayer,
}

enum StepLayer {
    S4 {
        space: StateSpace,
        output: Dense,
        gated: bool,
    },
    FeedForward {
        inward: Dense,
        outward: Dense,
    },
}

/// Buffers of a step, for any number of streams.
#[derive(Default)]
pub(super) struct Scratch {
    normed: Vec<f32>,
    inner: Vec<f32>,
    outer: Vec<f32>,
}

impl Stepping {
    /// Packs the weights; where C is stored corrected for a length, it is restored here, once.
    pub fn new(backbone: &Backbone, precision: Precision) -> Result<Self> {
        let tiers = backbone.tiers.iter();
        let tiers: Result<_> = tiers.map(|tier| StepTier::new(tier, precision)).collect();
        Ok(Self {
            tiers: tiers?,
            center: residuals(&backbone.center, precision)?,
            center_channels: backbone.center_channels,
            norm: backbone.norm.clone(),
            unet: backbone.unet,
        })
    }
}

impl StepTier {
    fn new(tier: &Tier, precision: Precision) -> Result<Self> {
        Ok(Self {
            channels: tier.channels,
            pool: tier.pool,
            before: residuals(&tier.before, precision)?,
            down: dense(&tier.down, precision)?,
            up: dense(&tier.up, precision)?,
            after: residuals(&tier.after, precision)?,
        })
    }
}

fn residuals(layers: &[Residual], precision: Precision) -> Result<Vec<StepResidual>> {
    let layers = layers.iter();
    layers
        .map(|layer| StepResidual::new(layer, precision))
        .collect()
}

pub(super) fn dense(linear: &Linear, precision: Precision) -> Result<Dense> {
    Ok(Dense::new(&linear.weight, &linear.bias, precision)?)
}

impl StepResidual {
    fn new(residual: &Residual, precision: Precision) -> Result<Self> {
        let layer = match &residual.layer {
            Layer::S4(s4) => StepLayer::S4 {
                space: StateSpace::new(&s4.kernel.recurrences(&s4.skip)?)?,
                output: dense(&s4.output, precision)?,
                gated: s4.gated(),
            },
            Layer::FeedForward { inward, outward } => StepLayer::FeedForward {
                inward: dense(inward, precision)?,
                outward: dense(outward, precision)?,
            },
        };
        Ok(Self {
            norm: residual.norm.clone(),
            layer,
        })
    }

    /// What the layer remembers of `streams` streams; nothing if it is no state space.
    pub fn start(&self, streams: usize) -> Option<StateSpaceState> {
        match &self.layer {
            StepLayer::S4 { space, .. } => Some(space.start(streams)),
            StepLayer::FeedForward { .. } => None,
        }
    }

    /// Bytes that a step of one stream reads.
    pub fn bytes(&self) -> usize {
        match &self.layer {
            StepLayer::S4 { space, output, .. } => space.bytes() + output.bytes(),
            StepLayer::FeedForward { inward, outward } => inward.bytes() + outward.bytes(),
        }
    }

    /// Multiplications and additions of a step of one stream: 20 for each complex state, 2 for each weight.
    pub fn flops(&self) -> usize {
        let product = |dense: &Dense| 2 * dense.rows() * dense.columns();
        match &self.layer {
            StepLayer::S4 { space, output, .. } => {
                20 * space.states() * space.channels() + product(output)
            }
            StepLayer::FeedForward { inward, outward } => product(inward) + product(outward),
        }
    }

    /// One step of `x` \[S, channels\], in place.
    pub fn step(
        &self,
        state: &mut Option<StateSpaceState>,
        x: &mut [f32],
        scratch: &mut Scratch,
    ) -> candle_core::Result<()> {
        let Scratch {
            normed,
            inner,
            outer,
        } = scratch;
        let streams = x.len() / self.norm.channels();
        normed.resize(x.len(), 0.0);
        self.norm.apply(x, normed)?;
        match (&self.layer, state) {
            (
                StepLayer::S4 {
                    space,
                    output,
                    gated,
                },
                Some(state),
            ) => {
                inner.resize(x.len(), 0.0);
                space.step(state, normed, inner)?;
                Activation::GeluErf.apply(inner);
                if !gated {
                    return output.forward_add(inner, x);
                }
                outer.resize(streams * output.rows(), 0.0);
                output.forward(inner, outer)?;
                let halves = outer.chunks_exact(output.rows());
                for (x, halves) in x.chunks_exact_mut(self.norm.channels()).zip(halves) {
                    glu_add(halves, x)?;
                }
                Ok(())
            }
            (StepLayer::FeedForward { inward, outward }, _) => {
                inner.resize(streams * inward.rows(), 0.0);
                inward.forward(normed, inner)?;
                Activation::GeluErf.apply(inner);
                outward.forward_add(inner, x)
            }
            (StepLayer::S4 { .. }, None) => candle_core::bail!("a state space without a state"),
        }
    }
}
