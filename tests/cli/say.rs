//! `syrinx say` with the embedded voice.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use syrinx::audio::{Audio, Decoder};

use crate::bench::{Bench, stderr, stdout};

fn decoded(path: &std::path::Path) -> Audio {
    Decoder::open(path).unwrap().read_all().unwrap().audio
}

#[test]
fn a_text_becomes_a_file() {
    let bench = Bench::new();
    let assert = bench.syrinx(&["say", "Hello", "there."]).assert().success();
    assert!(assert.get_output().stdout.is_empty());
    assert!(
        stderr(&assert).contains("speech.wav"),
        "{}",
        stderr(&assert)
    );
    assert_eq!(bench.files(), ["speech.wav"]);
    let audio = decoded(&bench.path("speech.wav"));
    let seconds = audio.frames() as f64 / f64::from(audio.spec().rate_hz);
    assert!((0.3..4.0).contains(&seconds), "{seconds} s");
    let loudest = audio.channels()[0]
        .iter()
        .fold(0.0f32, |top, x| top.max(x.abs()));
    assert!(loudest > 0.02, "as good as silent: {loudest}");
}

#[test]
fn the_same_seed_says_the_same_and_flac_holds_the_same_samples() {
    let bench = Bench::new();
    for name in ["a.wav", "b.wav", "c.flac"] {
        let args = [
            "say",
            "One two three.",
            "-o",
            name,
            "--seed",
            "7",
            "--quiet",
        ];
        let assert = bench.syrinx(&args).assert().success();
        assert_eq!(stderr(&assert), "");
    }
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert_eq!(read("a.wav"), read("b.wav"));
    assert_eq!(
        decoded(&bench.path("a.wav")),
        decoded(&bench.path("c.flac"))
    );
}

#[test]
fn speed_and_volume_are_heard() {
    let bench = Bench::new();
    let text = "The quick brown fox jumps over the lazy dog.";
    let say = |name: &str, flags: &[&str]| {
        let mut args = vec!["say", text, "-o", name, "--quiet"];
        args.extend(flags);
        bench.syrinx(&args).assert().success();
        decoded(&bench.path(name))
    };
    let plain = say("plain.wav", &[]);
    let fast = say("fast.wav", &["--speed", "2"]);
    let ratio = plain.frames() as f64 / fast.frames() as f64;
    assert!((1.5..2.6).contains(&ratio), "twice as fast came to {ratio}");
    let soft = say("soft.wav", &["--volume", "-20"]);
    let power = |audio: &Audio| audio.channels()[0].iter().map(|x| x * x).sum::<f32>();
    let db = 10.0 * (power(&soft) / power(&plain)).log10();
    assert!((-21.0..-19.0).contains(&db), "-20 dB came to {db}");
}

#[test]
fn an_existing_file_is_replaced_with_yes() {
    let bench = Bench::new();
    bench.write("a.wav", "old");
    bench
        .syrinx(&["say", "Hello.", "-o", "a.wav", "-y", "-q"])
        .assert()
        .success();
    assert!(decoded(&bench.path("a.wav")).frames() > 0);
}

#[test]
fn standard_output_carries_audio_alone() {
    let bench = Bench::new();
    let wav = bench
        .syrinx(&["say", "Hello.", "-o", "-", "--stats", "--json"])
        .assert()
        .success();
    let bytes = &wav.get_output().stdout;
    assert_eq!(&bytes[..4], b"RIFF");
    assert_eq!(bytes[40..44], [0xff; 4], "a pipe has no size to tell");
    let told = stderr(&wav);
    assert!(told.contains("RTF") && told.contains("\"rtf\""), "{told}");

    let raw = bench.syrinx(&["say", "Hello.", "--raw"]).assert().success();
    assert_eq!(
        raw.get_output().stdout,
        bytes[44..],
        "--raw is the WAV without its header"
    );
    assert!(bench.files().is_empty());
}

#[test]
fn json_tells_the_result_and_the_figures() {
    let bench = Bench::new();
    let args = [
        "say",
        "One. Two.",
        "-o",
        "a.wav",
        "--json",
        "--threads",
        "2",
    ];
    let assert = bench.syrinx(&args).assert().success();
    let told: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    let audio = decoded(&bench.path("a.wav"));
    assert_eq!(told["output"], "a.wav");
    assert_eq!(told["frames"].as_u64(), Some(audio.frames() as u64));
    assert_eq!(told["bytes"].as_u64(), Some(44 + 2 * audio.frames() as u64));
    for figure in [
        "load_ms",
        "first_audio_ms",
        "synthesis_ms",
        "rtf",
        "audio_s",
    ] {
        assert!(told[figure].as_f64().unwrap() > 0.0, "{figure}: {told}");
    }
}

