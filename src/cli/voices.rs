//! `syrinx voices`: list them, add, remove and describe your own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::json;
use syrinx::{Accent, Sex, StoredVoice, VoiceInfo, VoiceLibrary};

use super::flags::{self, EngineFlags};
use super::{Failure, cast, console};

/// The file of a folder of weights that tells about the voices.
const LIST: &str = "voices.json";

/// List the voices, and make your own from recordings
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// As a JSON array
    #[arg(long)]
    json: bool,

    /// The voices of the weights in this folder instead of the embedded ones
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,

    #[command(flatten)]
    library: LibraryFlags,
}

/// Where voices of one's own are.
#[derive(Debug, Clone, clap::Args)]
struct LibraryFlags {
    /// The folder of your own voices [default: SYRINX_VOICES, or syrinx/voices in the system's folder for data]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl LibraryFlags {
    fn open(&self) -> Result<VoiceLibrary, Failure> {
        let chosen = self.dir.as_ref().map(VoiceLibrary::new);
        chosen.or_else(VoiceLibrary::user).ok_or_else(|| {
            Failure::usage(
                "there is no home folder to keep voices in; give --dir or set SYRINX_VOICES",
            )
        })
    }
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Box<AddArgs>),
    Remove(RemoveArgs),
    Info(InfoArgs),
}

/// Make a voice from recordings of one speaker, and store it for `--voice NAME`
///
/// One second to ten minutes of speech in all, ten seconds are plenty; any format, silence is cut out. Use voices of
/// people who agree to it.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The name: letters, digits, - and _
    name: String,

    /// The recordings
    #[arg(required = true, value_name = "CLIP")]
    clips: Vec<String>,

    /// What is said in a clip, or @FILE that holds it; once for each clip. The voice then keeps its own pace too
    #[arg(long, value_name = "TEXT|@FILE")]
    prosody_text: Vec<String>,

    /// A sentence about it, for the list
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Heard as: female or male
    #[arg(long, value_name = "SEX", value_parser = sex)]
    sex: Option<Sex>,

    /// The English it speaks: american or british [default: american]
    #[arg(long, value_name = "ACCENT", value_parser = flags::accent)]
    accent: Option<Accent>,

    /// Replace a voice of this name
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    library: LibraryFlags,

    #[command(flatten)]
    engine: EngineFlags,
}

/// Remove a voice of your own
#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// Its name
    name: String,

    #[command(flatten)]
    library: LibraryFlags,
}

/// Tell about a voice
#[derive(Debug, clap::Args)]
struct InfoArgs {
    /// Its name
    name: String,

    /// As a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    library: LibraryFlags,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        None => list(args),
        Some(Action::Add(args)) => add(args),
        Some(Action::Remove(args)) => remove(args),
        Some(Action::Info(args)) => info(args),
    }
}

fn list(args: &Args) -> Result<(), Failure> {
    let built_in = read(args.weights.as_deref())?;
    let stored = match args.library.open() {
        Ok(library) => library.voices()?,
        Err(_) => Vec::new(),
    };
    let stored = stored.into_iter().map(|voice| (voice.info, true));
    let voices: Vec<(VoiceInfo, bool)> = built_in
        .into_iter()
        .map(|info| (info, false))
        .chain(stored)
        .collect();
    if args.json {
        let list: Vec<_> = voices
            .iter()
            .map(|(voice, stored)| {
                json!({
                    "name": voice.name,
                    "sex": voice.sex,
                    "accent": voice.accent,
                    "median_f0_hz": voice.median_f0_hz,
                    "description": voice.description,
                    "stored": stored,
                })
            })
            .collect();
        return console::print(serde_json::Value::from(list));
    }
    let width = voices
        .iter()
        .map(|(voice, _)| voice.name.chars().count())
        .max();
    let width = width.unwrap_or_default();
    for (voice, stored) in &voices {
        console::print(row(voice, width, if *stored { "(your own) " } else { "" }))?;
    }
    Ok(())
}

