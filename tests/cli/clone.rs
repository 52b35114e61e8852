//! Voices from clips: `say --voice CLIP`, `--prosody CLIP`.

use std::path::Path;

use crate::bench::{Bench, one_error_line, stderr};
use crate::recording::{entries, level_db, samples, take, write};

#[test]
fn clips_of_any_kind_make_a_voice() {
    let bench = Bench::new();
    write(&bench.path("a.wav"), &take(192_000, 0.5, 2));
    write(&bench.path("b.flac"), &take(8_000, 1.0, 1));
    let args = [
        "say",
        "Hello there.",
        "--voice",
        "a.wav",
        "--voice",
        "b.flac",
        "-o",
        "c.wav",
    ];
    let assert = bench.syrinx(&args).assert().success();
    let told = stderr(&assert);
    assert!(
        told.contains("warning: b.flac: recorded at 8000 Hz"),
        "{told}"
    );
    assert!(!told.contains("a.wav:"), "{told}");
    let spoken = samples(&bench.path("c.wav"));
    assert!(spoken.len() > 12_000 && level_db(&spoken) > -40.0);
    assert_eq!(bench.files(), ["a.wav", "b.flac", "c.wav"]);
}

#[test]
fn the_level_of_a_clip_does_not_matter_and_that_of_the_voice_is_the_usual() {
    let bench = Bench::new();
    let text = "The quick brown fox jumps over the lazy dog.";
    let mut levels = Vec::new();
    for (name, gain) in [("soft.wav", 0.05), ("loud.wav", 1.0)] {
        write(&bench.path(name), &take(24_000, gain, 1));
        bench
            .syrinx(&["say", text, "-v", name, "-y", "-q", "-o", "out.wav"])
            .assert()
            .success();
        levels.push(level_db(&samples(&bench.path("out.wav"))));
    }
    bench
        .syrinx(&["say", text, "-v", "rook", "-y", "-q", "-o", "out.wav"])
        .assert()
        .success();
    let usual = level_db(&samples(&bench.path("out.wav")));
    assert!((levels[0] - levels[1]).abs() < 1.5, "{levels:?}");
    // Sentences of one voice differ by 3 dB.
    assert!((levels[1] - usual).abs() < 4.0, "{levels:?}, rook {usual}");
}

#[test]
fn clips_are_listened_to_once() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    let say = |name: &str, flags: &[&str]| {
        let args = [
            &["say", "Hello.", "-v", "me.wav", "-q", "-o", name][..],
            flags,
        ]
        .concat();
        bench.syrinx(&args).assert().success();
        std::fs::read(bench.path(name)).unwrap()
    };
    let plain = say("1.wav", &["--no-cache"]);
    assert!(entries(&bench.home("cache")).is_empty());
    assert_eq!(say("2.wav", &[]), plain);
    let kept = entries(&bench.home("cache"));
    assert_eq!(kept.len(), 1);
    assert_eq!(say("3.wav", &[]), plain);
    std::fs::write(&kept[0], b"damaged").unwrap();
    assert_eq!(say("4.wav", &[]), plain);
    assert!(std::fs::metadata(&kept[0]).unwrap().len() > 1000);
}

#[test]
fn prosody_comes_from_a_donor_as_far_as_it_is_told() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    let say = |name: &str, flags: &[&str]| {
        let args = [
            &[
                "say",
                "It was a dark night.",
                "-v",
                "wren",
                "-q",
                "-o",
                name,
            ][..],
            flags,
        ]
        .concat();
        bench.syrinx(&args).assert().success();
        std::fs::read(bench.path(name)).unwrap()
    };
    let own = say("own.wav", &[]);
    for (index, donor) in ["finch", "me.wav"].into_iter().enumerate() {
        let name = |part: &str| format!("{index}{part}.wav");
        assert_eq!(
            say(&name("none"), &["--prosody", donor, "--prosody-mix", "0"]),
            own,
            "{donor}"
        );
        assert_ne!(say(&name("all"), &["--prosody", donor]), own, "{donor}");
    }
    // What is drawn from the mixture is drawn as freely as from one.
    let mixed = ["--prosody", "finch", "--prosody-mix", "0.5"];
    let drawn = |name: &str, seed: &str, freedom: &[&str]| {
        say(
            name,
            &[&mixed[..], &["--seed", seed, "--json"], freedom].concat(),
        );
        samples(&bench.path(name)).len()
    };
    assert!(drawn("k1.wav", "1", &["--top-k", "1"]) > 0);
    let greedy = ["k1.wav", "k2.wav"].map(|name| {
        let seed = if name == "k1.wav" { "1" } else { "2" };
        std::fs::remove_file(bench.path(name)).ok();
        drawn(name, seed, &["--temperature", "0"])
    });
    assert_eq!(greedy[0], greedy[1]);
}

#[test]
fn a_text_for_the_prosody_needs_an_aligner() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    std::fs::write(
        bench.path("words.txt"),
        "The boat left the harbour before dawn.",
    )
    .unwrap();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/voice");
    let say = [
        "say",
        "Hello.",
        "-o",
        "a.wav",
        "-q",
        "-y",
        "--prosody",
        "me.wav",
        "--prosody-text",
        "@words.txt",
    ];
    let with = [&say[..], &["--weights", tiny.to_str().unwrap()]].concat();
    bench.syrinx(&with).assert().success();
    let too_long = "word ".repeat(400);
    let args = [
        "say",
        "Hello.",
        "-o",
        "b.wav",
        "--weights",
        tiny.to_str().unwrap(),
        "--prosody",
        "me.wav",
    ];
    let args = [&args[..], &["--prosody-text", &too_long]].concat();
    one_error_line(
        &bench.syrinx(&args).assert().code(2),
        &["me.wav", "too short"],
    );

    let copy = bench.path("weights");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(&tiny).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(copy.join("config.json")).unwrap()).unwrap();
    let mut config = config.as_object().unwrap().clone();
    config.remove("aligner");
    std::fs::write(
        copy.join("config.json"),
        serde_json::to_vec(&config).unwrap(),
    )
    .unwrap();
    let without = [&say[..], &["--weights", "weights"]].concat();
    one_error_line(&bench.syrinx(&without).assert().code(2), &["no aligner"]);
}

#[test]
fn a_batch_speaks_with_clips_too() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    bench.write(
        "lines.jsonl",
        "{\"text\": \"One.\", \"voice\": [\"me.wav\"]}\n{\"text\": \"Two.\", \"voice\": \"me.wav\", \"prosody\": \"finch\"}\n\
         {\"text\": \"Three.\", \"voice\": \"none.wav\"}\n{\"text\": \"Four.\", \"prosody_mix\": 0.5}\n",
    );
    let args = ["say", "--batch", "lines.jsonl", "--out-dir", "out"];
    let told = stderr(&bench.syrinx(&args).assert().code(1));
    assert!(
        told.contains("2 done")
            && told.contains("lines.jsonl:3: none.wav")
            && told.contains("lines.jsonl:4: "),
        "{told}"
    );
}
