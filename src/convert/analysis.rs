//! What the networks are told about the source: mel, F0 and level, frame by frame.

use syrinx_vocoder::mel::{Mel, MelConfig, MelStream};
use syrinx_vocoder::pitch::{Pitch, PitchConfig, PitchStream};
use syrinx_vocoder::stream::Stream;

use crate::Result;

/// How far below the floor of the networks' mels the source is analysed, so that a soft one can be raised.
const DEEPER: f32 = 1e-4;

/// The pole of the filter that takes a microphone's offset away: 8 Hz at 24 kHz.
const POLE: f32 = 0.998;

/// Frames of the source, at its own level.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Log mel without the floor of the networks, frame-major.
    pub mel: Vec<f32>,
    /// F0 in Hz, 0 where unvoiced.
    pub f0_hz: Vec<f32>,
    /// Mean power of the hop that begins with the frame.
    pub powers: Vec<f32>,
}

impl Heard {
    /// Frames of which everything is there.
    pub fn len(&self, bands: usize) -> usize {
        let mels = self.mel.len() / bands;
        mels.min(self.f0_hz.len()).min(self.powers.len())
    }
}

/// Samples in, frames out.
pub(super) struct Analysis {
    mel: MelStream,
    pitch: PitchStream,
    offset: Offset,
    hop: usize,
    bands: usize,
    /// Samples in a frame that is not whole, and the sum of their squares.
    partial: (usize, f64),
    filtered: Vec<f32>,
    ahead: Heard,
}

impl Analysis {
    /// For the front end of a model; F0 is decided `look_ahead` frames late.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a front end that cannot be.
    pub fn new(config: &MelConfig, look_ahead: usize) -> Result<Self> {
        let deep = MelConfig {
            floor: config.floor * DEEPER,
            ..config.clone()
        };
        let pitch = PitchConfig {
            rate_hz: config.rate_hz,
            hop: config.hop,
            look_ahead,
            ..PitchConfig::starter()
        };
        Ok(Self {
            mel: Mel::new(deep)?.stream(),
            pitch: Pitch::new(pitch)?.stream(),
            offset: Offset::default(),
            hop: config.hop,
            bands: config.bands,
            partial: (0, 0.0),
            filtered: Vec::new(),
            ahead: Heard::default(),
        })
    }

    /// Takes samples and returns the frames they complete.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a sample is not a number.
    pub fn push(&mut self, samples: &[f32]) -> Result<Heard> {
        self.filtered.clear();
        self.filtered.extend_from_slice(samples);
        self.offset.remove(&mut self.filtered);
        self.pitch.push(&self.filtered, &mut self.ahead.f0_hz)?;
        self.mel.push(&self.filtered, &mut self.ahead.mel)?;
        for x in &self.filtered {
            self.partial.0 += 1;
            self.partial.1 += f64::from(*x) * f64::from(*x);
            if self.partial.0 == self.hop {
                let power = self.partial.1 / self.hop as f64;
                self.ahead.powers.push(power as f32);
                self.partial = (0, 0.0);
            }
        }
        Ok(self.whole())
    }

    /// Ends the source, which is a whole number of frames, and returns the rest of them.
    ///
    /// # Errors
    /// [`crate::Error::Compute`] only.
    pub fn flush(&mut self) -> Result<Heard> {
        self.pitch.flush(&mut self.ahead.f0_hz)?;
        self.mel.flush(&mut self.ahead.mel)?;
        let rest = self.whole();
        self.reset();
        Ok(rest)
    }

    /// As new.
    pub fn reset(&mut self) {
        self.pitch.reset();
        self.mel.reset();
        self.offset = Offset::default();
        self.partial = (0, 0.0);
        self.ahead = Heard::default();
    }

    /// Samples that a frame waits for after its own have begun.
    pub fn latency_samples(&self) -> usize {
        let pitch = self.hop + self.pitch.latency_samples();
        pitch.max(self.mel.latency_samples())
    }

    fn whole(&mut self) -> Heard {
        let frames = self.ahead.len(self.bands);
        Heard {
            mel: self.ahead.mel.drain(..frames * self.bands).collect(),
            f0_hz: self.ahead.f0_hz.drain(..frames).collect(),
            powers: self.ahead.powers.drain(..frames).collect(),
        }
    }
}

/// Takes a constant offset away: y[n] = x[n] − x[n − 1] + 0.998 y[n − 1].
#[derive(Debug, Default)]
struct Offset {
    x: f32,
    y: f32,
}

impl Offset {
    fn remove(&mut self, samples: &mut [f32]) {
        for sample in samples {
            let y = *sample - self.x + POLE * self.y;
            self.x = *sample;
            // What dies away must not become a denormal number.
            self.y = if y.abs() < 1e-15 { 0.0 } else { y };
            *sample = self.y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(samples: &[f32], piece: usize) -> Heard {
        let mut analysis = Analysis::new(&MelConfig::starter(), 4).unwrap();
        let mut all = Heard::default();
        let mut add = |some: Heard| {
            all.mel.extend(some.mel);
            all.f0_hz.extend(some.f0_hz);
            all.powers.extend(some.powers);
        };
        for piece in samples.chunks(piece) {
            add(analysis.push(piece).unwrap());
        }
        add(analysis.flush().unwrap());
        all
    }

    #[test]
    fn frames_are_the_same_however_the_samples_come() {
        let samples: Vec<f32> = (0..12_000)
            .map(|t| 0.3 + 0.2 * (t as f32 * 0.04).sin())
            .collect();
        let whole = heard(&samples, 12_000);
        assert_eq!(whole.len(100), 40);
        for piece in [1, 299, 1_000] {
            let pieces = heard(&samples, piece);
            assert_eq!(pieces.mel, whole.mel);
            assert_eq!(pieces.f0_hz, whole.f0_hz);
            assert_eq!(pieces.powers, whole.powers);
        }
        // The offset is gone, the tone is there.
        assert!(
            (whole.powers[30] / 0.02 - 1.0).abs() < 0.05,
            "{}",
            whole.powers[30]
        );
        assert!((whole.f0_hz[20] - 152.8).abs() < 1.0, "{}", whole.f0_hz[20]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let mut analysis = Analysis::new(&MelConfig::starter(), 4).unwrap();
        assert!(analysis.push(&[0.0, f32::NAN]).is_err());
    }
}
