//! What is written comes back, whole or not at all.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use syrinx::audio::{
    Audio, Clipping, Decoder, OutputFormat, SampleFormat, Spec, Writer, WriterOptions,
};

/// Somewhere to look at what went into a stream.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const FORMATS: [OutputFormat; 5] = [
    OutputFormat::WAV,
    OutputFormat::WAV_S24,
    OutputFormat::WAV_F32,
    OutputFormat::FLAC,
    OutputFormat::FLAC_S24,
];

/// Writes `audio` in chunks of `chunk` frames and decodes the file.
fn through_a_file(audio: &Audio, format: OutputFormat, chunk: usize) -> Audio {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it");
    let mut writer = Writer::create(&path, audio.spec(), format, WriterOptions::default()).unwrap();
    for start in (0..audio.frames()).step_by(chunk) {
        writer.write(&audio.slice(start..start + chunk)).unwrap();
    }
    let written = writer.finish().unwrap();
    assert_eq!(written.frames, audio.frames() as u64);
    assert_eq!(written.bytes, std::fs::metadata(&path).unwrap().len());
    let decoded = Decoder::open(&path).unwrap().read_all().unwrap();
    assert_eq!(decoded.flaws, []);
    decoded.audio
}

/// Writes `audio` into a stream and returns its bytes.
fn through_a_pipe(audio: &Audio, format: OutputFormat) -> Vec<u8> {
    let pipe = Pipe::default();
    let options = WriterOptions::default();
    let mut writer =
        Writer::to_stream(pipe.clone(), "pipe", audio.spec(), format, options).unwrap();
    writer.write(audio).unwrap();
    writer.finish().unwrap();
    let bytes = pipe.0.lock().unwrap();
    bytes.clone()
}

/// Half a step of the integers of `format`; nothing for floats.
fn tolerance(format: OutputFormat) -> f32 {
    match format.sample() {
        SampleFormat::F32 => 0.0,
        integer => 0.5 / (1 << (integer.bits() - 1)) as f32,
    }
}

