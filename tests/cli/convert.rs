//! `syrinx convert`, with the tiny converter of the tests.

use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use serde_json::Value;
use syrinx::audio::{Audio, Decoder};

use crate::bench::{Bench, fixture, one_error_line, stderr, stdout};

/// A tone that comes and goes, like syllables.
fn babble(seconds: f64, rate_hz: u32, channels: usize) -> Audio {
    let rate = rate_hz as f32;
    let plane = |channel: usize| {
        (0..(seconds * f64::from(rate_hz)) as usize)
            .map(|i| i as f32 / rate)
            .map(|t| {
                let tone: f32 = (1..8)
                    .map(|h| (750.0 * t * h as f32).sin() / h as f32)
                    .sum();
                0.1 / (channel + 1) as f32 * (t * 15.0).sin().powi(2) * tone
            })
            .collect()
    };
    Audio::from_channels((0..channels).map(plane).collect(), rate_hz).unwrap()
}

fn decoded(path: impl AsRef<Path>) -> Audio {
    Decoder::open(path).unwrap().read_all().unwrap().audio
}

/// `syrinx convert` with the fixtures, in the voice of Buzz.
fn convert(bench: &Bench, args: &[&str]) -> Command {
    bench.tiny("convert", args)
}

fn json(assert: &Assert) -> Value {
    serde_json::from_str(&stdout(assert)).unwrap()
}