#[test]
fn times_are_written_in_three_formats() {
    let bench = Bench::new();
    for ending in ["srt", "vtt", "json"] {
        let timing = format!("a.{ending}");
        let args = [
            "say",
            "It costs $5. Really?",
            "-y",
            "-o",
            "a.wav",
            "--timing",
            &timing,
        ];
        bench.syrinx(&args).assert().success();
    }
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    assert!(read("a.srt").starts_with("1\n00:00:0"), "{}", read("a.srt"));
    assert!(read("a.srt").contains("It costs $5."), "{}", read("a.srt"));
    assert!(read("a.vtt").starts_with("WEBVTT\n"));
    let times: serde_json::Value = serde_json::from_str(&read("a.json")).unwrap();
    let words = times["words"].as_array().unwrap();
    let audio = decoded(&bench.path("a.wav"));
    let seconds = audio.frames() as f64 / f64::from(audio.spec().rate_hz);
    let mut before = 0.0;
    for word in words {
        let (start, end) = (
            word["start"].as_f64().unwrap(),
            word["end"].as_f64().unwrap(),
        );
        assert!(
            before <= start && start < end && end <= seconds + 0.001,
            "{word}"
        );
        before = start;
    }
    assert_eq!(words.last().unwrap()["source"], "Really");
    assert_eq!(bench.files(), ["a.json", "a.srt", "a.vtt", "a.wav"]);
}

#[test]
fn times_of_standard_input_point_into_all_of_it() {
    let bench = Bench::new();
    let args = ["say", "-o", "a.wav", "--timing", "a.json"];
    let text = "One.\n\nTwo three.\n";
    bench.syrinx(&args).write_stdin(text).assert().success();
    let times = std::fs::read_to_string(bench.path("a.json")).unwrap();
    let times: serde_json::Value = serde_json::from_str(&times).unwrap();
    let sources: Vec<_> = times["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["source"])
        .collect();
    assert_eq!(sources, ["One", "Two", "three"]);
}

#[test]
fn files_are_joined_and_the_lexicon_is_heeded() {
    let bench = Bench::new();
    bench.write("one.txt", "Hello.");
    bench.write("two.txt", "Zorp.");
    bench.write("words.lex", "zorp\tzˈɔɹp\n");
    let args = [
        "say", "-i", "one.txt", "-i", "two.txt", "-o", "a.wav", "--timing", "a.json",
    ];
    let args = [&args[..], &["--lexicon", "words.lex"]].concat();
    bench.syrinx(&args).assert().success();
    let times = std::fs::read_to_string(bench.path("a.json")).unwrap();
    let times: serde_json::Value = serde_json::from_str(&times).unwrap();
    let phones: String = times["phones"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|phone| phone["text"].as_str())
        .collect();
    assert!(phones.contains("zˈɔɹp"), "{phones}");
}

/// A line is heard before the next one is written.
#[test]
fn lines_stream_as_they_come() {
    let bench = Bench::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_syrinx"))
        .args(["say", "--raw"])
        .current_dir(bench.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    input.write_all(b"Hello there.\n").unwrap();
    input.flush().unwrap();
    let mut heard = vec![0; 4800];
    output.read_exact(&mut heard).unwrap();
    input.write_all(b"And goodbye.\n").unwrap();
    drop(input);
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        rest.len() > 9600,
        "the second line is missing: {}",
        rest.len()
    );
}

#[test]
fn a_listener_that_leaves_is_no_failure() {
    let bench = Bench::new();
    bench.write(
        "long.txt",
        "This is a sentence of several words. ".repeat(200),
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_syrinx"))
        .args(["say", "-i", "long.txt", "-o", "-"])
        .current_dir(bench.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 1000]).unwrap();
    drop(output);
    let end = child.wait_with_output().unwrap();
    assert!(end.status.success(), "{:?}", end.status);
    assert!(
        end.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&end.stderr)
    );
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let bench = Bench::new();
        let mut child = Command::new(env!("CARGO_BIN_EXE_syrinx"))
            .args(["say", "-o", "a.wav", "--timing", "a.srt"])
            .current_dir(bench.path("."))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"Hello there.\n").unwrap();
        // The file is being written: its temporary form is there.
        let patience = std::time::Instant::now();
        while bench.files().is_empty() && patience.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(!bench.files().is_empty(), "no output was begun");
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let end = child.wait_with_output().unwrap();
        drop(input);
        assert_eq!(end.status.code(), Some(130), "{signal}");
        assert_eq!(String::from_utf8_lossy(&end.stderr), "error: interrupted\n");
        assert!(
            bench.files().is_empty(),
            "{signal} left {:?}",
            bench.files()
        );
    }
}

#[test]
fn playing_without_a_sound_card_is_explained() {
    let bench = Bench::new();
    let args = ["say", "Hello.", "--play", "--output-device", "no such card"];
    let assert = bench.syrinx(&args).assert().failure();
    let told = stderr(&assert);
    assert!(
        told.starts_with("error: ") && told.lines().count() == 1,
        "{told}"
    );
    assert!(bench.files().is_empty());
}