fn any_audio() -> impl Strategy<Value = Audio> {
    let rates = prop::sample::select(vec![8_000u32, 22_050, 24_000, 44_100, 48_000, 96_000]);
    (
        1usize..4,
        rates,
        1usize..9_000,
        any::<u64>(),
        prop::bool::ANY,
    )
        .prop_map(|(channels, rate_hz, frames, seed, noise)| {
            let planes = (0..channels).map(|channel| {
                let mut state = seed ^ channel as u64 | 1;
                let mut next = move |t: usize| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let random = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
                    let tone = 0.9 * (t as f32 * 0.03 * (channel + 1) as f32).sin();
                    // The largest level a 16-bit file can hold is just below 1.
                    if noise { random.min(0.9999) } else { tone }
                };
                (0..frames).map(&mut next).collect()
            });
            Audio::from_channels(planes.collect(), rate_hz).unwrap()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_format_comes_back(audio in any_audio(), which in 0usize..5, chunk in 1usize..5_000) {
        let format = FORMATS[which];
        let decoded = through_a_file(&audio, format, chunk);
        prop_assert_eq!(decoded.spec(), audio.spec());
        prop_assert_eq!(decoded.frames(), audio.frames());
        for (ours, theirs) in audio.channels().iter().zip(decoded.channels()) {
            for (a, b) in ours.iter().zip(theirs) {
                prop_assert!((a - b).abs() <= tolerance(format), "{} {}", a, b);
            }
        }
    }

    #[test]
    fn what_is_on_the_grid_is_lossless(audio in any_audio(), flac in prop::bool::ANY) {
        let format = if flac { OutputFormat::FLAC } else { OutputFormat::WAV };
        let once = through_a_file(&audio, format, 4_096);
        prop_assert_eq!(through_a_file(&once, format, 1_000), once);
    }

    #[test]
    fn a_pipe_is_read_like_a_file(audio in any_audio(), which in 0usize..5) {
        let bytes = through_a_pipe(&audio, FORMATS[which]);
        let decoded = Decoder::from_reader("pipe", io::Cursor::new(bytes)).unwrap();
        let decoded = decoded.read_all().unwrap();
        prop_assert_eq!(decoded.flaws, []);
        prop_assert_eq!(decoded.audio, through_a_file(&audio, FORMATS[which], 9_000));
    }
}

#[test]
fn flac_takes_every_short_last_block() {
    for frames in (1..70).chain([4_095, 4_096, 4_097, 8_192]) {
        let ramp = (0..frames)
            .map(|t| ((t * 37) % 101) as f32 / 128.0)
            .collect();
        let audio = Audio::mono(ramp, 16_000);
        assert_eq!(
            through_a_file(&audio, OutputFormat::FLAC, 4_096),
            audio,
            "{frames} frames"
        );
    }
}

#[test]
fn an_independent_reader_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let left: Vec<f32> = (0..1_001).map(|t| (t as f32 - 500.0) / 512.0).collect();
    let right: Vec<f32> = left.iter().map(|x| -x / 2.0).collect();
    let audio = Audio::from_channels(vec![left, right], 44_100).unwrap();
    for format in [
        OutputFormat::WAV,
        OutputFormat::WAV_S24,
        OutputFormat::WAV_F32,
    ] {
        let path = folder.path().join(format!("{:?}.wav", format.sample()));
        let mut writer =
            Writer::create(&path, audio.spec(), format, WriterOptions::default()).unwrap();
        writer.write(&audio).unwrap();
        writer.finish().unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(reader.spec().sample_rate, 44_100);
        assert_eq!(
            usize::from(reader.spec().bits_per_sample),
            format.sample().bits()
        );
        let samples: Vec<f32> = if format.sample() == SampleFormat::F32 {
            reader.samples::<f32>().map(Result::unwrap).collect()
        } else {
            let scale = (1u32 << (format.sample().bits() - 1)) as f32;
            reader
                .samples::<i32>()
                .map(|s| s.unwrap() as f32 / scale)
                .collect()
        };
        let frames = samples.chunks_exact(2);
        assert_eq!(frames.len(), 1_001);
        for (t, frame) in frames.enumerate() {
            assert_eq!(
                frame,
                [audio.channels()[0][t], audio.channels()[1][t]],
                "{format:?} {t}"
            );
        }
    }
}

#[test]
fn an_odd_number_of_bytes_is_padded_in_a_file_and_not_in_a_pipe() {
    let audio = Audio::mono(vec![0.25; 3], 8_000);
    assert_eq!(through_a_pipe(&audio, OutputFormat::WAV_S24).len(), 44 + 9);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.wav");
    let mut writer = Writer::create(
        &path,
        audio.spec(),
        OutputFormat::WAV_S24,
        Default::default(),
    )
    .unwrap();
    writer.write(&audio).unwrap();
    writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 44 + 9 + 1);
    assert_eq!(bytes[4..8], (bytes.len() as u32 - 8).to_le_bytes());
    assert_eq!(bytes[40..44], 9u32.to_le_bytes());
}

#[test]
fn raw_is_samples_and_nothing_else() {
    let audio = Audio::from_channels(vec![vec![0.5, -0.5], vec![0.25, 1.5]], 8_000).unwrap();
    let s16: Vec<u8> = [16_384i16, 8_192, -16_384, 32_767]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(through_a_pipe(&audio, OutputFormat::RAW_S16), s16);
    let f32: Vec<u8> = [0.5f32, 0.25, -0.5, 1.5]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(through_a_pipe(&audio, OutputFormat::RAW_F32), f32);
}

#[test]
fn a_flac_file_states_its_length_and_digest_and_a_pipe_does_not() {
    let audio = Audio::mono(vec![0.0; 5_000], 24_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.flac");
    let mut writer =
        Writer::create(&path, audio.spec(), OutputFormat::FLAC, Default::default()).unwrap();
    writer.write(&audio).unwrap();
    writer.finish().unwrap();
    let file = std::fs::read(&path).unwrap();
    let pipe = through_a_pipe(&audio, OutputFormat::FLAC);
    assert_eq!(file[42..], pipe[42..], "the frames are the same");
    let frames = |bytes: &[u8]| u32::from_be_bytes(bytes[22..26].try_into().unwrap());
    assert_eq!((frames(&file), frames(&pipe)), (5_000, 0));
    // MD5 of 10,000 zero bytes, by md5sum.
    let digest = "b85d6fb9ef4260dcf1ce0a1b0bff80d3";
    let hex: String = file[26..42]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, digest);
    assert_eq!(pipe[26..42], [0; 16]);
}

