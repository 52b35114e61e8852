//! How to speak.

use syrinx_models::sampling::Sampling;

use crate::voice::Voice;
use crate::{Error, Result};

/// Settings of a request, with the ranges they may have.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub speed: f32,
    pub pitch_semitones: f32,
    pub volume_db: f32,
    pub seed: u64,
    pub sampling: Sampling,
    /// Longest piece of a stream, ms.
    pub chunk_ms: u32,
    /// Whose prosody is heard besides the voice's own, and its share.
    pub donor: Option<(Voice, f32)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speed: 1.0,
            pitch_semitones: 0.0,
            volume_db: 0.0,
            seed: 0,
            sampling: Sampling::default(),
            chunk_ms: 1600,
            donor: None,
        }
    }
}

impl Settings {
    /// # Errors
    /// [`Error::Config`] naming the setting and its range.
    pub fn validate(&self) -> Result<()> {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::Config(format!(
                "{name} {value}: give {low} to {high}"
            )))
        };
        within("speed", self.speed, 0.25, 4.0)?;
        within("pitch", self.pitch_semitones, -24.0, 24.0)?;
        within("volume", self.volume_db, -60.0, 24.0)?;
        if let Some((_, share)) = &self.donor {
            within("prosody mix", *share, 0.0, 1.0)?;
        }
        Ok(self.sampling.validate()?)
    }
}