#[test]
fn a_file_keeps_its_rate_and_its_length() {
    let bench = Bench::new();
    let source = babble(0.7, 22_050, 1);
    bench.write_audio("in.flac", &source);
    let assert = convert(&bench, &["in.flac", "-o", "out.wav", "--json", "--stats"])
        .assert()
        .success();
    let told = json(&assert);
    for (key, value) in [
        ("input", Value::from("in.flac")),
        ("output", "out.wav".into()),
        ("voice", "Buzz".into()),
        ("style", Value::Null),
        ("timing", "kept".into()),
        ("rate_hz", 22_050.into()),
        ("channels", 1.into()),
        ("frames", source.frames().into()),
        ("source_s", 0.7.into()),
        ("audio_s", 0.7.into()),
        ("clipped", 0.into()),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    let register = told["source"][0]["register_hz"].as_f64().unwrap();
    assert!((115.0..124.0).contains(&register), "{register}");
    assert!(told["first_audio_ms"].is_number() && told["rtf"].is_number());
    let stats = stderr(&assert);
    assert!(stats.contains("RTF") && stats.contains("load"), "{stats}");
    let out = decoded(bench.path("out.wav"));
    assert_eq!((out.spec(), out.frames()), (source.spec(), source.frames()));
    assert!(out.rms() > 1e-3);

    // The same again, at another rate, told in words; without -o the name is converted.wav.
    let assert = convert(&bench, &["in.flac", "--output-rate", "48000"])
        .assert()
        .success();
    assert!(stderr(&assert).contains("converted.wav: 0.7 s in the voice of Buzz"));
    let frames = (source.frames() * 48_000 + 11_025) / 22_050;
    assert_eq!(decoded(bench.path("converted.wav")).frames(), frames);
    assert_eq!(bench.files(), ["converted.wav", "in.flac", "out.wav"]);
}

#[test]
fn channels_are_mixed_or_kept() {
    let bench = Bench::new();
    let source = babble(0.3, 48_000, 2);
    bench.write_audio("in.wav", &source);
    let out = |name: &str, how: &[&str]| {
        convert(&bench, &[&["in.wav", "-q", "-o", name], how].concat())
            .assert()
            .success();
        decoded(bench.path(name))
    };
    let mixed = out("mixed.wav", &[]);
    assert_eq!((mixed.channels().len(), mixed.frames()), (1, 14_400));
    let kept = out("kept.wav", &["--stereo", "keep"]);
    assert_eq!((kept.spec(), kept.frames()), (source.spec(), 14_400));
    assert!(kept.channels()[0] != kept.channels()[1]);
}

#[test]
fn pipes_carry_wav_and_raw_samples() {
    let bench = Bench::new();
    let source = babble(0.4, 16_000, 1);
    let wav = std::fs::read(bench.write_audio("in.wav", &source)).unwrap();
    convert(&bench, &["in.wav", "-q", "-o", "file.wav"])
        .assert()
        .success();
    let expected = decoded(bench.path("file.wav"));

    let assert = convert(&bench, &["-", "-o", "-", "--json"])
        .write_stdin(wav.clone())
        .assert()
        .success();
    let piped = Decoder::from_bytes("out", assert.get_output().stdout.clone()).unwrap();
    assert_eq!(piped.read_all().unwrap().audio, expected);
    let told: Value = serde_json::from_str(&stderr(&assert)).unwrap();
    assert_eq!(
        (&told["input"], &told["output"]),
        (&"standard input".into(), &Value::Null)
    );

    // The header stays out of both ends.
    let args = ["-", "-q", "--raw-rate", "16000", "--raw"];
    let assert = convert(&bench, &args)
        .write_stdin(wav[44..].to_vec())
        .assert()
        .success();
    let file = std::fs::read(bench.path("file.wav")).unwrap();
    assert_eq!(assert.get_output().stdout, file[44..]);

    let floats = source.channels()[0].iter().flat_map(|x| [*x, *x]);
    let bytes: Vec<u8> = floats.flat_map(f32::to_le_bytes).collect();
    bench.write("in.f32", bytes);
    let raw = "--rate 16000 --raw-format f32le --raw-channels 2";
    let args: Vec<&str> = raw.split(' ').chain(["in.f32", "-o", "out.f32"]).collect();
    convert(&bench, &args).assert().success();
    let bytes = std::fs::read(bench.path("out.f32")).unwrap();
    assert_eq!(bytes.len(), 4 * source.frames());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    bench.write_audio("in.wav", &babble(3.0, 48_000, 1));
    let syrinx = env!("CARGO_BIN_EXE_syrinx");
    let line = format!(
        "{syrinx} convert in.wav --voice Buzz --weights {} --model {} --raw | head -c 10; exit ${{PIPESTATUS[0]}}",
        fixture("voice"),
        fixture("convert")
    );
    let mut command = Command::new("bash");
    command.current_dir(bench.path("")).args(["-c", &line]);
    let assert = command.assert().success();
    assert_eq!(stderr(&assert), "");
    assert_eq!(assert.get_output().stdout.len(), 10);
}

#[test]
fn a_folder_is_converted_and_gone_on_with() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("in/deep")).unwrap();
    for name in ["in/a.wav", "in/deep/b.flac"] {
        bench.write_audio(name, &babble(0.2, 16_000, 1));
    }
    bench.write("in/bad.wav", "no sound at all, only words about it");
    bench.write("in/.hidden.wav", "left alone");
    bench.write("in/notes.txt", "left alone");
    let args = ["in", "--out-dir", "in/out", "--json"];
    let first = convert(&bench, &args).assert().code(1);
    let statuses = |assert: &Assert| -> Vec<(String, String)> {
        stdout(assert)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|entry| entry["input"].is_string())
            .map(|entry| {
                let text = |key: &str| entry[key].as_str().unwrap().to_owned();
                (text("input"), text("status"))
            })
            .collect()
    };
    let expected = |statuses: [&str; 3]| {
        let names = ["in/a.wav", "in/bad.wav", "in/deep/b.flac"];
        let pairs = names.iter().zip(statuses);
        pairs
            .map(|(name, status)| ((*name).to_owned(), status.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&first), expected(["done", "failed", "done"]));
    let told = stderr(&first);
    assert!(told.contains("error: in/bad.wav: it "), "{told}");
    assert!(told.contains("1 input failed"), "{told}");
    let tally: Value = serde_json::from_str(stdout(&first).lines().last().unwrap()).unwrap();
    assert_eq!((&tally["done"], &tally["failed"]), (&2.into(), &1.into()));
    assert_eq!(decoded(bench.path("in/out/deep/b.wav")).frames(), 3_200);
    assert_eq!(std::fs::read_dir(bench.path("in/out")).unwrap().count(), 2);

    // What was lost is made again, what is there is left alone; outputs are no inputs.
    std::fs::remove_file(bench.path("in/out/a.wav")).unwrap();
    let second = convert(&bench, &args).assert().code(1);
    assert_eq!(statuses(&second), expected(["done", "failed", "skipped"]));
    std::fs::remove_file(bench.path("in/bad.wav")).unwrap();
    let third = convert(
        &bench,
        &["in", "in/a.wav", "--out-dir", "out", "--format", "flac"],
    )
    .assert()
    .code(1);
    assert!(
        stderr(&third).contains("an earlier input becomes"),
        "{}",
        stderr(&third)
    );
    assert!(bench.path("out/deep/b.flac").is_file());
}

