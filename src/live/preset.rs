//! How much delay for how much quality.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::changer::Converting;
use crate::convert::{ConversionRequest, LookAhead, Pace, Profile};
use crate::{Error, Result};

/// How long the delay may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Preset {
    /// The shortest delay, for talking to somebody: chunks of two frames.
    Low,
    /// Chunks of four frames.
    #[default]
    Balanced,
    /// Chunks of eight frames and more look-ahead: for recording, or slow machines.
    Quality,
}

impl Preset {
    /// All of them, from the shortest delay on.
    pub const ALL: [Self; 3] = [Self::Low, Self::Balanced, Self::Quality];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Balanced => "balanced",
            Self::Quality => "quality",
        }
    }

    /// How much is converted at a time.
    pub fn pace(self) -> Pace {
        let (chunk, pitch_look_ahead, look_ahead) = match self {
            Self::Low => (2, 3, LookAhead::Shortest),
            Self::Balanced => (4, 6, LookAhead::Middle),
            Self::Quality => (8, 12, LookAhead::Longest),
        };
        Pace::Live {
            chunk,
            past: 160,
            pitch_look_ahead,
            look_ahead,
        }
    }

    /// S: what the output ring is kept at, besides one call of the device.
    pub fn ring(self) -> Duration {
        Duration::from_millis(match self {
            Self::Low => 10,
            Self::Balanced => 20,
            Self::Quality => 30,
        })
    }

    /// The share of a chunk's length that computing it may take at the 99th percentile.
    pub fn budget(self) -> f64 {
        match self {
            Self::Low => 0.8,
            _ => 0.5,
        }
    }

    /// What converts to the voice of `request` with `steps` steps, and with less where the machine is too slow: fewer
    /// steps, then larger chunks.
    ///
    /// # Errors
    /// Those of [`ConversionRequest::stream`].
    pub fn changer(self, request: &ConversionRequest, steps: usize) -> Result<Converting> {
        let rate_hz = request.converter().rate_hz();
        let request = request.clone().profile(Profile::Adaptive);
        let mut levels = vec![(steps, 1)];
        let mut fewer = steps;
        while fewer > 1 {
            fewer /= 2;
            levels.push((fewer, 1));
        }
        levels.push((fewer, 2));
        let streams = levels.into_iter().map(|(steps, times)| {
            let pace = self.pace().stretched(times);
            let stream = request.clone().steps(steps).pace(pace).stream(rate_hz)?;
            let ms = 1e3 * stream.chunk_samples() as f64 / f64::from(rate_hz);
            let plural = if steps == 1 { "" } else { "s" };
            Ok((stream, format!("{steps} step{plural}, chunks of {ms} ms")))
        });
        Converting::new(streams.collect::<Result<_>>()?)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| {
            Error::Config(format!("no preset {name:?}: give low, balanced or quality"))
        })
    }
}
