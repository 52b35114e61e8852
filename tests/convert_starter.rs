//! The embedded converter: what it says is another voice's, in time.
#![cfg(feature = "starter-convert")]

use syrinx::audio::Audio;
use syrinx::{Engine, Voice};
use syrinx_vocoder::mel::{Mel, MelConfig};
use syrinx_vocoder::pitch::{Pitch, PitchConfig};

const SENTENCE: &str =
    "I saw a kingfisher this morning, right down by the river! Have you ever seen one?";

/// F0 of the voiced frames in Hz, the lowest first.
fn melody(audio: &Audio) -> Vec<f32> {
    let pitch = Pitch::new(PitchConfig::starter()).unwrap();
    let mut f0 = pitch.track(&audio.channels()[0]).unwrap();
    f0.retain(|&hz| hz > 0.0);
    f0.sort_unstable_by(f32::total_cmp);
    f0
}

/// Median F0 of the voiced frames, Hz.
fn register_hz(audio: &Audio) -> f32 {
    let f0 = melody(audio);
    f0[f0.len() / 2]
}

/// Standard deviation of ln F0, from its 10th and 90th percentile.
fn spread(audio: &Audio) -> f32 {
    let f0 = melody(audio);
    (f0[f0.len() * 9 / 10] / f0[f0.len() / 10]).ln() / 2.56
}

/// Log mel, frame-major; what is softer than −6 does not count.
fn mel(audio: &Audio) -> Vec<f32> {
    let mel = Mel::new(MelConfig::starter()).unwrap();
    let frames = mel.extract(&audio.channels()[0]);
    frames.into_iter().map(|x| x.max(-6.0)).collect()
}

/// Mean absolute difference.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    sum / a.len() as f32
}

/// Mean of the log mel over time: who speaks, and through what.
fn long_term(audio: &Audio) -> Vec<f32> {
    let (mel, bands) = (mel(audio), MelConfig::starter().bands);
    let mut mean = vec![0.0; bands];
    for frame in mel.chunks(bands) {
        for (sum, x) in mean.iter_mut().zip(frame) {
            *sum += x * bands as f32 / mel.len() as f32;
        }
    }
    mean
}

fn say(engine: &Engine, voice: &Voice) -> Audio {
    engine.speech(voice).say(SENTENCE).unwrap().audio
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

/// Acceptance test 3 of the design: source and voice are one.
#[test]
fn a_voice_converted_to_itself_keeps_its_mel() {
    let engine = Engine::new().unwrap();
    let [wren, merlin] = ["wren", "merlin"].map(|name| engine.voice(name).unwrap());
    let source = say(&engine, &wren);
    let converted = |voice| {
        let request = engine.conversion(voice).unwrap().steps(10);
        request.convert(&source).unwrap().audio
    };
    let wanted = mel(&source);
    let [own, other] = [&wren, &merlin].map(|voice| distance(&mel(&converted(voice)), &wanted));
    assert!(
        own < 0.4 && own < 0.7 * other,
        "{own} of itself, {other} of another voice"
    );
}

/// Acceptance test 6 of the design: the melody is the style's, the sound that of the voice.
#[test]
fn a_style_is_exchanged_without_the_voice() {
    let engine = Engine::new().unwrap();
    let [wren, merlin, lark, heron] =
        ["wren", "merlin", "lark", "heron"].map(|name| engine.voice(name).unwrap());
    let source = say(&engine, &wren);
    let target = long_term(&say(&engine, &merlin));
    for style in [&lark, &heron] {
        let request = engine.conversion(&merlin).unwrap().style(style);
        let converted = request.convert(&source).unwrap().audio;
        let spoken = say(&engine, style);
        let (got, wanted) = (spread(&converted), spread(&spoken));
        assert!((got / wanted).ln().abs() < 0.25, "{got}, not {wanted}");
        let sound = long_term(&converted);
        let [to_voice, to_style] = [&target, &long_term(&spoken)].map(|x| distance(&sound, x));
        assert!(to_voice < 0.8 * to_style, "{to_voice}, {to_style}");
    }
}
