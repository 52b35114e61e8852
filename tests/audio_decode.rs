//! What is read, what is refused, and what is said about it.
//!
//! The fixtures are made by `fixtures/audio/make.sh`.

use std::path::PathBuf;

use syrinx::audio::{Audio, Decoder, Flaw, OutputFormat, Spec, Writer};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/audio")
        .join(name)
}

/// Frames in 0.16 s at 22,050 Hz.
const FRAMES: usize = 3_528;

/// Amplitude of the sine of `hertz` in the middle of `samples`.
fn amplitude(samples: &[f32], hertz: f64, rate_hz: u32) -> f64 {
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
    for (t, &x) in middle.iter().enumerate() {
        let window = 0.5 - 0.5 * (std::f64::consts::TAU * t as f64 / middle.len() as f64).cos();
        let phase = std::f64::consts::TAU * hertz * t as f64 / f64::from(rate_hz);
        re += window * f64::from(x) * phase.cos();
        im += window * f64::from(x) * phase.sin();
        weight += window;
    }
    2.0 * (re * re + im * im).sqrt() / weight
}

#[test]
fn every_format_gives_the_tones_it_was_made_of() {
    // (file, codec, exact length, tolerance of the amplitude)
    let files = [
        // LAME scales its input by 0.95.
        ("stereo.mp3", "mp3", true, 0.03),
        ("stereo.ogg", "vorbis", true, 0.02),
        ("stereo.mkv", "vorbis", false, 0.02),
        ("stereo.m4a", "aac", false, 0.04),
        ("stereo.aac", "aac", false, 0.04),
        ("alac.m4a", "alac", true, 1e-3),
        ("stereo.flac", "flac", true, 1e-3),
        ("stereo.aiff", "pcm_s16be", true, 1e-3),
        ("stereo.caf", "pcm_s16le", true, 1e-3),
        ("extensible.wav", "pcm_s24le", true, 1e-3),
        ("s32.wav", "pcm_s32le", true, 1e-3),
        ("u8.wav", "pcm_u8", true, 0.01),
        ("alaw.wav", "pcm_alaw", true, 0.01),
        ("adpcm_ms.wav", "adpcm_ms", false, 0.02),
        ("adpcm_ima.wav", "adpcm_ima_wav", false, 0.02),
    ];
    for (name, codec, exact, tolerance) in files {
        let decoder = Decoder::open(fixture(name)).unwrap();
        assert_eq!(decoder.codec(), codec, "{name}");
        assert_eq!(
            decoder.spec(),
            Spec {
                rate_hz: 22_050,
                channels: 2
            },
            "{name}"
        );
        let decoded = decoder.read_all().unwrap();
        assert_eq!(decoded.flaws, [], "{name}");
        let frames = decoded.audio.frames();
        if exact {
            assert_eq!(frames, FRAMES, "{name}");
        } else {
            assert!(
                (FRAMES..FRAMES + 3 * 1_152).contains(&frames),
                "{name}: {frames}"
            );
        }
        for (channel, hertz, level) in [(0, 440.0, 0.5), (1, 660.0, 0.25)] {
            let found = amplitude(&decoded.audio.channels()[channel], hertz, 22_050);
            assert!(
                (found - level).abs() < tolerance,
                "{name} channel {channel}: {found}"
            );
        }
    }
    let mono = Decoder::open(fixture("mono.mp3"))
        .unwrap()
        .read_all()
        .unwrap()
        .audio;
    assert_eq!((mono.spec().channels, mono.frames()), (1, FRAMES));
}

