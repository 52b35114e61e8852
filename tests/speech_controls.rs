//! What the settings of a request do to the wave, and what is refused.

mod speech;

use syrinx::{Engine, Error};

const TEXT: &str = "A boat is a hole in the water.";

#[test]
fn speed_divides_the_duration() {
    let request = speech::request();
    // The silence before a sentence is cut to the same 75 ms at every speed.
    let seconds = |request| speech::wave(&request, TEXT).len() as f64 / 24e3 - 0.075;
    let usual = seconds(request.clone());
    for speed in [0.25, 0.5, 1.25, 2.0] {
        let ratio = usual / seconds(request.clone().speed(speed));
        assert!(
            (ratio / f64::from(speed) - 1.0).abs() < 0.1,
            "{speed}: {ratio}"
        );
    }
}

#[test]
fn pitch_multiplies_f0_and_leaves_the_duration() {
    let request = speech::request();
    let rate_hz = request.engine().rate_hz();
    let usual = speech::wave(&request, TEXT);
    let f0 = speech::f0_hz(&usual, rate_hz);
    assert!((120.0..190.0).contains(&f0), "{f0} Hz");
    for semitones in [-12.0, -5.0, 7.0, 12.0] {
        let shifted = speech::wave(&request.clone().pitch(semitones), TEXT);
        assert_eq!(shifted.len(), usual.len());
        let ratio = speech::f0_hz(&shifted, rate_hz) / f0;
        let heard = 12.0 * ratio.log2();
        assert!(
            (heard - f64::from(semitones)).abs() < 0.7,
            "{semitones}: {heard}"
        );
    }
}

#[test]
fn volume_scales_the_samples_and_never_passes_full_scale() {
    let request = speech::request();
    let (usual, louder) = (
        speech::wave(&request, TEXT),
        speech::wave(&request.clone().volume_db(-6.0206), TEXT),
    );
    for (usual, louder) in usual.iter().zip(&louder).filter(|(x, _)| x.abs() < 0.9) {
        assert!((usual / 2.0 - louder).abs() < 1e-5);
    }
    let loudest = speech::wave(&request.volume_db(24.0), TEXT);
    assert!(loudest.iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn pauses_are_those_asked_for() {
    let text = "This is the first of two sentences. This is the second of two sentences.";
    let engine = speech::engine();
    let request = engine.speech(&engine.voice("Buzz").unwrap());
    let length = |ms| speech::wave(&request.clone().sentence_pause_ms(ms), text).len();
    assert_eq!(length(1000) - length(0), engine.rate_hz() as usize);
}

#[test]
fn settings_out_of_range_are_refused() {
    let request = speech::request();
    let refused = [
        ("speed", request.clone().speed(0.1)),
        ("speed", request.clone().speed(f32::NAN)),
        ("pitch", request.clone().pitch(25.0)),
        ("volume", request.clone().volume_db(f32::INFINITY)),
        ("temperature", request.clone().temperature(-1.0)),
    ];
    for (name, request) in refused {
        let error = request.stream(TEXT).err().unwrap();
        assert!(
            matches!(&error, Error::Config(text) if text.contains(name)),
            "{error}"
        );
    }
}

#[test]
fn texts_with_nothing_to_say_are_errors() {
    for text in ["", " \n\t", "...", "👍", "—!?"] {
        let error = speech::request().say(text).err().unwrap();
        assert!(matches!(error, Error::Input(_)), "{text:?}: {error}");
    }
    let error = speech::request()
        .stream_lines(&b"\n\n"[..])
        .unwrap()
        .next()
        .unwrap()
        .err()
        .unwrap();
    assert!(matches!(error, Error::Input(_)), "{error}");
}

#[test]
fn unknown_voices_are_refused_with_a_suggestion() {
    let error = speech::engine().voice("buz").err().unwrap().to_string();
    assert_eq!(
        error,
        "no voice is called \"buz\"; did you mean \"Buzz\"? The voices are Buzz, Hum"
    );
}

#[test]
fn a_folder_of_weights_may_lack_the_aligner() {
    assert!(speech::engine().has_aligner());
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(speech::folder()).unwrap() {
        let file = file.unwrap();
        if file.file_name() != "aligner.safetensors" {
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    let config = folder.path().join("config.json");
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("aligner").unwrap();
    std::fs::write(&config, json.to_string()).unwrap();
    let engine = Engine::builder().weights(folder.path()).build().unwrap();
    assert!(!engine.has_aligner());
    engine.voice("Hum").unwrap();
}

/// A copy of the tiny voice with one file changed.
fn damaged(name: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> String {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(speech::folder()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let path = folder.path().join(name);
    match change(std::fs::read(&path).unwrap()) {
        Some(bytes) => std::fs::write(&path, bytes).unwrap(),
        None => std::fs::remove_file(&path).unwrap(),
    }
    let engine = Engine::builder().weights(folder.path()).build();
    let voice = engine.and_then(|engine| engine.voice("Hum"));
    voice
        .err()
        .unwrap_or_else(|| panic!("{name}: loaded all the same"))
        .to_string()
}

#[test]
fn damaged_folders_of_weights_say_what_is_wrong() {
    let files = [
        "config.json",
        "voices.json",
        "acoustic.safetensors",
        "plm.safetensors",
        "adm.safetensors",
        "vocoder.safetensors",
        "aligner.safetensors",
        "voices.safetensors",
    ];
    for name in files {
        let missing = damaged(name, |_| None);
        assert!(missing.contains(&format!("no {name}")), "{missing}");
        let truncated = damaged(name, |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            Some(bytes)
        });
        assert!(truncated.contains(name), "{truncated}");
        let empty = damaged(name, |_| Some(Vec::new()));
        assert!(empty.contains(name), "{empty}");
    }
    let swapped = damaged("plm.safetensors", |_| {
        std::fs::read(speech::folder().join("adm.safetensors")).ok()
    });
    assert!(
        swapped.contains("plm.safetensors") && swapped.contains("expected"),
        "{swapped}"
    );
    let resized = damaged("config.json", |bytes| {
        Some(
            String::from_utf8(bytes)
                .unwrap()
                .replacen("\"hidden\": 24", "\"hidden\": 40", 1)
                .into(),
        )
    });
    assert!(
        resized.contains("acoustic.safetensors") && resized.contains("40"),
        "{resized}"
    );
    let widened = damaged("config.json", |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        let at = text.find("\"aligner\": {").unwrap() + "\"aligner\": {".len();
        Some(format!("{} \"bands\": 80, {}", &text[..at], &text[at..]).into())
    });
    assert!(
        widened.contains("an aligner of") && widened.contains("(178, 80, 2)"),
        "{widened}"
    );
    let foreign = damaged("config.json", |_| {
        Some(b"{\"model_type\": \"vits\"}".to_vec())
    });
    assert!(
        foreign.contains("config.json") && foreign.contains("format"),
        "{foreign}"
    );
}

#[test]
fn a_folder_that_is_none_is_named() {
    for path in [
        "/no/such/folder",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ] {
        let error = Engine::builder()
            .weights(path)
            .build()
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(path), "{error}");
    }
}
