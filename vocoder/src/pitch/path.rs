//! The best path through the peaks of successive frames, voiced or not (Viterbi with a fixed lag).

use std::collections::VecDeque;

use super::correlation::Peak;

/// What a change of ln F0 by one from a frame to the next costs, times the length of a frame in seconds.
const CHANGE: f32 = 0.04;
/// What a jump by an octave costs beyond a change to its neighbourhood.
const OCTAVE: f32 = 0.35;
/// What it costs to begin or to end voicing.
const ONSET: f32 = 0.4;
/// An unvoiced frame costs its best correlation and this, a voiced one what its correlation lacks to one.
const UNVOICED: f32 = -0.1;

/// The frames that are not decided yet.
#[derive(Debug)]
pub(super) struct Path {
    /// States of each frame: the first is unvoiced, the others are its peaks.
    frames: VecDeque<Vec<State>>,
    look_ahead: usize,
    /// What a change of ln F0 by one between two frames costs.
    change: f32,
    spare: Vec<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// ln F0; none where unvoiced.
    log_f0: Option<f32>,
    /// Of the best path that ends here.
    cost: f32,
    /// The state of the frame before on that path.
    from: usize,
}

impl Path {
    pub fn new(look_ahead: usize, frame_s: f32) -> Self {
        Self {
            frames: VecDeque::with_capacity(look_ahead + 1),
            look_ahead,
            change: CHANGE / frame_s,
            spare: Vec::new(),
        }
    }

    /// Adds a frame; F0 in Hz of the frame that is decided by it, if one is.
    pub fn push(&mut self, peaks: &[Peak]) -> Option<f32> {
        let mut states = std::mem::take(&mut self.spare);
        states.clear();
        let best = peaks.iter().map(|peak| peak.likeness).fold(0.0, f32::max);
        let before = self.frames.back().map_or(&[][..], Vec::as_slice);
        states.push(arrive(before, None, UNVOICED + best, self.change));
        for peak in peaks {
            let local = 1.0 - peak.weighted;
            states.push(arrive(before, Some(peak.log_f0), local, self.change));
        }
        // Costs are relative, so that they do not grow with the length of the signal.
        let costs = states.iter().map(|state| state.cost);
        let least = costs.fold(f32::MAX, f32::min);
        states.iter_mut().for_each(|state| state.cost -= least);
        self.frames.push_back(states);
        if self.frames.len() > self.look_ahead {
            self.decide()
        } else {
            None
        }
    }

    /// Decides the first of the frames that are left; none if there is none.
    pub fn decide(&mut self) -> Option<f32> {
        let costs = self.frames.back()?.iter().map(|state| state.cost);
        let best = costs.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut at = best.map_or(0, |(i, _)| i);
        for states in self.frames.iter().skip(1).rev() {
            at = states[at].from;
        }
        let first = self.frames.pop_front()?;
        let f0 = first[at].log_f0.map_or(0.0, f32::exp);
        self.spare = first;
        Some(f0)
    }
}

/// A state with its best way from the frame before.
fn arrive(before: &[State], log_f0: Option<f32>, local: f32, change: f32) -> State {
    let step = |from: &State| match (from.log_f0, log_f0) {
        (None, None) => 0.0,
        (Some(a), Some(b)) => {
            let turn = (a - b).abs();
            change * turn.min(OCTAVE + (turn - std::f32::consts::LN_2).abs())
        }
        _ => ONSET,
    };
    let ways = before.iter().map(|from| from.cost + step(from));
    let best = ways.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
    let (from, cost) = best.unwrap_or_default();
    State {
        log_f0,
        cost: cost + local,
        from,
    }
}
