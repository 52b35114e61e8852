//! The embedded converter: what it says is another voice's, in time.
#![cfg(feature = "starter-convert")]

use syrinx::Engine;
use syrinx::audio::Audio;
use syrinx_vocoder::pitch::{Pitch, PitchConfig};

/// Median F0 of the voiced frames, Hz.
fn register_hz(audio: &Audio) -> f32 {
    let pitch = Pitch::new(PitchConfig::starter()).unwrap();
    let mut f0 = pitch.track(&audio.channels()[0]).unwrap();
    f0.retain(|&hz| hz > 0.0);
    f0.sort_unstable_by(f32::total_cmp);
    f0[f0.len() / 2]
}

#[test]
fn a_woman_is_heard_as_a_man_at_the_same_time() {
    let engine = Engine::new().unwrap();
    let (wren, merlin) = (
        engine.voice("wren").unwrap(),
        engine.voice("merlin").unwrap(),
    );
    let source = engine
        .speech(&wren)
        .say("Good morning, and welcome.")
        .unwrap();
    let converted = engine
        .conversion(&merlin)
        .unwrap()
        .convert(&source.audio)
        .unwrap();
    assert_eq!(converted.audio.frames(), source.audio.frames());
    let (before, after) = (register_hz(&source.audio), register_hz(&converted.audio));
    let wanted = merlin.info().median_f0_hz.unwrap();
    assert!(
        (after / wanted - 1.0).abs() < 0.08 && before > 1.3 * after,
        "{before} Hz became {after} Hz, not {wanted} Hz"
    );
    // Loud where the source is loud.
    let power = |audio: &Audio| -> Vec<f32> {
        let frames = audio.channels()[0].chunks(2400);
        frames
            .map(|x| x.iter().map(|x| x * x).sum::<f32>().sqrt())
            .collect()
    };
    let (a, b) = (power(&source.audio), power(&converted.audio));
    let cosine = |a: &[f32], b: &[f32]| -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    assert!(cosine(&a, &b) > 0.85, "{}", cosine(&a, &b));
}
