//! `syrinx say --batch`: JSON lines in, a file each out, to be resumed at any time.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use syrinx::audio::{OutputFormat, Spec};
use syrinx::{Engine, VoiceLibrary};

use super::cast::Cast;
use super::figures::{Report, round};
use super::flags::{self, VoiceFlags};
use super::interrupt::Interrupt;
use super::output::{self, Plan, Target};
use super::progress::Progress;
use super::render::Rendering;
use super::say;
use super::source::{self, Passage, Source};
use super::text::Lexicons;
use super::timing::Timing;
use super::{Failure, console};

/// Flags of a batch.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Batch")]
pub struct BatchFlags {
    /// Speak every line of this file (`-` for standard input): JSON objects with "text" and, as
    /// wanted, "output", "voice", "prosody", "prosody_text", "prosody_mix", "speed", "pitch", "volume", "seed",
    /// "temperature", "top_k", "ssml", "timing". Outputs that exist are skipped (-y makes them again)
    #[arg(
        long,
        value_name = "FILE",
        requires = "out_dir",
        conflicts_with_all = ["words", "input", "output", "raw", "play", "timing"]
    )]
    pub batch: Option<PathBuf>,

    /// The folder for the outputs of a batch, made if need be
    #[arg(long, value_name = "DIR", requires = "batch")]
    pub out_dir: Option<PathBuf>,
}

/// A line of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    text: String,
    /// Below the output folder; the number of the line unless given.
    #[serde(alias = "output_file")]
    output: Option<PathBuf>,
    timing: Option<PathBuf>,
    #[serde(alias = "speaker", default, deserialize_with = "one_or_more")]
    voice: Vec<String>,
    #[serde(default, deserialize_with = "one_or_more")]
    prosody: Vec<String>,
    #[serde(default, deserialize_with = "one_or_more")]
    prosody_text: Vec<String>,
    prosody_mix: Option<f32>,
    speed: Option<f32>,
    pitch: Option<f32>,
    volume: Option<f32>,
    seed: Option<u64>,
    temperature: Option<f32>,
    top_k: Option<usize>,
    sentence_pause: Option<u32>,
    ssml: Option<bool>,
}

/// A text or a list of texts.
fn one_or_more<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    Ok(match Texts::deserialize(input)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    })
}

impl Record {
    fn parse(line: &str) -> Result<Self, Failure> {
        let record: Self = serde_json::from_str(line).map_err(|error| {
            let reason = error.to_string().replace(" at line 1 column", ", column");
            Failure::usage(format!(
                "not an entry of a batch: {reason}; write {{\"text\": \"...\"}}"
            ))
        })?;
        flags::check(&record.voice()).map_err(Failure::Usage)?;
        Ok(record)
    }

    fn voice(&self) -> VoiceFlags {
        VoiceFlags {
            voice: self.voice.clone(),
            accent: None,
            prosody: self.prosody.clone(),
            prosody_text: self.prosody_text.clone(),
            prosody_mix: self.prosody_mix,
            speed: self.speed,
            pitch: self.pitch,
            volume: self.volume,
            seed: self.seed,
            temperature: self.temperature,
            top_k: self.top_k,
            sentence_pause: self.sentence_pause,
        }
    }
}

/// What became of a line.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Outcome {
    Done {
        audio_s: f64,
        #[serde(flatten)]
        figures: Report,
    },
    Skipped,
    Failed {
        error: String,
    },
}

/// A line and what became of it, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    line: usize,
    output: Option<&'a Path>,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// How many lines, or files, came to what.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    pub done: usize,
    pub skipped: usize,
    pub failed: usize,
    pub audio_s: f64,
}

/// Speaks the lines of `path`.
pub fn run(args: &say::Args, path: &Path) -> Result<(), Failure> {
    let folder = args.batch.out_dir.as_deref().unwrap_or(Path::new("."));
    let lexicons = args.text.lexicons()?;
    let bytes = read(path)?;
    let engine = args.engine.load(VoiceLibrary::user())?;
    fs::create_dir_all(folder).map_err(syrinx::Error::io(folder))?;
    let lines = numbered_lines(&bytes);
    let interrupt = Interrupt::listen();
    let batch = Batch {
        args,
        folder,
        name: path.display().to_string(),
        engine: &engine,
        cast: Cast::new(&engine, args.quiet),
        lexicons: &lexicons,
        interrupt: &interrupt,
    };
    batch.speak(&lines)
}

