//! From noise to a mel along the field.

use candle_core::{Result, Tensor};

use super::block::{BlockState, Sight};
use super::dual_attention::{BlockKeys, KeyWidths};
use super::flow::{Evaluation, FlowModule, Given};
use super::{Settings, Solver};

/// The steps of a solver, with everything computed that depends on their times alone.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    solver: Solver,
    /// Lengths of the steps.
    lengths: Vec<f64>,
    evaluations: Vec<Evaluation>,
    /// How strong guidance is, and the keys it turns away from.
    guidance: Option<(f64, Vec<BlockKeys>)>,
}

/// What the evaluations remember of a signal.
#[derive(Debug, Clone)]
pub(super) struct FlowStates {
    /// Per evaluation, per block.
    target: Vec<Vec<BlockState>>,
    nobody: Vec<Vec<BlockState>>,
}

impl Steps {
    pub fn new(flow: &FlowModule, settings: &Settings, widths: KeyWidths) -> Result<Self> {
        let times = settings.times();
        let lengths: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let per_step = |(&t, length): (&f64, &f64)| match settings.solver {
            Solver::Euler => vec![t],
            Solver::Midpoint => vec![t, t + length / 2.0],
        };
        let at: Vec<f64> = times.iter().zip(&lengths).flat_map(per_step).collect();
        let guidance = || Ok::<_, candle_core::Error>((settings.guidance, flow.nobody(widths)?));
        Ok(Self {
            solver: settings.solver,
            lengths,
            evaluations: at
                .into_iter()
                .map(|t| flow.evaluation(t))
                .collect::<Result<_>>()?,
            guidance: (settings.guidance != 0.0).then(guidance).transpose()?,
        })
    }

    /// The states before a signal begins.
    pub fn states(&self, flow: &FlowModule) -> FlowStates {
        let all = || self.evaluations.iter().map(|_| flow.states()).collect();
        FlowStates {
            target: all(),
            nobody: self.guidance.as_ref().map_or_else(Vec::new, |_| all()),
        }
    }

    /// Carries the next frames of noise `x` [1, bands, T] to a mel on the scale of the networks.
    pub fn solve(
        &self,
        flow: &FlowModule,
        mut x: Tensor,
        given: &Given,
        keys: &[BlockKeys],
        sight: Sight,
        states: &mut FlowStates,
    ) -> Result<Tensor> {
        let mut velocity = |x: &Tensor, i: usize| {
            let evaluation = &self.evaluations[i];
            flow.field(x, evaluation, given, |input| {
                let at = (evaluation, given);
                let y = flow.network(input, at, keys, sight, &mut states.target[i])?;
                let Some((guidance, nobody)) = &self.guidance else {
                    return Ok(y);
                };
                let without = flow.network(input, at, nobody, sight, &mut states.nobody[i])?;
                // The rest of the field is the same in both.
                &y + ((&y - without)? * *guidance)?
            })
        };
        for (i, &length) in self.lengths.iter().enumerate() {
            let v = match self.solver {
                Solver::Euler => velocity(&x, i)?,
                Solver::Midpoint => {
                    let v = velocity(&x, 2 * i)?;
                    velocity(&(&x + (v * (length / 2.0))?)?, 2 * i + 1)?
                }
            };
            x = (x + (v * length)?)?;
        }
        Ok(x)
    }
}
