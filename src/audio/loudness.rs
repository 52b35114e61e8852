//! Loudness after ITU-R BS.1770 and EBU R 128.

use ebur128::{EbuR128, Mode};

use super::{Audio, Spec};
use crate::{Error, Result};

/// The shortest sound the standard gates, in seconds.
const GATE: f64 = 0.4;

/// Measures the loudness of a stream.
pub struct Loudness {
    meter: EbuR128,
    spec: Spec,
}

/// What [`normalise`] did.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Gain {
    /// The gain applied, in dB.
    pub db: f64,
    /// Whether the true peak kept it below what the loudness asked for.
    pub limited: bool,
}

impl Loudness {
    /// A meter for streams of `spec`.
    ///
    /// # Errors
    /// [`Error::Config`] for a rate or a number of channels that the standard does not know.
    pub fn new(spec: Spec) -> Result<Self> {
        let channels = spec.channels.try_into().unwrap_or(u32::MAX);
        let meter = EbuR128::new(channels, spec.rate_hz, Mode::I | Mode::TRUE_PEAK);
        let meter = meter.map_err(|_| {
            Error::Config(format!(
                "cannot measure the loudness of {} channels at {} Hz; mix down or resample first",
                spec.channels, spec.rate_hz
            ))
        })?;
        Ok(Self { meter, spec })
    }

    /// Takes a chunk.
    ///
    /// # Errors
    /// [`Error::Config`] if its shape is not that of the meter.
    pub fn push(&mut self, chunk: &Audio) -> Result<()> {
        if chunk.spec() != self.spec {
            return Err(super::writer::mismatch(chunk.spec(), self.spec));
        }
        let planes: Vec<&[f32]> = chunk.channels().iter().map(Vec::as_slice).collect();
        self.meter.add_frames_planar_f32(&planes).map_err(failed)
    }

    /// Integrated loudness in LUFS, or `None` for silence and for less than 0.4 s.
    ///
    /// # Errors
    /// [`Error::Audio`] if the meter fails.
    pub fn integrated(&self) -> Result<Option<f64>> {
        let lufs = self.meter.loudness_global().map_err(failed)?;
        Ok(lufs.is_finite().then_some(lufs))
    }

    /// True peak in dBTP, over all channels: minus infinity for silence.
    ///
    /// # Errors
    /// [`Error::Audio`] if the meter fails.
    pub fn true_peak(&self) -> Result<f64> {
        let mut peak = 0.0f64;
        for channel in 0..self.meter.channels() {
            peak = peak.max(self.meter.true_peak(channel).map_err(failed)?);
        }
        Ok(20.0 * peak.log10())
    }
}

/// Brings `audio` to `lufs` LUFS, or as near as a true peak of `ceiling` dBTP allows.
///
/// −16 LUFS and −1 dBTP are usual for speech, −23 for broadcast. What is shorter than 0.4 s is
/// measured as if it were repeated; silence stays as it is.
///
/// # Errors
/// As [`Loudness::new`].
pub fn normalise(audio: &mut Audio, lufs: f64, ceiling: f64) -> Result<Gain> {
    let mut meter = Loudness::new(audio.spec())?;
    meter.push(audio)?;
    if audio.duration() < GATE && !audio.is_empty() {
        for _ in 0..(2.0 * GATE / audio.duration()) as usize {
            meter.push(audio)?;
        }
    }
    let Some(loudness) = meter.integrated()? else {
        return Ok(Gain {
            db: 0.0,
            limited: false,
        });
    };
    let wanted = lufs - loudness;
    let allowed = ceiling - meter.true_peak()?;
    let db = wanted.min(allowed);
    audio.scale(10f64.powf(db / 20.0) as f32);
    Ok(Gain {
        db,
        limited: allowed < wanted,
    })
}

fn failed(error: ebur128::Error) -> Error {
    Error::audio("loudness meter", format!("{error}; report this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, level: f64, seconds: f64, channels: usize) -> Audio {
        let step = std::f64::consts::TAU * hertz / 48_000.0;
        let frames = (48_000.0 * seconds) as usize;
        let plane: Vec<f32> = (0..frames)
            .map(|t| (level * (step * t as f64).sin()) as f32)
            .collect();
        Audio::from_channels(vec![plane; channels], 48_000).unwrap()
    }

    fn loudness(audio: &Audio) -> Option<f64> {
        let mut meter = Loudness::new(audio.spec()).unwrap();
        meter.push(audio).unwrap();
        meter.integrated().unwrap()
    }

    #[test]
    fn the_reference_tones_of_the_standards() {
        // EBU Tech 3341, test 1: a stereo sine of 1 kHz at -23 dBFS measures -23 LUFS.
        let stereo = sine(1_000.0, 10f64.powf(-23.0 / 20.0), 20.0, 2);
        assert!((loudness(&stereo).unwrap() + 23.0).abs() < 0.1);
        // BS.1770: 997 Hz at full scale in one channel measures -3.01 LKFS.
        let mono = sine(997.0, 1.0, 5.0, 1);
        assert!((loudness(&mono).unwrap() + 3.01).abs() < 0.05);
    }

    #[test]
    fn the_true_peak_lies_between_the_samples() {
        // A quarter of the rate, 45° off: every sample is at 0.707 of the peak.
        let plane =
            (0..48_000).map(|t| (std::f32::consts::FRAC_PI_2 * ((t % 4) as f32 + 0.5)).sin());
        let audio = Audio::mono(plane.collect(), 48_000);
        let mut meter = Loudness::new(audio.spec()).unwrap();
        meter.push(&audio).unwrap();
        assert!(audio.peak() < 0.708);
        assert!(meter.true_peak().unwrap().abs() < 0.5);
    }

    #[test]
    fn normalising_reaches_the_target_or_the_ceiling() {
        let mut quiet = sine(440.0, 0.01, 2.0, 1);
        let gain = normalise(&mut quiet, -16.0, -1.0).unwrap();
        assert!(!gain.limited && (loudness(&quiet).unwrap() + 16.0).abs() < 0.01);

        let mut peaky = sine(440.0, 0.01, 2.0, 1).into_channels().remove(0);
        peaky[48_000] = 0.9;
        let mut peaky = Audio::mono(peaky, 48_000);
        let gain = normalise(&mut peaky, -16.0, -1.0).unwrap();
        assert!(gain.limited);
        let mut meter = Loudness::new(peaky.spec()).unwrap();
        meter.push(&peaky).unwrap();
        assert!((meter.true_peak().unwrap() + 1.0).abs() < 0.01);
    }

    #[test]
    fn short_and_silent_sounds() {
        let mut word = sine(440.0, 0.1, 0.2, 1);
        let mut long = sine(440.0, 0.1, 4.0, 1);
        let (short, long) = (
            normalise(&mut word, -20.0, -1.0).unwrap().db,
            normalise(&mut long, -20.0, -1.0).unwrap().db,
        );
        assert!((short - long).abs() < 0.2, "{short} {long}");
        for frames in [0, 10, 48_000] {
            let mut silence = Audio::mono(vec![0.0; frames], 48_000);
            assert_eq!(normalise(&mut silence, -16.0, -1.0).unwrap().db, 0.0);
        }
    }
}
