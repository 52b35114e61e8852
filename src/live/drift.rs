//! Two clocks are never the same: keeps the output ring at its level.

use std::time::Duration;

/// The most that the rate is changed by: 0.3 %, which nobody hears.
const MOST: f64 = 0.003;

/// Time constant of the low-pass over the level of the ring, s.
const SMOOTHING_S: f64 = 4.0;

/// Gains of the controller, 1/s and 1/s²: critically damped, 40 s to settle.
const PROPORTIONAL: f64 = 0.05;
const INTEGRAL: f64 = PROPORTIONAL * PROPORTIONAL / 4.0;

/// A PI controller from the level of the ring to the ratio of the output resampler.
#[derive(Debug, Clone, Default)]
pub(super) struct Drift {
    smooth_s: Option<f64>,
    integral: f64,
}

impl Drift {
    /// The ring holds `level_s` instead of `target_s`, `since` the last time; the ratio to resample with, about 1.
    pub fn steer(&mut self, level_s: f64, target_s: f64, since: Duration) -> f64 {
        let dt = since.as_secs_f64().min(1.0);
        let before = self.smooth_s.unwrap_or(level_s);
        let smooth = before + (level_s - before) * (1.0 - (-dt / SMOOTHING_S).exp());
        self.smooth_s = Some(smooth);
        // Too much in the ring: make fewer samples.
        let error = target_s - smooth;
        let integral = (self.integral + INTEGRAL * error * dt).clamp(-MOST, MOST);
        let wanted = PROPORTIONAL * error + integral;
        // While the limit holds, the integral must not run away.
        if wanted.abs() < MOST || error.signum() != wanted.signum() {
            self.integral = integral;
        }
        1.0 + wanted.clamp(-MOST, MOST)
    }

    /// After a gap or a jump the level starts anew; what is known of the clocks stays.
    pub fn restart(&mut self) {
        self.smooth_s = None;
    }

    /// By how much the rates differ as far as is known, parts per million.
    pub fn ppm(&self) -> f64 {
        self.integral * 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_difference_of_clocks_is_found() {
        for ppm in [-200.0, 200.0, 1000.0] {
            let (mut drift, mut level) = (Drift::default(), 0.02);
            let mut farthest = 0.0f64;
            for _ in 0..20 * 600 {
                let ratio = drift.steer(level, 0.02, Duration::from_millis(50));
                // The device takes (1 + ppm) for each sample that comes in.
                level += 0.05 * (ratio - 1.0 - ppm * 1e-6);
                farthest = farthest.max((level - 0.02).abs());
            }
            assert!((level - 0.02).abs() < 1e-4, "{ppm}: {level}");
            assert!((drift.ppm() - ppm).abs() < 5.0, "{ppm}: {}", drift.ppm());
            assert!(farthest < 3e-5 * ppm.abs(), "{ppm}: {farthest}");
        }
    }

    #[test]
    fn the_ratio_is_limited() {
        let mut drift = Drift::default();
        for _ in 0..100 {
            let ratio = drift.steer(0.5, 0.02, Duration::from_millis(50));
            assert_eq!(ratio, 0.997);
        }
        assert_eq!(drift.ppm(), 0.0, "nothing is learned at the limit");
    }
}
