//! Softmax of one row.

use super::elementary::exp;
use super::elementwise::map;
use super::simd::{Level, Simd, dispatch};

/// Softmax of `scale · x` in place, in the calling thread; `scale` is positive.
pub fn softmax(x: &mut [f32], scale: f32) {
    softmax_at(Level::best(), x, scale)
}

pub(crate) fn softmax_at(level: Level, x: &mut [f32], scale: f32) {
    let (x, n) = (x.as_mut_ptr(), x.len());
    // SAFETY: pointer and length are those of the slice.
    dispatch!(level, softmax_row(x: *mut f32, n: usize, scale: f32))
}

#[inline(always)]
unsafe fn softmax_row<S: Simd>(x: *mut f32, n: usize, scale: f32) {
    let whole = n - n % S::LANES;
    // SAFETY: here and below, the caller answers for `n` numbers; no vector has more than sixteen.
    let (top, scale) = unsafe {
        let mut most = S::splat(f32::NEG_INFINITY);
        for i in (0..whole).step_by(S::LANES) {
            most = S::max(S::load(x.add(i)), most);
        }
        let mut lanes = [f32::NEG_INFINITY; 16];
        S::store(lanes.as_mut_ptr(), most);
        let rest = (whole..n).map(|i| *x.add(i));
        let top = lanes.into_iter().chain(rest);
        (
            S::splat(top.fold(f32::NEG_INFINITY, f32::max)),
            S::splat(scale),
        )
    };
    map!(S, x, x, n, |v| exp::<S>(S::mul(S::sub(v, top), scale)));
    let share = unsafe {
        let mut sums = S::splat(0.0);
        for i in (0..whole).step_by(S::LANES) {
            sums = S::add(sums, S::load(x.add(i)));
        }
        if whole < n {
            sums = S::add(sums, S::load_part(x.add(whole), n - whole));
        }
        S::splat(1.0 / S::sum(sums))
    };
    map!(S, x, x, n, |v| S::mul(v, share));
}
