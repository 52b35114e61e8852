//! Every convolution, brought to one form and run over the pool.
//!
//! A transposed convolution of stride s is s ordinary ones whose outputs interleave; a strided one
//! reads its input sorted by remainder; a depthwise one is groups of one channel. What is left is
//! always the same: rows (output channels times phases) × taps × channels, over a stretch of time.
//! The stretch is cut into pieces whose input fits the second-level cache; each piece is copied
//! once, with the padding and the activation before the convolution applied, and [`tile::strip`]
//! reads the shifted rows from there. There is no im2col.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::activation::Activation;
use super::pool::{self, SharedMut};
use super::simd::{Level, Simd, dispatch};
use super::tile::{self, Strip};

/// Numbers of packed signal per piece: 192 KiB, leaving the rest of a 512 KiB cache to the weights
/// and the result.
const SIGNAL_BUDGET: usize = 48 * 1024;
/// A piece is worth handing out from about this many multiplications (some 10 µs).
const WORTH: usize = 200_000;

/// A convolution with its weights laid out for the tiles.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub level: Level,
    pub groups: usize,
    /// Input channels per group.
    pub channels: usize,
    /// Output channels per group, times `interleave`.
    pub rows: usize,
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Outputs that interleave in time (the stride of a transposed convolution), else 1.
    pub interleave: usize,
    /// Interleaved outputs dropped at the start, below `interleave`.
    pub skip: usize,
    /// Input position of the first tap of the first output, negated.
    pub left: isize,
    /// Weights \[group\]\[panel\]\[channel\]\[tap\]\[row of panel\].
    panels: Vec<f32>,
    /// One number per group and row.
    bias: Vec<f32>,
}

/// What to do around the convolution: y = post(conv(pre(x)) + bias + residual).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    pub pre: Activation,
    pub post: Activation,
    /// Of the shape of the output.
    pub residual: Option<&'a [f32]>,
}

/// The geometry of a [`Lowered`] convolution.
pub(crate) struct Shape {
    pub groups: usize,
    pub channels: usize,
    pub rows: usize,
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    pub interleave: usize,
    pub skip: usize,
    pub left: isize,
}

impl Lowered {
    /// `weight(group, row, channel, tap)` and `bias(group, row)` name the numbers.
    pub fn new(
        level: Level,
        shape: Shape,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
        bias: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let Shape {
            groups,
            channels,
            rows,
            taps,
            stride,
            dilation,
            interleave,
            skip,
            left,
        } = shape;
        let mut panels = Vec::with_capacity(groups * rows * channels * taps);
        for g in 0..groups {
            for first in (0..rows).step_by(level.panel()) {
                let last = rows.min(first + level.panel());
                for c in 0..channels {
                    for k in 0..taps {
                        panels.extend((first..last).map(|r| weight(g, r, c, k)));
                    }
                }
            }
        }
        let bias = (0..groups)
            .flat_map(|g| (0..rows).map(move |r| (g, r)))
            .map(|(g, r)| bias(g, r))
            .collect();
        Self {
            level,
            groups,
            channels,
            rows,
            taps,
            stride,
            dilation,
            interleave,
            skip,
            left,
            panels,
            bias,
        }
    }

