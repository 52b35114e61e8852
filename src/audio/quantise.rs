//! From `f32` samples to the integers and floats of a file.

use super::SampleFormat;

/// What happens to samples above full scale when they become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Clipping {
    /// Cut them off at full scale. Samples within full scale pass unchanged.
    #[default]
    Clamp,
    /// Bend everything above 0.9 of full scale towards it with a `tanh`, which is gentler on the
    /// ear than a flat top. Samples below 0.9 pass unchanged.
    SoftLimit,
}

/// Where [`Clipping::SoftLimit`] begins to bend.
const KNEE: f32 = 0.9;

/// Turns planes of samples into interleaved samples of a [`SampleFormat`], and counts what did not
/// fit.
#[derive(Debug)]
pub(super) struct Quantiser {
    format: SampleFormat,
    clipping: Clipping,
    /// Seed of the dither; none is added without it.
    dither: Option<u64>,
    /// Samples seen so far, which addresses the dither.
    position: u64,
    /// Samples above full scale that were limited.
    pub(super) clipped: u64,
    /// Samples that were not numbers and were written as silence.
    pub(super) invalid: u64,
}

impl Quantiser {
    pub(super) fn new(format: SampleFormat, clipping: Clipping, dither: Option<u64>) -> Self {
        Self {
            format,
            clipping,
            dither,
            position: 0,
            clipped: 0,
            invalid: 0,
        }
    }

    /// Appends the little-endian bytes of `planes` `[C][T]`, interleaved, to `bytes`.
    pub(super) fn bytes(&mut self, planes: &[&[f32]], bytes: &mut Vec<u8>) {
        let frames = planes.first().map_or(0, |p| p.len());
        bytes.reserve(frames * planes.len() * self.format.bytes());
        for frame in 0..frames {
            for plane in planes {
                match self.format {
                    SampleFormat::F32 => {
                        bytes.extend_from_slice(&self.finite(plane[frame]).to_le_bytes());
                    }
                    SampleFormat::S16 | SampleFormat::S24 => {
                        let integer = self.integer(plane[frame]).to_le_bytes();
                        bytes.extend_from_slice(&integer[..self.format.bytes()]);
                    }
                }
            }
        }
    }

    /// Appends `planes` `[C][T]`, interleaved, as integers to `integers`.
    pub(super) fn integers(&mut self, planes: &[&[f32]], integers: &mut Vec<i32>) {
        for frame in 0..planes.first().map_or(0, |p| p.len()) {
            for plane in planes {
                integers.push(self.integer(plane[frame]));
            }
        }
    }

    /// One sample on the integer grid of the format.
    ///
    /// Full scale is 2^(bits − 1), so that an integer file decodes and encodes to itself; the one
    /// value this puts out of range, +1.0, becomes the largest integer and is not counted.
    fn integer(&mut self, sample: f32) -> i32 {
        let sample = self.finite(sample);
        let limited = self.limit(sample);
        let scale = (1i64 << (self.format.bits() - 1)) as f64;
        let mut level = f64::from(limited) * scale;
        if let Some(seed) = self.dither {
            level += triangular(seed, self.position);
        }
        self.position += 1;
        level.round().clamp(-scale, scale - 1.0) as i32
    }

    fn limit(&mut self, sample: f32) -> f32 {
        let magnitude = sample.abs();
        if magnitude > 1.0 {
            self.clipped += 1;
        }
        match self.clipping {
            Clipping::Clamp => sample.clamp(-1.0, 1.0),
            Clipping::SoftLimit if magnitude > KNEE => {
                let bent = KNEE + (1.0 - KNEE) * ((magnitude - KNEE) / (1.0 - KNEE)).tanh();
                bent.copysign(sample)
            }
            Clipping::SoftLimit => sample,
        }
    }

    fn finite(&mut self, sample: f32) -> f32 {
        if sample.is_finite() {
            sample
        } else {
            self.invalid += 1;
            0.0
        }
    }
}

/// Triangular noise in (−1, 1) quantisation steps, the least that makes the error independent of
/// the signal (Lipshitz, Wannamaker & Vanderkooy 1992, §4). It depends on the seed and the
/// position alone, so that the same audio gives the same file in whatever chunks it comes.
fn triangular(seed: u64, position: u64) -> f64 {
    let mut bits = seed ^ position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The finaliser of SplitMix64.
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let (high, low) = (bits >> 32, bits & 0xffff_ffff);
    (high as f64 - low as f64) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(samples: &[f32], clipping: Clipping, dither: Option<u64>) -> (Vec<i32>, Quantiser) {
        let mut quantiser = Quantiser::new(SampleFormat::S16, clipping, dither);
        let mut integers = Vec::new();
        quantiser.integers(&[samples], &mut integers);
        (integers, quantiser)
    }

    #[test]
    fn full_scale_fits_and_more_is_counted() {
        let samples = [0.0, 1.0, -1.0, 1.5, -2.0, f32::NAN, 0.5 / 32_768.0];
        let (levels, quantiser) = integers(&samples, Clipping::Clamp, None);
        assert_eq!(levels, [0, 32_767, -32_768, 32_767, -32_768, 0, 1]);
        assert_eq!((quantiser.clipped, quantiser.invalid), (2, 1));
    }

    #[test]
    fn the_soft_limit_is_monotonic_and_leaves_small_samples_alone() {
        let ramp: Vec<f32> = (0..300).map(|i| i as f32 * 0.01).collect();
        let (levels, _) = integers(&ramp, Clipping::SoftLimit, None);
        assert!(levels.windows(2).all(|pair| pair[0] <= pair[1]));
        let (plain, _) = integers(&ramp, Clipping::Clamp, None);
        assert_eq!(levels[..=90], plain[..=90]);
        assert!(levels[99] < plain[99]);
    }

    #[test]
    fn dither_is_triangular_and_repeatable() {
        // A level between two steps must come out right on average: that is what dither is for.
        let level = 0.3 / 32_768.0;
        let (levels, _) = integers(&vec![level; 100_000], Clipping::Clamp, Some(7));
        let mean = levels.iter().sum::<i32>() as f64 / 1e5;
        assert!((mean - 0.3).abs() < 0.01, "{mean}");
        assert!(levels.iter().all(|level| (-1..=2).contains(level)));
        let (again, _) = integers(&vec![level; 100_000], Clipping::Clamp, Some(7));
        assert_eq!(levels, again);
        let noise: Vec<f64> = (0..100_000).map(|i| triangular(1, i)).collect();
        let variance = noise.iter().map(|n| n * n).sum::<f64>() / 1e5;
        assert!((variance - 1.0 / 6.0).abs() < 0.005, "{variance}");
    }
}
