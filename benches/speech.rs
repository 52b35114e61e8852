//! Text to speech by the embedded voice: loading, first audio, real-time factor, memory.
//!
//! `cargo bench --bench speech [-- --threads 2] [--weights DIR] [--runs 5] [--text TEXT] [--json]`
//!
//! First audio is measured on a fresh request after loading and after the voice is there; the real-time factor takes
//! the whole text from its characters to its samples. The median of the runs, and the best.

use std::time::Instant;

use syrinx::audio::{Audio, OutputFormat, Writer, WriterOptions};
use syrinx::{Engine, SpeechRequest, Voice};

const TEXT: &str = "The lighthouse keeper counted seventeen ships before breakfast, and wrote each of them into his \
    book. By noon the fog had come in from the sea, thick as wool, and there was nothing left to count. He made \
    himself a pot of tea, sat down by the window, and listened to the horn.";
/// Some sixty phonemes.
const SENTENCE: &str = "Nobody on the platform knew when the last train would come in.";

struct Options {
    threads: usize,
    runs: usize,
    text: String,
    weights: Option<String>,
    json: bool,
}

fn options() -> Options {
    let mut options = Options {
        threads: 2,
        runs: 5,
        text: TEXT.into(),
        weights: None,
        json: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        match name.as_str() {
            "--threads" => options.threads = value().parse().expect("a number of threads"),
            "--runs" => options.runs = value().parse().expect("a number of runs"),
            "--text" => options.text = value(),
            "--weights" => options.weights = Some(value()),
            "--json" => options.json = true,
            // `cargo bench` says so itself.
            "--bench" => {}
            other => panic!("what is {other}?"),
        }
    }
    options
}

fn main() -> syrinx::Result<()> {
    let options = options();
    let mut builder = Engine::builder().threads(options.threads);
    if let Some(folder) = &options.weights {
        builder = builder.weights(folder);
    }
    let engine = builder.build()?;
    let start = Instant::now();
    let voice = engine.voice(&engine.voices()[0].name)?;
    let voice_ms = ms(start);
    let request = engine.speech(&voice);

    let coldest = first_audio_ms(&request)?;
    let first: Vec<f64> = (0..options.runs)
        .map(|_| first_audio_ms(&request))
        .collect::<syrinx::Result<_>>()?;
    let mut factors = Vec::new();
    let cpu_before = cpu_s();
    let mut audio_s = 0.0;
    for _ in 0..options.runs {
        let start = Instant::now();
        audio_s = request.say(&*options.text)?.audio.duration();
        factors.push(start.elapsed().as_secs_f64() / audio_s);
    }
    // Steadier than the wall where other programs compete for the machine.
    let cpu = (cpu_s() - cpu_before) / (audio_s * options.runs as f64);
    let reference_s = [10.0, 60.0];
    let [short, long] =
        reference_s.map(|seconds| reference_ms(&engine, &voice, seconds, options.runs));
    let (short, long) = (short?, long?);
    let (first, rtf) = (sorted(first), sorted(factors));
    let (load_ms, threads, memory) = (engine.load_ms(), engine.threads(), peak_mib());
    if options.json {
        println!(
            "{{\"load_ms\": {load_ms:.1}, \"voice_ms\": {voice_ms:.1}, \"first_audio_cold_ms\": {coldest:.1}, \
             \"first_audio_ms\": {:.1}, \"rtf\": {:.5}, \"rtf_best\": {:.5}, \"cpu\": {cpu:.5}, \"audio_s\": {audio_s:.2}, \
             \"reference_10s_ms\": {short:.1}, \"reference_60s_ms\": {long:.1}, \"threads\": {threads}, \
             \"peak_mib\": {memory:.0}}}",
            first[first.len() / 2],
            rtf[rtf.len() / 2],
            rtf[0]
        );
    } else {
        println!("threads             {threads}");
        println!("load                {load_ms:.1} ms, voice {voice_ms:.1} ms");
        println!(
            "first audio         {coldest:.1} ms cold, {:.1} ms median, {:.1} ms best",
            first[first.len() / 2],
            first[0]
        );
        println!(
            "real-time factor    {:.4} median, {:.4} best, of {audio_s:.2} s",
            rtf[rtf.len() / 2],
            rtf[0]
        );
        println!("voice from a clip   {short:.1} ms for 10 s, {long:.1} ms for 60 s (median)");
        println!("CPU time            {cpu:.4} s for each second of audio");
        println!("peak memory         {memory:.0} MiB");
    }
    Ok(())
}

/// From a file of 44.1 kHz to a voice that is ready to speak: decoding, resampling, finding the speech, mel, F0, timbre
/// keys, prosody codes, reading them, and a sentence to hear how loud it is.
fn reference_ms(engine: &Engine, voice: &Voice, seconds: f64, runs: usize) -> syrinx::Result<f64> {
    let mut spoken: Vec<f32> = Vec::new();
    let (length, mut seed) = ((seconds * f64::from(engine.rate_hz())) as usize, 0);
    while spoken.len() < length {
        let audio = engine.speech(voice).seed(seed).say(TEXT)?.audio;
        spoken.extend(audio.into_channels().into_iter().flatten());
        seed += 1;
    }
    spoken.truncate(length);
    let clip = Audio::mono(spoken, engine.rate_hz()).resample(44_100)?;
    let path =
        std::env::temp_dir().join(format!("syrinx-bench-{}-{seconds}.wav", std::process::id()));
    let mut writer = Writer::create(
        &path,
        clip.spec(),
        OutputFormat::WAV,
        WriterOptions::default(),
    )?;
    writer.write(&clip)?;
    writer.finish()?;
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        engine.voice_from_clips([&path])?;
        times.push(ms(start));
    }
    let _ = std::fs::remove_file(&path);
    let times = sorted(times);
    Ok(times[times.len() / 2])
}

/// From the text of a sentence to its first samples.
fn first_audio_ms(request: &SpeechRequest) -> syrinx::Result<f64> {
    let start = Instant::now();
    request.stream(SENTENCE)?.next().transpose()?;
    Ok(ms(start))
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// CPU time of this process so far, s, all threads; 0 where the system does not tell.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // utime and stime, in ticks of 10 ms.
    fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Largest resident size so far; 0 where the system does not tell.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .unwrap_or_default()
        / 1024.0
}