    /// Computes `out` \[batch, groups · rows / interleave, time_out\] from `x`
    /// \[batch, groups · channels, time_in\]. The caller has checked the lengths.
    pub fn run(
        &self,
        x: &[f32],
        batch: usize,
        time_in: usize,
        around: Around<'_>,
        out: &mut [f32],
        time_out: usize,
    ) {
        let outputs = self.groups * self.rows / self.interleave;
        // Once more, because the pointers below rely on it.
        assert_eq!(x.len(), batch * self.groups * self.channels * time_in);
        assert_eq!(out.len(), batch * outputs * time_out);
        assert!(around.residual.is_none_or(|r| r.len() == out.len()));
        if out.is_empty() {
            return;
        }
        let steps = (time_out + self.skip).div_ceil(self.interleave);
        let plan = Plan::new(self, batch, steps);
        let job = Job {
            conv: self,
            number: next_job(),
            x: x.as_ptr(),
            time_in,
            pre: around.pre,
            post: around.post,
            residual: around.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
            out: SharedMut::new(out),
            time_out,
            steps,
            plan,
        };
        let job = &job;
        pool::run(job.plan.pieces(), &|piece| {
            SCRATCH.with_borrow_mut(|scratch| {
                // SAFETY: lengths were checked above; a piece writes its own rows and steps only.
                dispatch!(job.conv.level, compute(job: &Job<'_>, piece: usize, scratch: &mut Scratch))
            });
        });
    }
}

/// How the work is cut: (batch × groups) in bundles, time in tiles, rows in bundles of units.
struct Plan {
    sequences: usize,
    sequences_per_piece: usize,
    tile: usize,
    tiles: usize,
    /// Rows that must stay together: whole panels, and all phases of an output channel.
    unit: usize,
    units_per_piece: usize,
    row_pieces: usize,
}

impl Plan {
    fn new(conv: &Lowered, batch: usize, steps: usize) -> Self {
        let full = 48; // a multiple of every level's tile width but NEON's, where it costs little
        let span = (conv.taps - 1) * conv.dilation / conv.stride;
        let longest = (SIGNAL_BUDGET / (conv.channels * conv.stride))
            .saturating_sub(span)
            .max(2 * full);
        let tiles = steps.div_ceil(longest.min(4096));
        let tile = if tiles == 1 {
            steps
        } else {
            steps.div_ceil(tiles).next_multiple_of(full)
        };
        let tiles = steps.div_ceil(tile);
        let unit = least_common_multiple(conv.level.panel(), conv.interleave);
        let units = conv.rows.div_ceil(unit);
        let sequences = batch * conv.groups;
        let cost = conv.channels * conv.taps * conv.rows * tile.min(steps);
        let threads = pool::threads();
        let wanted_pieces = if threads == 1 { 1 } else { 6 * threads };
        let mut plan = Self {
            sequences,
            sequences_per_piece: (WORTH / cost.max(1)).clamp(1, sequences.div_ceil(wanted_pieces)),
            tile,
            tiles,
            unit,
            units_per_piece: units,
            row_pieces: 1,
        };
        let pieces = plan.pieces();
        if pieces < wanted_pieces && cost > WORTH {
            let row_pieces = wanted_pieces
                .div_ceil(pieces)
                .min(cost / WORTH)
                .clamp(1, units);
            plan.units_per_piece = units.div_ceil(row_pieces);
            plan.row_pieces = units.div_ceil(plan.units_per_piece);
        }
        plan
    }

    fn pieces(&self) -> usize {
        self.sequences.div_ceil(self.sequences_per_piece) * self.tiles * self.row_pieces
    }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

/// One call of [`Lowered::run`], as its pieces see it.
struct Job<'a> {
    conv: &'a Lowered,
    number: u64,
    x: *const f32,
    time_in: usize,
    pre: Activation,
    post: Activation,
    residual: *const f32,
    out: SharedMut,
    time_out: usize,
    steps: usize,
    plan: Plan,
}

// SAFETY: the inputs are only read, the output is written in disjoint parts.
unsafe impl Sync for Job<'_> {}

/// Numbers jobs, so that a thread knows whether its packed signal is of the job at hand.
fn next_job() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Buffers of one thread; they grow to the largest piece and stay.
#[derive(Default)]
struct Scratch {
    signal: Vec<f32>,
    /// Job, sequence and tile that `signal` holds.
    held: (u64, usize, usize),
    taps: Vec<usize>,
    /// Rows of a transposed convolution before they are interleaved.
    phases: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[inline(always)]
unsafe fn compute<S: Simd>(job: &Job<'_>, piece: usize, scratch: &mut Scratch) {
    let plan = &job.plan;
    let (rest, row_piece) = (piece / plan.row_pieces, piece % plan.row_pieces);
    let (bundle, tile) = (rest / plan.tiles, rest % plan.tiles);
    let start = bundle * plan.sequences_per_piece;
    for sequence in start..plan.sequences.min(start + plan.sequences_per_piece) {
        // SAFETY: passed on.
        unsafe { compute_tile::<S>(job, sequence, tile, row_piece, scratch) }
    }
}

/// One sequence (batch item and group), one stretch of time, some of its rows.
#[inline(always)]
unsafe fn compute_tile<S: Simd>(
    job: &Job<'_>,
    sequence: usize,
    tile: usize,
    row_piece: usize,
    scratch: &mut Scratch,
) {
    let (conv, plan) = (job.conv, &job.plan);
    let first = tile * plan.tile;
    let steps = plan.tile.min(job.steps - first);
    let span = (conv.taps - 1) * conv.dilation / conv.stride;
    let pitch = row_pitch(plan.tile.next_multiple_of(S::LANES) + span);
    if scratch.held != (job.number, sequence, tile) {
        scratch.held = (job.number, sequence, tile);
        // SAFETY: passed on.
        unsafe { pack(job, sequence, first, pitch, scratch) };
    }
    let group = sequence % conv.groups;
    let outputs = conv.rows / conv.interleave;
    // SAFETY: `run` has checked that the buffers hold every sequence, row and step.
    unsafe {
        let out = job.out.get().add(sequence * outputs * job.time_out);
        let residual = |offset: usize| {
            if job.residual.is_null() {
                job.residual
            } else {
                job.residual.add(sequence * outputs * job.time_out + offset)
            }
        };
        let from = row_piece * plan.units_per_piece * plan.unit;
        let to = conv.rows.min(from + plan.units_per_piece * plan.unit);
        let phases = scratch.phases.as_mut_ptr();
        for row in (from..to).step_by(S::PANEL) {
            let rows = S::PANEL.min(to - row);
            let in_unit = (row - from) % plan.unit;
            let offset = row * job.time_out + first;
            let straight = conv.interleave == 1;
            tile::strip::<S>(
                rows,
                &Strip {
                    weights: conv
                        .panels
                        .as_ptr()
                        .add((group * conv.rows + row) * conv.channels * conv.taps),
                    bias: conv.bias.as_ptr().add(group * conv.rows + row),
                    signal: scratch.signal.as_ptr(),
                    pitch,
                    channels: conv.channels,
                    taps: scratch.taps.as_ptr(),
                    tap_count: conv.taps,
                    phases: conv.stride,
                    residual: if straight {
                        residual(offset)
                    } else {
                        std::ptr::null()
                    },
                    out: if straight {
                        out.add(offset)
                    } else {
                        phases.add(in_unit * plan.tile)
                    },
                    stride: if straight { job.time_out } else { plan.tile },
                    steps,
                },
            );
            if straight && job.post != Activation::Identity {
                for r in 0..rows {
                    let y = out.add(offset + r * job.time_out);
                    job.post.map_at(conv.level, y, y, steps);
                }
            }
            if !straight && (in_unit + rows == plan.unit || row + rows == to) {
                let unit = row - in_unit;
                for output in unit / conv.interleave..(row + rows) / conv.interleave {
                    let phases = phases.add((output * conv.interleave - unit) * plan.tile);
                    let offset = output * job.time_out;
                    interleave(job, phases, first, steps, residual(offset), out.add(offset));
                }
            }
        }
    }
}

/// Length of a packed row: an odd number of cache lines, so that rows do not all fall into the same
/// cache sets.
fn row_pitch(numbers: usize) -> usize {
    numbers.next_multiple_of(16) / 16 / 2 * 32 + 16
}

/// Copies the input of a tile: padding as zeros, the activation applied, sorted by remainder of the
/// position where the convolution has a stride.
unsafe fn pack(job: &Job<'_>, sequence: usize, first: usize, pitch: usize, scratch: &mut Scratch) {
    let conv = job.conv;
    let s = conv.stride;
    let size = conv.channels * s * pitch;
    if scratch.signal.len() < size {
        scratch.signal.resize(size, 0.0);
    }
    if conv.interleave > 1 {
        let size = job.plan.unit * job.plan.tile;
        if scratch.phases.len() < size {
            scratch.phases.resize(size, 0.0);
        }
    }
    scratch.taps.clear();
    scratch.taps.extend(
        (0..conv.taps)
            .map(|k| k * conv.dilation)
            .map(|u| u % s * pitch + u / s),
    );
    // The position in the input of the first packed number.
    let origin = (first * s) as isize - conv.left;
    let signal = scratch.signal.as_mut_ptr();
    // SAFETY: the source range is clipped to the row of the input, the target to the packed row.
    unsafe {
        let x = job.x.add(sequence * conv.channels * job.time_in);
        for c in 0..conv.channels {
            let row = x.add(c * job.time_in);
            for phase in 0..s {
                let target = signal.add((c * s + phase) * pitch);
                let start = origin + phase as isize;
                // Packed number j is input start + j·s; those from `a` to `b` exist.
                let a = if start >= 0 {
                    0
                } else {
                    (-start as usize).div_ceil(s)
                }
                .min(pitch);
                let end = (job.time_in as isize - start).max(0) as usize;
                let b = end.div_ceil(s).clamp(a, pitch);
                target.write_bytes(0, a);
                if s == 1 {
                    job.pre.map_at(
                        conv.level,
                        target.add(a),
                        row.offset(start + a as isize),
                        b - a,
                    );
                } else {
                    for j in a..b {
                        *target.add(j) = *row.offset(start + (j * s) as isize);
                    }
                    job.pre
                        .map_at(conv.level, target.add(a), target.add(a), b - a);
                }
                target.add(b).write_bytes(0, pitch - b);
            }
        }
    }
}

/// Writes the phases of one output channel in turn: out\[i·s + r − skip\] = phases\[r\]\[i\].
unsafe fn interleave(
    job: &Job<'_>,
    phases: *const f32,
    first: usize,
    steps: usize,
    residual: *const f32,
    out: *mut f32,
) {
    let (s, pitch) = (job.conv.interleave, job.plan.tile);
    let begin = (first * s).saturating_sub(job.conv.skip);
    let end = ((first + steps) * s - job.conv.skip.min((first + steps) * s)).min(job.time_out);
    // SAFETY: every position is inside `begin..end`, within the output row.
    unsafe {
        // Step i of phase r goes to (first + i)·s + r − skip; all phases exist for i in lo..hi, some
        // at the two ends.
        let skip = job.conv.skip;
        let step =
            |r: usize, position: usize| (position + skip).saturating_sub(first * s + r).div_ceil(s);
        let lo = step(0, 0).min(steps);
        let hi = step(s - 1, job.time_out).clamp(lo, steps);
        let put =
            |i: usize, r: usize| *out.add((first + i) * s + r - skip) = *phases.add(r * pitch + i);
        for r in 0..s {
            (step(r, 0)..lo.min(step(r, job.time_out))).for_each(|i| put(i, r));
            (hi..steps.min(step(r, job.time_out))).for_each(|i| put(i, r));
        }
        match s {
            2 => weave::<2>(phases, pitch, lo..hi, out.add((first + lo) * s - skip)),
            4 => weave::<4>(phases, pitch, lo..hi, out.add((first + lo) * s - skip)),
            8 => weave::<8>(phases, pitch, lo..hi, out.add((first + lo) * s - skip)),
            _ => (lo..hi).for_each(|i| (0..s).for_each(|r| put(i, r))),
        }
        if !residual.is_null() {
            for o in begin..end {
                *out.add(o) += *residual.add(o);
            }
        }
        if job.post != Activation::Identity && end > begin {
            let y = out.add(begin);
            job.post.map_at(job.conv.level, y, y, end - begin);
        }
    }
}

/// The common case of [`interleave`], with a fixed number of phases.
unsafe fn weave<const PHASES: usize>(
    phases: *const f32,
    pitch: usize,
    steps: std::ops::Range<usize>,
    mut out: *mut f32,
) {
    for i in steps {
        for r in 0..PHASES {
            // SAFETY: the caller's: phases and output hold these steps.
            unsafe { *out.add(r) = *phases.add(r * pitch + i) };
        }
        // SAFETY: at most one past the last step.
        out = unsafe { out.add(PHASES) };
    }
}
