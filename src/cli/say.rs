//! `syrinx say`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use syrinx::audio::{Spec, Written};
use syrinx::{Engine, Voice, VoiceLibrary};

use super::cast::Cast;
use super::figures::{Figures, Report, round};
use super::flags::{EngineFlags, VoiceFlags};
use super::interrupt::Interrupt;
use super::output::{OutputFlags, Plan};
use super::progress::Progress;
use super::render::Rendering;
use super::source::Source;
use super::text::TextFlags;
use super::timing::Timing;
use super::{Failure, batch, console};

const EXAMPLES: &str = "\
Examples:
  syrinx say \"Hello there.\"                        writes speech.wav
  syrinx say -i book.txt -o book.flac --timing book.srt
  echo \"Hello.\" | syrinx say --raw | aplay -r 24000 -f S16_LE
  syrinx say --voice me.wav \"Spoken by me.\"         a voice from a recording
  syrinx say --ssml -i page.ssml --play
  syrinx say --batch lines.jsonl --out-dir out

Exit codes: 0 done, 1 failed, 2 flags or input that cannot be used, 130 interrupted";

/// Speak a text, a file, or standard input line by line
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The text; without it and without -i, standard input is spoken, each line as it comes
    #[arg(value_name = "TEXT")]
    words: Vec<String>,

    /// Speak this file (UTF-8); can be repeated
    #[arg(short, long, value_name = "FILE", conflicts_with = "words")]
    input: Vec<PathBuf>,

    #[command(flatten)]
    pub text: TextFlags,

    #[command(flatten)]
    pub output: OutputFlags,

    /// Write when each word is heard: .srt, .vtt or .json (words and phones)
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    timing: Option<PathBuf>,

    #[command(flatten)]
    pub voice: VoiceFlags,

    #[command(flatten)]
    pub batch: batch::BatchFlags,

    #[command(flatten)]
    pub engine: EngineFlags,

    /// Tell the result and the figures as a JSON object: on standard output, on standard error if
    /// the audio goes to standard output
    #[arg(long, help_heading = "Reports")]
    pub json: bool,

    /// Tell loading time, time to the first audio, real-time factor, threads and peak memory
    #[arg(long, help_heading = "Reports")]
    pub stats: bool,

    /// Errors only
    #[arg(short, long, help_heading = "Reports")]
    pub quiet: bool,
}

/// Speaks.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(path) = &args.batch.batch {
        return batch::run(args, path);
    }
    let plan = Plan::new(&args.output)?;
    let timing = args.timing.as_deref().map(Timing::new).transpose()?;
    if let Some(timing) = &timing {
        super::output::refuse_existing(timing.path(), plan.overwrite)?;
        timing.check_folder()?;
    }
    let lexicons = args.text.lexicons()?;
    let interrupt = match plan.file().is_some() || timing.is_some() {
        true => Interrupt::listen(),
        // Nothing to clean up: Ctrl-C ends the process there and then.
        false => Interrupt::default(),
    };
    // Standard input is read from here on, while the engine loads.
    let source = Source::open(&args.words, &args.input, args.text.ssml, &interrupt)?;
    let engine = args.engine.load(VoiceLibrary::user())?;
    let cast = Cast::new(&engine, args.quiet);
    let voice = cast.voice(&args.voice)?;
    let donor = cast.donor(&args.voice)?;
    let request = args.voice.request(&engine, &voice, donor.as_ref());
    let request = args.text.apply(request, &lexicons);
    let run = Run {
        args,
        plan: &plan,
        timing,
        engine: &engine,
        voice: &voice,
        interrupt: &interrupt,
    };
    let rendering = Rendering::new(&request, source, run.timing.is_some())?;
    run.speak(rendering)
}

/// Everything there is to a run once the flags are understood.
struct Run<'a> {
    args: &'a Args,
    plan: &'a Plan,
    timing: Option<Timing>,
    engine: &'a Engine,
    voice: &'a Voice,
    interrupt: &'a Interrupt,
}

impl Run<'_> {
    fn speak(self, rendering: Rendering) -> Result<(), Failure> {
        let mut outputs = self.plan.open(Spec::mono(self.engine.rate_hz()))?;
        let progress = Progress::over_text(rendering.text_len(), self.args.quiet);
        let timed = self.timing.is_some();
        let spoken = rendering.run(self.engine, &mut outputs, &progress, self.interrupt, timed)?;
        drop(progress);
        // Both files are complete before either takes its name.
        let timing = self.timing.as_ref();
        let timing = timing.map(|timing| timing.prepare(&spoken)).transpose()?;
        let (written, player) = outputs.finish()?;
        if let Some(timing) = timing {
            timing.keep(self.plan.overwrite)?;
        }
        self.interrupt.nothing_to_lose();
        if let Some(player) = player {
            player.finish()?;
        }
        self.report(&spoken.figures, &written)
    }

    fn report(&self, figures: &Figures, written: &Written) -> Result<(), Failure> {
        let report = figures.report();
        let audio_s = round(figures.audio_s(), 3);
        if written.clipped > 0 && !self.args.quiet {
            console::warning(&format!(
                "{} samples were above full scale and limited; lower --volume",
                written.clipped
            ));
        }
        if self.args.stats {
            console::note(format_args!("{audio_s} s of audio: {report}"));
        }
        if self.args.json {
            let summary = Summary {
                output: self.plan.file(),
                timing: self.timing.as_ref().map(Timing::path),
                voice: self.voice.name(),
                rate_hz: self.engine.rate_hz(),
                audio_s,
                frames: figures.frames,
                bytes: written.bytes,
                clipped: written.clipped,
                sentences: figures.sentences,
                figures: report,
            };
            let json = serde_json::to_string(&summary)
                .map_err(|error| Failure::failed(error.to_string()))?;
            if self.plan.is_stdout() {
                console::note(json);
            } else {
                console::print(json)?;
            }
        } else if let (Some(path), false) = (self.plan.file(), self.args.quiet) {
            let path = path.display();
            console::note(format_args!(
                "{path}: {audio_s} s of speech by {}",
                self.voice.name()
            ));
        }
        Ok(())
    }
}

/// The JSON object of a run.
#[derive(Serialize)]
struct Summary<'a> {
    output: Option<&'a Path>,
    timing: Option<&'a Path>,
    voice: &'a str,
    rate_hz: u32,
    audio_s: f64,
    frames: u64,
    bytes: u64,
    clipped: u64,
    sentences: u64,
    #[serde(flatten)]
    figures: Report,
}