#[test]
fn a_style_and_another_timing_are_taken() {
    let bench = Bench::new();
    bench.write_audio("in.wav", &babble(1.2, 24_000, 1));
    bench.write_audio("style.wav", &babble(2.0, 24_000, 1));
    let args = [
        "in.wav",
        "-o",
        "a.wav",
        "--style",
        "style.wav",
        "--retime",
        "--json",
    ];
    let assert = convert(&bench, &args).assert().success();
    let told = json(&assert);
    assert_eq!(
        (&told["style"], &told["timing"]),
        (&"style.wav".into(), &"changed".into())
    );
    let frames = decoded(bench.path("a.wav")).frames();
    assert_eq!(told["frames"], frames);
    assert_ne!(frames, 28_800);
    let network = "--steps 1 --solver midpoint --grid sway=0.3 --guidance 1 --temperature 0 --seed 3 --pitch -2";
    let args: Vec<&str> = network
        .split(' ')
        .chain([
            "in.wav",
            "-o",
            "b.wav",
            "--keep-pitch",
            "--keep-timing",
            "--style",
            "Hum",
        ])
        .collect();
    convert(&bench, &args).assert().success();
    assert_eq!(decoded(bench.path("b.wav")).frames(), 28_800);
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let bench = Bench::new();
    bench.write_audio("in.wav", &babble(0.2, 16_000, 1));
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.write("empty.wav", "");
    bench.write("corrupt.wav", b"RIFF\x10\0\0\0WAVEfmt ");
    bench.write("nan.f32", f32::NAN.to_le_bytes());
    bench.write("nothing.f32", "");
    bench.write("taken.wav", "precious");
    let before = bench.files();
    let cases: &[(&[&str], &[&str])] = &[
        (&["no.wav"], &["no.wav", "check the spelling"]),
        (&["empty.wav"], &["empty.wav", "empty"]),
        (&["corrupt.wav"], &["corrupt.wav"]),
        (
            &["in.wav", "-o", "taken.wav"],
            &["taken.wav already exists", "-y"],
        ),
        (
            &["in.wav", "-o", "no/out.wav"],
            &["no/out.wav", "does not exist"],
        ),
        (&["in.wav", "-o", "out.mp3"], &["out.mp3", ".wav, .flac"]),
        (&["in.wav", "-o", "empty"], &["empty"]),
        (&["in.wav", "in.wav"], &["2 inputs", "--out-dir"]),
        (&["empty"], &["empty", "--out-dir"]),
        (&["empty", "--out-dir", "out"], &["empty", "no sound file"]),
        (&["-", "--out-dir", "out"], &["`-`", "-o FILE"]),
        (&["in.wav", "--out-dir", "in.wav"], &["in.wav is no folder"]),
        (
            &["in.wav", "--keep-timing", "--retime"],
            &["cannot be used with"],
        ),
        (
            &["in.wav", "--retime", "--stereo", "keep"],
            &["--retime", "--stereo keep"],
        ),
        (&["in.wav", "--stereo", "swap"], &["mix, keep"]),
        (&["in.wav", "--steps", "0"], &["--steps", "1..=100"]),
        (&["in.wav", "--solver", "rk4"], &["euler or midpoint"]),
        (&["in.wav", "--grid", "log"], &["uniform, cosine"]),
        (&["in.wav", "--pitch", "30"], &["--pitch", "-24 to 24"]),
        (&["in.wav", "--style-text", "Hi."], &["--style"]),
        (
            &["in.wav", "--style", "Hum", "--style-text", "Hi."],
            &["--style-text", "Hum"],
        ),
        (&["in.wav", "--raw-format", "f32le"], &["--raw-rate"]),
        (
            &["in.wav", "--raw-rate", "8000", "--raw-format", "wav"],
            &["s16le or f32le"],
        ),
        (
            &["nan.f32", "--raw-rate", "8000", "--raw-format", "f32le"],
            &["nan.f32", "sample 0 is NaN"],
        ),
        (
            &["nothing.f32", "--raw-rate", "8000"],
            &["nothing.f32", "no samples"],
        ),
        (&["in.wav", "--model", "no"], &["no: no such folder"]),
        (&["in.wav", "--model", "empty"], &["empty", "config.json"]),
        (&[], &["<IN>"]),
    ];
    for (args, parts) in cases {
        let mut command = match args.contains(&"--model") {
            true => bench.syrinx(&["convert", "--voice", "Buzz", "--weights", &fixture("voice")]),
            false => convert(&bench, &[]),
        };
        let assert = command.args(*args).assert().code(2);
        one_error_line(&assert, parts);
        assert_eq!(bench.files(), before, "{args:?}");
    }
    let assert = bench.syrinx(&["convert", "in.wav"]).assert().code(2);
    one_error_line(&assert, &["--voice"]);
    let model = fixture("convert");
    let args = [
        "convert",
        "in.wav",
        "--voice",
        "Nobody",
        "--weights",
        &fixture("voice"),
        "--model",
        &model,
    ];
    one_error_line(&bench.syrinx(&args).assert().code(2), &["Nobody", "Buzz"]);
    // The sizes of the embedded voices are others.
    if cfg!(feature = "starter-voice") {
        let args = ["convert", "in.wav", "--voice", "wren", "--model", &model];
        one_error_line(
            &bench.syrinx(&args).assert().code(2),
            &["made for each other"],
        );
    }
    assert_eq!(bench.files(), before);
}

