//! How long each stage takes for a chunk.

use std::time::Duration;

use serde::Serialize;

/// What a chunk goes through in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// From the rate of the microphone to that of the networks.
    ResampleIn,
    /// The networks.
    Convert,
    /// To the rate of the loudspeaker, and into its ring.
    ResampleOut,
}

/// Bins of the histograms: 2 % wide from 1 µs to 100 s.
const BINS: usize = 931;
const WIDTH: f64 = 1.02;

/// Times of every stage since the beginning, in constant memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Timings {
    resample_in: Histogram,
    convert: Histogram,
    resample_out: Histogram,
}

impl Timings {
    pub fn add(&mut self, stage: Stage, time: Duration) {
        self.of_mut(stage).add(time);
    }

    pub fn of(&self, stage: Stage) -> Percentiles {
        match stage {
            Stage::ResampleIn => self.resample_in.percentiles(),
            Stage::Convert => self.convert.percentiles(),
            Stage::ResampleOut => self.resample_out.percentiles(),
        }
    }

    fn of_mut(&mut self, stage: Stage) -> &mut Histogram {
        match stage {
            Stage::ResampleIn => &mut self.resample_in,
            Stage::Convert => &mut self.convert,
            Stage::ResampleOut => &mut self.resample_out,
        }
    }
}

/// What share of the chunks took how long, ms.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Percentiles {
    /// Half of the chunks took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// 999 of 1000 took no longer.
    pub p99_9_ms: f64,
    /// None took longer.
    pub most_ms: f64,
    /// Chunks counted.
    pub chunks: u64,
}

/// Times by their logarithm.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    bins: Vec<u64>,
    count: u64,
    most: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            bins: vec![0; BINS],
            count: 0,
            most: Duration::ZERO,
        }
    }
}

impl Histogram {
    pub fn add(&mut self, time: Duration) {
        let microseconds = time.as_secs_f64() * 1e6;
        let bin = microseconds.max(1.0).ln() / WIDTH.ln();
        self.bins[(bin as usize).min(BINS - 1)] += 1;
        self.count += 1;
        self.most = self.most.max(time);
    }

    /// The upper edge of the bin in which the share `q` of the times is reached, ms.
    fn quantile_ms(&self, q: f64) -> f64 {
        let wanted = (q * self.count as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let bin = self.bins.iter().position(|count| {
            below += count;
            below >= wanted
        });
        let most_ms = self.most.as_secs_f64() * 1e3;
        bin.map_or(0.0, |bin| (WIDTH.powi(bin as i32 + 1) / 1e3).min(most_ms))
    }

    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50_ms: self.quantile_ms(0.5),
            p99_ms: self.quantile_ms(0.99),
            p99_9_ms: self.quantile_ms(0.999),
            most_ms: self.most.as_secs_f64() * 1e3,
            chunks: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_within_a_bin() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles(), Percentiles::default());
        for ms in 1..=1000 {
            histogram.add(Duration::from_millis(ms));
        }
        let found = histogram.percentiles();
        for (found, expected) in [
            (found.p50_ms, 500.0),
            (found.p99_ms, 990.0),
            (found.p99_9_ms, 999.0),
        ] {
            assert!(
                (0.0..0.021).contains(&(found / expected - 1.0)),
                "{found} {expected}"
            );
        }
        assert_eq!((found.most_ms, found.chunks), (1000.0, 1000));
    }
}
