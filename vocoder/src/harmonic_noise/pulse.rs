//! The source of the voiced part: a band-limited pulse train that follows F0.

use crate::elementary::sin_turns;

/// Interpolated F0 at or below this, Hz, is unvoiced.
const VOICED_ABOVE_HZ: f64 = 40.0;

/// Where `|2 sin(t / 2)|` is smaller, the closed form is replaced by its limit.
const SINGULAR: f32 = 2e-3;

/// F0 per frame in, samples of `Σ_{k=1..K} cos(k t)` out, `K` the number of harmonics below
/// `max_harmonic_hz`.
///
/// F0 is interpolated linearly between frame centres (torch's `interpolate`, `align_corners`
/// off), so the second half of a frame waits for the next one. The phase `t` runs on through
/// unvoiced stretches at 40 Hz, which are silent. It is summed in f64: after an hour it is still
/// right to a millionth of a turn.
#[derive(Clone, Debug)]
pub struct PulseStream {
    rate_hz: f64,
    hop: usize,
    max_harmonic_hz: f64,
    /// F0 of the last frame.
    held: Option<f64>,
    /// Sum of the instantaneous frequencies.
    sum_hz: f64,
    block: Block,
}

/// Samples in the making.
#[derive(Clone, Debug, Default)]
struct Block {
    /// Angles of the numerator and of the denominator, in turns; then their sines.
    numerator: Vec<f32>,
    denominator: Vec<f32>,
    /// `K + ½`; 0 where unvoiced.
    limit: Vec<f32>,
}

impl PulseStream {
    /// A pulse train at `rate_hz` from one F0 value every `hop` samples.
    pub fn new(rate_hz: u32, hop: usize, max_harmonic_hz: f64) -> Self {
        Self {
            rate_hz: f64::from(rate_hz),
            hop,
            max_harmonic_hz,
            held: None,
            sum_hz: 0.0,
            block: Block::default(),
        }
    }

    /// Takes `f0` in Hz per frame, 0 (or not a number) where unvoiced, and appends the samples
    /// that are now certain.
    pub fn push(&mut self, f0: &[f32], samples: &mut Vec<f32>) {
        for &hz in f0 {
            let hz = if hz.is_finite() { f64::from(hz) } else { 0.0 };
            match self.held.replace(hz) {
                None => self.glide(hz, hz, 0..self.rise(), samples),
                Some(before) => {
                    self.glide(before, hz, self.rise()..self.hop, samples);
                    self.glide(before, hz, self.hop..self.hop + self.rise(), samples);
                }
            }
        }
    }

    /// Ends the signal: appends the second half of the last frame and resets.
    pub fn flush(&mut self, samples: &mut Vec<f32>) {
        if let Some(last) = self.held {
            self.glide(last, last, self.rise()..self.hop, samples);
        }
        self.reset();
    }

    /// Forgets the signal so far.
    pub fn reset(&mut self) {
        self.held = None;
        self.sum_hz = 0.0;
    }

    /// Samples of a frame that lie before its centre.
    fn rise(&self) -> usize {
        self.hop / 2
    }

