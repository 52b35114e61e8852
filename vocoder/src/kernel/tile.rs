//! The innermost loop of every convolution: a block of output channels by a block of time steps
//! held in registers while all input channels and taps go by.

// Indices over arrays that live in registers: what unrolls for certain.
#![allow(clippy::needless_range_loop)]

use super::simd::{Simd, Walk};

/// Where one row of tiles reads and writes. Rows of `residual` and `out` are `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Strip {
    /// Weights \[input channel\]\[tap\]\[row of the panel\].
    pub weights: *const f32,
    /// One start value per row.
    pub bias: *const f32,
    /// Packed signal: rows of `pitch` numbers, readable up to `steps` rounded up to whole vectors.
    pub signal: *const f32,
    pub pitch: usize,
    pub channels: usize,
    /// Start of each tap within the rows of one channel.
    pub taps: *const usize,
    pub tap_count: usize,
    /// Rows of the signal per channel (the stride of the convolution).
    pub phases: usize,
    /// Null for none.
    pub residual: *const f32,
    pub out: *mut f32,
    pub stride: usize,
    /// Time steps to compute.
    pub steps: usize,
}

/// Computes `rows ≤ S::PANEL` output channels over all steps of the strip.
///
/// # Safety
/// The pointers of `strip` must be valid for what their descriptions say.
#[inline(always)]
pub(crate) unsafe fn strip<S: Simd>(rows: usize, strip: &Strip) {
    unsafe {
        match rows {
            1 => across::<S, 1>(strip),
            2 => across::<S, 2>(strip),
            3 => across::<S, 3>(strip),
            4 => across::<S, 4>(strip),
            5 => across::<S, 5>(strip),
            6 => across::<S, 6>(strip),
            7 => across::<S, 7>(strip),
            _ => across::<S, 8>(strip),
        }
    }
}

/// Full tiles first, then one narrower tile for what is left.
#[inline(always)]
unsafe fn across<S: Simd, const ROWS: usize>(s: &Strip) {
    if ROWS > S::PANEL {
        return;
    }
    unsafe {
        let mut at = 0;
        if ROWS <= 2 {
            // Few rows: more steps at once, to have enough independent sums in flight.
            while at + 8 * S::LANES <= s.steps {
                tile::<S, ROWS, 8>(s, at, 8 * S::LANES);
                at += 8 * S::LANES;
            }
        }
        if S::WIDTH >= 5 {
            while at + 5 * S::LANES <= s.steps {
                tile::<S, ROWS, 5>(s, at, 5 * S::LANES);
                at += 5 * S::LANES;
            }
        }
        while at < s.steps {
            let left = s.steps - at;
            // Four vectors left are two and two: one alone has too few sums in flight.
            let pairs = left > 3 * S::LANES && left <= 4 * S::LANES;
            if S::WIDTH >= 3 && left > 2 * S::LANES && !pairs {
                tile::<S, ROWS, 3>(s, at, left.min(3 * S::LANES));
                at += 3 * S::LANES;
            } else if S::WIDTH >= 2 && left > S::LANES {
                tile::<S, ROWS, 2>(s, at, left.min(2 * S::LANES));
                at += 2 * S::LANES;
            } else {
                tile::<S, ROWS, 1>(s, at, left.min(S::LANES));
                at += S::LANES;
            }
        }
    }
}

/// One tile: `ROWS` channels by `COLS` vectors from step `at`, of which `count` steps are stored.
#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize, const COLS: usize>(s: &Strip, at: usize, count: usize) {
    unsafe {
        let mut sums = [[S::splat(0.0); COLS]; ROWS];
        for r in 0..ROWS {
            let bias = S::splat(*s.bias.add(r));
            for c in 0..COLS {
                sums[r][c] = bias;
            }
        }
        if !s.residual.is_null() {
            for r in 0..ROWS {
                for c in 0..COLS {
                    let p = s.residual.add(r * s.stride + at + c * S::LANES);
                    let v = match count.saturating_sub(c * S::LANES) {
                        0 => S::splat(0.0),
                        n if n >= S::LANES => S::load(p),
                        n => S::load_part(p, n),
                    };
                    sums[r][c] = S::add(sums[r][c], v);
                }
            }
        }
        let walk = Walk {
            weights: s.weights,
            signal: s.signal.add(at),
            step: s.pitch * s.phases,
            channels: s.channels,
            taps: s.taps,
            tap_count: s.tap_count,
        };
        S::accumulate(&mut sums, &walk);
        for r in 0..ROWS {
            for c in 0..COLS {
                let p = s.out.add(r * s.stride + at + c * S::LANES);
                match count.saturating_sub(c * S::LANES) {
                    0 => {}
                    n if n >= S::LANES => S::store(p, sums[r][c]),
                    n => S::store_part(p, n, sums[r][c]),
                }
            }
        }
    }
}
