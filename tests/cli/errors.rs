//! What cannot be done: one line that says why, the right exit code, nothing left behind.

use crate::bench::{Bench, one_error_line};

/// Flags that make no sense never get as far as loading anything.
#[test]
fn flags_out_of_range_are_usage_errors() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["say", "a", "--speed", "9"], &["--speed", "0.25 to 4"]),
        (&["say", "a", "--speed", "fast"], &["--speed", "0.25 to 4"]),
        (&["say", "a", "--pitch=-30"], &["--pitch", "-24 to 24"]),
        (&["say", "a", "--temperature", "-1"], &["--temperature"]),
        (&["say", "a", "--volume", "100"], &["--volume", "-60 to 24"]),
        (&["say", "a", "--threads", "0"], &["--threads", "1..=512"]),
        (&["say", "a", "--device", "tpu"], &["--device", "cpu"]),
        (&["say", "a", "--format", "mp3"], &["--format", "wav24"]),
        (&["say", "a", "--colour"], &["--colour"]),
        (&["say", "a", "-i", "b.txt"], &["cannot be used with"]),
        (
            &["say", "a", "--batch", "b.jsonl", "--out-dir", "."],
            &["cannot be used with"],
        ),
        (&["say", "--batch", "b.jsonl"], &["--out-dir"]),
        (
            &["say", "a", "--raw", "--format", "wav"],
            &["cannot be used with"],
        ),
        (&["say", "a", "--timing", "a.txt"], &[".srt, .vtt or .json"]),
        (&["say", "a", "-o", "a.mp3"], &["a.mp3", ".wav, .flac"]),
        (&["say", "a", "-o", "a"], &["no file ending"]),
        (&["sing"], &["sing"]),
        (&["completions", "cobol"], &["bash"]),
        (
            &["phonemize", "a", "--dialect", "welsh"],
            &["american, british"],
        ),
    ];
    for (args, parts) in cases {
        let bench = Bench::new();
        let assert = bench.syrinx(args).assert().code(2);
        one_error_line(&assert, parts);
        assert!(
            bench.files().is_empty(),
            "{args:?} left {:?}",
            bench.files()
        );
    }
}

#[test]
fn an_existing_file_is_not_replaced_unasked() {
    let bench = Bench::new();
    bench.write("speech.wav", "precious");
    let assert = bench.syrinx(&["say", "Hello."]).assert().code(2);
    one_error_line(&assert, &["speech.wav already exists", "-y"]);
    bench.write("a.srt", "precious too");
    let args = ["say", "Hello.", "-o", "a.wav", "--timing", "a.srt"];
    let assert = bench.syrinx(&args).assert().code(2);
    one_error_line(&assert, &["a.srt already exists"]);
    assert_eq!(
        std::fs::read(bench.path("speech.wav")).unwrap(),
        b"precious"
    );
    assert_eq!(bench.files(), ["a.srt", "speech.wav"]);
}

#[test]
fn a_missing_or_malformed_input_file_is_named() {
    let bench = Bench::new();
    let assert = bench.syrinx(&["say", "-i", "no.txt"]).assert().code(2);
    one_error_line(&assert, &["no.txt", "check the spelling"]);

    bench.write("latin1.txt", b"Ol\xe9!");
    let assert = bench.syrinx(&["say", "-i", "latin1.txt"]).assert().code(2);
    one_error_line(&assert, &["latin1.txt", "not UTF-8", "byte 2"]);

    bench.write("words.lex", "tomato\n");
    let args = ["say", "Hello.", "--lexicon", "words.lex"];
    let assert = bench.syrinx(&args).assert().code(2);
    one_error_line(&assert, &["words.lex:1:"]);

    let assert = bench
        .syrinx(&["say", "--batch", "no.jsonl", "--out-dir", "out"])
        .assert()
        .code(2);
    one_error_line(&assert, &["no.jsonl"]);
    assert_eq!(bench.files(), ["latin1.txt", "words.lex"]);
}

#[test]
fn a_megabyte_without_a_space_is_no_text() {
    let bench = Bench::new();
    bench.write("data.txt", "a".repeat(1_000_000));
    let assert = bench.syrinx(&["say", "-i", "data.txt"]).assert().code(2);
    one_error_line(&assert, &["data.txt", "a word of 1000000 bytes at byte 0"]);
    let assert = bench
        .syrinx(&["phonemize", "-i", "data.txt"])
        .assert()
        .code(2);
    one_error_line(&assert, &["a word of 1000000 bytes"]);
    assert_eq!(bench.files(), ["data.txt"]);
}

