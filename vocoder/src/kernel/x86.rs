//! [`Simd`] for x86-64: AVX2 with FMA, and AVX-512F.

use std::arch::asm;
use std::arch::x86_64::*;

use super::simd::{Simd, Walk, accumulate_any};

/// Eight lanes, sixteen registers: a tile of 4 channels by 24 steps leaves one register for the
/// weight and three for the signal.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Sliding window over this table gives the mask of the first `n` lanes.
static LANE_MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
unsafe fn first_lanes(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    unsafe { _mm256_loadu_si256(LANE_MASK.as_ptr().add(8 - n).cast()) }
}

impl Simd for Avx2 {
    type V = __m256;
    type M = __m256;
    const LANES: usize = 8;
    const PANEL: usize = 4;
    const WIDTH: usize = 3;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(p, first_lanes(n)) }
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, n: usize, v: __m256) {
        unsafe { _mm256_maskstore_ps(p, first_lanes(n), v) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn fnma(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> __m256 {
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
        }
    }
    #[inline(always)]
    unsafe fn max(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sqrt(a: __m256) -> __m256 {
        unsafe { _mm256_sqrt_ps(a) }
    }
    #[inline(always)]
    unsafe fn abs(a: __m256) -> __m256 {
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }
    #[inline(always)]
    unsafe fn copysign(a: __m256, s: __m256) -> __m256 {
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, s))
        }
    }
    #[inline(always)]
    unsafe fn round(a: __m256) -> __m256 {
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    unsafe fn exp2_int(n: __m256) -> __m256 {
        unsafe {
            let e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(e))
        }
    }
    #[inline(always)]
    unsafe fn sum(a: __m256) -> f32 {
        unsafe {
            let a = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let a = _mm_add_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)))
        }
    }
    #[inline(always)]
    unsafe fn lt(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
    }
    #[inline(always)]
    unsafe fn select(m: __m256, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_blendv_ps(b, a, m) }
    }

    #[inline(always)]
    unsafe fn accumulate<const ROWS: usize, const COLS: usize>(
        sums: &mut [[__m256; COLS]; ROWS],
        walk: &Walk,
    ) {
        if ROWS == 4 && COLS == 3 {
            // SAFETY: the array is the twelve vectors it says.
            unsafe { accumulate_4_by_3(&mut *std::ptr::from_mut(sums).cast(), walk) }
        } else {
            // SAFETY: passed on.
            unsafe { accumulate_any::<Self, ROWS, COLS>(sums, walk) }
        }
    }
}

/// The tile most of a network's time is spent in needs all sixteen registers; compilers keep
/// spilling one of them inside the loop, which makes it 2.5 times slower, so it is written out.
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulate_4_by_3(sums: &mut [__m256; 12], walk: &Walk) {
    let [
        mut a,
        mut b,
        mut c,
        mut d,
        mut e,
        mut f,
        mut g,
        mut h,
        mut i,
        mut j,
        mut k,
        mut l,
    ] = *sums;
    // SAFETY: reads what the fields of `walk` describe, writes registers only.
    unsafe {
        asm!(
            "2:",
            "prefetcht0 [{signal} + 4*{ahead}]",
            "prefetcht0 [{signal} + 4*{ahead} + 64]",
            "mov {tap}, {taps}",
            "mov {left}, {tap_count}",
            "3:",
            "mov {at}, [{tap}]",
            "vmovups {x0}, [{signal} + 4*{at}]",
            "vmovups {x1}, [{signal} + 4*{at} + 32]",
            "vmovups {x2}, [{signal} + 4*{at} + 64]",
            "vbroadcastss {w}, [{weights}]",
            "vfmadd231ps {a}, {x0}, {w}",
            "vfmadd231ps {b}, {x1}, {w}",
            "vfmadd231ps {c}, {x2}, {w}",
            "vbroadcastss {w}, [{weights} + 4]",
            "vfmadd231ps {d}, {x0}, {w}",
            "vfmadd231ps {e}, {x1}, {w}",
            "vfmadd231ps {f}, {x2}, {w}",
            "vbroadcastss {w}, [{weights} + 8]",
            "vfmadd231ps {g}, {x0}, {w}",
            "vfmadd231ps {h}, {x1}, {w}",
            "vfmadd231ps {i}, {x2}, {w}",
            "vbroadcastss {w}, [{weights} + 12]",
            "vfmadd231ps {j}, {x0}, {w}",
            "vfmadd231ps {k}, {x1}, {w}",
            "vfmadd231ps {l}, {x2}, {w}",
            "add {weights}, 16",
            "add {tap}, 8",
            "dec {left}",
            "jnz 3b",
            "lea {signal}, [{signal} + 4*{step}]",
            "dec {channels}",
            "jnz 2b",
            weights = inout(reg) walk.weights => _,
            signal = inout(reg) walk.signal => _,
            channels = inout(reg) walk.channels => _,
            step = in(reg) walk.step,
            // Four channels on: with one tap the rows come faster than the hardware guesses them.
            ahead = in(reg) 4 * walk.step,
            taps = in(reg) walk.taps,
            tap_count = in(reg) walk.tap_count,
            tap = out(reg) _,
            left = out(reg) _,
            at = out(reg) _,
            x0 = out(ymm_reg) _,
            x1 = out(ymm_reg) _,
            x2 = out(ymm_reg) _,
            w = out(ymm_reg) _,
            a = inout(ymm_reg) a,
            b = inout(ymm_reg) b,
            c = inout(ymm_reg) c,
            d = inout(ymm_reg) d,
            e = inout(ymm_reg) e,
            f = inout(ymm_reg) f,
            g = inout(ymm_reg) g,
            h = inout(ymm_reg) h,
            i = inout(ymm_reg) i,
            j = inout(ymm_reg) j,
            k = inout(ymm_reg) k,
            l = inout(ymm_reg) l,
            options(nostack, readonly),
        );
    }
    *sums = [a, b, c, d, e, f, g, h, i, j, k, l];
}

/// Sixteen lanes, thirty-two registers: a tile of 8 channels by 48 steps.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

#[inline(always)]
fn first_lanes_mask(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

impl Simd for Avx512 {
    type V = __m512;
    type M = __mmask16;
    const LANES: usize = 16;
    const PANEL: usize = 8;
    const WIDTH: usize = 3;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(first_lanes_mask(n), p) }
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, n: usize, v: __m512) {
        unsafe { _mm512_mask_storeu_ps(p, first_lanes_mask(n), v) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn fnma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> __m512 {
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sqrt(a: __m512) -> __m512 {
        unsafe { _mm512_sqrt_ps(a) }
    }
    #[inline(always)]
    unsafe fn abs(a: __m512) -> __m512 {
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    unsafe fn copysign(a: __m512, s: __m512) -> __m512 {
        // The float forms of the bit operations need AVX-512DQ, the integer forms do not.
        unsafe {
            let sign = _mm512_set1_epi32(i32::MIN);
            let magnitude = _mm512_andnot_si512(sign, _mm512_castps_si512(a));
            let sign = _mm512_and_si512(sign, _mm512_castps_si512(s));
            _mm512_castsi512_ps(_mm512_or_si512(magnitude, sign))
        }
    }
    #[inline(always)]
    unsafe fn round(a: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    unsafe fn exp2_int(n: __m512) -> __m512 {
        unsafe {
            let e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(e))
        }
    }
    #[inline(always)]
    unsafe fn sum(a: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    unsafe fn lt(a: __m512, b: __m512) -> __mmask16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }
    #[inline(always)]
    unsafe fn select(m: __mmask16, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(m, b, a) }
    }
}
