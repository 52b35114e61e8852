//! `syrinx voices add`, `remove` and `info`.

use crate::bench::{Bench, one_error_line, stdout};
use crate::recording::{entries, speech, take, write};

#[test]
fn a_voice_is_stored_listed_used_and_removed() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    let args = [
        "voices", "add", "Anna", "me.wav", "--sex", "female", "--accent", "british",
    ];
    let args = [&args[..], &["--description", "My own."]].concat();
    bench.syrinx(&args).assert().success();
    assert_eq!(entries(&bench.home("voices")).len(), 1);

    let list = stdout(&bench.syrinx(&["voices"]).assert().success());
    let line = list.lines().find(|line| line.starts_with("Anna")).unwrap();
    assert!(
        line.contains("British") && line.contains("My own."),
        "{line}"
    );
    let json = stdout(&bench.syrinx(&["voices", "--json"]).assert().success());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let anna = json.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&anna["name"], &anna["stored"]),
        (&"Anna".into(), &true.into())
    );

    let info = stdout(
        &bench
            .syrinx(&["voices", "info", "anna", "--json"])
            .assert()
            .success(),
    );
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    let seconds = info["speech_s"].as_f64().unwrap();
    assert!(
        (2.0..speech().duration() + 0.5).contains(&seconds),
        "{info}"
    );
    assert_eq!(
        info["sources"][0]["clip"],
        bench
            .path("me.wav")
            .canonicalize()
            .unwrap()
            .to_str()
            .unwrap()
    );
    assert!(
        (80.0..160.0).contains(&info["median_f0_hz"].as_f64().unwrap()),
        "{info}"
    );
    let told = stdout(&bench.syrinx(&["voices", "info", "Anna"]).assert().success());
    assert!(
        told.contains("made from: ") && told.contains("created: 20"),
        "{told}"
    );

    // The name says what the clip says, in any case, by SSML too.
    let say = |voice: &[&str], name: &str| {
        let args = [&["say", "Good morning.", "-q", "-o", name][..], voice].concat();
        bench.syrinx(&args).assert().success();
        std::fs::read(bench.path(name)).unwrap()
    };
    let by_clip = say(&["-v", "me.wav", "--accent", "british"], "1.wav");
    assert_eq!(say(&["-v", "ANNA"], "2.wav"), by_clip);
    let ssml = "<speak><voice name=\"anna\">Good morning.</voice></speak>";
    bench
        .syrinx(&["say", "--ssml", ssml, "-q", "-o", "3.wav"])
        .assert()
        .success();

    let again = bench
        .syrinx(&["voices", "add", "anna", "me.wav"])
        .assert()
        .code(2);
    one_error_line(&again, &["anna", "--force"]);
    bench
        .syrinx(&["voices", "add", "anna", "me.wav", "--force"])
        .assert()
        .success();
    bench
        .syrinx(&["voices", "remove", "Anna"])
        .assert()
        .success();
    assert!(entries(&bench.home("voices")).is_empty());
    let gone = bench.syrinx(&["say", "Hi.", "-v", "Anna"]).assert().code(2);
    one_error_line(&gone, &["no voice is called \"Anna\""]);
}

#[test]
fn what_makes_no_stored_voice() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    std::fs::write(bench.path("b.wav"), "this is text").unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["add", "wren", "me.wav"], &["wren", "built-in"]),
        (
            &["add", "../x", "me.wav"],
            &["\"../x\"", "cannot be a voice's name"],
        ),
        (
            &["add", "x", "me.wav", "b.wav"],
            &["b.wav", "no audio file"],
        ),
        (
            &["add", "x", "me.wav", "none.wav"],
            &["none.wav", "check the spelling"],
        ),
        (
            &[
                "add",
                "x",
                "me.wav",
                "--prosody-text",
                "A.",
                "--prosody-text",
                "B.",
            ],
            &["2 --prosody-text for 1 clips"],
        ),
        (&["add", "x"], &["CLIP"]),
        (&["remove", "wren"], &["wren", "built-in"]),
        (&["remove", "nobody"], &["nobody"]),
        (&["info", "nobody"], &["nobody"]),
    ];
    for (args, parts) in cases {
        let args = [&["voices"][..], args].concat();
        one_error_line(&bench.syrinx(&args).assert().code(2), parts);
        assert!(entries(&bench.home("voices")).is_empty(), "{args:?}");
    }
}

#[test]
fn a_voice_of_another_model_is_made_again_or_refused() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/voice");
    bench
        .syrinx(&["voices", "add", "anna", "me.wav", "--weights", tiny])
        .assert()
        .success();
    let say = ["say", "Hello.", "-v", "anna", "-y", "-q", "-o", "a.wav"];
    bench.syrinx(&say).assert().success();
    // It has been kept for this model; now it is made for the other one, and its clip is gone.
    bench
        .syrinx(&[
            "voices",
            "add",
            "anna",
            "me.wav",
            "--weights",
            tiny,
            "--force",
        ])
        .assert()
        .success();
    std::fs::remove_file(bench.path("me.wav")).unwrap();
    one_error_line(
        &bench.syrinx(&say).assert().code(2),
        &["anna was made for another model", "me.wav", "voices add"],
    );
}
