//! Matrix times vector on slices: what a network does that computes one position at a time.
//!
//! Every weight is used once, so nothing is packed and no thread is woken: the loops stream through
//! memory with as many sums in flight as the adders need.

use candle_core::{Result, bail};

use super::simd::{Level, Simd, dispatch};

/// `y = W x + b` for `weight` \[rows, columns\], row after row, `bias` and `y` \[rows\] and `x` \[columns\].
///
/// The order of the sums depends on [`Level::best`] only.
///
/// # Errors
/// If the lengths do not fit together.
pub fn gemv(weight: &[f32], bias: &[f32], x: &[f32], y: &mut [f32]) -> Result<()> {
    gemv_at(Level::best(), weight, bias, x, y)
}

/// `y = W x` where the rows of `weight` begin `stride` numbers apart: row i takes part with its first
/// x.len() numbers and gives `y[i]`. Scores of one head over the keys of all.
///
/// # Errors
/// If `weight` ends before the last row does.
pub fn gemv_strided(weight: &[f32], stride: usize, x: &[f32], y: &mut [f32]) -> Result<()> {
    gemv_strided_at(Level::best(), weight, stride, x, y)
}

/// `y += Wᵀ x` where the rows of `weight` begin `stride` numbers apart: row i takes part with its
/// first y.len() numbers, `x[i]` times. What one head reads from the values of all.
///
/// # Errors
/// If `weight` ends before the last row does.
pub fn gemv_transposed(weight: &[f32], stride: usize, x: &[f32], y: &mut [f32]) -> Result<()> {
    gemv_transposed_at(Level::best(), weight, stride, x, y)
}

/// `Σ aᵢ bᵢ` over the shorter of the two.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_at(Level::best(), a, b)
}

pub(crate) fn gemv_at(
    level: Level,
    weight: &[f32],
    bias: &[f32],
    x: &[f32],
    y: &mut [f32],
) -> Result<()> {
    if bias.len() != y.len() || Some(weight.len()) != y.len().checked_mul(x.len()) {
        bail!(
            "gemv: {} weights and a bias of {} do not take {} numbers to {}",
            weight.len(),
            bias.len(),
            x.len(),
            y.len()
        )
    }
    gemv_strided_at(level, weight, x.len(), x, y)?;
    y.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
    Ok(())
}

pub(crate) fn gemv_strided_at(
    level: Level,
    weight: &[f32],
    stride: usize,
    x: &[f32],
    y: &mut [f32],
) -> Result<()> {
    let (rows, columns) = (y.len(), x.len());
    check(weight, stride, rows, columns)?;
    let (weight, x, y) = (weight.as_ptr(), x.as_ptr(), y.as_mut_ptr());
    // SAFETY: `check` has found all rows inside `weight`.
    dispatch!(level, gemv_rows(
        weight: *const f32, stride: usize, x: *const f32, y: *mut f32, rows: usize, columns: usize
    ));
    Ok(())
}

pub(crate) fn gemv_transposed_at(
    level: Level,
    weight: &[f32],
    stride: usize,
    x: &[f32],
    y: &mut [f32],
) -> Result<()> {
    let (rows, columns) = (x.len(), y.len());
    check(weight, stride, rows, columns)?;
    let (weight, x, y) = (weight.as_ptr(), x.as_ptr(), y.as_mut_ptr());
    // SAFETY: `check` has found all rows inside `weight`.
    dispatch!(level, gemv_columns(
        weight: *const f32, stride: usize, x: *const f32, y: *mut f32, rows: usize, columns: usize
    ));
    Ok(())
}

pub(crate) fn dot_at(level: Level, a: &[f32], b: &[f32]) -> f32 {
    let (a, b, n) = (a.as_ptr(), b.as_ptr(), a.len().min(b.len()));
    let mut sum = 0.0;
    let (y, stride, rows) = (&raw mut sum, n, 1usize);
    // SAFETY: both slices hold `n` numbers, `y` is one.
    dispatch!(level, gemv_rows(
        a: *const f32, stride: usize, b: *const f32, y: *mut f32, rows: usize, n: usize
    ));
    sum
}

/// That `rows` rows of `columns` numbers, `stride` apart, lie inside `weight`.
fn check(weight: &[f32], stride: usize, rows: usize, columns: usize) -> Result<()> {
    let last = rows.saturating_sub(1).checked_mul(stride);
    let end = last.and_then(|last| last.checked_add(columns));
    if rows > 0 && end.is_none_or(|end| end > weight.len()) {
        bail!(
            "gemv: {} weights are fewer than {rows} rows of {columns}, {stride} apart",
            weight.len()
        )
    }
    Ok(())
}

