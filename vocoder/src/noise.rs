//! Noise addressed by position.
//!
//! A value depends on (seed, stream, row, index) and on nothing else, so that the same seed gives
//! the same wave whatever the chunking, the batch or the number of threads. Bits come from
//! Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), normal
//! numbers from pairs of them by Box and Muller.

use crate::elementary::{ln, sin_cos_turns};
use crate::stft::Complex32;

/// A field of independent standard normal numbers over (row, index), for instance (frame, bin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseField {
    key: [u32; 2],
    stream: u32,
}

/// Philox blocks computed side by side, for the vector units.
const LANES: usize = 32;

impl NoiseField {
    /// The field of `seed`; fields of different `stream` numbers are independent of each other.
    pub fn new(seed: u64, stream: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            stream,
        }
    }

    /// Fills `values` with the numbers of `row` from index 0 on.
    pub fn fill(&self, row: u64, values: &mut [f32]) {
        let mut first_block = 0;
        for piece in values.chunks_mut(4 * LANES) {
            let normal = self.normal(row, first_block);
            for (four, lane) in piece.chunks_mut(4).zip(0..LANES) {
                for (value, of) in four.iter_mut().zip(&normal) {
                    *value = of[lane];
                }
            }
            first_block += LANES as u32;
        }
    }

    /// Fills `values` with complex numbers, real and imaginary part standard normal each: index
    /// `i` takes the numbers `2i` and `2i + 1` of the row.
    pub fn fill_complex(&self, row: u64, values: &mut [Complex32]) {
        let mut first_block = 0;
        for piece in values.chunks_mut(2 * LANES) {
            let [a, b, c, d] = self.normal(row, first_block);
            for (two, lane) in piece.chunks_mut(2).zip(0..LANES) {
                two[0] = Complex32::new(a[lane], b[lane]);
                if let Some(second) = two.get_mut(1) {
                    *second = Complex32::new(c[lane], d[lane]);
                }
            }
            first_block += LANES as u32;
        }
    }

    /// Four normal numbers from each of the blocks `first_block..first_block + LANES`.
    fn normal(&self, row: u64, first_block: u32) -> [[f32; LANES]; 4] {
        let mut counter = [
            [0; LANES],
            [self.stream; LANES],
            [row as u32; LANES],
            [(row >> 32) as u32; LANES],
        ];
        for (lane, block) in counter[0].iter_mut().enumerate() {
            *block = first_block.wrapping_add(lane as u32);
        }
        let bits = philox(counter, self.key);
        let mut normal = [[0.0; LANES]; 4];
        for pair in [0, 2] {
            for lane in 0..LANES {
                let radius = (-2.0 * ln(open_unit(bits[pair][lane]))).sqrt();
                let (sin, cos) = sin_cos_turns(unit(bits[pair + 1][lane]));
                normal[pair][lane] = radius * cos;
                normal[pair + 1][lane] = radius * sin;
            }
        }
        normal
    }
}

/// Philox 4x32-10 on `N` counters at once.
#[expect(clippy::needless_range_loop, reason = "a lane runs across four arrays")]
#[inline(always)]
fn philox<const N: usize>(mut x: [[u32; N]; 4], mut key: [u32; 2]) -> [[u32; N]; 4] {
    for _round in 0..10 {
        for lane in 0..N {
            let a = u64::from(x[0][lane]) * 0xD251_1F53;
            let b = u64::from(x[2][lane]) * 0xCD9E_8D57;
            x[0][lane] = (b >> 32) as u32 ^ x[1][lane] ^ key[0];
            x[1][lane] = b as u32;
            x[2][lane] = (a >> 32) as u32 ^ x[3][lane] ^ key[1];
            x[3][lane] = a as u32;
        }
        key[0] = key[0].wrapping_add(0x9E37_79B9);
        key[1] = key[1].wrapping_add(0xBB67_AE85);
    }
    x
}

/// Uniform in `[0, 1)` with 24 bits.
#[inline(always)]
fn unit(bits: u32) -> f32 {
    (bits >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// Uniform in `(0, 1)`: half a step above [`unit`], 23 bits so that the step is exact.
#[inline(always)]
fn open_unit(bits: u32) -> f32 {
    ((bits >> 9) as i32 as f32 + 0.5) * (1.0 / 8_388_608.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // kat_vectors of Random123, philox4x32-10.
        let answers = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [!0; 4],
                [!0; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in answers {
            assert_eq!(philox(counter.map(|c| [c]), key).map(|x| x[0]), expected);
        }
    }

    #[test]
    fn moments_and_tails_are_normal() {
        let mut values = vec![0.0; 1000];
        let field = NoiseField::new(1, 0);
        let (mut moments, mut beyond) = ([0.0f64; 4], 0);
        for row in 0..400 {
            field.fill(row, &mut values);
            for v in values.iter().map(|v| f64::from(*v)) {
                (0..4).for_each(|i| moments[i] += v.powi(i as i32 + 1) / 400_000.0);
                beyond += usize::from(v.abs() > 3.0);
            }
        }
        // Standard errors: 0.0016, 0.0022, 0.006, 0.016; 1080 values are expected beyond 3.
        assert!(moments[0].abs() < 0.007, "{moments:?}");
        assert!((moments[1] - 1.0).abs() < 0.01, "{moments:?}");
        assert!(moments[2].abs() < 0.03, "{moments:?}");
        assert!((moments[3] - 3.0).abs() < 0.07, "{moments:?}");
        assert!((930..1230).contains(&beyond), "{beyond}");
    }

    #[test]
    fn neighbours_rows_streams_and_seeds_are_uncorrelated() {
        let row = |seed, stream, row| {
            let mut values = vec![0.0; 20_001];
            NoiseField::new(seed, stream).fill(row, &mut values);
            values
        };
        let correlation = |a: &[f32], b: &[f32]| {
            let products = a.iter().zip(b).map(|(x, y)| f64::from(x * y));
            products.sum::<f64>() / a.len() as f64
        };
        let base = row(7, 0, 5);
        for (name, other) in [
            ("index", base[1..].to_vec()),
            ("row", row(7, 0, 6)),
            ("far row", row(7, 0, 5 + (1 << 32))),
            ("stream", row(7, 1, 5)),
            ("seed", row(8, 0, 5)),
            ("seed, high word", row(7 + (1 << 32), 0, 5)),
        ] {
            let c = correlation(&base[..20_000], &other[..20_000]);
            assert!(c.abs() < 0.035, "{name}: {c}");
        }
    }

    #[test]
    fn a_value_depends_on_its_address_only() {
        let field = NoiseField::new(42, 3);
        let mut long = vec![0.0; 1202];
        field.fill(9, &mut long);
        for len in [1, 4, 127, 128, 129, 601] {
            let mut short = vec![0.0; len];
            field.fill(9, &mut short);
            assert_eq!(short, long[..len]);
        }
        let mut complex = vec![Complex32::default(); 601];
        field.fill_complex(9, &mut complex);
        for (i, c) in complex.iter().enumerate() {
            assert_eq!((c.re, c.im), (long[2 * i], long[2 * i + 1]));
        }
    }
}
