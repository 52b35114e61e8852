//! Matrices applied to the vectors of one or more streams, step by step.
//!
//! [`gemv`](super::gemv()) reads a matrix as it lies; here it is packed into panels of 64 rows, column
//! after column, so that a short vector needs no sums across lanes and several streams share every
//! weight that is read.

use candle_core::{Result, bail};
use half::bf16;

use super::simd::{Level, Simd, dispatch};

/// Rows of a panel; a multiple of the lanes of every instruction set.
const PANEL: usize = 64;

/// How weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to bf16: half the memory traffic, products and sums still in f32.
    Bf16,
}

#[derive(Debug, Clone)]
enum Panels {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
}

/// `y = W x + b` with the weights packed once.
#[derive(Debug, Clone)]
pub struct Dense {
    panels: Panels,
    bias: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Dense {
    /// Packs `weight` \[rows, columns\], row after row, and `bias` \[rows\].
    ///
    /// # Errors
    /// If the lengths do not fit together, or there is nothing.
    pub fn new(weight: &[f32], bias: &[f32], precision: Precision) -> Result<Self> {
        let rows = bias.len();
        if rows == 0 || weight.is_empty() || !weight.len().is_multiple_of(rows) {
            bail!("dense: {} weights for {rows} rows", weight.len())
        }
        let columns = weight.len() / rows;
        let mut packed = vec![0.0; rows.div_ceil(PANEL) * PANEL * columns];
        for (row, weights) in weight.chunks_exact(columns).enumerate() {
            let panel = row / PANEL * PANEL * columns;
            for (column, weight) in weights.iter().enumerate() {
                packed[panel + column * PANEL + row % PANEL] = *weight;
            }
        }
        let panels = match precision {
            Precision::F32 => Panels::F32(packed),
            Precision::Bf16 => {
                let halves = packed.iter().map(|x| bf16::from_f32(*x).to_bits());
                Panels::Bf16(halves.collect())
            }
        };
        Ok(Self {
            panels,
            bias: bias.to_vec(),
            rows,
            columns,
        })
    }

    /// Numbers of an output.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of an input.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes of weights that one call reads.
    pub fn bytes(&self) -> usize {
        let weights = self.rows.div_ceil(PANEL) * PANEL * self.columns;
        let each = match self.panels {
            Panels::F32(_) => 4,
            Panels::Bf16(_) => 2,
        };
        weights * each + self.bias.len() * 4
    }

    /// `y = W x + b` for `x` \[S, columns\] and `y` \[S, rows\], each stream by itself.
    ///
    /// The sums of a stream do not depend on the streams beside it.
    ///
    /// # Errors
    /// If the lengths do not fit together.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.run(Level::best(), x, y, false)
    }

    /// `y += W x + b`.
    ///
    /// # Errors
    /// As [`Dense::forward`].
    pub fn forward_add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.run(Level::best(), x, y, true)
    }

    pub(crate) fn run(&self, level: Level, x: &[f32], y: &mut [f32], add: bool) -> Result<()> {
        let streams = x.len() / self.columns;
        if x.len() != streams * self.columns || y.len() != streams * self.rows {
            bail!(
                "dense: {} numbers to {} for a matrix of {} x {}",
                x.len(),
                y.len(),
                self.rows,
                self.columns
            )
        }
        let job = Job {
            bias: self.bias.as_ptr(),
            x: x.as_ptr(),
            y: y.as_mut_ptr(),
            rows: self.rows,
            columns: self.columns,
            streams,
            add,
        };
        let job = &job;
        match &self.panels {
            Panels::F32(panels) => {
                let weights = panels.as_ptr();
                // SAFETY: the lengths are checked above; the panels hold whole rows of 64.
                dispatch!(level, panels_f32(weights: *const f32, job: &Job))
            }
            Panels::Bf16(panels) => {
                let weights = panels.as_ptr();
                // SAFETY: as above.
                dispatch!(level, panels_bf16(weights: *const u16, job: &Job))
            }
        }
        Ok(())
    }
}

/// What a call reads and writes besides the panels.
struct Job {
    bias: *const f32,
    x: *const f32,
    y: *mut f32,
    rows: usize,
    columns: usize,
    streams: usize,
    add: bool,
}

/// Where the weights of a tile come from.
trait Source: Copy {
    unsafe fn at(self, offset: usize) -> Self;
    unsafe fn load<S: Simd>(self) -> S::V;
}

