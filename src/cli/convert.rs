//! `syrinx convert`.

mod flags;
mod folder;
mod job;
mod source;

use std::path::{Path, PathBuf};

use serde::Serialize;
use syrinx::{Engine, SourceProfile, Voice, VoiceLibrary};

use super::cast::Cast;
use super::figures::{Report, round};
use super::flags::EngineFlags;
use super::interrupt::Interrupt;
use super::output::{OutputFlags, Plan, ending};
use super::progress::Progress;
use super::{Failure, console};
use flags::{NetworkFlags, TargetFlags};
use job::{Job, Outcome};
use source::{RawFlags, Source};

const EXAMPLES: &str = "\
Examples:
  syrinx convert me.mp3 -o merlin.wav --voice merlin
  syrinx convert me.wav -o anna.flac --voice anna1.wav --voice anna2.wav --style actor.wav
  syrinx convert recordings/ --out-dir converted --voice wren
  arecord -f S16_LE -r 48000 -t raw | syrinx convert - --raw-rate 48000 --voice wren --raw | aplay -f S16_LE -r 48000

Exit codes: 0 done, 1 failed, 2 flags or input that cannot be used, 130 interrupted";

/// Make a recording sound as if another voice had said it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What is converted: sound files of any kind, folders of them, or `-` for standard input
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,

    #[command(flatten)]
    target: TargetFlags,

    #[command(flatten)]
    network: NetworkFlags,

    #[command(flatten)]
    output: OutputFlags,

    /// The folder for the outputs of several inputs or a folder, made if need be. Outputs that exist are skipped (-y
    /// makes them again)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "raw", "play"], help_heading = "Output")]
    out_dir: Option<PathBuf>,

    /// Sample rate of the output [default: that of the input]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1_000..=768_000), help_heading = "Output")]
    output_rate: Option<u32>,

    /// Several channels: mix them to one, or keep them and convert each by itself
    #[arg(long, value_name = "HOW", value_parser = ["mix", "keep"], default_value = "mix", help_heading = "Output")]
    stereo: String,

    #[command(flatten)]
    raw: RawFlags,

    #[command(flatten)]
    engine: EngineFlags,

    /// Convert with the model in this folder instead of the embedded one
    #[arg(long, value_name = "DIR", help_heading = "Engine")]
    model: Option<PathBuf>,

    /// Tell the result and the figures as a JSON object, one for each of several inputs: on standard output, on standard
    /// error if the audio goes to standard output
    #[arg(long, help_heading = "Reports")]
    json: bool,

    /// Tell loading time, time to the first audio, real-time factor, threads and peak memory
    #[arg(long, help_heading = "Reports")]
    stats: bool,

    /// Errors only
    #[arg(short, long, help_heading = "Reports")]
    quiet: bool,
}

impl Args {
    fn keeps_channels(&self) -> bool {
        self.stereo == "keep"
    }
}

/// Converts.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.target.retime && args.keeps_channels() {
        return Err(Failure::usage(
            "--retime with --stereo keep: the channels would not stay together; give one of the two",
        ));
    }
    if args.out_dir.is_some() {
        return folder::run(args);
    }
    let [input] = args.inputs.as_slice() else {
        return Err(Failure::usage(format!(
            "{} inputs: give --out-dir DIR for their outputs",
            args.inputs.len()
        )));
    };
    if input.is_dir() {
        return Err(Failure::usage(format!(
            "{} is a folder: give --out-dir DIR for the outputs of what is in it",
            input.display()
        )));
    }
    let plan = plan(&args.output)?;
    // A file must not be left half-written, and a wait for standard input must end.
    let interrupt = match plan.file().is_some() {
        true => Interrupt::listen(),
        false => Interrupt::default(),
    };
    let source = Source::open(input, &args.raw, &interrupt)?;
    let engine = load(args)?;
    let cast = Cast::new(&engine, args.quiet);
    let (voice, style) = args.target.cast(&cast)?;
    let job = Job::new(args, &engine, (&voice, style.as_ref()), &interrupt)?;
    let length = source
        .duration()
        .filter(|s| *s >= LONG_S)
        .map(|s| s as usize);
    let progress = match length {
        Some(seconds) => Progress::over(seconds, "s", args.quiet),
        None => Progress::default(),
    };
    let (outcome, player) = job.run(source, &plan, &progress)?;
    drop(progress);
    interrupt.nothing_to_lose();
    if let Some(player) = player {
        player.finish()?;
    }
    report(args, &plan, &job, &outcome)
}

