//! One step of a diagonal-plus-rank-one recurrence for every channel of a layer.
//!
//! The state-space layers of S4 come down to complex numbers sₙ per channel with
//!
//! ```text
//! f  = 2 Re Σ mₙ sₙ                     (the rank-one part, known from the step before)
//! sₙ ← gₙ sₙ + f + wₙ u
//! y  = 2 Re Σ cₙ sₙ + d u
//! ```
//!
//! for an input u and an output y (see `syrinx_models::sashimi` for where g, m, w and c come from).
//! Sixteen channels lie side by side, so that all sums run in lanes of their own; one pass over a
//! state reads it, advances it and takes both sums.

use candle_core::{Result, bail};

use super::simd::{Level, Simd, dispatch};

/// Channels side by side; a multiple of the lanes of every instruction set.
const BLOCK: usize = 16;
/// Coefficients of a complex number: real and imaginary parts of g, w, m and c.
const PARTS: usize = 8;

/// The numbers of one channel.
#[derive(Debug, Clone)]
pub struct Recurrence {
    /// g, w, m and c of each complex number: real and imaginary parts.
    pub states: Vec<[[f32; 2]; 4]>,
    /// What of the input goes straight to the output.
    pub skip: f32,
}

/// The recurrences of a layer, packed.
#[derive(Debug, Clone)]
pub struct StateSpace {
    /// \[block\]\[state\]\[part\]\[channel of the block\]; sums over conjugate pairs have their 2 in m and c.
    coefficients: Vec<f32>,
    skip: Vec<f32>,
    channels: usize,
    states: usize,
}

/// What the recurrences of a layer remember, for a number of streams.
#[derive(Debug, Clone)]
pub struct StateSpaceState {
    /// \[block\]\[stream\]\[state\]\[real, imaginary\]\[channel of the block\].
    states: Vec<f32>,
    /// f of the step to come, \[block\]\[stream\]\[channel of the block\].
    feedback: Vec<f32>,
    streams: usize,
}

impl StateSpaceState {
    /// Back to silence.
    pub fn reset(&mut self) {
        self.states.fill(0.0);
        self.feedback.fill(0.0);
    }
}

impl StateSpace {
    /// Packs the recurrences of a layer, one per channel.
    ///
    /// # Errors
    /// If there are none, or they differ in size.
    pub fn new(channels: &[Recurrence]) -> Result<Self> {
        let states = channels.first().map_or(0, |channel| channel.states.len());
        if states == 0 || channels.iter().any(|c| c.states.len() != states) {
            bail!("state space: channels need states, and all the same number of them")
        }
        let blocks = channels.len().div_ceil(BLOCK);
        let mut coefficients = vec![0.0; blocks * states * PARTS * BLOCK];
        let mut skip = vec![0.0; blocks * BLOCK];
        for (index, channel) in channels.iter().enumerate() {
            let (block, lane) = (index / BLOCK, index % BLOCK);
            skip[index] = channel.skip;
            for (n, [g, w, m, c]) in channel.states.iter().enumerate() {
                let parts = [
                    g[0],
                    g[1],
                    w[0],
                    w[1],
                    2.0 * m[0],
                    2.0 * m[1],
                    2.0 * c[0],
                    2.0 * c[1],
                ];
                let at = (block * states + n) * PARTS * BLOCK + lane;
                for (part, value) in parts.into_iter().enumerate() {
                    coefficients[at + part * BLOCK] = value;
                }
            }
        }
        Ok(Self {
            coefficients,
            skip,
            channels: channels.len(),
            states,
        })
    }

    /// Numbers of an input and of an output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Complex numbers a channel remembers.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Bytes of coefficients and of one stream's state that a step reads.
    pub fn bytes(&self) -> usize {
        let blocks = self.channels.div_ceil(BLOCK);
        4 * (self.coefficients.len() + blocks * BLOCK * (2 * self.states + 1))
    }

    /// Silence, for `streams` streams.
    pub fn start(&self, streams: usize) -> StateSpaceState {
        let blocks = self.channels.div_ceil(BLOCK);
        StateSpaceState {
            states: vec![0.0; blocks * streams * self.states * 2 * BLOCK],
            feedback: vec![0.0; blocks * streams * BLOCK],
            streams,
        }
    }

    /// One step from `u` to `y`, both \[S, channels\] for the S streams of `state`.
    ///
    /// # Errors
    /// If the lengths or the state do not fit.
    pub fn step(&self, state: &mut StateSpaceState, u: &[f32], y: &mut [f32]) -> Result<()> {
        self.step_at(Level::best(), state, u, y)
    }