impl Source for *const f32 {
    #[inline(always)]
    unsafe fn at(self, offset: usize) -> Self {
        unsafe { self.add(offset) }
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(self) -> S::V {
        unsafe { S::load(self) }
    }
}

impl Source for *const u16 {
    #[inline(always)]
    unsafe fn at(self, offset: usize) -> Self {
        unsafe { self.add(offset) }
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(self) -> S::V {
        unsafe { S::load_bf16(self) }
    }
}

#[inline(always)]
unsafe fn panels_f32<S: Simd>(weights: *const f32, job: &Job) {
    unsafe { panels::<S, _>(weights, job) }
}

#[inline(always)]
unsafe fn panels_bf16<S: Simd>(weights: *const u16, job: &Job) {
    unsafe { panels::<S, _>(weights, job) }
}

/// Tiles of rows × streams. All streams together only decide how many share a load, never the order
/// of the sums: so a stream gives the same bits alone and in a batch.
#[inline(always)]
unsafe fn panels<S: Simd, W: Source>(weights: W, job: &Job) {
    // SAFETY: the caller answers for the lengths.
    unsafe {
        let mut first = 0;
        while first < job.rows {
            let panel = weights.at(first * job.columns);
            let mut stream = 0;
            // Sums for all the registers there are, less those of weights and signal: sixteen
            // registers where a vector has eight lanes, thirty-two elsewhere.
            while stream + 4 <= job.streams {
                if S::LANES == 8 {
                    vectors::<S, W, 2, 4>(panel, job, first, stream);
                } else {
                    vectors::<S, W, 4, 4>(panel, job, first, stream);
                }
                stream += 4;
            }
            while stream < job.streams {
                if S::LANES == 16 {
                    vectors::<S, W, 4, 1>(panel, job, first, stream);
                } else {
                    vectors::<S, W, 8, 1>(panel, job, first, stream);
                }
                stream += 1;
            }
            first += PANEL;
        }
    }
}

/// The rows of one panel, `VECTORS` vectors at a time, for `STREAMS` streams.
#[inline(always)]
unsafe fn vectors<S: Simd, W: Source, const VECTORS: usize, const STREAMS: usize>(
    panel: W,
    job: &Job,
    first: usize,
    stream: usize,
) {
    // SAFETY: as above.
    unsafe {
        let rows = (job.rows - first).min(PANEL);
        let mut row = 0;
        while row < rows {
            tile::<S, W, VECTORS, STREAMS>(panel.at(row), job, first + row, stream);
            row += VECTORS * S::LANES;
        }
    }
}

/// Columns in order, each read once for all rows and streams of the tile.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // arrays in registers: indices unroll for certain
unsafe fn tile<S: Simd, W: Source, const VECTORS: usize, const STREAMS: usize>(
    weights: W,
    job: &Job,
    row: usize,
    stream: usize,
) {
    // SAFETY: `row` is inside the panel, which holds 64 rows of weights whatever the bias has.
    unsafe {
        let columns = job.columns;
        let x = job.x.add(stream * columns);
        let mut sums = [[S::splat(0.0); STREAMS]; VECTORS];
        for column in 0..columns {
            let from = weights.at(column * PANEL);
            let mut w = [S::splat(0.0); VECTORS];
            for v in 0..VECTORS {
                w[v] = from.at(v * S::LANES).load::<S>();
            }
            for s in 0..STREAMS {
                let value = S::splat(*x.add(s * columns + column));
                for v in 0..VECTORS {
                    sums[v][s] = S::fma(w[v], value, sums[v][s]);
                }
            }
        }
        for v in 0..VECTORS {
            let at = row + v * S::LANES;
            if at >= job.rows {
                break;
            }
            let lanes = (job.rows - at).min(S::LANES);
            let bias = read::<S>(job.bias.add(at), lanes);
            for s in 0..STREAMS {
                let y = job.y.add((stream + s) * job.rows + at);
                let mut sum = S::add(sums[v][s], bias);
                if job.add {
                    sum = S::add(sum, read::<S>(y, lanes));
                }
                if lanes == S::LANES {
                    S::store(y, sum)
                } else {
                    S::store_part(y, lanes, sum)
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn read<S: Simd>(p: *const f32, lanes: usize) -> S::V {
    // SAFETY: the caller answers for `lanes` numbers.
    unsafe {
        if lanes == S::LANES {
            S::load(p)
        } else {
            S::load_part(p, lanes)
        }
    }
}
