//! `syrinx convert --out-dir`: many inputs, a file each, to be resumed at any time.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use syrinx::audio::OutputFormat;

use super::job::Job;
use super::source::{Source, sound_files};
use super::{Args, Told, is_stdin, load};
use crate::cli::batch::{Tally, print_json};
use crate::cli::cast::Cast;
use crate::cli::interrupt::Interrupt;
use crate::cli::output::{Plan, Target, ending};
use crate::cli::progress::Progress;
use crate::cli::{Failure, console};

/// An input and where it goes.
struct Item {
    input: PathBuf,
    output: PathBuf,
}

/// What became of an input.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Status<'a> {
    Done(Box<Told<'a>>),
    Skipped,
    Failed { error: String },
}

/// An input and what became of it, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    input: &'a Path,
    output: &'a Path,
    #[serde(flatten)]
    status: &'a Status<'a>,
}

/// Converts all inputs.
pub fn run(args: &Args) -> Result<(), Failure> {
    let folder = args.out_dir.as_deref().unwrap_or(Path::new("."));
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::usage(format!(
            "{} is no folder; give --out-dir a folder",
            folder.display()
        )));
    }
    let items = items(args, folder)?;
    let interrupt = Interrupt::listen();
    let engine = load(args)?;
    let cast = Cast::new(&engine, args.quiet);
    let (voice, style) = args.target.cast(&cast)?;
    let job = Job::new(args, &engine, (&voice, style.as_ref()), &interrupt)?;
    fs::create_dir_all(folder)
        .map_err(|error| Failure::Usage(syrinx::Error::io(folder)(error).to_string()))?;
    let (mut tally, mut taken) = (Tally::default(), HashSet::new());
    let progress = Progress::over(items.len(), "files", args.quiet);
    for (index, item) in items.iter().enumerate() {
        let status = match convert(args, &job, item, &mut taken) {
            Ok(status) => status,
            Err(stop @ (Failure::Interrupted | Failure::ClosedPipe)) => return Err(stop),
            Err(failure) => {
                let error = failure.message().unwrap_or_default();
                progress.line(format_args!("error: {error}"));
                Status::Failed { error }
            }
        };
        match &status {
            Status::Done(told) => {
                tally.done += 1;
                tally.audio_s += told.audio_s;
            }
            Status::Skipped => tally.skipped += 1,
            Status::Failed { .. } => tally.failed += 1,
        }
        progress.at(index + 1, format!("{:.1} s converted", tally.audio_s));
        if args.json {
            print_json(&Entry {
                input: &item.input,
                output: &item.output,
                status: &status,
            })?;
        }
    }
    drop(progress);
    report(args, folder, &tally)
}

fn convert<'a>(
    args: &Args,
    job: &Job<'a>,
    item: &Item,
    taken: &mut HashSet<PathBuf>,
) -> Result<Status<'a>, Failure> {
    let Item { input, output } = item;
    if !taken.insert(output.clone()) {
        return Err(Failure::usage(format!(
            "{}: an earlier input becomes {} too; rename one of them",
            input.display(),
            output.display()
        )));
    }
    let absolute = |path: &Path| path.canonicalize().ok();
    if output.exists() && absolute(output) == absolute(input) {
        return Err(Failure::usage(format!(
            "{}: it would be replaced by what it becomes; give another --out-dir",
            input.display()
        )));
    }
    if output.exists() && !args.output.yes {
        return Ok(Status::Skipped);
    }
    let source = Source::open(input, &args.raw, job.interrupt)?;
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).map_err(syrinx::Error::io(folder))?;
    }
    let plan = Plan {
        target: Some(Target::File(output.clone())),
        format: args.output.format.unwrap_or(OutputFormat::WAV),
        // Either it is not there, or it is to be made again.
        overwrite: true,
        play: false,
        output_device: None,
    };
    let (outcome, _) = job
        .run(source, &plan, &Progress::default())
        .map_err(|failure| named(failure, input))?;
    let told = Told::new(args, job.voice, job.style, &outcome);
    Ok(Status::Done(Box::new(told)))
}

/// A failure that says which input it is about.
fn named(failure: Failure, input: &Path) -> Failure {
    let name = input.display().to_string();
    match failure.message() {
        Some(message) if message.contains(&name) => failure,
        _ => failure.at(&name),
    }
}

/// All inputs: those named, and the sound files in the folders named.
fn items(args: &Args, folder: &Path) -> Result<Vec<Item>, Failure> {
    let ending = ending(args.output.format.unwrap_or(OutputFormat::WAV));
    let mut items = Vec::new();
    for input in &args.inputs {
        if is_stdin(input) {
            return Err(Failure::usage(
                "`-` (standard input) has no name for its output; give `-o FILE` instead of --out-dir",
            ));
        }
        if !input.is_dir() {
            let name = PathBuf::from(input.file_name().unwrap_or_default());
            items.push(Item {
                output: folder.join(name.with_extension(ending)),
                input: input.clone(),
            });
            continue;
        }
        let found = sound_files(input, folder)?;
        if found.is_empty() {
            return Err(Failure::usage(format!(
                "{}: there is no sound file in it",
                input.display()
            )));
        }
        for path in found {
            let below = path.strip_prefix(input).unwrap_or(&path);
            items.push(Item {
                output: folder.join(below.with_extension(ending)),
                input: path,
            });
        }
    }
    Ok(items)
}

fn report(args: &Args, folder: &Path, tally: &Tally) -> Result<(), Failure> {
    if args.json {
        print_json(tally)?;
    } else if !args.quiet {
        console::note(format_args!(
            "{}: {} done ({:.1} s of speech), {} skipped, {} failed",
            folder.display(),
            tally.done,
            tally.audio_s,
            tally.skipped,
            tally.failed
        ));
    }
    match tally.failed {
        0 => Ok(()),
        1 => Err(Failure::failed(
            "1 input failed; mend it and run the same command again",
        )),
        failed => Err(Failure::failed(format!(
            "{failed} inputs failed; mend them and run the same command again"
        ))),
    }
}