#[test]
fn a_pipe_decodes_like_the_file() {
    for name in [
        "stereo.mp3",
        "stereo.ogg",
        "stereo.m4a",
        "stereo.flac",
        "s32.wav",
        "stereo.mkv",
    ] {
        let file = Decoder::open(fixture(name))
            .unwrap()
            .read_all()
            .unwrap()
            .audio;
        let bytes = std::fs::read(fixture(name)).unwrap();
        let memory = Decoder::from_bytes(name, bytes.clone())
            .unwrap()
            .read_all()
            .unwrap();
        assert_eq!(memory.audio, file, "{name}");
        let pipe = Decoder::from_reader(name, std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(pipe.read_all().unwrap().audio, file, "{name}");
    }
}

#[test]
fn a_limit_bounds_what_is_read() {
    let decoder = Decoder::open(fixture("stereo.flac")).unwrap();
    assert!((decoder.duration().unwrap() - 0.16).abs() < 1e-9);
    let some = decoder.read_at_most(0.1).unwrap().audio;
    assert_eq!(some.frames(), 2_205);
}

#[test]
fn refusals_name_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let wav = std::fs::read(fixture("s32.wav")).unwrap();
    let silent = folder.path().join("silent.wav");
    Writer::create(
        &silent,
        Spec::mono(8_000),
        OutputFormat::WAV,
        Default::default(),
    )
    .and_then(Writer::finish)
    .unwrap();
    let cases = [
        (folder.path().join("missing.wav"), "check the spelling"),
        (folder.path().to_owned(), "not a folder"),
        (path("empty.wav", b""), "it is empty"),
        (
            path("note.txt", b"This is not audio. ".repeat(300).as_slice()),
            "no audio file",
        ),
        (path("zeros.wav", &[0; 5_000]), "no audio file"),
        (path("short.wav", &wav[..30]), "ends within its header"),
        (silent, "no samples"),
        (
            fixture("opus.ogg"),
            "Opus sound cannot be decoded here; convert it first",
        ),
        (fixture("silent_film.mp4"), "no sound track"),
    ];
    for (path, reason) in cases {
        let error = Decoder::open(&path).unwrap_err().to_string();
        assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    let error = Decoder::from_reader("standard input", std::io::empty()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "standard input: it is empty (0 bytes); give audio"
    );
}

#[test]
fn a_truncated_file_gives_what_is_there_and_a_warning() {
    for name in [
        "s32.wav",
        "stereo.flac",
        "stereo.aiff",
        "stereo.ogg",
        "stereo.mp3",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let whole = Decoder::open(fixture(name))
            .unwrap()
            .read_all()
            .unwrap()
            .audio;
        let cut = bytes[..bytes.len() * 9 / 10].to_vec();
        let decoded = Decoder::from_bytes(name, cut).unwrap().read_all().unwrap();
        let frames = decoded.audio.frames();
        assert!(frames < whole.frames(), "{name}: {frames}");
        assert!(frames > 0, "{name}");
        let same = (0..frames.saturating_sub(1_152))
            .all(|t| (decoded.audio.channels()[0][t] - whole.channels()[0][t]).abs() < 1e-6);
        assert!(same, "{name}: what is there is the start of the whole");
        let cut_off = decoded
            .flaws
            .iter()
            .any(|flaw| matches!(flaw, Flaw::Truncated { .. }));
        assert!(cut_off, "{name}: {:?}", decoded.flaws);
    }
}

#[test]
fn damage_is_left_out_and_reported() {
    let mut bytes = std::fs::read(fixture("stereo.mp3")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 300].fill(0x55);
    let decoded = Decoder::from_bytes("stereo.mp3", bytes)
        .unwrap()
        .read_all()
        .unwrap();
    assert!(!decoded.flaws.is_empty());
    assert!(decoded.audio.frames() > FRAMES / 3);
}

#[test]
fn numbers_that_are_none_are_silenced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for sample in [0.5, f32::NAN, f32::INFINITY, -2.5] {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let decoded = Decoder::open(&path).unwrap().read_all().unwrap();
    assert_eq!(decoded.audio.channels(), [[0.5, 0.0, 0.0, -2.5]]);
    assert_eq!(
        decoded.flaws,
        [Flaw::Invalid {
            samples: 2,
            at: 0.0
        }]
    );
}

/// Whatever the bytes are, decoding ends in audio or in an error, never in a panic, and never in a
/// sample that is not a number.
#[test]
fn damaged_files_never_panic() {
    let names = [
        "stereo.mp3",
        "stereo.ogg",
        "stereo.m4a",
        "stereo.aac",
        "alac.m4a",
        "stereo.flac",
        "stereo.aiff",
        "stereo.caf",
        "extensible.wav",
        "adpcm_ms.wav",
        "adpcm_ima.wav",
        "stereo.mkv",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for name in names {
        let original = std::fs::read(fixture(name)).unwrap();
        for round in 0..40 {
            let mut bytes = original.clone();
            // Headers are the interesting part.
            let range = if round % 2 == 0 {
                bytes.len().min(256)
            } else {
                bytes.len()
            };
            for _ in 0..1 + random(8) {
                bytes[random(range)] = random(256) as u8;
            }
            bytes.truncate(bytes.len() - random(bytes.len() / 4));
            if let Ok(decoder) = Decoder::from_bytes(name, bytes) {
                for block in decoder.take(200) {
                    let Ok(block) = block else { break };
                    assert!(
                        block.channels().iter().flatten().all(|x| x.is_finite()),
                        "{name}"
                    );
                }
            }
        }
    }
}

#[test]
fn long_files_come_in_short_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.flac");
    let mut writer = Writer::create(
        &path,
        Spec::mono(24_000),
        OutputFormat::FLAC,
        Default::default(),
    )
    .unwrap();
    let minute = Audio::mono(
        (0..240_000)
            .map(|t| (t as f32 * 0.01).sin() * 0.3)
            .collect(),
        24_000,
    );
    for _ in 0..6 {
        writer.write(&minute).unwrap();
    }
    writer.finish().unwrap();
    let mut frames = 0;
    for block in Decoder::open(&path).unwrap() {
        let block = block.unwrap();
        assert!(block.frames() <= 4_096);
        frames += block.frames();
    }
    assert_eq!(frames, 6 * 240_000);
}
