//! How often which level and which F0 is heard; older frames may count for less.

/// Bins of 0.5 dB from here, dB.
const LOWEST_DB: f32 = -100.0;
const LEVELS: usize = 240;

/// Quieter than this is silence whatever is in it, dB.
const SILENCE_DB: f32 = -70.0;

/// So far below the loudest, frames are background, dB.
const BACKGROUND_DB: f32 = 45.0;

/// Frames so far below the loud ones are pauses, dB, as in references.
const PAUSE_DB: f32 = 25.0;

/// Eight bins a semitone from here, ln Hz (40 Hz), for four and a half octaves.
const LOWEST_HEIGHT: f64 = 3.688_879_454_113_936;
const STEP: f64 = std::f64::consts::LN_2 / 96.0;
const HEIGHTS: usize = 432;

/// Frames by their level.
pub(super) struct Levels {
    /// What is kept of the past when a frame comes that is no silence.
    pub kept: f64,
    /// Frames and the sum of their powers.
    bins: Vec<(f64, f64)>,
}

impl Levels {
    pub fn new(kept: f64) -> Self {
        Self {
            kept,
            bins: vec![(0.0, 0.0); LEVELS],
        }
    }

    /// Adds a frame of a mean power.
    pub fn add(&mut self, power: f32) {
        let db = 10.0 * power.log10();
        if db.is_nan() || db <= SILENCE_DB {
            return;
        }
        if self.kept < 1.0 {
            for (count, sum) in &mut self.bins {
                *count *= self.kept;
                *sum *= self.kept;
            }
        }
        let (count, sum) = &mut self.bins[bin(db)];
        *count += 1.0;
        *sum += f64::from(power);
    }

    /// Mean power of the frames of speech, and their number: those less than 25 dB below the level that 5 % of what is
    /// no background exceed.
    pub fn speech(&self) -> (f64, f64) {
        let top = self.bins.iter().rposition(|(count, _)| *count > 0.5);
        let Some(top) = top else { return (0.0, 0.0) };
        let foreground = top.saturating_sub((2.0 * BACKGROUND_DB) as usize);
        let total: f64 = self.bins[foreground..].iter().map(|(count, _)| count).sum();
        let mut above = 0.0;
        let loud = self.bins.iter().rposition(|(count, _)| {
            above += count;
            above > 0.05 * total
        });
        let floor = loud
            .unwrap_or(top)
            .saturating_sub((2.0 * PAUSE_DB) as usize);
        let add = |(c, s): (f64, f64), (count, sum): &(f64, f64)| (c + count, s + sum);
        let (count, sum) = self.bins[floor..].iter().fold((0.0, 0.0), add);
        (sum / count.max(1e-9), count)
    }

    /// Their level, dB; none of silence.
    pub fn speech_db(&self) -> Option<f32> {
        let (power, count) = self.speech();
        (count > 0.5).then(|| 10.0 * power.log10() as f32)
    }
}

fn bin(db: f32) -> usize {
    (2.0 * (db - LOWEST_DB)).clamp(0.0, (LEVELS - 1) as f32) as usize
}

/// Voiced frames by their F0.
pub(super) struct Heights {
    /// What is kept of the past when a frame comes.
    pub kept: f64,
    bins: Vec<f64>,
    count: f64,
}

impl Heights {
    pub fn new(kept: f64) -> Self {
        Self {
            kept,
            bins: vec![0.0; HEIGHTS],
            count: 0.0,
        }
    }

    /// Adds a frame.
    pub fn add(&mut self, f0_hz: f32) {
        if self.kept < 1.0 {
            self.bins.iter_mut().for_each(|count| *count *= self.kept);
            self.count *= self.kept;
        }
        let place = (f64::from(f0_hz).ln() - LOWEST_HEIGHT) / STEP;
        self.bins[place.clamp(0.0, (HEIGHTS - 1) as f64) as usize] += 1.0;
        self.count += 1.0;
    }

    /// Frames, older ones for less.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// The ln F0 that a share of the frames stays below, within its bin by proportion.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.count;
        let mut below = 0.0;
        for (at, &count) in self.bins.iter().enumerate() {
            if count > 0.0 && below + count >= wanted {
                let within = ((wanted - below) / count).clamp(0.0, 1.0);
                return LOWEST_HEIGHT + STEP * (at as f64 + within);
            }
            below += count;
        }
        LOWEST_HEIGHT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_agree_with_those_of_references() {
        let mut samples: Vec<f32> = (0..48_000)
            .map(|t| 0.1 * (t as f32 * 0.3).sin() * (1.0 + (t as f32 * 1e-3).sin()))
            .collect();
        samples.extend(vec![1e-4; 48_000]);
        let mut levels = Levels::new(1.0);
        for frame in samples.chunks_exact(300) {
            levels.add(frame.iter().map(|x| x * x).sum::<f32>() / 300.0);
        }
        let known = crate::reference::speech_level_db(&samples);
        let found = levels.speech_db().unwrap();
        assert!((found - known).abs() < 0.3, "{found} {known}");
    }

    #[test]
    fn quantiles_are_those_of_what_was_added() {
        let mut heights = Heights::new(1.0);
        (0..=1000).for_each(|i| heights.add((4.5 + 1e-3 * f64::from(i)).exp() as f32));
        for share in [0.1, 0.5, 0.9] {
            let found = heights.quantile(share);
            assert!((found - 4.5 - share).abs() < 5e-3, "{share}: {found}");
        }
        // Beyond the ends there is still an answer.
        heights.add(5.0);
        heights.add(5000.0);
        assert!(heights.quantile(1.0).exp() < 1000.0);
    }
}
