//! `syrinx live`.

mod file;
#[cfg(feature = "playback")]
mod sound;
#[cfg(feature = "playback")]
mod view;
#[cfg(feature = "playback")]
mod virtual_mic;

use std::path::PathBuf;

use serde_json::json;
use syrinx::audio::Recording;
use syrinx::live::{Preset, Trial, try_presets};
use syrinx::{ConversionRequest, Engine, VoiceLibrary};

use super::cast::Cast;
use super::flags::{self, EngineFlags};
use super::interrupt::Interrupt;
use super::output::refuse_existing;
use super::{Failure, console};

const EXAMPLES: &str = "\
Examples:
  syrinx live --voice merlin                        from the microphone to the loudspeaker
  syrinx live --voice wren --virtual-mic            a microphone for other programs (Linux)
  syrinx live --voice wren --preset low --record take.wav
  syrinx live --voice wren --from in.wav --record out.wav
  syrinx live --voice wren --calibrate              which preset is this machine fast enough for?

Keys: m mute, b bypass, n and p next and previous voice, + and - pitch, q quit

Exit codes: 0 done, 1 failed, 2 flags or input that cannot be used";

/// Speak in another voice, live: from the microphone to the loudspeaker
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Who is to be heard: a name (`syrinx voices` lists them), or a recording of anybody; repeat it for several
    /// recordings of one speaker
    #[arg(
        short,
        long,
        value_name = "NAME|CLIP",
        required = true,
        help_heading = "Voice"
    )]
    voice: Vec<String>,

    /// In whose style: a name or recordings as for --voice [default: that of the speaker]
    #[arg(long, value_name = "NAME|CLIP", help_heading = "Voice")]
    style: Vec<String>,

    /// Pitch in semitones on top, -24 to 24
    #[arg(short, long, value_name = "ST", value_parser = flags::pitch, allow_negative_numbers = true, help_heading = "Voice")]
    pitch: Option<f32>,

    /// Steps of the solver, 1 to 100: more are slower; a machine that is too slow takes fewer by itself
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100), default_value = "1", help_heading = "Voice")]
    steps: u16,

    /// How much delay for how much quality: low, balanced or quality
    #[arg(long, value_name = "NAME", value_parser = preset, default_value = "balanced", help_heading = "Delay")]
    preset: Preset,

    /// Hold the delay from mouth to ear at so many ms, for pictures that go with it
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=1900), help_heading = "Delay")]
    fixed_delay: Option<u32>,

    /// Measure which preset this machine is fast enough for, and do nothing else
    #[arg(long, help_heading = "Delay")]
    calibrate: bool,

    /// The microphone, by name (`syrinx devices` lists them) [default: the system's]
    #[arg(long, value_name = "NAME", help_heading = "Devices")]
    input: Option<String>,

    /// The loudspeaker, by name [default: the system's]
    #[arg(long, value_name = "NAME", help_heading = "Devices")]
    output: Option<String>,

    /// Play on a second loudspeaker too: the system's, or the one of this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Devices")]
    monitor: Option<String>,

    /// Give other programs a microphone `Syrinx` to choose, which speaks in the voice (PulseAudio or PipeWire)
    #[arg(long, conflicts_with = "output", help_heading = "Devices")]
    virtual_mic: bool,

    /// Convert this file instead of the microphone; nothing is ever left out
    #[arg(long, value_name = "FILE", requires = "record", help_heading = "Files")]
    from: Option<PathBuf>,

    /// As fast as it was spoken, not as fast as possible
    #[arg(long, requires = "from", help_heading = "Files")]
    paced: bool,

    /// Record what is heard in this WAV file, which is valid at any moment
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    record: Option<PathBuf>,

    /// Replace an existing recording
    #[arg(short, long, help_heading = "Files")]
    yes: bool,

    /// No view and no keys
    #[arg(long, help_heading = "Reports")]
    headless: bool,

    /// End after so many seconds
    #[arg(long, value_name = "S", value_parser = seconds, help_heading = "Reports")]
    duration: Option<f64>,

    /// Tell how it is doing as a JSON object every second and at the end, on standard output; no view
    #[arg(long, help_heading = "Reports")]
    json: bool,

    #[command(flatten)]
    engine: EngineFlags,

    /// Convert with the model in this folder instead of the embedded one
    #[arg(long, value_name = "DIR", help_heading = "Engine")]
    model: Option<PathBuf>,
}

