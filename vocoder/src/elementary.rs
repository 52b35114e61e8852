//! Logarithm, sine and cosine in forms the compiler turns into vector code.
//!
//! Branch-free arithmetic on slices, no calls into libm: an order of magnitude faster than the
//! standard library where a vocoder needs hundreds of thousands a second. Angles are in turns
//! (1 turn = 2π), which makes their reduction exact. Error bounds are asserted by the tests.

/// Adding it to `|x| < 2^22` leaves the nearest integer in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// `(sin 2πx, cos 2πx)` for `|x| < 2^20` turns; absolute error below 2e-7.
#[inline(always)]
pub(crate) fn sin_cos_turns(x: f32) -> (f32, f32) {
    let shifted = 4.0 * x + ROUND;
    let quadrant = shifted.to_bits();
    let y = x - 0.25 * (shifted - ROUND);
    let z = y * y;
    // Taylor in turns: |y| <= 1/8, the first neglected terms are 4e-8 and 2e-9.
    let s = y * (6.283_185_5 + z * (-41.341_7 + z * (81.605_25 + z * (-76.705_86 + z * 42.058_7))));
    let c = 1.0
        + z * (-19.739_21 + z * (64.939_39 + z * (-85.456_82 + z * (60.244_64 - z * 26.426_26))));
    let swap = quadrant & 1 != 0;
    let (a, b) = (if swap { c } else { s }, if swap { s } else { c });
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    (
        f32::from_bits(a.to_bits() ^ sin_sign),
        f32::from_bits(b.to_bits() ^ cos_sign),
    )
}

/// `sin 2πx` for `|x| < 2^20` turns, in place; absolute error below 2e-7.
pub(crate) fn sin_turns(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = sin_cos_turns(*x).0);
}

/// `ln x` for normal positive `x`; error below 2e-7 relative to the larger of 1 and the result.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = 2^e · m with m in [√½, √2), then the polynomial of Cephes' logf.
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let e = ((bits as i32) >> 23) as f32;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
    let z = m * m;
    let mut p = 7.037_683_6e-2;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * m + c;
    }
    m + (m * z * p - 0.5 * z) + e * std::f32::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn sine_and_cosine_stay_within_their_bound() {
        let mut worst = 0.0f64;
        for i in -200_000..200_000 {
            let x = i as f32 * 1.000_37e-4;
            let (s, c) = sin_cos_turns(x);
            let angle = TAU * (f64::from(x) - f64::from(x).round());
            worst = worst.max((f64::from(s) - angle.sin()).abs());
            worst = worst.max((f64::from(c) - angle.cos()).abs());
        }
        assert!(worst < 2e-7, "{worst}");
        assert_eq!(sin_cos_turns(0.0), (0.0, 1.0));
        assert_eq!(sin_cos_turns(0.25), (1.0, 0.0));
        assert_eq!(sin_cos_turns(-0.5).1, -1.0);
    }

    #[test]
    fn the_sine_of_a_small_angle_is_relatively_accurate() {
        for exponent in 3..30 {
            let x = 0.7f32.powi(exponent) * 0.125;
            let exact = (TAU * f64::from(x)).sin();
            let error = (f64::from(sin_cos_turns(x).0) / exact - 1.0).abs();
            assert!(error < 4e-7, "{x}: {error}");
        }
    }

    #[test]
    fn the_logarithm_stays_within_its_bound() {
        let mut worst = 0.0f64;
        for i in 0..400_000 {
            let x = (-20.0 + i as f32 * 1e-4).exp();
            let exact = f64::from(x).ln();
            worst = worst.max((f64::from(ln(x)) - exact).abs() / exact.abs().max(1.0));
        }
        assert!(worst < 2e-7, "{worst}");
    }
}
