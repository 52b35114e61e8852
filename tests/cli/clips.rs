//! Clips that make no voice, or an odd one.

use syrinx::audio::Audio;

use crate::bench::{Bench, one_error_line, stderr, stdout};
use crate::recording::{speech, take, write};

#[test]
fn what_cannot_be_a_voice_is_told() {
    let bench = Bench::new();
    write(&bench.path("me.wav"), &take(24_000, 1.0, 1));
    let short = Audio::mono(speech().channels()[0][12_000..13_200].to_vec(), 24_000);
    write(&bench.path("short.wav"), &short);
    write(
        &bench.path("silent.wav"),
        &Audio::mono(vec![0.0; 48_000], 24_000),
    );
    std::fs::write(bench.path("empty.wav"), b"").unwrap();
    std::fs::write(bench.path("text.wav"), "Dear diary. ".repeat(100)).unwrap();
    std::fs::create_dir(bench.path("folder.wav")).unwrap();
    let whole = std::fs::read(bench.path("me.wav")).unwrap();
    std::fs::write(bench.path("corrupt.wav"), &whole[..30]).unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["short.wav"], &["short.wav", "give at least 1 s"]),
        (&["silent.wav"], &["silent.wav", "silent"]),
        (&["empty.wav"], &["empty.wav", "empty"]),
        (&["text.wav"], &["text.wav", "no audio file"]),
        (&["folder.wav"], &["folder.wav", "not a folder"]),
        (&["corrupt.wav"], &["corrupt.wav"]),
        (&["./none"], &["none", "check the spelling"]),
        (&["me.wav", "silent.wav"], &["silent.wav"]),
        (&["me.wav", "wren"], &["wren", "me.wav", "give one name"]),
        (&["lark", "wren"], &["lark, wren", "give one"]),
        (&["lark", "--accent", "british"], &["--accent", "lark"]),
        (&["me.wav", "--prosody-mix", "0.5"], &["--prosody"]),
        (
            &["me.wav", "--prosody", "wren", "--prosody-mix", "2"],
            &["--prosody-mix", "0 to 1"],
        ),
        (
            &["me.wav", "--prosody", "wren", "--prosody-text", "Hi."],
            &["--prosody-text", "wren"],
        ),
    ];
    let before = bench.files();
    for (values, parts) in cases {
        let mut args = vec!["say", "Hello.", "-o", "out.wav"];
        for value in values.iter() {
            if values[0] != *value
                && (value.starts_with("--")
                    || args.last().is_some_and(|last| last.starts_with("--")))
            {
                args.push(value);
            } else {
                args.extend(["-v", value]);
            }
        }
        let assert = bench.syrinx(&args).assert().code(2);
        one_error_line(&assert, parts);
        assert_eq!(bench.files(), before, "{args:?}");
    }
}

#[test]
fn what_is_odd_about_a_clip_is_told_and_spoken_with_all_the_same() {
    let bench = Bench::new();
    let mut clipped = take(24_000, 20.0, 1).into_channels().remove(0);
    clipped.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
    write(&bench.path("clipped.wav"), &Audio::mono(clipped, 24_000));
    let chord =
        |t: f32| [262.0, 330.0, 392.0].map(|hz: f32| (std::f32::consts::TAU * hz * t).sin());
    let music = (0..96_000).map(|i| 0.1 * chord(i as f32 / 24e3).iter().sum::<f32>());
    write(
        &bench.path("music.wav"),
        &Audio::mono(music.collect(), 24_000),
    );
    let mut cut = std::fs::read(write(&bench.path("cut.wav"), speech())).unwrap();
    cut.truncate(cut.len() * 3 / 4);
    std::fs::write(bench.path("cut.wav"), cut).unwrap();
    for (name, part) in [
        ("clipped.wav", "are clipped"),
        ("music.wav", "does not sound like speech"),
        ("cut.wav", "cut off"),
    ] {
        let args = ["say", "Hello.", "-v", name, "-y", "-o", "out.wav"];
        let told = stderr(&bench.syrinx(&args).assert().success());
        let warning = format!("warning: {name}: ");
        assert!(
            told.contains(&warning) && told.contains(part),
            "{name}: {told}"
        );
        let quiet = [&args[..], &["-q"]].concat();
        assert_eq!(stderr(&bench.syrinx(&quiet).assert().success()), "");
    }
}

/// Three hours: as much as is used, in bounded memory.
#[test]
fn a_file_of_three_hours_is_not_read_whole() {
    let bench = Bench::new();
    let voice = take(8_000, 1.0, 1).into_channels().remove(0);
    let spoken: Vec<f32> = voice.iter().copied().cycle().take(8_000 * 1_000).collect();
    let path = write(&bench.path("long.wav"), &Audio::mono(spoken, 8_000));
    // The rest is silence, which a file system stores for nothing.
    let bytes = 3 * 3600 * 8_000 * 2u32;
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(u64::from(bytes) + 44).unwrap();
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = &file;
        for (at, size) in [(4, bytes + 36), (40, bytes)] {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&size.to_le_bytes()).unwrap();
        }
    }
    let args = ["say", "Hello.", "-v", "long.wav", "-o", "a.wav", "--json"];
    let assert = bench.syrinx(&args).assert().success();
    assert!(
        stderr(&assert).contains("first 10 minutes"),
        "{}",
        stderr(&assert)
    );
    let told: serde_json::Value = serde_json::from_str(&stdout(&assert)).unwrap();
    if let Some(mib) = told["peak_memory_mib"].as_f64() {
        // Three hours of samples alone would be 1000 MiB.
        assert!(mib < 600.0, "{mib} MiB");
    }
}