/// Converts live.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(path) = &args.record {
        refuse_existing(path, args.yes)?;
    }
    // A recording must be completed and a virtual microphone removed.
    let interrupt = Interrupt::listen();
    let source = args.from.as_deref().map(file::open).transpose()?;
    let engine = args
        .engine
        .load_converting(VoiceLibrary::user(), args.model.as_deref())?;
    let request = request(args, &engine)?;
    if args.calibrate {
        return calibrate(args, &request);
    }
    match source {
        Some(source) => file::run(args, &request, source, &interrupt),
        None => sound(args, &engine, &request, &interrupt),
    }
}

fn request(args: &Args, engine: &Engine) -> Result<ConversionRequest, Failure> {
    let cast = Cast::new(engine, args.json);
    let voice = cast.chosen("--voice", &args.voice, &[], None)?;
    let mut request = engine.conversion(&voice)?;
    if !args.style.is_empty() {
        request = request.style(&cast.chosen("--style", &args.style, &[], None)?);
    }
    Ok(request.pitch(args.pitch.unwrap_or_default()))
}

/// Seconds of voice that a preset is tried with.
const TRIAL_S: f64 = 20.0;

fn calibrate(args: &Args, request: &ConversionRequest) -> Result<(), Failure> {
    let trials = try_presets(request, args.steps.into(), args.duration.unwrap_or(TRIAL_S))?;
    // The shortest delay that leaves half of the time to everything else.
    let comfortable = trials.iter().find(|trial| trial.load() <= 0.5);
    let chosen = comfortable.or_else(|| trials.iter().rfind(|trial| trial.fits()));
    let chosen = chosen.map(|trial| trial.preset.name());
    if args.json {
        let list: Vec<_> = trials.iter().map(told).collect();
        return console::print(json!({"presets": list, "preset": chosen}));
    }
    for trial in &trials {
        console::print(format_args!(
            "{:8}  algorithmic {:5.1} ms  compute p50 {:5.1}, p99 {:5.1}, p99.9 {:5.1} ms of {:5.1} ms  {}",
            trial.preset.name(),
            trial.algorithmic_ms,
            trial.convert.p50_ms,
            trial.convert.p99_ms,
            trial.convert.p99_9_ms,
            trial.chunk_ms,
            if trial.fits() { "fits" } else { "too slow" }
        ))?;
    }
    console::print(match chosen {
        Some(name) => format!("use --preset {name}"),
        None => "this machine is too slow for live conversion; convert files with `syrinx convert`"
            .into(),
    })
}

fn told(trial: &Trial) -> serde_json::Value {
    json!({
        "preset": trial.preset.name(),
        "algorithmic_ms": trial.algorithmic_ms,
        "chunk_ms": trial.chunk_ms,
        "convert": trial.convert,
        "load": trial.load(),
        "fits": trial.fits(),
    })
}

#[cfg(feature = "playback")]
use sound::run as sound;

#[cfg(not(feature = "playback"))]
fn sound(_: &Args, _: &Engine, _: &ConversionRequest, _: &Interrupt) -> Result<(), Failure> {
    Err(Failure::usage(
        "this build knows no sound cards; build it with the feature `playback`, or give --from FILE",
    ))
}

/// The recording that was asked for.
fn recording(args: &Args, rate_hz: u32) -> Result<Option<Recording>, Failure> {
    let path = args.record.as_ref();
    let recording = path.map(|path| Recording::create(path, rate_hz, args.yes));
    recording
        .transpose()
        .map_err(|error| match Failure::from(error) {
            // A place that cannot be written to is the user's to mend.
            Failure::Failed(message) => Failure::Usage(message),
            other => other,
        })
}

fn preset(name: &str) -> Result<Preset, String> {
    name.parse()
        .map_err(|error: syrinx::Error| error.to_string())
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds < 1e7 => Ok(seconds),
        _ => Err("give seconds above 0".into()),
    }
}