fn row(voice: &VoiceInfo, width: usize, note: &str) -> String {
    let sex = voice.sex.map(|sex| sex.to_string()).unwrap_or_default();
    let f0 = voice.median_f0_hz.map(|hz| format!("{hz:.0} Hz"));
    let line = format!(
        "{:width$}  {sex:6}  {:8}  {:>6}  {note}{}",
        voice.name,
        voice.accent,
        f0.unwrap_or_default(),
        voice.description
    );
    line.trim_end().to_owned()
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let library = args.library.open()?;
    let path = library.path(&args.name)?;
    if path.exists() && !args.force {
        return Err(Failure::usage(format!(
            "there is a voice {} already; add --force to replace it",
            args.name
        )));
    }
    let texts = args.prosody_text.iter().map(|text| cast::read_text(text));
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    let clips = cast::with_texts("the voice", &args.clips, &texts)?;
    let engine = args.engine.load(None)?;
    if let Some(taken) = engine
        .voices()
        .iter()
        .find(|voice| voice.name.to_lowercase() == args.name.to_lowercase())
    {
        return Err(Failure::usage(format!(
            "{} is a built-in voice; choose another name",
            taken.name
        )));
    }
    let mut builder = engine
        .voice_builder()
        .name(&args.name)
        .description(args.description.as_deref().unwrap_or_default())
        .accent(args.accent.unwrap_or_default())
        .clips(clips);
    if let Some(sex) = args.sex {
        builder = builder.sex(sex);
    }
    let voice = builder.build().map_err(cast::refused)?;
    voice
        .warnings()
        .iter()
        .for_each(|told| console::warning(told));
    let path = library.store(&voice, args.force)?;
    let seconds = voice.origin().map_or(0.0, |origin| origin.speech_s);
    console::note(format_args!(
        "{}: {seconds:.1} s of speech, kept in {}",
        voice.name(),
        path.display()
    ));
    Ok(())
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let library = args.library.open()?;
    if library.find(&args.name).ok().flatten().is_none()
        && let Some(voice) = named(&read(None).unwrap_or_default(), &args.name)
    {
        return Err(Failure::usage(format!(
            "{} is a built-in voice, which cannot be removed",
            voice.name
        )));
    }
    library.remove(&args.name)?;
    console::note(format_args!("{} is removed", args.name));
    Ok(())
}

fn info(args: &InfoArgs) -> Result<(), Failure> {
    let stored = args
        .library
        .open()
        .and_then(|library| Ok(library.find(&args.name)?))?;
    if let Some(StoredVoice { info, origin, .. }) = &stored {
        if args.json {
            return print_json(&stored);
        }
        console::print(row(info, 0, "(your own) "))?;
        let whole = origin.sources.iter().map(|source| {
            let text = source.text.as_ref().map(|_| ", its text known");
            format!(
                "{} ({:.1} s{})",
                source.clip.display(),
                source.speech_s,
                text.unwrap_or_default()
            )
        });
        console::print(format_args!(
            "made from: {}",
            whole.collect::<Vec<_>>().join(", ")
        ))?;
        console::print(format_args!("speech: {:.1} s", origin.speech_s))?;
        console::print(format_args!("level: {:+.1} dB", info.gain_db))?;
        console::print(format_args!("created: {}", origin.created))?;
        return console::print(format_args!("model: {}", origin.model));
    }
    let built_in = read(None).unwrap_or_default();
    match named(&built_in, &args.name) {
        Some(voice) if args.json => print_json(voice),
        Some(voice) => console::print(row(voice, 0, "")),
        None => Err(Failure::usage(format!(
            "no voice is called {:?}; `syrinx voices` lists them",
            args.name
        ))),
    }
}

fn named<'a>(voices: &'a [VoiceInfo], name: &str) -> Option<&'a VoiceInfo> {
    voices
        .iter()
        .find(|voice| voice.name.to_lowercase() == name.to_lowercase())
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?;
    console::print(json)
}

fn sex(text: &str) -> Result<Sex, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "female" => Ok(Sex::Female),
        "male" => Ok(Sex::Male),
        _ => Err("give female or male".into()),
    }
}

/// The list of the built-in voices, without loading a network.
fn read(weights: Option<&Path>) -> Result<Vec<VoiceInfo>, Failure> {
    let (path, bytes) = match weights {
        Some(folder) => {
            let path = folder.join(LIST);
            let bytes = std::fs::read(&path)
                .map_err(|error| Failure::Usage(syrinx::Error::io(&path)(error).to_string()))?;
            (path.display().to_string(), Cow::from(bytes))
        }
        None => {
            let mut files = syrinx_weights::STARTER_VOICE.unwrap_or_default().iter();
            match files.find(|(name, _)| *name == LIST) {
                Some((name, bytes)) => (format!("embedded {name}"), Cow::from(*bytes)),
                None => {
                    return Err(Failure::usage(
                        "this build has no voices; build it with the feature `starter-voice`, or give --weights DIR",
                    ));
                }
            }
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| Failure::failed(format!("{path}: {error}")))
}