#[test]
fn damage_that_leaves_something_to_hear_is_a_warning() {
    let bench = Bench::new();
    let mut samples = babble(0.3, 16_000, 1).into_channels().remove(0);
    samples[1_000] = f32::NAN;
    let mut bytes: Vec<u8> = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0".to_vec();
    bytes.extend([16_000u32.to_le_bytes(), 64_000u32.to_le_bytes()].concat());
    bytes.extend(b"\x04\0\x20\0data");
    bytes.extend((4 * samples.len() as u32).to_le_bytes());
    bytes.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    let size = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    bench.write("in.wav", bytes);
    let assert = convert(&bench, &["in.wav", "-o", "out.wav"])
        .assert()
        .success();
    let told = stderr(&assert);
    assert!(
        told.contains("warning: in.wav: 1 samples that are no numbers"),
        "{told}"
    );
    assert_eq!(decoded(bench.path("out.wav")).frames(), 4_800);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_while_it_waits_for_its_input() {
    use std::process::{Command, Stdio};
    let bench = Bench::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_syrinx"))
        .current_dir(bench.path(""))
        .args([
            "convert",
            "-",
            "--raw-rate",
            "16000",
            "-o",
            "out.wav",
            "--voice",
            "Buzz",
        ])
        .args([
            "--weights",
            &fixture("voice"),
            "--model",
            &fixture("convert"),
        ])
        .env("SYRINX_VOICES", bench.home("voices"))
        .env("SYRINX_CACHE", bench.home("cache"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It has its part of a file once it waits for more input.
    for _ in 0..1_000 {
        if !bench.files().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(bench.files().len(), 1);
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(bench.files().is_empty(), "{:?}", bench.files());
}
