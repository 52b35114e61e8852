//! Every convolution, brought to one form and run over the pool.
//!
//! A transposed convolution of stride s is s ordinary ones whose outputs interleave; a strided one
//! reads its input sorted by remainder; a depthwise one is groups of one channel. What is left is
//! always the same: rows (output channels times phases) × taps × channels, over a stretch of time.
//! The stretch is cut into pieces whose input fits the second-level cache; each piece is copied
//! once, with the padding and the activation before the convolution applied, and the tiles read the
//! shifted rows from there ([`piece`]). There is no im2col.

use std::mem::MaybeUninit;

use super::activation::Activation;
use super::simd::Level;
use super::{piece, pool};

/// Numbers of packed signal per piece: 192 KiB, leaving the rest of a 512 KiB cache to the weights
/// and the result.
const SIGNAL_BUDGET: usize = 48 * 1024;
/// A piece is worth handing out from about this many multiplications (some 10 µs).
const WORTH: usize = 200_000;

/// The common form of convolutions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
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
}

impl Shape {
    pub fn inputs(&self) -> usize {
        self.groups * self.channels
    }

    pub fn outputs(&self) -> usize {
        self.groups * self.rows / self.interleave
    }

    /// Packed steps that a tile reads beyond its own.
    pub fn span(&self) -> usize {
        (self.taps - 1) * self.dilation / self.stride
    }
}

/// A convolution with its weights laid out for the tiles.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub level: Level,
    pub shape: Shape,
    /// Weights \[group\]\[panel\]\[channel\]\[tap\]\[row of panel\].
    pub panels: Vec<f32>,
    /// One number per group and row.
    pub bias: Vec<f32>,
}

/// What to do around the convolution: y = post(conv(pre(x)) + bias + residual).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    pub pre: Activation,
    pub post: Activation,
    /// Of the shape of the output.
    pub residual: Option<&'a [f32]>,
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
            ..
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
            shape,
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
        out: &mut [MaybeUninit<f32>],
        time_out: usize,
    ) {
        let shape = &self.shape;
        // Once more, because the pointers below rely on it.
        assert_eq!(x.len(), batch * shape.inputs() * time_in);
        assert_eq!(out.len(), batch * shape.outputs() * time_out);
        assert!(around.residual.is_none_or(|r| r.len() == out.len()));
        if out.is_empty() {
            return;
        }
        let steps = (time_out + shape.skip).div_ceil(shape.interleave);
        let plan = Plan::new(self, batch, steps);
        piece::run(self, &plan, x, time_in, around, out, time_out);
    }
}

/// How the work is cut: (batch × groups) in bundles, time in tiles, rows in bundles of units.
pub(crate) struct Plan {
    /// Batch items times groups.
    pub sequences: usize,
    pub sequences_per_piece: usize,
    /// Steps before interleaving.
    pub steps: usize,
    /// Steps per tile.
    pub tile: usize,
    pub tiles: usize,
    /// Rows that must stay together: whole panels, and all phases of an output channel.
    pub unit: usize,
    pub units_per_piece: usize,
    pub row_pieces: usize,
}

impl Plan {
    fn new(conv: &Lowered, batch: usize, steps: usize) -> Self {
        let shape = &conv.shape;
        let full = 48; // a multiple of every level's tile width but NEON's, where it costs little
        let longest = (SIGNAL_BUDGET / (shape.channels * shape.stride))
            .saturating_sub(shape.span())
            .max(2 * full);
        let tiles = steps.div_ceil(longest.min(4096));
        let tile = if tiles == 1 {
            steps
        } else {
            steps.div_ceil(tiles).next_multiple_of(full)
        };
        let tiles = steps.div_ceil(tile);
        let unit = least_common_multiple(conv.level.panel(), shape.interleave);
        let units = shape.rows.div_ceil(unit);
        let sequences = batch * shape.groups;
        let cost = shape.channels * shape.taps * shape.rows * tile.min(steps);
        let threads = pool::threads();
        let wanted_pieces = if threads == 1 { 1 } else { 6 * threads };
        let mut plan = Self {
            sequences,
            sequences_per_piece: (WORTH / cost.max(1)).clamp(1, sequences.div_ceil(wanted_pieces)),
            steps,
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

    pub fn pieces(&self) -> usize {
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