/// Everything the lines have in common.
struct Batch<'a> {
    args: &'a say::Args,
    folder: &'a Path,
    name: String,
    engine: &'a Engine,
    cast: Cast<'a>,
    lexicons: &'a Lexicons,
    interrupt: &'a Interrupt,
}

impl Batch<'_> {
    fn speak(&self, lines: &[Line]) -> Result<(), Failure> {
        let quiet = self.args.quiet;
        let mut tally = Tally::default();
        let mut taken = HashSet::new();
        let progress = Progress::over(lines.len(), "lines", quiet);
        for (index, line) in lines.iter().enumerate() {
            let mut output = None;
            let outcome = match self.line(line, &mut taken, &mut output) {
                Ok(outcome) => outcome,
                Err(stop @ (Failure::Interrupted | Failure::ClosedPipe)) => return Err(stop),
                Err(failure) => {
                    let failure = failure.at(&format!("{}:{}", self.name, line.number));
                    let error = failure.message().unwrap_or_default();
                    progress.line(format_args!("error: {error}"));
                    Outcome::Failed { error }
                }
            };
            tally.count(&outcome);
            progress.reach(index + 1, tally.audio_s);
            if self.args.json {
                print_json(&Entry {
                    line: line.number,
                    output: output.as_deref(),
                    outcome: &outcome,
                })?;
            }
        }
        drop(progress);
        self.report(&tally)
    }

    /// Speaks a line; `output` becomes the file as soon as it is known.
    fn line(
        &self,
        line: &Line,
        taken: &mut HashSet<PathBuf>,
        output: &mut Option<PathBuf>,
    ) -> Result<Outcome, Failure> {
        let text = source::utf8(line.bytes.to_vec(), line.offset, "this line")?;
        let record = Record::parse(&text)?;
        let path = self.output(&record, line.number)?;
        let path = output.insert(path);
        let timing = match &record.timing {
            Some(name) => Some(Timing::new(&self.folder.join(below(name)?))?),
            None => None,
        };
        if !taken.insert(path.clone()) {
            return Err(Failure::usage(format!(
                "an earlier line writes {} too; give each its own \"output\"",
                path.display()
            )));
        }
        let complete = path.exists() && timing.as_ref().is_none_or(|timing| timing.path().exists());
        if complete && !self.args.output.yes {
            return Ok(Outcome::Skipped);
        }
        self.render(record, path, timing)
    }

    fn render(
        &self,
        record: Record,
        path: &Path,
        timing: Option<Timing>,
    ) -> Result<Outcome, Failure> {
        let settings = record.voice().or(&self.args.voice);
        let (voice, donor) = (self.cast.voice(&settings)?, self.cast.donor(&settings)?);
        let request = settings.request(self.engine, &voice, donor.as_ref());
        let mut request = self.args.text.apply(request, self.lexicons);
        if let Some(ssml) = record.ssml {
            request = request.ssml(ssml);
        }
        let passage = Passage {
            text: source::readable(record.text, 0, "\"text\"")?,
            place: None,
        };
        let rendering = Rendering::new(&request, Source::Text(passage), timing.is_some())?;
        for folder in path
            .parent()
            .into_iter()
            .chain(timing.as_ref().map(Timing::folder))
        {
            fs::create_dir_all(folder).map_err(syrinx::Error::io(folder))?;
        }
        let plan = Plan {
            target: Some(Target::File(path.to_owned())),
            format: match self.args.output.format {
                Some(format) => format,
                None => OutputFormat::from_path(path)?,
            },
            // Either it is not there, or it is to be made again.
            overwrite: true,
            play: false,
            output_device: None,
        };
        let mut outputs = plan.open(Spec::mono(self.engine.rate_hz()))?;
        let spoken = rendering.run(
            self.engine,
            &mut outputs,
            &Progress::default(),
            self.interrupt,
            timing.is_some(),
        )?;
        let timing = timing.map(|timing| timing.prepare(&spoken)).transpose()?;
        outputs.finish()?;
        if let Some(timing) = timing {
            timing.keep(true)?;
        }
        let figures = spoken.figures;
        Ok(Outcome::Done {
            audio_s: round(figures.audio_s(), 3),
            figures: figures.report(),
        })
    }

    /// The file of a line: what it asks for, or its number.
    fn output(&self, record: &Record, number: usize) -> Result<PathBuf, Failure> {
        let format = self.args.output.format.unwrap_or(OutputFormat::WAV);
        match &record.output {
            Some(name) => Ok(self.folder.join(below(name)?)),
            None => {
                let ending = output::ending(format);
                Ok(self.folder.join(format!("{number:05}.{ending}")))
            }
        }
    }

    fn report(&self, tally: &Tally) -> Result<(), Failure> {
        if self.args.json {
            print_json(tally)?;
        } else if !self.args.quiet {
            console::note(format_args!(
                "{}: {} done ({:.1} s of speech), {} skipped, {} failed",
                self.name, tally.done, tally.audio_s, tally.skipped, tally.failed
            ));
        }
        match tally.failed {
            0 => Ok(()),
            1 => Err(Failure::failed(
                "1 line failed; mend it and run the same command again",
            )),
            failed => Err(Failure::failed(format!(
                "{failed} lines failed; mend them and run the same command again"
            ))),
        }
    }
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done { audio_s, .. } => {
                self.done += 1;
                self.audio_s = round(self.audio_s + audio_s, 3);
            }
            Outcome::Skipped => self.skipped += 1,
            Outcome::Failed { .. } => self.failed += 1,
        }
    }
}

