//! exp, tanh, sin², erf on whole vectors: polynomials after range reduction, good to a few units
//! in the last place of f32 over the ranges networks use.

use super::simd::Simd;

/// eˣ. Below −87.3 the result is 2⁻¹²⁶ (about 1e-38), above 88.3 it stays at 2¹²⁷·√2.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    unsafe {
        let x = S::max(S::splat(-87.336_54), S::min(S::splat(88.37), x));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        // ln 2 in two parts, so that the remainder keeps its last bits (Cody and Waite).
        let r = S::fma(n, S::splat(-0.693_359_4), x);
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        // Coefficients of Cephes expf.
        let mut p = S::splat(1.987_569_1e-4);
        p = S::fma(p, r, S::splat(1.398_199_9e-3));
        p = S::fma(p, r, S::splat(8.333_452e-3));
        p = S::fma(p, r, S::splat(4.166_579_6e-2));
        p = S::fma(p, r, S::splat(1.666_666_6e-1));
        p = S::fma(p, r, S::splat(0.5));
        let e = S::fma(S::mul(r, r), p, S::add(r, S::splat(1.0)));
        S::mul(e, S::exp2_int(n))
    }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(crate) unsafe fn sigmoid<S: Simd>(x: S::V) -> S::V {
    unsafe {
        let e = exp::<S>(S::sub(S::splat(0.0), x));
        S::div(S::splat(1.0), S::add(S::splat(1.0), e))
    }
}

/// tanh x: a polynomial near zero, where 1 − 2/(e²ˣ + 1) would cancel.
#[inline(always)]
pub(crate) unsafe fn tanh<S: Simd>(x: S::V) -> S::V {
    unsafe {
        let a = S::abs(x);
        let e = exp::<S>(S::add(a, a));
        let far = S::sub(
            S::splat(1.0),
            S::div(S::splat(2.0), S::add(e, S::splat(1.0))),
        );
        let z = S::mul(x, x);
        // Coefficients of Cephes tanhf.
        let mut p = S::splat(-5.704_988_7e-3);
        p = S::fma(p, z, S::splat(2.063_909e-2));
        p = S::fma(p, z, S::splat(-5.373_972e-2));
        p = S::fma(p, z, S::splat(1.333_144_2e-1));
        p = S::fma(p, z, S::splat(-3.333_328e-1));
        let near = S::fma(S::mul(p, z), x, x);
        S::select(S::lt(a, S::splat(0.625)), near, S::copysign(far, x))
    }
}

/// erf x: the odd rational minimax approximation on [−4, 4] that Eigen uses; ±1 beyond.
#[inline(always)]
pub(crate) unsafe fn erf<S: Simd>(x: S::V) -> S::V {
    unsafe {
        let x = S::max(S::splat(-4.0), S::min(S::splat(4.0), x));
        let z = S::mul(x, x);
        let mut p = S::splat(-2.726_142_3e-10);
        p = S::fma(p, z, S::splat(2.770_681_5e-8));
        p = S::fma(p, z, S::splat(-2.101_024e-6));
        p = S::fma(p, z, S::splat(-5.692_506_4e-5));
        p = S::fma(p, z, S::splat(-7.349_906_4e-4));
        p = S::fma(p, z, S::splat(-2.954_6e-3));
        p = S::fma(p, z, S::splat(-1.609_603_3e-2));
        let mut q = S::splat(-1.456_607_2e-5);
        q = S::fma(q, z, S::splat(-2.133_740_5e-4));
        q = S::fma(q, z, S::splat(-1.682_827e-3));
        q = S::fma(q, z, S::splat(-7.373_329_3e-3));
        q = S::fma(q, z, S::splat(-1.426_473_9e-2));
        S::div(S::mul(x, p), q)
    }
}

/// sin² x, accurate while |x| stays below some 10⁵.
#[inline(always)]
pub(crate) unsafe fn sin_squared<S: Simd>(x: S::V) -> S::V {
    unsafe {
        // sin² has period π: remove the nearest multiple, in three parts.
        let n = S::round(S::mul(x, S::splat(std::f32::consts::FRAC_1_PI)));
        let r = S::fma(n, S::splat(-3.140_625), x);
        let r = S::fma(n, S::splat(-9.675_026e-4), r);
        let r = S::fma(n, S::splat(-1.509_957_9e-7), r);
        // sin on [−π/2, π/2]: Taylor to x¹¹ with the last terms adjusted, error below 1e-7.
        let z = S::mul(r, r);
        let mut p = S::splat(-2.388_985_9e-8);
        p = S::fma(p, z, S::splat(2.752_556_2e-6));
        p = S::fma(p, z, S::splat(-1.984_087_4e-4));
        p = S::fma(p, z, S::splat(8.333_331e-3));
        p = S::fma(p, z, S::splat(-1.666_666_7e-1));
        let s = S::fma(S::mul(p, z), r, r);
        S::mul(s, s)
    }
}
