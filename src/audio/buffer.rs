//! Samples in memory.

use crate::{Error, Result};

/// The shape of a stream of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Frames per second, in Hz.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
}

impl Spec {
    /// One channel at `rate_hz`.
    pub const fn mono(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            channels: 1,
        }
    }
}

/// Audio in memory: one plane of `f32` samples per channel, full scale at ±1.0.
///
/// There is always at least one channel, and all channels are equally long. A *frame* is one
/// sample of every channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    channels: Vec<Vec<f32>>,
    rate_hz: u32,
}

impl Audio {
    /// One channel of samples at `rate_hz`.
    pub fn mono(samples: Vec<f32>, rate_hz: u32) -> Self {
        Self {
            channels: vec![samples],
            rate_hz,
        }
    }

    /// Several channels, `[C][T]`, at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no channel, if their lengths differ, or if the rate is 0.
    pub fn from_channels(channels: Vec<Vec<f32>>, rate_hz: u32) -> Result<Self> {
        let Some(frames) = channels.first().map(Vec::len) else {
            return Err(Error::Config("audio needs at least one channel".into()));
        };
        if let Some(other) = channels.iter().find(|c| c.len() != frames) {
            return Err(Error::Config(format!(
                "all channels must be equally long, but one has {frames} samples and another {}",
                other.len()
            )));
        }
        if rate_hz == 0 {
            return Err(Error::Config("the sample rate must be above 0 Hz".into()));
        }
        Ok(Self { channels, rate_hz })
    }

    /// `frames` frames of silence.
    pub fn silence(frames: usize, spec: Spec) -> Self {
        let channels = vec![vec![0.0; frames]; spec.channels.max(1)];
        Self {
            channels,
            rate_hz: spec.rate_hz,
        }
    }

    /// The rate and the number of channels.
    pub fn spec(&self) -> Spec {
        Spec {
            rate_hz: self.rate_hz,
            channels: self.channels.len(),
        }
    }

    /// Frames per second, in Hz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Number of frames, that is samples per channel.
    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Whether there is no frame at all.
    pub fn is_empty(&self) -> bool {
        self.frames() == 0
    }

    /// Duration in seconds.
    pub fn duration(&self) -> f64 {
        self.frames() as f64 / f64::from(self.rate_hz.max(1))
    }

    /// The planes, `[C][T]`.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// The planes, `[C][T]`, given away.
    pub fn into_channels(self) -> Vec<Vec<f32>> {
        self.channels
    }

    /// One channel: the mean of all.
    pub fn to_mono(&self) -> Self {
        Self::mono(mixdown(&self.channels), self.rate_hz)
    }

    /// One channel: the mean of all, without a copy if there is only one.
    pub fn into_mono(mut self) -> Self {
        if self.channels.len() > 1 {
            self.channels = vec![mixdown(&self.channels)];
        }
        self
    }

    /// Appends the frames of `more`.
    ///
    /// # Errors
    /// [`Error::Config`] if its rate or its number of channels differs.
    pub fn append(&mut self, more: &Self) -> Result<()> {
        if self.spec() != more.spec() {
            return Err(Error::Config(format!(
                "cannot append {} channels at {} Hz to {} channels at {} Hz; resample or mix down first",
                more.channels.len(),
                more.rate_hz,
                self.channels.len(),
                self.rate_hz
            )));
        }
        for (own, other) in self.channels.iter_mut().zip(&more.channels) {
            own.extend_from_slice(other);
        }
        Ok(())
    }