/// Sums in flight: the product and sum of one instruction take four to five cycles, of which two
/// begin in each.
const SUMS: usize = 8;

/// Rows four at a time, so that the vectors of `x` are loaded once for the four.
#[inline(always)]
unsafe fn gemv_rows<S: Simd>(
    weight: *const f32,
    stride: usize,
    x: *const f32,
    y: *mut f32,
    rows: usize,
    columns: usize,
) {
    // SAFETY: the caller answers for the rows and both vectors.
    unsafe {
        let mut row = 0;
        while row + 4 <= rows {
            let from = weight.add(row * stride);
            let sums = dots::<S, 4, { SUMS / 4 }>(from, stride, x, columns);
            std::ptr::copy_nonoverlapping(sums.as_ptr(), y.add(row), 4);
            row += 4;
        }
        while row < rows {
            let [sum] = dots::<S, 1, SUMS>(weight.add(row * stride), stride, x, columns);
            *y.add(row) = sum;
            row += 1;
        }
    }
}

/// Columns by blocks of vectors, whose sums stay in registers while all rows pass.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // arrays in registers: indices unroll for certain
unsafe fn gemv_columns<S: Simd>(
    weight: *const f32,
    stride: usize,
    x: *const f32,
    y: *mut f32,
    rows: usize,
    columns: usize,
) {
    // SAFETY: the caller answers for the rows and both vectors.
    unsafe {
        let mut column = 0;
        while column + SUMS * S::LANES <= columns {
            let (weight, y) = (weight.add(column), y.add(column));
            let mut sums = [S::splat(0.0); SUMS];
            for row in 0..rows {
                let (from, scale) = (weight.add(row * stride), S::splat(*x.add(row)));
                for c in 0..SUMS {
                    sums[c] = S::fma(S::load(from.add(c * S::LANES)), scale, sums[c]);
                }
            }
            for c in 0..SUMS {
                let at = y.add(c * S::LANES);
                S::store(at, S::add(S::load(at), sums[c]));
            }
            column += SUMS * S::LANES;
        }
        while column < columns {
            let count = (columns - column).min(S::LANES);
            let (weight, y) = (weight.add(column), y.add(column));
            let mut sum = S::load_part(y, count);
            for row in 0..rows {
                let values = part::<S>(weight.add(row * stride), count);
                sum = S::fma(values, S::splat(*x.add(row)), sum);
            }
            S::store_part(y, count, sum);
            column += count;
        }
    }
}

/// The products of `ROWS` rows of `n` numbers, `stride` apart, with `x`, each in `COLS` partial sums of vectors.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // arrays in registers: indices unroll for certain
unsafe fn dots<S: Simd, const ROWS: usize, const COLS: usize>(
    rows: *const f32,
    stride: usize,
    x: *const f32,
    n: usize,
) -> [f32; ROWS] {
    // SAFETY: the caller answers for the rows and `n` numbers at `x`.
    unsafe {
        let mut sums = [[S::splat(0.0); COLS]; ROWS];
        let mut i = 0;
        while i + COLS * S::LANES <= n {
            for c in 0..COLS {
                let at = i + c * S::LANES;
                let v = S::load(x.add(at));
                for r in 0..ROWS {
                    sums[r][c] = S::fma(S::load(rows.add(r * stride + at)), v, sums[r][c]);
                }
            }
            i += COLS * S::LANES;
        }
        while i < n {
            let left = (n - i).min(S::LANES);
            let v = part::<S>(x.add(i), left);
            for r in 0..ROWS {
                sums[r][0] = S::fma(part::<S>(rows.add(r * stride + i), left), v, sums[r][0]);
            }
            i += left;
        }
        let mut totals = [0.0; ROWS];
        for r in 0..ROWS {
            let mut sum = sums[r][0];
            for c in 1..COLS {
                sum = S::add(sum, sums[r][c]);
            }
            totals[r] = S::sum(sum);
        }
        totals
    }
}

#[inline(always)]
unsafe fn part<S: Simd>(p: *const f32, n: usize) -> S::V {
    // SAFETY: the caller answers for `n` numbers.
    unsafe {
        if n == S::LANES {
            S::load(p)
        } else {
            S::load_part(p, n)
        }
    }
}