/// A line that is not blank.
struct Line<'a> {
    number: usize,
    /// Bytes before it.
    offset: usize,
    bytes: &'a [u8],
}

fn numbered_lines(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut offset = 0;
    let mut lines = Vec::new();
    for (index, bytes) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if !bytes.trim_ascii().is_empty() {
            lines.push(Line {
                number: index + 1,
                offset,
                bytes,
            });
        }
        offset += bytes.len() + 1;
    }
    lines
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path != Path::new("-") {
        let bytes = fs::read(path);
        return bytes.map_err(|error| Failure::Usage(syrinx::Error::io(path)(error).to_string()));
    }
    let mut bytes = Vec::new();
    match io::stdin().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(syrinx::Error::io("standard input")(error).into()),
    }
}

/// `path` if it stays below the output folder: batches come from other programs.
fn below(path: &Path) -> Result<&Path, Failure> {
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.components().all(plain) && path.file_name().is_some() {
        return Ok(path);
    }
    Err(Failure::usage(format!(
        "{:?} does not stay in the output folder; give a name without `..` and leading `/`",
        path.display().to_string()
    )))
}

pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?;
    console::print(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_but_are_no_entries() {
        let lines = numbered_lines(b"{}\n\n \r\n{\"a\": 1}\n");
        let found: Vec<_> = lines
            .iter()
            .map(|l| (l.number, l.offset, l.bytes.len()))
            .collect();
        assert_eq!(found, [(1, 0, 2), (4, 7, 8)]);
    }

    #[test]
    fn a_slip_in_a_name_is_told() {
        let failure = Record::parse(r#"{"text": "a", "vioce": "Wren"}"#).unwrap_err();
        let message = failure.message().unwrap();
        assert!(message.contains("unknown field `vioce`"), "{message}");
        assert!(message.contains(", column"), "{message}");
        assert!(Record::parse(r#"{"text": "a", "speed": 9}"#).is_err());
        let record = Record::parse(r#"{"text": "a", "output_file": "b.wav", "speaker": "Rook"}"#);
        assert_eq!(record.unwrap().voice, ["Rook"]);
        let clips = Record::parse(r#"{"text": "a", "voice": ["a.wav", "b.wav"]}"#);
        assert_eq!(clips.unwrap().voice.len(), 2);
        assert!(Record::parse(r#"{"text": "a", "voice": 3}"#).is_err());
        assert!(Record::parse(r#"{"text": "a", "prosody_mix": 2}"#).is_err());
    }

    #[test]
    fn outputs_stay_in_their_folder() {
        for good in ["a.wav", "b/c.wav", "./d.wav"] {
            assert!(below(Path::new(good)).is_ok(), "{good}");
        }
        for bad in ["../a.wav", "/etc/a.wav", "b/../../a.wav", ""] {
            assert!(below(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
