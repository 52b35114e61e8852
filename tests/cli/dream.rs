//! `syrinx dream` and `syrinx likelihood` with a model of random weights.

use std::path::PathBuf;

use syrinx::audio::{Audio, Decoder};

use crate::bench::{Bench, one_error_line, stderr, stdout};

/// The built-in models, their rates and the samples they make unless told otherwise.
#[cfg(feature = "starter-dream")]
const LENGTHS: [(&str, u32, usize); 3] = [
    ("digits", 8_000, 3_392),
    ("words", 8_000, 3_392),
    ("piano", 8_000, 3_072),
];

/// The tiny model that the networks' own tests use; its inputs and outputs lie beside its weights.
fn fixture(bench: &Bench) -> PathBuf {
    let from = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/models/tests/fixtures/sashimi_snet.safetensors"
    );
    let all = candle_core::safetensors::load(from, &candle_core::Device::Cpu).unwrap();
    let weights = all.into_iter().filter(|(name, _)| !name.starts_with("io."));
    let weights: std::collections::HashMap<_, _> = weights.collect();
    let to = bench.path("model.safetensors");
    candle_core::safetensors::save(&weights, &to).unwrap();
    to
}

fn decoded(path: PathBuf) -> Audio {
    Decoder::open(path).unwrap().read_all().unwrap().audio
}

#[test]
fn clips_are_the_same_alone_in_a_batch_and_in_a_folder_model() {
    let bench = Bench::new();
    fixture(&bench);
    let model = [
        "dream",
        "--model",
        "model.safetensors",
        "--duration",
        "0.05",
        "-q",
    ];
    let dream = |more: &[&str]| {
        let args: Vec<&str> = model.iter().chain(more).copied().collect();
        bench.syrinx(&args).assert().success()
    };
    dream(&[
        "-o",
        "clip.wav",
        "--count",
        "3",
        "--seed",
        "4",
        "--batch-streams",
        "2",
    ]);
    dream(&["-o", "alone.wav", "--seed", "5"]);
    dream(&["-o", "one.wav", "--seed", "5", "--threads", "1"]);
    let clip = decoded(bench.path("clip-2.wav"));
    assert_eq!((clip.frames(), clip.rate_hz()), (800, 16_000));
    assert_eq!(clip, decoded(bench.path("alone.wav")));
    assert_eq!(clip, decoded(bench.path("one.wav")));
    assert_ne!(clip, decoded(bench.path("clip-3.wav")));
    assert!(clip.peak() > 0.0);
    // The same weights as a folder.
    bench.write(
        "config.json",
        r#"{"format": "syrinx-sashimi", "version": 1, "rate_hz": 8000}"#,
    );
    let args = [
        "dream",
        "--model",
        ".",
        "--duration",
        "0.1",
        "--seed",
        "5",
        "--json",
        "-o",
        "folder.flac",
    ];
    let assert = bench.syrinx(&args).assert().success();
    let told: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    assert_eq!(
        (told["frames"].as_u64(), told["rate_hz"].as_u64()),
        (Some(800), Some(8000))
    );
    assert!(told["bits_per_sample"].as_f64().unwrap() > 0.0);
    assert_eq!(
        decoded(bench.path("folder.flac")).channels(),
        clip.channels()
    );
}

#[test]
fn a_stream_a_continuation_and_the_best_of_several() {
    let bench = Bench::new();
    fixture(&bench);
    let model = [
        "dream",
        "--model",
        "model.safetensors",
        "--duration",
        "0.05",
    ];
    let dream = |more: &[&str]| {
        let args: Vec<&str> = model.iter().chain(more).copied().collect();
        bench.syrinx(&args).assert().success()
    };
    let piped = dream(&["--raw"]).get_output().stdout.clone();
    assert_eq!(piped.len(), 1600);
    dream(&["-o", "start.wav", "--seed", "1"]);
    dream(&[
        "-o",
        "on.wav",
        "--continue",
        "start.wav",
        "--temperature",
        "0.8",
        "--top-p",
        "0.9",
    ]);
    assert_eq!(decoded(bench.path("on.wav")).frames(), 1600);
    dream(&["-o", "best.wav", "--count", "4", "--keep-best", "0.5"]);
    let best: Vec<_> = bench
        .files()
        .into_iter()
        .filter(|f| f.starts_with("best-"))
        .collect();
    assert_eq!(best.len(), 2, "{best:?}");
    // They are the likeliest of the four, as the model judges them.
    let bits = |seed: &str| -> f64 {
        let told = dream(&["-y", "-o", "x.wav", "--seed", seed, "--json"]);
        let told: serde_json::Value = serde_json::from_str(&stdout(&told)).unwrap();
        told["bits_per_sample"].as_f64().unwrap()
    };
    let mut order: Vec<(f64, String)> = (0..4)
        .map(|n| (bits(&n.to_string()), format!("best-{}.wav", n + 1)))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut expected: Vec<String> = order[..2].iter().map(|(_, name)| name.clone()).collect();
    expected.sort();
    assert_eq!(best, expected);
}

