//! `syrinx live`, with the tiny converter of the tests.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use syrinx::audio::{Audio, Decoder};

use crate::bench::{Bench, one_error_line, stdout};

fn live(bench: &Bench, args: &[&str]) -> Command {
    bench.tiny("live", args)
}

fn spoken(bench: &Bench, name: &str, seconds: f64, rate_hz: u32) -> usize {
    let samples = (0..(seconds * f64::from(rate_hz)) as usize).map(|at| {
        let t = at as f64 / f64::from(rate_hz);
        (0.4 * (t * 7.0).sin().powi(2) * ((t * 140.0).fract() - 0.5)) as f32
    });
    let audio = Audio::mono(samples.collect(), rate_hz);
    bench.write_audio(name, &audio);
    audio.frames()
}

fn frames(path: impl AsRef<Path>) -> usize {
    let decoded = Decoder::open(path).unwrap().read_all().unwrap();
    decoded.audio.frames()
}

#[test]
fn a_file_gives_the_same_samples_at_any_pace_and_loses_none() {
    let bench = Bench::new();
    let count = spoken(&bench, "in.wav", 1.7, 44_100);
    let fast = live(
        &bench,
        &["--from", "in.wav", "--record", "fast.wav", "--json"],
    )
    .assert()
    .success();
    let told: Value = serde_json::from_str(&stdout(&fast)).unwrap();
    assert_eq!(told["frames"], count);
    assert!(told["convert"]["chunks"].as_u64().unwrap() > 20, "{told}");
    live(
        &bench,
        &["--from", "in.wav", "--record", "paced.wav", "--paced"],
    )
    .assert()
    .success();
    assert_eq!(frames(bench.path("fast.wav")), count);
    let bytes = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(bytes("fast.wav") == bytes("paced.wav"), "bit for bit");
    let again = live(&bench, &["--from", "in.wav", "--record", "fast.wav"]).assert();
    one_error_line(&again.code(2), &["already exists"]);
}

#[test]
fn what_cannot_be_is_told_in_a_line() {
    let bench = Bench::new();
    for (args, told) in [
        (
            &["--from", "none.wav", "--record", "out.wav"][..],
            "none.wav",
        ),
        (&["--preset", "turbo"], "balanced"),
        (&["--from", "none.wav"], "--record"),
    ] {
        one_error_line(&live(&bench, args).assert().code(2), &[told]);
        assert!(!bench.path("out.wav").exists());
    }
}

#[test]
fn presets_are_measured() {
    let bench = Bench::new();
    let assert = live(&bench, &["--calibrate", "--duration", "1", "--json"]).assert();
    let told: Value = serde_json::from_str(&stdout(&assert.success())).unwrap();
    let chunks: Vec<f64> = told["presets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|preset| preset["chunk_ms"].as_f64().unwrap())
        .collect();
    assert_eq!(chunks, [25.0, 50.0, 100.0]);
}

#[test]
fn what_was_measured_is_the_default_from_then_on() {
    let bench = Bench::new();
    spoken(&bench, "in.wav", 1.0, 24_000);
    let chunks = |record: &str, more: &[&str]| {
        let args = [&["--from", "in.wav", "--record", record, "--json"], more].concat();
        let told = stdout(&live(&bench, &args).assert().success());
        let told: Value = serde_json::from_str(&told).unwrap();
        told["convert"]["chunks"].as_u64().unwrap()
    };
    let balanced = chunks("before.wav", &[]);
    let calibrate = ["--calibrate", "--duration", "1", "--json"];
    let told = stdout(&live(&bench, &calibrate).assert().success());
    let told: Value = serde_json::from_str(&told).unwrap();
    let found = told["preset"].as_str().unwrap();
    assert_eq!(
        chunks("after.wav", &[]),
        chunks("found.wav", &["--preset", found])
    );
    assert_eq!(chunks("told.wav", &["--preset", "balanced"]), balanced);
}

#[cfg(all(feature = "playback", target_os = "linux"))]
#[test]
fn without_a_sound_card_there_is_one_line() {
    let bench = Bench::new();
    fs::write(bench.path("asoundrc"), "").unwrap();
    let assert = live(&bench, &["--headless", "--duration", "1"])
        .env("ALSA_CONFIG_PATH", bench.path("asoundrc"))
        .assert()
        .code(1);
    one_error_line(&assert, &["no sound card"]);
}

/// What ALSA answers when a device is opened is replaced by an error number.
#[cfg(all(feature = "playback", target_os = "linux"))]
#[test]
fn a_device_that_refuses_is_told_and_an_earlier_take_is_kept() {
    let bench = Bench::new();
    fs::write(
        bench.path("asoundrc"),
        "pcm.!default { type null }\nctl.!default { type hw card 0 }\n",
    )
    .unwrap();
    fs::write(
        bench.path("refuses.c"),
        "#include <stdlib.h>\nint snd_pcm_open(void **pcm, const char *name, int stream, int mode) \
         { return -atoi(getenv(\"REFUSAL\")); }\n",
    )
    .unwrap();
    let library = bench.path("refuses.so");
    // The linker of a Rust build is a C compiler.
    let built = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-w", "-o"])
        .args([&library, &bench.path("refuses.c")])
        .status();
    assert!(built.unwrap().success());
    fs::write(bench.path("take.wav"), "an earlier take").unwrap();
    for (number, told) in [
        ("16", "another program is using it"),
        ("13", "add yourself to the group"),
    ] {
        let assert = live(
            &bench,
            &[
                "--headless",
                "--duration",
                "1",
                "--record",
                "take.wav",
                "-y",
            ],
        )
        .env("ALSA_CONFIG_PATH", bench.path("asoundrc"))
        .env("LD_PRELOAD", &library)
        .env("REFUSAL", number)
        .assert()
        .code(1);
        one_error_line(&assert, &[told]);
        assert_eq!(
            fs::read(bench.path("take.wav")).unwrap(),
            b"an earlier take"
        );
    }
}

/// ALSA's own devices that record silence and play nothing.
#[cfg(all(feature = "playback", target_os = "linux"))]
#[test]
fn through_devices_that_are_none() {
    let bench = Bench::new();
    let raw = bench.path("heard.raw");
    let configuration = format!(
        "pcm.!default {{ type file slave.pcm {{ type null }} file \"{}\" format raw }}\n\
         ctl.!default {{ type hw card 0 }}\npcm.parlour {{ type null hint {{ show on description \"The parlour\" }} }}\n",
        raw.display()
    );
    fs::write(bench.path("asoundrc"), configuration).unwrap();
    let assert = live(
        &bench,
        &[
            "--headless",
            "--duration",
            "1",
            "--json",
            "--record",
            "take.wav",
        ],
    )
    .env("ALSA_CONFIG_PATH", bench.path("asoundrc"))
    .assert()
    .success();
    let text = stdout(&assert);
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(end["event"], "end");
    assert!(frames(bench.path("take.wav")) > 0, "{end}");
    assert!(fs::metadata(raw).unwrap().len() > 0);
    let listed = bench
        .syrinx(&["devices", "--json"])
        .env("ALSA_CONFIG_PATH", bench.path("asoundrc"))
        .assert()
        .success();
    let list: Value = serde_json::from_str(&stdout(&listed)).unwrap();
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|device| device["name"].as_str().unwrap().contains("parlour")),
        "{list}"
    );
}
