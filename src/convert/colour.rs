//! The colour of converted speech: what its long-term spectrum lacks of that of the voice.

use std::sync::Arc;

use syrinx_models::megatts2::AcousticFrames;
use syrinx_models::stablevc::{Conversion, Settings, Target};
use syrinx_vocoder::stream::Frames;

use super::{Converter, Pace};
use crate::Result;
use crate::engine::Engine;
use crate::reference::Spectrum;
use crate::voice::{Colour, Trial, Voice};

/// Converts sentences of the voice to itself and compares: the same sounds in the same voice, so that what differs is
/// what converting changes. Text to speech knows the voice's own spectrum from its recordings. None where nothing sounds.
///
/// # Errors
/// As [`crate::SpeechRequest::say`].
pub(super) fn colour_of(
    engine: &Engine,
    converter: &Converter,
    voice: &Voice,
    target: &Target,
) -> Result<Option<Colour>> {
    let trial = Trial::of(engine, voice)?;
    // The average of what may be drawn is what one step from no noise gives.
    let settings = Settings {
        steps: 1,
        temperature: 0.0,
        chunk: Pace::File.chunk(),
        past: Pace::File.past(),
        ..Settings::default()
    };
    let network = Arc::clone(converter.network());
    let mut conversion = Conversion::new(network, target.clone(), &settings)?;
    let (mut wanted, mut own) = (Vec::new(), Vec::new());
    for (mel, f0_hz) in trial.mels(voice.colour())? {
        let mel = mel.to_device(converter.device())?;
        wanted.push(Spectrum::of(&mel, f0_hz)?);
        let mel = mel.unsqueeze(0)?.contiguous()?;
        let converted = [conversion.push(&mel, f0_hz)?, conversion.flush()?];
        for frames in converted.into_iter().flatten() {
            own.push(Spectrum::of(&frames.mel().squeeze(0)?, frames.f0())?);
        }
    }
    let (wanted, own) = (Spectrum::together(&wanted), Spectrum::together(&own));
    Ok(Colour::between(&wanted, &own))
}

/// Converted frames in a colour.
///
/// # Errors
/// [`crate::Error::Compute`] only.
pub(super) fn coloured(frames: &Frames, colour: Option<&Colour>) -> Result<Frames> {
    let Some(colour) = colour else {
        return Ok(frames.clone());
    };
    let voicing = |hz: &f32| f32::from(u8::from(*hz > 0.0));
    let mel = colour.apply(&AcousticFrames {
        mel: frames.mel().squeeze(0)?,
        f0_hz: Vec::new(),
        voicing: frames.f0().iter().map(voicing).collect(),
    })?;
    Ok(Frames::with_f0(&mel.unsqueeze(0)?, frames.f0())?)
}
