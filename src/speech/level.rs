//! Gain, soft limiting, and the fades that keep sentence ends from clicking.

/// Length of a fade, ms: enough to hide a step, too short to hear.
const FADE_MS: usize = 5;
/// Above this, samples are bent towards full scale.
const KNEE: f32 = 0.9;

/// The level of one sentence, sample by sample, whatever pieces it comes in.
pub(super) struct Level {
    gain: f32,
    fade: usize,
    total: usize,
    position: usize,
}

impl Level {
    /// For a sentence of `total` samples.
    pub fn new(gain_db: f32, total: usize, rate_hz: u32) -> Self {
        let fade = rate_hz as usize * FADE_MS / 1000;
        Self {
            gain: 10f32.powf(gain_db / 20.0),
            fade: fade.min(total / 2).max(1),
            total,
            position: 0,
        }
    }

    /// Levels the next samples.
    pub fn apply(&mut self, samples: &mut [f32]) {
        for sample in samples {
            let from_end = self
                .total
                .saturating_sub(self.position + 1)
                .min(self.position);
            *sample = limited(*sample * self.gain);
            if from_end < self.fade {
                let x = from_end as f32 / self.fade as f32;
                *sample *= 0.5 - 0.5 * (std::f32::consts::PI * x).cos();
            }
            self.position += 1;
        }
    }
}

/// Full scale is approached, never passed; what is no number becomes silence.
pub(crate) fn limited(x: f32) -> f32 {
    if x.abs() <= KNEE {
        return x;
    }
    if x.is_nan() {
        return 0.0;
    }
    let room = 1.0 - KNEE;
    (KNEE + room * ((x.abs() - KNEE) / room).tanh()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_levelled_like_the_whole_and_ends_are_silent() {
        let mut whole = vec![0.5; 1000];
        Level::new(6.0, 1000, 24_000).apply(&mut whole);
        let mut level = Level::new(6.0, 1000, 24_000);
        let mut pieces = vec![0.5; 1000];
        pieces.chunks_mut(37).for_each(|piece| level.apply(piece));
        assert_eq!(pieces, whole);
        assert_eq!((whole[0], whole[999]), (0.0, 0.0));
        assert!(
            whole
                .windows(2)
                .all(|pair| (pair[1] - pair[0]).abs() < 0.02)
        );
        let db = 20.0 * (whole[500] / 0.5).log10();
        assert!(whole[500] < 1.0 && db > 5.0, "{db}");
    }

    #[test]
    fn the_limiter_is_the_identity_below_the_knee_and_never_passes_full_scale() {
        assert_eq!(limited(0.3), 0.3);
        assert_eq!(limited(-0.9), -0.9);
        assert_eq!(limited(f32::NAN), 0.0);
        let mut last = 0.0;
        for i in 0..4000 {
            let y = limited(i as f32 * 1e-3);
            assert!((last..=1.0).contains(&y));
            last = y;
        }
        assert_eq!(limited(f32::NEG_INFINITY), -1.0);
    }
}
