//! `phonemize`, `voices`, `completions`, `--version`.

use crate::bench::{Bench, one_error_line, stderr, stdout};

#[test]
fn phonemize_shows_what_would_be_said() {
    let bench = Bench::new();
    let american = bench
        .syrinx(&["phonemize", "Dr. Smith paid $3.50."])
        .assert()
        .success();
    assert_eq!(
        stdout(&american),
        "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts.\n"
    );
    assert_eq!(stderr(&american), "");
    let british = bench
        .syrinx(&["phonemize", "--dialect", "british", "Car."])
        .assert()
        .success();
    assert!(!stdout(&british).contains('ɹ'), "{}", stdout(&british));
}

#[test]
fn phonemize_reads_lines_and_passes_blank_ones_over() {
    let bench = Bench::new();
    let assert = bench
        .syrinx(&["phonemize"])
        .write_stdin("One.\n\nTwo.\n")
        .assert()
        .success();
    assert_eq!(stdout(&assert).lines().count(), 2);
    let assert = bench
        .syrinx(&["phonemize"])
        .write_stdin(b"a\xff".to_vec())
        .assert()
        .code(2);
    one_error_line(&assert, &["byte 1"]);
}

#[test]
fn phonemize_tells_words_and_their_places_as_json() {
    let bench = Bench::new();
    bench.write("words.lex", "zorp\tzˈɔɹp\n");
    let text = "A zorp costs $5 \u{1f600}";
    let args = ["phonemize", "--json", "--lexicon", "words.lex", text];
    let assert = bench.syrinx(&args).assert().success();
    let sentence: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    let words = sentence["words"].as_array().unwrap();
    assert_eq!(words[1]["phonemes"], "zˈɔɹp");
    let span = |word: &serde_json::Value| {
        let at = |i: usize| word["span"][i].as_u64().unwrap() as usize;
        text[at(0)..at(1)].to_owned()
    };
    assert_eq!(span(&words[1]), "zorp");
    assert_eq!(span(words.last().unwrap()), "$5");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    // Far more than a pipe holds, read by nobody.
    let bench = Bench::new();
    bench.write("long.txt", "This is a sentence.\n\n".repeat(20_000));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_syrinx"))
        .args(["phonemize", "-i", "long.txt"])
        .current_dir(bench.path("."))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_version_tells_features_and_licence() {
    let bench = Bench::new();
    let assert = bench.syrinx(&["--version"]).assert().success();
    let text = stdout(&assert);
    assert!(
        text.starts_with(concat!("syrinx ", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    assert!(
        text.contains("features: ") && text.contains("Apache-2.0 OR MIT"),
        "{text}"
    );
    assert_eq!(
        text.contains("starter-voice"),
        cfg!(feature = "starter-voice")
    );
}

#[test]
fn completions_name_the_subcommands() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let assert = bench.syrinx(&["completions", shell]).assert().success();
        assert!(stdout(&assert).contains("phonemize"), "{shell}");
    }
}

#[test]
fn help_is_there_for_every_subcommand() {
    let bench = Bench::new();
    for args in [
        &["--help"][..],
        &["say", "--help"],
        &["voices", "-h"],
        &["phonemize", "-h"],
    ] {
        let assert = bench.syrinx(args).assert().success();
        assert!(stdout(&assert).contains("Usage: syrinx"), "{args:?}");
    }
    let assert = bench.syrinx(&[]).assert().code(2);
    assert!(stderr(&assert).contains("Usage: syrinx"));
}

/// The README names every flag of `say` and every voice, and no flag there is not.
#[test]
fn the_readme_is_complete() {
    let bench = Bench::new();
    let readme = include_str!("../../README.md");
    let help = stdout(&bench.syrinx(&["say", "--help"]).assert().success());
    let flag = |text: &str| -> String {
        let end = |c: char| !c.is_ascii_lowercase() && c != '-';
        text.split(end).next().unwrap_or_default().to_owned()
    };
    let flags: Vec<String> = help.split("--").skip(1).map(flag).collect();
    for flag in flags
        .iter()
        .filter(|flag| !["", "help", "version"].contains(&flag.as_str()))
    {
        assert!(
            readme.contains(&format!("--{flag}")),
            "README.md says nothing of --{flag}"
        );
    }
    let table = readme.split("### Voices").next().unwrap();
    for named in table.split("`--").skip(1).map(flag) {
        assert!(
            flags.contains(&named),
            "README.md tells of --{named}, which is not there"
        );
    }
}

#[cfg(feature = "starter-voice")]
#[test]
fn voices_are_listed_for_people_and_for_programs() {
    let bench = Bench::new();
    let assert = bench.syrinx(&["voices", "--json"]).assert().success();
    let voices: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    let voices = voices.as_array().unwrap();
    assert!(voices.len() >= 8, "{}", voices.len());
    for key in ["sex", "accent"] {
        let kinds: std::collections::HashSet<_> = voices.iter().map(|v| v[key].as_str()).collect();
        assert_eq!(kinds.len(), 2, "{key}: {kinds:?}");
    }
    let table = stdout(&bench.syrinx(&["voices"]).assert().success());
    for voice in voices {
        let name = voice["name"].as_str().unwrap();
        assert!(
            table.lines().any(|line| line.starts_with(name)),
            "{name}: {table}"
        );
        let description = voice["description"].as_str().unwrap();
        assert!(!description.is_empty(), "{name}");
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&format!("| {name} | {}", voice["sex"].as_str().unwrap())),
            "{name}"
        );
    }
}