    /// Appends the samples `range` of the way from the centre of one frame to the centre of the
    /// next, both counted from the start of the first.
    fn glide(
        &mut self,
        from_hz: f64,
        to_hz: f64,
        range: std::ops::Range<usize>,
        samples: &mut Vec<f32>,
    ) {
        let block = &mut self.block;
        block.numerator.clear();
        block.denominator.clear();
        block.limit.clear();
        for j in range {
            let weight = (j as f64 + 0.5) / self.hop as f64 - 0.5;
            let hz = from_hz + (to_hz - from_hz) * weight;
            let voiced = hz > VOICED_ABOVE_HZ;
            let hz = hz.clamp(VOICED_ABOVE_HZ, 0.5 * self.rate_hz);
            self.sum_hz += hz;
            let cycles = self.sum_hz / self.rate_hz;
            let turn = cycles - cycles.floor();
            let limit = (self.max_harmonic_hz / hz).floor() + 0.5;
            let angle = limit * turn;
            block.numerator.push((angle - angle.round()) as f32);
            // sin(t / 2) is the same on both sides of half a turn; near its zeros only the
            // smaller angle keeps its digits.
            block.denominator.push((0.5 * turn.min(1.0 - turn)) as f32);
            block.limit.push(if voiced { limit as f32 } else { 0.0 });
        }
        sin_turns(&mut block.numerator);
        sin_turns(&mut block.denominator);
        let sines = block.numerator.iter().zip(&block.denominator);
        samples.extend(sines.zip(&block.limit).map(|((n, d), limit)| {
            let d = 2.0 * d;
            let sum = if d <= SINGULAR { *limit } else { n / d };
            if *limit > 0.0 { sum - 0.5 } else { 0.0 }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn pulses(f0: &[f32], hop: usize) -> Vec<f32> {
        let mut stream = PulseStream::new(24_000, hop, 11_000.0);
        let mut samples = Vec::new();
        stream.push(f0, &mut samples);
        stream.flush(&mut samples);
        samples
    }

    #[test]
    fn a_steady_pitch_is_the_sum_of_its_harmonics() {
        let samples = pulses(&[517.0; 9], 300);
        assert_eq!(samples.len(), 2700);
        for (i, sample) in samples.iter().enumerate() {
            let t = TAU * (i + 1) as f64 * 517.0 / 24_000.0;
            let sum: f64 = (1..=21).map(|k| (f64::from(k) * t).cos()).sum();
            // Around t = 0 the sum is replaced by its limit.
            let flat = (t / 2.0).sin().abs() < 1.01e-3;
            let tolerance = if flat { 0.01 } else { 1e-4 };
            assert!(
                (f64::from(*sample) - sum).abs() < tolerance,
                "{i}: {sample} {sum}"
            );
        }
    }

    #[test]
    fn a_glide_follows_the_definition() {
        let f0 = [100.0, 180.0, 0.0, 0.0, 240.0];
        for hop in [300, 7] {
            let samples = pulses(&f0, hop);
            assert_eq!(samples.len(), 5 * hop);
            let mut sum_hz = 0.0;
            for (i, sample) in samples.iter().enumerate() {
                let position = ((i as f64 + 0.5) / hop as f64 - 0.5).max(0.0);
                let k = (position as usize).min(4);
                let (a, b) = (f64::from(f0[k]), f64::from(f0[(k + 1).min(4)]));
                let hz = a + (b - a) * (position - k as f64);
                sum_hz += hz.max(40.0);
                let t = TAU * (sum_hz / 24_000.0).fract();
                let harmonics = (11_000.0 / hz.max(40.0)) as u32;
                let expected: f64 = (1..=harmonics).map(|k| (f64::from(k) * t).cos()).sum();
                let expected = if hz > 40.0 { expected } else { 0.0 };
                let near_zero = (t / 2.0).sin().abs() < 1.1e-3;
                let tolerance = if near_zero {
                    0.1 * f64::from(harmonics)
                } else {
                    2e-4
                };
                assert!(
                    (f64::from(*sample) - expected).abs() <= tolerance,
                    "{hop} {i}"
                );
            }
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let f0: Vec<f32> = (0..40)
            .map(|k| {
                if k % 9 < 6 {
                    90.0 + 7.0 * k as f32
                } else {
                    0.0
                }
            })
            .collect();
        let whole = pulses(&f0, 300);
        let mut stream = PulseStream::new(24_000, 300, 11_000.0);
        for size in [1, 3, 40] {
            let mut samples = Vec::new();
            f0.chunks(size)
                .for_each(|piece| stream.push(piece, &mut samples));
            stream.flush(&mut samples);
            assert_eq!(samples, whole);
        }
    }

    #[test]
    fn nonsense_is_silent_and_finite() {
        assert!(
            pulses(&[0.0, f32::NAN, f32::INFINITY, -50.0], 300)
                .iter()
                .all(|x| *x == 0.0)
        );
        assert!(
            pulses(&[1e9, 20_000.0, 41.0], 300)
                .iter()
                .all(|x| x.is_finite())
        );
    }
}
