//! `syrinx phonemize`: what would be said.

use std::io::BufRead;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;
use syrinx::text::{Diagnostic, Dialect, FrontEnd, Utterance};

use super::interrupt::Interrupt;
use super::source::Source;
use super::text::{self as words, TextFlags};
use super::{Failure, console};

/// Show the phonemes of a text, a sentence a line
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The text; without it and without -i, standard input is read line by line
    #[arg(value_name = "TEXT")]
    words: Vec<String>,

    /// Read this file (UTF-8); can be repeated
    #[arg(short, long, value_name = "FILE", conflicts_with = "words")]
    input: Vec<PathBuf>,

    /// Which English
    #[arg(long, value_enum, default_value_t = DialectName::American)]
    dialect: DialectName,

    #[command(flatten)]
    text: TextFlags,

    /// A JSON object for each sentence: phonemes, words with their places in the text, what was
    /// dropped
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectName {
    American,
    British,
}

impl From<DialectName> for Dialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::American => Self::American,
            DialectName::British => Self::British,
        }
    }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let dialect = args.dialect.into();
    let mut front_end = FrontEnd::new(dialect);
    if let Some(lexicon) = args.text.open(dialect)? {
        front_end = front_end.with_lexicon(lexicon);
    }
    let ssml = args.text.ssml;
    // Nothing to clean up after Ctrl-C, so nothing listens for it.
    match Source::open(&args.words, &args.input, ssml, &Interrupt::default())? {
        Source::Text(passage) => show(&front_end, &passage.text, args).map_err(|failure| {
            passage
                .place
                .iter()
                .fold(failure, |failure, place| failure.at(place))
        }),
        Source::Lines(lines) => {
            for line in lines.lines() {
                let line = line.map_err(syrinx::Error::io("standard input"))?;
                if !line.trim().is_empty() {
                    show(&front_end, &line, args)?;
                }
            }
            Ok(())
        }
    }
}

/// Prints the sentences of a text.
fn show(front_end: &FrontEnd, text: &str, args: &Args) -> Result<(), Failure> {
    let utterances = match args.text.ssml {
        true => front_end.ssml(text).map_err(words::refused)?,
        false => front_end.utterances(text),
    };
    for utterance in utterances {
        let utterance = utterance.map_err(words::refused)?;
        if args.json {
            console::print(sentence(text, &utterance))?;
        } else {
            console::print(utterance.phoneme_string())?;
        }
    }
    Ok(())
}

/// A word and where it stands.
#[derive(Serialize)]
struct WordEntry<'a> {
    text: &'a str,
    phonemes: String,
    /// Bytes of the text.
    span: [usize; 2],
}

fn sentence(text: &str, utterance: &Utterance) -> serde_json::Value {
    let words: Vec<WordEntry> = utterance
        .words
        .iter()
        .map(|word| WordEntry {
            text: &word.text,
            phonemes: utterance.phonemes[word.symbols.clone()]
                .iter()
                .map(|symbol| symbol.ch)
                .collect(),
            span: [word.span.start, word.span.end],
        })
        .collect();
    let dropped: Vec<_> = utterance
        .diagnostics
        .iter()
        .map(|d| dropped(text, d))
        .collect();
    json!({
        "phonemes": utterance.phoneme_string(),
        "words": words,
        "span": [utterance.span.start, utterance.span.end],
        "pause_after_ms": utterance.pause_after_ms,
        "diagnostics": dropped,
    })
}

fn dropped(text: &str, diagnostic: &Diagnostic) -> serde_json::Value {
    json!({
        "what": diagnostic.kind.to_string(),
        "text": text.get(diagnostic.span.clone()),
        "span": [diagnostic.span.start, diagnostic.span.end],
    })
}