#[test]
fn likelihoods_are_listed_for_people_and_programs() {
    let bench = Bench::new();
    fixture(&bench);
    let tone: Vec<f32> = (0..1200).map(|t| (t as f32 * 0.2).sin() * 0.3).collect();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 24_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    for (name, gain) in [("a.wav", 1.0), ("b.wav", 0.25), ("silent.wav", 0.0)] {
        let mut writer = hound::WavWriter::create(bench.path(name), spec).unwrap();
        for x in &tone {
            writer.write_sample((x * gain * 32767.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
    }
    let args = [
        "likelihood",
        "--model",
        "model.safetensors",
        "a.wav",
        "b.wav",
    ];
    let text = stdout(&bench.syrinx(&args).assert().success());
    let bits: Vec<f64> = text
        .lines()
        .map(|line| line.split("  ").next().unwrap().parse().unwrap())
        .collect();
    assert!(text.lines().nth(1).unwrap().ends_with("b.wav"), "{text}");
    // An untrained model is no better than guessing, and the level of a clip does not matter.
    assert!(bits.iter().all(|bits| (6.0..12.0).contains(bits)), "{text}");
    assert!((bits[0] - bits[1]).abs() < 0.2, "{text}");
    let args = [
        "likelihood",
        "--json",
        "--model",
        "model.safetensors",
        "a.wav",
        "silent.wav",
    ];
    let assert = bench.syrinx(&args).assert().code(1);
    let line: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    assert!((line["bits_per_sample"].as_f64().unwrap() - bits[0]).abs() < 1e-3);
    assert!(
        stderr(&assert).contains("silent.wav: the clip is silent"),
        "{}",
        stderr(&assert)
    );
}

#[test]
fn what_cannot_be_dreamt_is_one_line() {
    let bench = Bench::new();
    bench.write("model.bin", "no model");
    bench.write(
        "config.json",
        r#"{"format": "syrinx-starter-voice", "version": 1}"#,
    );
    for (args, code, parts) in [
        (
            &["dream", "--model", "nothing.pt"][..],
            1,
            &["nothing.pt"][..],
        ),
        (&["likelihood", "a.wav"], 1, &["a.wav"]),
        (
            &["dream", "--model", "drums"],
            2,
            &["drums", "(digits, words, piano)"],
        ),
        (
            &["likelihood", "--model", "drums", "a.wav"],
            2,
            &["drums", "(digits, words, piano)"],
        ),
        (&["dream", "--linear"], 2, &["digits", "bare checkpoints"]),
        (
            &["dream", "--model", "model.bin"],
            1,
            &["model.bin", "expected"],
        ),
        (
            &["dream", "--model", "."],
            2,
            &["syrinx-sashimi", "syrinx-starter-voice"],
        ),
        (
            &["dream", "--model", "x", "--count", "2", "-o", "-"],
            2,
            &["numbered files"],
        ),
        (&["dream", "--model", "x", "--top-p", "0"], 2, &["above 0"]),
        (
            &["dream", "--model", "x", "--duration", "0"],
            2,
            &["seconds"],
        ),
        (
            &["dream", "--model", "x", "--keep-best", "2"],
            2,
            &["up to 1"],
        ),
    ] {
        let assert = bench.syrinx(args).assert().code(code);
        one_error_line(&assert, parts);
    }
    assert_eq!(bench.files(), ["config.json", "model.bin"]);
}

/// The built-in models need neither a file nor a network, and take their length from their own files.
#[cfg(feature = "starter-dream")]
#[test]
fn the_built_in_models_dream() {
    let bench = Bench::new();
    let list = stdout(&bench.syrinx(&["dream", "--list"]).assert().success());
    assert_eq!(list, "digits\nwords\npiano\n");
    for (name, rate_hz, frames) in LENGTHS {
        let made = |args: &[&str]| {
            let model = ["dream", "--model", name, "--seed", "5", "-q", "-y"];
            let model = [&model, args].concat();
            bench.syrinx(&model).assert().success();
            decoded(bench.path(args[args.len() - 1]))
        };
        let part = made(&["--duration", "0.1", "-o", "part.wav"]);
        let whole = made(&["-o", "whole.wav"]);
        assert_eq!((whole.frames(), whole.rate_hz()), (frames, rate_hz));
        assert!(whole.peak() > 0.1, "{name}: {}", whole.peak());
        assert_eq!(part.frames(), rate_hz as usize / 10);
        assert_eq!(part.channels()[0][..], whole.channels()[0][..part.frames()]);
        // A clip is stretched to full scale before it is read, as in training: these are not the codes it was made of, and
        // may seem unlikely.
        let told = bench
            .syrinx(&["likelihood", "--model", name, "whole.wav"])
            .assert()
            .success();
        let bits = stdout(&told);
        let bits: f64 = bits.split_whitespace().next().unwrap().parse().unwrap();
        assert!((0.1..20.0).contains(&bits), "{name}: {bits}");
    }
}

/// Without a name it is the digits.
#[cfg(feature = "starter-dream")]
#[test]
fn digits_are_the_default() {
    let bench = Bench::new();
    for (name, more) in [("a.wav", &[][..]), ("b.wav", &["--model", "digits"])] {
        let args = ["dream", "-q", "--duration", "0.05", "-o", name];
        bench.syrinx(&[&args, more].concat()).assert().success();
    }
    assert_eq!(decoded(bench.path("a.wav")), decoded(bench.path("b.wav")));
}

/// The README names every flag of both.
#[test]
fn the_readme_names_the_flags() {
    let readme = include_str!("../../README.md");
    let bench = Bench::new();
    for command in ["dream", "likelihood"] {
        let help = stdout(&bench.syrinx(&[command, "--help"]).assert().success());
        for flag in help.split("--").skip(1) {
            let end = |c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-';
            let flag = flag.split(end).next().unwrap_or_default();
            assert!(
                flag.is_empty()
                    || ["help", "version"].contains(&flag)
                    || readme.contains(&format!("--{flag}")),
                "README.md says nothing of --{flag}"
            );
        }
    }
}