/// Shorter inputs are done before a bar could be read.
const LONG_S: f64 = 20.0;

/// Makes sense of the flags of the output, and refuses at once what would be refused after the work.
fn plan(flags: &OutputFlags) -> Result<Plan, Failure> {
    let mut flags = flags.clone();
    if flags.output.is_none() && !flags.play && !flags.raw {
        let ending = flags.format.map_or("wav", ending);
        flags.output = Some(format!("converted.{ending}").into());
    }
    let plan = Plan::new(&flags)?;
    let folder = plan.file().and_then(Path::parent);
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        return Err(Failure::usage(format!(
            "{}: the folder {} does not exist: create it first",
            plan.file().unwrap_or(folder).display(),
            folder.display()
        )));
    }
    Ok(plan)
}

/// The engine, with the networks that convert.
fn load(args: &Args) -> Result<Engine, Failure> {
    let engine = args
        .engine
        .load_converting(VoiceLibrary::user(), args.model.as_deref())?;
    engine.converter()?;
    Ok(engine)
}

/// The JSON object of a conversion.
#[derive(Serialize)]
struct Summary<'a> {
    input: &'a str,
    output: Option<&'a Path>,
    #[serde(flatten)]
    result: Told<'a>,
}

/// What is told of a conversion besides its files.
#[derive(Serialize)]
struct Told<'a> {
    voice: &'a str,
    style: Option<&'a str>,
    /// Whether every sound is as long as in the source, `kept`, or as the target makes it, `changed`.
    timing: &'static str,
    rate_hz: u32,
    channels: usize,
    source_s: f64,
    audio_s: f64,
    frames: u64,
    bytes: u64,
    clipped: u64,
    /// What each channel of the source was like.
    source: Vec<Likeness>,
    #[serde(flatten)]
    figures: Report,
}

/// A [`SourceProfile`] in the roundings of the output.
#[derive(Serialize)]
struct Likeness {
    register_hz: Option<f64>,
    spread: Option<f64>,
    level_db: Option<f64>,
}

impl Likeness {
    fn of(profile: &SourceProfile) -> Self {
        let rounded = |value: Option<f32>, digits| value.map(|x| round(x.into(), digits));
        Self {
            register_hz: rounded(profile.register_hz, 1),
            spread: rounded(profile.spread, 3),
            level_db: rounded(profile.level_db, 1),
        }
    }
}

impl<'a> Told<'a> {
    fn new(args: &Args, voice: &'a Voice, style: Option<&'a Voice>, outcome: &Outcome) -> Self {
        Self {
            voice: voice.name(),
            style: style.map(Voice::name),
            timing: match args.target.retime {
                true => "changed",
                false => "kept",
            },
            rate_hz: outcome.output.rate_hz,
            channels: outcome.output.channels,
            source_s: round(outcome.source_s, 3),
            audio_s: round(outcome.figures.audio_s(), 3),
            frames: outcome.figures.frames,
            bytes: outcome.written.bytes,
            clipped: outcome.written.clipped,
            source: outcome.sources.iter().map(Likeness::of).collect(),
            figures: outcome.figures.report(),
        }
    }
}

fn report(args: &Args, plan: &Plan, job: &Job, outcome: &Outcome) -> Result<(), Failure> {
    let audio_s = round(outcome.figures.audio_s(), 3);
    if args.stats {
        let figures = outcome.figures.report();
        console::note(format_args!("{audio_s} s of audio: {figures}"));
    }
    if args.json {
        let summary = Summary {
            input: &outcome.name,
            output: plan.file(),
            result: Told::new(args, job.voice, job.style, outcome),
        };
        let json =
            serde_json::to_string(&summary).map_err(|error| Failure::failed(error.to_string()))?;
        return match plan.is_stdout() {
            true => {
                console::note(json);
                Ok(())
            }
            false => console::print(json),
        };
    }
    if let (Some(path), false) = (plan.file(), args.quiet) {
        console::note(format_args!(
            "{}: {audio_s} s in the voice of {}",
            path.display(),
            job.voice.name()
        ));
    }
    Ok(())
}

/// Whether an input is standard input; only one can be.
fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