#[test]
fn clipping_is_limited_and_counted() {
    let loud = Audio::mono(vec![0.5, 1.2, -3.0, f32::NAN], 8_000);
    for (clipping, top) in [(Clipping::Clamp, 32_767), (Clipping::SoftLimit, 32_752)] {
        let pipe = Pipe::default();
        let options = WriterOptions {
            clipping,
            ..Default::default()
        };
        let mut writer = Writer::to_stream(
            pipe.clone(),
            "pipe",
            loud.spec(),
            OutputFormat::RAW_S16,
            options,
        )
        .unwrap();
        writer.write(&loud).unwrap();
        let written = writer.finish().unwrap();
        assert_eq!((written.clipped, written.invalid), (2, 1));
        let bytes = pipe.0.lock().unwrap();
        let level = i16::from_le_bytes([bytes[2], bytes[3]]);
        assert_eq!(level, top, "{clipping:?}");
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.flac");
    let mut writer = Writer::create(
        &path,
        Spec::mono(8_000),
        OutputFormat::FLAC,
        Default::default(),
    )
    .unwrap();
    writer.write_mono(&[0.1; 10_000]).unwrap();
    assert!(!path.exists(), "nobody sees half a file");
    let wrong = writer.write(&Audio::mono(vec![0.0], 16_000)).unwrap_err();
    assert!(wrong.to_string().contains("16000 Hz"), "{wrong}");
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_file_is_kept_until_the_new_one_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    std::fs::write(&path, b"precious").unwrap();
    let spec = Spec::mono(8_000);
    let refused = Writer::create(&path, spec, OutputFormat::WAV, Default::default())
        .err()
        .unwrap();
    assert!(refused.to_string().contains("-y"), "{refused}");

    let options = WriterOptions {
        overwrite: true,
        ..Default::default()
    };
    let mut writer = Writer::create(&path, spec, OutputFormat::WAV, options).unwrap();
    writer.write_mono(&[0.1; 100]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    writer.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap().len(), 244);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    // A file that somebody else makes in the meantime is not replaced either.
    let late = folder.path().join("late.wav");
    let writer = Writer::create(&late, spec, OutputFormat::WAV, Default::default()).unwrap();
    std::fs::write(&late, b"precious").unwrap();
    assert!(writer.finish().is_err());
    assert_eq!(std::fs::read(&late).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_missing_folder_and_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec::mono(8_000);
    let missing = folder.path().join("no/x.wav");
    let error = Writer::create(&missing, spec, OutputFormat::WAV, Default::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("create it first"), "{error}");
    let error = Writer::create(folder.path(), spec, OutputFormat::WAV, Default::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("not a folder"), "{error}");
    let error = Writer::create(
        folder.path().join("x.flac"),
        Spec {
            rate_hz: 24_000,
            channels: 9,
        },
        OutputFormat::FLAC,
        Default::default(),
    );
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("FLAC cannot hold 9 channels")
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn devices_and_links_are_written_through() {
    let spec = Spec::mono(8_000);
    let mut writer =
        Writer::create("/dev/null", spec, OutputFormat::WAV, Default::default()).unwrap();
    writer.write_mono(&[0.0; 10]).unwrap();
    writer.finish().unwrap();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());

    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
    std::fs::write(&file, b"old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let options = WriterOptions {
        overwrite: true,
        ..Default::default()
    };
    Writer::create(&link, spec, OutputFormat::WAV, options)
        .unwrap()
        .finish()
        .unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(&file).unwrap().len(), 44);
}

#[test]
fn a_closed_pipe_is_told_apart() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = Writer::to_stream(
        Closed,
        "out",
        Spec::mono(1),
        OutputFormat::WAV,
        Default::default(),
    );
    assert!(error.err().unwrap().is_closed_pipe());
}
