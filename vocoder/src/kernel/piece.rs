//! One piece of a convolution: pack the input, run the tiles, finish the output.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

use super::activation::Activation;
use super::lowered::{Around, Lowered, Plan};
use super::pool::{self, SharedMut};
use super::simd::{Simd, dispatch};
use super::tile::{self, Strip};

/// One convolution of one signal, as its pieces see it.
struct Job<'a> {
    conv: &'a Lowered,
    plan: &'a Plan,
    number: u64,
    x: *const f32,
    time_in: usize,
    pre: Activation,
    post: Activation,
    /// Null for none.
    residual: *const f32,
    out: SharedMut,
    time_out: usize,
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

/// Runs all pieces of `plan`. The caller has checked that the slices have the lengths of the shape.
pub(crate) fn run(
    conv: &Lowered,
    plan: &Plan,
    x: &[f32],
    time_in: usize,
    around: Around<'_>,
    out: &mut [MaybeUninit<f32>],
    time_out: usize,
) {
    let job = &Job {
        conv,
        plan,
        number: next_job(),
        x: x.as_ptr(),
        time_in,
        pre: around.pre,
        post: around.post,
        residual: around.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
        out: SharedMut::new(out),
        time_out,
    };
    pool::run(plan.pieces(), &|piece| {
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: lengths are the caller's; a piece writes its own rows and steps only.
            dispatch!(conv.level, compute(job: &Job<'_>, piece: usize, scratch: &mut Scratch))
        });
    });
}

#[inline(always)]
unsafe fn compute<S: Simd>(job: &Job<'_>, piece: usize, scratch: &mut Scratch) {
    let plan = job.plan;
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
    let (conv, shape, plan) = (job.conv, &job.conv.shape, job.plan);
    let first = tile * plan.tile;
    let steps = plan.tile.min(plan.steps - first);
    let pitch = row_pitch(plan.tile.next_multiple_of(S::LANES) + shape.span());
    if scratch.held != (job.number, sequence, tile) {
        scratch.held = (job.number, sequence, tile);
        // SAFETY: passed on.
        unsafe { pack(job, sequence, first, pitch, scratch) };
    }
    let group = sequence % shape.groups;
    let outputs = shape.rows / shape.interleave;
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
        let to = shape.rows.min(from + plan.units_per_piece * plan.unit);
        let phases = scratch.phases.as_mut_ptr();
        for row in (from..to).step_by(S::PANEL) {
            let rows = S::PANEL.min(to - row);
            let in_unit = (row - from) % plan.unit;
            let offset = row * job.time_out + first;
            let straight = shape.interleave == 1;
            tile::strip::<S>(
                rows,
                &Strip {
                    weights: conv
                        .panels
                        .as_ptr()
                        .add((group * shape.rows + row) * shape.channels * shape.taps),
                    bias: conv.bias.as_ptr().add(group * shape.rows + row),
                    signal: scratch.signal.as_ptr(),
                    pitch,
                    channels: shape.channels,
                    taps: scratch.taps.as_ptr(),
                    tap_count: shape.taps,
                    phases: shape.stride,
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
                for output in unit / shape.interleave..(row + rows) / shape.interleave {
                    let phases = phases.add((output * shape.interleave - unit) * plan.tile);
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
    (numbers.div_ceil(16) | 1) * 16
}

/// Copies the input of a tile: padding as zeros, the activation applied, sorted by remainder of the
/// position where the convolution has a stride.
unsafe fn pack(job: &Job<'_>, sequence: usize, first: usize, pitch: usize, scratch: &mut Scratch) {
    let (conv, shape) = (job.conv, &job.conv.shape);
    let s = shape.stride;
    let size = shape.channels * s * pitch;
    if scratch.signal.len() < size {
        scratch.signal.resize(size, 0.0);
    }
    if shape.interleave > 1 {
        let size = job.plan.unit * job.plan.tile;
        if scratch.phases.len() < size {
            scratch.phases.resize(size, 0.0);
        }
    }
    scratch.taps.clear();
    scratch.taps.extend(
        (0..shape.taps)
            .map(|k| k * shape.dilation)
            .map(|u| u % s * pitch + u / s),
    );
    // The position in the input of the first packed number.
    let origin = (first * s) as isize - shape.left;
    let signal = scratch.signal.as_mut_ptr();
    // SAFETY: the source range is clipped to the row of the input, the target to the packed row.
    unsafe {
        let x = job.x.add(sequence * shape.channels * job.time_in);
        for c in 0..shape.channels {
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
    let (s, pitch) = (job.conv.shape.interleave, job.plan.tile);
    let begin = (first * s).saturating_sub(job.conv.shape.skip);
    let end =
        ((first + steps) * s - job.conv.shape.skip.min((first + steps) * s)).min(job.time_out);
    // SAFETY: every position is inside `begin..end`, within the output row.
    unsafe {
        // Step i of phase r goes to (first + i)·s + r − skip; all phases exist for i in lo..hi, some
        // at the two ends.
        let skip = job.conv.shape.skip;
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