#[test]
fn weights_that_are_not_there_are_named() {
    let bench = Bench::new();
    let args = ["say", "Hello.", "--weights", "no-such-folder"];
    let assert = bench.syrinx(&args).assert().failure();
    one_error_line(&assert, &["no-such-folder"]);
    assert!(bench.files().is_empty());
}

#[cfg(feature = "starter-voice")]
mod with_weights {
    use super::*;
    use crate::bench::weights;
    use std::path::Path;

    /// Text with nothing to say, on every way in.
    #[test]
    fn nothing_to_say() {
        for text in ["", "   ", "?!… —", "\u{1f600}"] {
            let bench = Bench::new();
            let assert = bench.syrinx(&["say", text]).assert().code(2);
            one_error_line(&assert, &["nothing to say"]);
            let assert = bench.syrinx(&["say"]).write_stdin(text).assert().code(2);
            one_error_line(&assert, &["nothing to say"]);
            assert!(bench.files().is_empty(), "{text:?}");
        }
    }

    #[test]
    fn text_on_standard_input_that_is_not_utf8() {
        let bench = Bench::new();
        let input = b"A line.\nCaf\xe9.\n".to_vec();
        let assert = bench.syrinx(&["say"]).write_stdin(input).assert().code(2);
        one_error_line(&assert, &["standard input", "not UTF-8", "byte 11"]);
        assert!(bench.files().is_empty());
    }

    #[test]
    fn an_unknown_voice() {
        let bench = Bench::new();
        let assert = bench
            .syrinx(&["say", "Hello.", "--voice", "Nobody"])
            .assert()
            .code(2);
        one_error_line(&assert, &["Nobody"]);
        assert!(bench.files().is_empty());
    }

    #[test]
    fn a_place_that_cannot_be_written() {
        let bench = Bench::new();
        let assert = bench
            .syrinx(&["say", "Hello.", "-o", "no/such/a.wav"])
            .assert()
            .code(1);
        one_error_line(&assert, &["no/such/a.wav", "create it first"]);
        let args = ["say", "Hello.", "--timing", "no/such/a.srt"];
        let assert = bench.syrinx(&args).assert().code(1);
        one_error_line(&assert, &["no/such/a.srt", "create it first"]);
        std::fs::create_dir(bench.path("folder.wav")).unwrap();
        let assert = bench
            .syrinx(&["say", "Hello.", "-o", "folder.wav"])
            .assert()
            .code(1);
        one_error_line(&assert, &["folder.wav", "not a folder"]);
        assert_eq!(bench.files(), ["folder.wav"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk() {
        let bench = Bench::new();
        let assert = bench
            .syrinx(&["say", "Hello.", "-o", "/dev/full", "--format", "wav"])
            .assert();
        let assert = assert.code(1);
        one_error_line(&assert, &["/dev/full"]);
    }

    #[test]
    fn malformed_ssml() {
        let bench = Bench::new();
        let args = [
            "say",
            "--ssml",
            "<speak>Hello <break time=\"soon\"/></speak>",
        ];
        let assert = bench.syrinx(&args).assert().code(2);
        one_error_line(&assert, &["SSML line 1"]);
        let assert = bench
            .syrinx(&["say", "--ssml"])
            .write_stdin("<speak>Hello")
            .assert()
            .code(2);
        one_error_line(&assert, &["SSML"]);
        assert!(bench.files().is_empty());
    }

    #[test]
    fn a_truncated_and_a_wrong_checkpoint() {
        let bench = Bench::new();
        let copy = bench.path("weights");
        copy_folder(&weights(), &copy);
        let acoustic = std::fs::read(copy.join("acoustic.safetensors")).unwrap();
        for length in [0, 7, 1000, acoustic.len() / 2, acoustic.len() - 1] {
            std::fs::write(copy.join("acoustic.safetensors"), &acoustic[..length]).unwrap();
            let args = ["say", "Hello.", "-o", "a.wav", "--weights", "weights"];
            let assert = bench.syrinx(&args).assert().code(1);
            one_error_line(&assert, &["acoustic.safetensors"]);
        }
        std::fs::copy(
            copy.join("vocoder.safetensors"),
            copy.join("acoustic.safetensors"),
        )
        .unwrap();
        let args = ["say", "Hello.", "-o", "a.wav", "--weights", "weights"];
        let assert = bench.syrinx(&args).assert().code(1);
        one_error_line(
            &assert,
            &["acoustic.safetensors", "checkpoint of another model"],
        );
        assert_eq!(bench.files(), ["weights"]);
    }

    fn copy_folder(from: &Path, to: &Path) {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}
