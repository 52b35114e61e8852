//! Loops over memory and pieces, shared by everything that works number by number.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, DType, Result, Shape, Tensor};

use super::pool::{self, SharedMut};
use super::tensor::filled;

/// Numbers per piece of work: some 10 µs.
pub(crate) const PIECE: usize = 8192;

/// Whether our kernels do the work, rather than candle.
pub(crate) fn ours(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// A result of `shape`, written in pieces on the pool: `f(target, start, length)` writes `length`
/// numbers at `target`, which are those from `start` on.
pub(crate) fn in_pieces(
    shape: &Shape,
    f: impl Fn(*mut f32, usize, usize) + Sync,
) -> Result<(CpuStorage, Shape)> {
    let n = shape.elem_count();
    let write = |out: &mut [MaybeUninit<f32>]| {
        let out = SharedMut::new(out);
        pool::run(n.div_ceil(PIECE), &|i| {
            let start = i * PIECE;
            // SAFETY: `start` lies inside the output; pieces do not overlap.
            let target = unsafe { out.get().add(start) };
            f(target, start, PIECE.min(n - start));
        });
        Ok(())
    };
    // SAFETY: the pieces cover all numbers, and `f` writes its piece.
    let out = unsafe { filled(n, write)? };
    Ok((CpuStorage::F32(out), shape.clone()))
}

// The two loops below are macros, not functions taking closures: a closure is compiled without the
// instruction set of the function around it, and would then have to be inlined to be fast. Full and
// partial vectors share one body, because ten functions times four instruction sets add up.

/// `$dst[i] = f($src[i])` for `$n` numbers, `$dst` and `$src` equal or apart.
macro_rules! map {
    ($s:ident, $dst:ident, $src:ident, $n:ident, |$x:ident| $f:expr) => {
        // SAFETY: the caller of the enclosing function answers for `$n` numbers at both pointers.
        unsafe {
            let mut i = 0;
            while i < $n {
                let left = $n - i;
                let full = left >= $s::LANES;
                let $x = if full {
                    $s::load($src.add(i))
                } else {
                    $s::load_part($src.add(i), left)
                };
                let y = $f;
                if full {
                    $s::store($dst.add(i), y)
                } else {
                    $s::store_part($dst.add(i), left, y)
                }
                i += $s::LANES;
            }
        }
    };
}

/// `$dst[i] = f($a[i], $b[i])`.
macro_rules! zip {
    ($s:ident, $dst:ident, $a:ident, $b:ident, $n:ident, |$x:ident, $y:ident| $f:expr) => {
        // SAFETY: as for `map`.
        unsafe {
            let mut i = 0;
            while i < $n {
                let left = $n - i;
                let full = left >= $s::LANES;
                let ($x, $y) = if full {
                    ($s::load($a.add(i)), $s::load($b.add(i)))
                } else {
                    (
                        $s::load_part($a.add(i), left),
                        $s::load_part($b.add(i), left),
                    )
                };
                let z = $f;
                if full {
                    $s::store($dst.add(i), z)
                } else {
                    $s::store_part($dst.add(i), left, z)
                }
                i += $s::LANES;
            }
        }
    };
}
pub(crate) use {map, zip};
