//! The embedded starter voice.
#![cfg(feature = "starter-voice")]

use std::collections::HashSet;

use syrinx::{Accent, Clip, Engine, Sex, Voice};

#[test]
fn there_are_eight_voices_of_both_sexes_and_accents() {
    let engine = Engine::new().unwrap();
    let voices = engine.voices();
    let names: HashSet<_> = voices
        .iter()
        .map(|voice| voice.name.to_lowercase())
        .collect();
    assert!(voices.len() >= 8 && names.len() == voices.len());
    for (sex, accent) in [
        (Sex::Female, Accent::American),
        (Sex::Male, Accent::American),
        (Sex::Female, Accent::British),
        (Sex::Male, Accent::British),
    ] {
        assert!(
            voices
                .iter()
                .any(|voice| voice.sex == Some(sex) && voice.accent == accent),
            "no {sex} {accent}"
        );
    }
    assert!(voices.iter().all(|voice| !voice.description.is_empty()));
}

#[test]
fn every_voice_speaks_at_a_human_pace_and_level() {
    let engine = Engine::new().unwrap();
    let text = "The train will arrive at platform four.";
    for info in engine.voices() {
        let speech = engine
            .speech(&engine.voice(&info.name).unwrap())
            .say(text)
            .unwrap();
        let seconds = speech.audio.duration();
        assert!((1.2..5.0).contains(&seconds), "{}: {seconds} s", info.name);
        let db = 20.0 * speech.audio.rms().log10();
        assert!(
            (-40.0..-10.0).contains(&db) && speech.audio.peak() <= 1.0,
            "{}: {db} dB",
            info.name
        );
    }
}

#[test]
fn a_voice_from_a_clip_is_as_loud_as_the_speaker_of_the_clip() {
    let engine = Engine::new().unwrap();
    for info in engine.voices().iter().take(4) {
        let own = engine.voice(&info.name).unwrap();
        let say = |voice: &Voice, text: &str| engine.speech(voice).say(text).unwrap().audio;
        let clip = say(
            &own,
            "A cold wind blew through the open gate, and nobody thought of closing it.",
        );
        let clone = engine.voice_from_clips([Clip::from(clip)]).unwrap();
        let text = "We sold the old boat to a man from the village.";
        let db = |voice: &Voice| 20.0 * say(voice, text).rms().log10();
        let (own, clone) = (db(&own), db(&clone));
        assert!(
            (own - clone).abs() < 2.0,
            "{}: {clone} for {own} dB",
            info.name
        );
    }
}

#[test]
fn one_chunk_or_many_say_the_same() {
    let engine = Engine::new().unwrap();
    let request = engine
        .speech(&engine.voice(&engine.voices()[0].name).unwrap())
        .seed(3);
    let text = "One, two, three. Testing the seams of a sentence.";
    assert!(
        request.clone().chunk_ms(150).say(text).unwrap().audio
            == request.chunk_ms(60_000).say(text).unwrap().audio
    );
}
