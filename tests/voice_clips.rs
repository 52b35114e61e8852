//! Voices from recordings, with the tiny voice of the tests.

mod speech;

use syrinx::audio::Audio;
use syrinx::{Accent, Clip, Engine, Error, Voice, VoiceLibrary};

/// A tone that comes and goes five times a second, like syllables.
fn babble(seconds: f64, hz: f32) -> Audio {
    let tone = |t: f32| {
        (1..8)
            .map(|h| (std::f32::consts::TAU * hz * h as f32 * t).sin() / h as f32)
            .sum::<f32>()
    };
    let samples = (0..(seconds * 24e3) as usize)
        .map(|i| i as f32 / 24e3)
        .map(|t| 0.1 * (t * 5.0 * std::f32::consts::PI).sin().powi(2) * tone(t));
    Audio::mono(samples.collect(), 24_000)
}

fn wave(engine: &Engine, voice: &Voice) -> Vec<f32> {
    speech::wave(&engine.speech(voice), "A boat is a hole in the water.")
}

#[test]
fn samples_in_memory_make_a_voice_that_can_be_kept() {
    let engine = speech::engine();
    let clips = [babble(3.0, 120.0), babble(2.0, 120.0)];
    let voice = engine.voice_from_clips(clips).unwrap();
    assert_eq!(voice.warnings(), [""; 0]);
    let origin = voice.origin().unwrap();
    assert!((4.5..5.1).contains(&origin.speech_s), "{}", origin.speech_s);
    assert_eq!(origin.sources.len(), 2);
    let f0 = voice.info().median_f0_hz.unwrap();
    assert!((118.0..122.0).contains(&f0), "{f0}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice");
    voice.save(&path, false).unwrap();
    assert!(matches!(voice.save(&path, false), Err(Error::Io { .. })));
    let read = engine.open_voice(&path).unwrap();
    assert_eq!((read.info(), read.origin()), (voice.info(), voice.origin()));
    assert_eq!(wave(&engine, &read), wave(&engine, &voice));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_voice_stored_before_there_were_colours_is_opened_without_one() {
    let engine = speech::engine();
    let voice = engine.voice_from_clips([babble(3.0, 120.0)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (now, before) = (folder.path().join("now"), folder.path().join("before"));
    voice.save(&now, false).unwrap();
    let bytes = std::fs::read(&now).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let is_old = |name: &str| name != "colour" && !name.ends_with(".spectrum");
    let old = file.tensors().into_iter().filter(|(name, _)| is_old(name));
    let old = safetensors::serialize(old, header.metadata().clone()).unwrap();
    std::fs::write(&before, old).unwrap();
    let opened = engine.open_voice(&before).unwrap();
    assert_eq!(opened.info(), voice.info());
    let (plain, coloured) = (wave(&engine, &opened), wave(&engine, &voice));
    assert_eq!(plain.len(), coloured.len());
    assert_ne!(plain, coloured);
}

#[test]
fn voices_are_shared_between_threads() {
    let engine = speech::engine();
    let voice = engine.voice_from_clips([babble(2.0, 150.0)]).unwrap();
    let expected = wave(&engine, &voice);
    std::thread::scope(|scope| {
        let heard: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| wave(&engine, &voice.clone())))
            .collect();
        for heard in heard {
            assert_eq!(heard.join().unwrap(), expected);
        }
    });
}

#[test]
fn a_library_is_searched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let library = VoiceLibrary::new(folder.path());
    let engine = Engine::builder()
        .weights(speech::folder())
        .library(library.clone())
        .build()
        .unwrap();
    let build = |name: &str| {
        engine
            .voice_builder()
            .name(name)
            .clip(babble(2.0, 200.0))
            .accent(Accent::British)
            .build()
    };
    library.store(&build("Mine").unwrap(), false).unwrap();
    assert!(engine.has_voice("mine") && !engine.has_voice("yours"));
    assert_eq!(engine.voice("MINE").unwrap().info().accent, Accent::British);
    let unknown = engine.voice("min").unwrap_err().to_string();
    assert!(
        unknown.ends_with("did you mean \"Mine\"? The voices are Buzz, Hum, Mine"),
        "{unknown}"
    );
    let error = library
        .store(&engine.voice("Buzz").unwrap(), true)
        .unwrap_err();
    assert!(error.to_string().contains("built-in"), "{error}");
    assert!(library.store(&build("../x").unwrap(), true).is_err());
    assert_eq!(library.voices().unwrap().len(), 1);
}

#[test]
fn a_text_makes_a_prompt_with_durations() {
    let engine = speech::engine();
    let clip = || Clip::audio("babble", babble(6.0, 150.0));
    let heard = engine.voice_builder().clip(clip()).build().unwrap();
    let told =
        clip().says("There is a boat in the old harbour. And another one is lying out there.");
    let told = engine.voice_builder().clip(told).build().unwrap();
    assert_eq!((heard.info().prompts, told.info().prompts), (0, 2));
    assert_ne!(wave(&engine, &heard), wave(&engine, &told));
    // A donor without durations leaves them as they are; one that has them takes part.
    let own = engine.voice("Buzz").unwrap();
    let spoken = |donor, share| {
        let request = engine.speech(&own).prosody(donor, share);
        speech::wave(&request, "A boat is a hole in the water.")
    };
    assert_eq!(spoken(&told, 0.0), wave(&engine, &own));
    assert_eq!(spoken(&heard, 1.0).len(), wave(&engine, &own).len());
    let refused = engine
        .speech(&own)
        .prosody(&told, 1.5)
        .say("Hello.")
        .unwrap_err();
    assert!(refused.to_string().contains("prosody mix 1.5"), "{refused}");
}

#[test]
fn ten_minutes_in_all_are_used() {
    let engine = speech::engine();
    let voice = engine
        .voice_from_clips([babble(400.0, 120.0), babble(300.0, 120.0)])
        .unwrap();
    assert!(
        voice
            .warnings()
            .iter()
            .any(|told| told.contains("the first 10 are used")),
        "{:?}",
        voice.warnings()
    );
    assert_eq!(voice.origin().unwrap().speech_s, 600.0);
}

#[test]
fn what_is_no_second_of_speech_is_refused() {
    let engine = speech::engine();
    let nothing: [Clip; 0] = [];
    assert!(engine.voice_from_clips(nothing).is_err());
    for seconds in [0.0, 0.005, 0.05, 0.5] {
        let error = engine
            .voice_from_clips([babble(seconds, 150.0)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the recording") && error.contains("at least 1 s"),
            "{seconds}: {error}"
        );
    }
    engine
        .voice_from_clips([babble(0.6, 150.0), babble(0.6, 150.0)])
        .unwrap();
}