    /// The frames `range`, cut to what there is.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let end = range.end.min(self.frames());
        let start = range.start.min(end);
        let channels = self
            .channels
            .iter()
            .map(|c| c[start..end].to_vec())
            .collect();
        Self {
            channels,
            rate_hz: self.rate_hz,
        }
    }

    /// Without the silence at both ends.
    ///
    /// Silent is a 10 ms window whose RMS is more than `below_db` dB under that of the loudest
    /// window (librosa's `trim` with `top_db`); `keep_ms` ms are kept around what is left. Audio
    /// that is silent throughout comes back empty.
    pub fn trim_silence(&self, below_db: f32, keep_ms: f32) -> Self {
        let window = (self.rate_hz as usize / 100).max(1);
        let power: Vec<f64> = (0..self.frames())
            .step_by(window)
            .map(|start| {
                let end = (start + window).min(self.frames());
                let planes = self.channels.iter();
                planes
                    .map(|c| mean_square(&c[start..end]))
                    .fold(0.0, f64::max)
            })
            .collect();
        let loudest = power.iter().copied().fold(0.0, f64::max);
        let floor = loudest * 10f64.powf(-f64::from(below_db) / 10.0);
        let sounds = |p: &f64| *p > 0.0 && *p >= floor;
        let (Some(first), Some(last)) = (
            power.iter().position(sounds),
            power.iter().rposition(sounds),
        ) else {
            return self.slice(0..0);
        };
        let keep = (f64::from(keep_ms.max(0.0)) * 1e-3 * f64::from(self.rate_hz)) as usize;
        self.slice(
            (first * window).saturating_sub(keep)..((last + 1) * window).saturating_add(keep),
        )
    }

    /// The largest magnitude of any sample, 0 if there is none.
    pub fn peak(&self) -> f32 {
        self.channels
            .iter()
            .flatten()
            .fold(0.0, |peak, x| peak.max(x.abs()))
    }

    /// The root of the mean square over all channels, 0 if there is no sample.
    pub fn rms(&self) -> f32 {
        let sum: f64 = self.channels.iter().map(|c| mean_square(c)).sum();
        (sum / self.channels.len() as f64).sqrt() as f32
    }

    /// Multiplies every sample by `gain`.
    pub fn scale(&mut self, gain: f32) {
        for sample in self.channels.iter_mut().flatten() {
            *sample *= gain;
        }
    }
}

/// The mean over the channels, `[C][T]` to `[T]`.
fn mixdown(channels: &[Vec<f32>]) -> Vec<f32> {
    let (first, rest) = channels
        .split_first()
        .expect("audio has at least one channel");
    let mut mix = first.clone();
    for channel in rest {
        for (sum, sample) in mix.iter_mut().zip(channel) {
            *sum += sample;
        }
    }
    if !rest.is_empty() {
        let share = 1.0 / channels.len() as f32;
        mix.iter_mut().for_each(|sum| *sum *= share);
    }
    mix
}

fn mean_square(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    sum / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_must_agree() {
        assert!(Audio::from_channels(vec![], 8_000).is_err());
        assert!(Audio::from_channels(vec![vec![0.0; 2], vec![0.0; 3]], 8_000).is_err());
        assert!(Audio::from_channels(vec![vec![0.0; 2]], 0).is_err());
        let stereo = Audio::from_channels(vec![vec![0.0; 2]; 2], 8_000).unwrap();
        assert!(Audio::mono(vec![], 8_000).append(&stereo).is_err());
    }

    #[test]
    fn mixdown_is_the_mean() {
        let stereo = Audio::from_channels(vec![vec![1.0, 0.5], vec![0.0, -0.5]], 8_000).unwrap();
        assert_eq!(stereo.to_mono().channels(), [[0.5, 0.0]]);
        assert_eq!(stereo.clone().into_mono(), stereo.to_mono());
    }

    #[test]
    fn measures_of_a_square_wave() {
        let wave = Audio::mono([0.5, -0.5].repeat(400), 8_000);
        assert_eq!(wave.peak(), 0.5);
        assert!((wave.rms() - 0.5).abs() < 1e-7);
        assert!((wave.duration() - 0.1).abs() < 1e-12);
        assert_eq!(Audio::mono(vec![], 8_000).rms(), 0.0);
    }

    #[test]
    fn trimming_keeps_the_sound_and_the_margin() {
        let mut samples = vec![0.0; 8_000];
        samples[4_000..4_800].fill(0.3);
        let audio = Audio::mono(samples, 8_000);
        let tight = audio.trim_silence(40.0, 0.0);
        assert_eq!(tight.channels(), [vec![0.3; 800]]);
        assert_eq!(audio.trim_silence(40.0, 50.0).frames(), 800 + 2 * 400);
        assert!(
            Audio::mono(vec![0.0; 999], 8_000)
                .trim_silence(40.0, 50.0)
                .is_empty()
        );
        assert!(
            Audio::mono(vec![], 8_000)
                .trim_silence(40.0, 50.0)
                .is_empty()
        );
    }
}
