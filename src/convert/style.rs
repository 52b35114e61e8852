//! How a voice moves: its prosody codes, and how far its melody spreads.

use syrinx_vocoder::pitch::{Pitch, PitchConfig};

use crate::Result;
use crate::engine::Engine;
use crate::reference::spread;
use crate::voice::Voice;

/// Prosody codes that a style is heard from at most: a minute in the starter model.
const LONGEST: usize = 600;

/// What a built-in voice says to have its melody measured, as there is no recording of it.
const TRIAL: &str = "I saw a kingfisher this morning, right down by the river! Have you ever seen one? They are smaller \
    than you would think, and so very quick that most people never notice them at all.";

/// A style, as the networks and the melody take it.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// Prosody codes, the most recent last.
    pub codes: Vec<u32>,
    /// Standard deviation of ln F0; none where too little is voiced.
    pub spread: Option<f32>,
}

impl Style {
    /// That of a voice.
    ///
    /// # Errors
    /// [`crate::Error::Weights`] if the voice's data is damaged.
    pub fn of(engine: &Engine, voice: &Voice) -> Result<Self> {
        let mut codes = engine.prosody_codes(voice)?;
        codes.drain(..codes.len().saturating_sub(LONGEST));
        let spread = match voice.melody_spread() {
            Some(spread) => Some(spread),
            None => measure(engine, voice)?,
        };
        Ok(Self { codes, spread })
    }
}

/// The spread of the melody that a voice speaks with.
fn measure(engine: &Engine, voice: &Voice) -> Result<Option<f32>> {
    let speech = engine.speech(voice).say(TRIAL)?.audio;
    let pitch = Pitch::new(PitchConfig {
        rate_hz: speech.rate_hz(),
        hop: speech.rate_hz() as usize / 80,
        ..PitchConfig::starter()
    })?;
    let mut f0 = pitch.track(&speech.channels()[0])?;
    f0.retain(|&hz| hz > 0.0);
    f0.sort_unstable_by(f32::total_cmp);
    Ok(Some(spread(&f0)).filter(|spread| *spread > 0.0))
}