    pub(crate) fn step_at(
        &self,
        level: Level,
        state: &mut StateSpaceState,
        u: &[f32],
        y: &mut [f32],
    ) -> Result<()> {
        let blocks = self.channels.div_ceil(BLOCK);
        let fits = state.states.len() == blocks * state.streams * self.states * 2 * BLOCK;
        if !fits || u.len() != state.streams * self.channels || y.len() != u.len() {
            bail!(
                "state space: {} numbers to {} for {} channels of {} streams",
                u.len(),
                y.len(),
                self.channels,
                state.streams
            )
        }
        let job = Job {
            coefficients: self.coefficients.as_ptr(),
            skip: self.skip.as_ptr(),
            state: state.states.as_mut_ptr(),
            feedback: state.feedback.as_mut_ptr(),
            u: u.as_ptr(),
            y: y.as_mut_ptr(),
            channels: self.channels,
            states: self.states,
            streams: state.streams,
        };
        let job = &job;
        // SAFETY: all lengths are checked above; blocks are whole in every buffer but `u` and `y`.
        dispatch!(level, blocks_of(job: &Job));
        Ok(())
    }
}

struct Job {
    coefficients: *const f32,
    skip: *const f32,
    state: *mut f32,
    feedback: *mut f32,
    u: *const f32,
    y: *mut f32,
    channels: usize,
    states: usize,
    streams: usize,
}

#[inline(always)]
unsafe fn blocks_of<S: Simd>(job: &Job) {
    // SAFETY: the caller answers for all buffers.
    unsafe {
        for first in (0..job.channels).step_by(S::LANES) {
            let mut stream = 0;
            // Two streams share the coefficients where there are registers for both.
            while S::LANES != 8 && stream + 2 <= job.streams {
                lanes::<S, 2>(job, first, stream);
                stream += 2;
            }
            while stream < job.streams {
                lanes::<S, 1>(job, first, stream);
                stream += 1;
            }
        }
    }
}

/// The channels from `first` on that fill one vector, for `STREAMS` streams.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // arrays in registers: indices unroll for certain
unsafe fn lanes<S: Simd, const STREAMS: usize>(job: &Job, first: usize, stream: usize) {
    // SAFETY: as above; a vector never crosses the end of a block.
    unsafe {
        let (block, lane) = (first / BLOCK, first % BLOCK);
        let count = (job.channels - first).min(S::LANES);
        let coefficients = job
            .coefficients
            .add(block * job.states * PARTS * BLOCK + lane);
        let row = block * job.streams + stream;
        let size = job.states * 2 * BLOCK;
        let state = job.state.add(row * size + lane);
        let zero = S::splat(0.0);
        let (mut u, mut f) = ([zero; STREAMS], [zero; STREAMS]);
        for s in 0..STREAMS {
            let from = job.u.add((stream + s) * job.channels + first);
            u[s] = if count == S::LANES {
                S::load(from)
            } else {
                S::load_part(from, count)
            };
            f[s] = S::load(job.feedback.add((row + s) * BLOCK + lane));
        }
        // Real and imaginary contributions in sums of their own: twice the chains for the adders.
        let (mut y_re, mut y_im) = ([zero; STREAMS], [zero; STREAMS]);
        let (mut f_re, mut f_im) = ([zero; STREAMS], [zero; STREAMS]);
        for n in 0..job.states {
            let c = coefficients.add(n * PARTS * BLOCK);
            let (g_re, g_im) = (S::load(c), S::load(c.add(BLOCK)));
            let (w_re, w_im) = (S::load(c.add(2 * BLOCK)), S::load(c.add(3 * BLOCK)));
            let (m_re, m_im) = (S::load(c.add(4 * BLOCK)), S::load(c.add(5 * BLOCK)));
            let (c_re, c_im) = (S::load(c.add(6 * BLOCK)), S::load(c.add(7 * BLOCK)));
            for s in 0..STREAMS {
                let at = state.add(s * size + n * 2 * BLOCK);
                let (re, im) = (S::load(at), S::load(at.add(BLOCK)));
                let new_re = S::fma(w_re, u[s], f[s]);
                let new_re = S::fnma(g_im, im, S::fma(g_re, re, new_re));
                let new_im = S::fma(g_im, re, S::mul(w_im, u[s]));
                let new_im = S::fma(g_re, im, new_im);
                S::store(at, new_re);
                S::store(at.add(BLOCK), new_im);
                y_re[s] = S::fma(c_re, new_re, y_re[s]);
                y_im[s] = S::fnma(c_im, new_im, y_im[s]);
                f_re[s] = S::fma(m_re, new_re, f_re[s]);
                f_im[s] = S::fnma(m_im, new_im, f_im[s]);
            }
        }
        let skip = S::load(job.skip.add(first));
        for s in 0..STREAMS {
            let feedback = S::add(f_re[s], f_im[s]);
            S::store(job.feedback.add((row + s) * BLOCK + lane), feedback);
            let y = S::fma(skip, u[s], S::add(y_re[s], y_im[s]));
            let to = job.y.add((stream + s) * job.channels + first);
            if count == S::LANES {
                S::store(to, y)
            } else {
                S::store_part(to, count, y)
            }
        }
    }
}
