//! `syrinx say --batch`.

use crate::bench::{Bench, stderr, stdout};

const LINES: &str = r#"{"text": "One."}
{"text": "Two.", "output": "folder/two.flac", "speed": 1.5, "timing": "times/two.srt"}

not json
{"text": "?!"}
{"text": "Five.", "voice": "Nobody"}
{"text": "Six.", "output": "../six.wav"}
{"text": "Seven.", "output": "folder/two.flac"}
{"text": "Eight.", "output": "eight.wav"}
"#;

#[test]
fn a_failed_line_does_not_stop_the_rest_and_a_second_run_goes_on() {
    let bench = Bench::new();
    bench.write("lines.jsonl", LINES);
    let args = ["say", "--batch", "lines.jsonl", "--out-dir", "out"];
    let first = bench.syrinx(&args).assert().code(1);
    let told = stderr(&first);
    for (line, reason) in [
        (4, "not an entry"),
        (5, "nothing to say"),
        (6, "Nobody"),
        (7, "output folder"),
        (8, "earlier line"),
    ] {
        let place = format!("error: lines.jsonl:{line}: ");
        let found = told.lines().find(|told| told.starts_with(&place));
        assert!(
            found.is_some_and(|told| told.contains(reason)),
            "{line}: {told}"
        );
    }
    assert!(
        told.contains("3 done") && told.contains("5 failed"),
        "{told}"
    );
    for name in [
        "out/00001.wav",
        "out/folder/two.flac",
        "out/times/two.srt",
        "out/eight.wav",
    ] {
        assert!(bench.path(name).is_file(), "{name}");
    }
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 4);
    assert_eq!(
        std::fs::read_dir(bench.path("out/folder")).unwrap().count(),
        1
    );
    assert_eq!(bench.files(), ["lines.jsonl", "out"]);

    // What was lost is made again, what is there is left alone.
    std::fs::remove_file(bench.path("out/eight.wav")).unwrap();
    let before = modified(&bench, "out/00001.wav");
    let args = [&args[..], &["--json"]].concat();
    let second = bench.syrinx(&args).assert().code(1);
    let entries: Vec<serde_json::Value> = stdout(&second)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let status: Vec<_> = entries
        .iter()
        .map(|e| e["status"].as_str().unwrap_or("tally"))
        .collect();
    let failed = "failed";
    let expected = [
        "skipped", "skipped", failed, failed, failed, failed, failed, "done", "tally",
    ];
    assert_eq!(status, expected);
    assert_eq!(entries[8]["done"], 1);
    assert_eq!(modified(&bench, "out/00001.wav"), before);
}

#[test]
fn a_batch_without_failures_succeeds_from_standard_input() {
    let bench = Bench::new();
    let args = [
        "say",
        "--batch",
        "-",
        "--out-dir",
        "out",
        "--format",
        "flac",
    ];
    let assert = bench
        .syrinx(&args)
        .write_stdin("{\"text\": \"One.\"}\n")
        .assert()
        .success();
    assert!(stderr(&assert).contains("1 done"), "{}", stderr(&assert));
    assert!(bench.path("out/00001.flac").is_file());
}

fn modified(bench: &Bench, name: &str) -> std::time::SystemTime {
    bench.path(name).metadata().unwrap().modified().unwrap()
}
