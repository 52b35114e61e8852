//! Captions: the times of words and phones as SRT, WebVTT or JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Mark, MarkKind};

/// Longest caption, characters and seconds: two lines that can be read in time.
const LONGEST_CHARS: usize = 84;
const LONGEST_S: f64 = 7.0;

/// A format of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// Every sentence, word and phone with times and source bytes.
    Json,
}

impl Format {
    /// The format a file name asks for; `None` for an unknown extension.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "srt" => Some(Self::Srt),
            "vtt" => Some(Self::Vtt),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The file's content. `source` is the text the marks' spans point into;
    /// captions quote it, so they show "$3.50" where "three dollars ..." is heard.
    pub fn render(self, marks: &[Mark], source: &str) -> String {
        match self {
            Self::Srt => srt(marks, source),
            Self::Vtt => vtt(marks, source),
            Self::Json => json(marks, source),
        }
    }
}

/// A caption.
#[derive(Debug, Clone, PartialEq)]
struct Cue {
    start_s: f64,
    end_s: f64,
    text: String,
}

fn srt(marks: &[Mark], source: &str) -> String {
    let cues = cues(marks, source).into_iter().enumerate();
    cues.map(|(i, c)| {
        format!(
            "{}\n{} --> {}\n{}\n\n",
            i + 1,
            clock(c.start_s, ','),
            clock(c.end_s, ','),
            c.text
        )
    })
    .collect()
}

fn vtt(marks: &[Mark], source: &str) -> String {
    let mut out = "WEBVTT\n\n".to_owned();
    for c in cues(marks, source) {
        let text = c
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        out.push_str(&format!(
            "{} --> {}\n{text}\n\n",
            clock(c.start_s, '.'),
            clock(c.end_s, '.')
        ));
    }
    out
}

fn json(marks: &[Mark], source: &str) -> String {
    let list = |kind: MarkKind| -> Vec<Value> {
        let of_kind = marks.iter().filter(|m| m.kind == kind);
        of_kind
            .map(|m| {
                json!({
                    "text": m.text,
                    "start": millis(m.start_s),
                    "end": millis(m.end_s),
                    "span": [m.span.start, m.span.end],
                    "source": source.get(m.span.clone()),
                })
            })
            .collect()
    };
    let all = json!({
        "sentences": list(MarkKind::Sentence),
        "words": list(MarkKind::Word),
        "phones": list(MarkKind::Phone),
    });
    format!("{all:#}\n")
}

/// Seconds to the millisecond, as a number that prints short.
fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Hours, minutes, seconds and milliseconds.
fn clock(seconds: f64, point: char) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    format!(
        "{:02}:{:02}:{:02}{point}{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

/// Words gathered into captions that end at sentences or before they grow too long.
fn cues(marks: &[Mark], source: &str) -> Vec<Cue> {
    let sentence_ends: Vec<usize> = marks
        .iter()
        .filter(|m| m.kind == MarkKind::Sentence)
        .map(|m| m.span.end)
        .collect();
    let mut out: Vec<Cue> = Vec::new();
    let mut open: Option<(f64, f64, usize, usize)> = None;
    let mut emit = |(start_s, end_s, from, to): (f64, f64, usize, usize)| {
        // What is quoted includes the punctuation up to the next word.
        let tail = source.get(to..).unwrap_or_default();
        let more: usize = tail
            .chars()
            .take_while(|c| !c.is_whitespace() && !c.is_alphanumeric())
            .map(char::len_utf8)
            .sum();
        let text = source.get(from..to + more).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            out.push(Cue {
                start_s,
                end_s,
                text,
            });
        }
    };
    for word in marks.iter().filter(|m| m.kind == MarkKind::Word) {
        let next = match open.take() {
            None => (word.start_s, word.end_s, word.span.start, word.span.end),
            Some(cue) => {
                let (start_s, _, from, to) = cue;
                let new_sentence = sentence_ends
                    .iter()
                    .any(|&e| e >= to && e <= word.span.start);
                let chars = source
                    .get(from..word.span.end)
                    .map_or(usize::MAX, |t| t.chars().count());
                let same_source = word.span.start < to;
                if !same_source
                    && (new_sentence || chars > LONGEST_CHARS || word.end_s - start_s > LONGEST_S)
                {
                    emit(cue);
                    (word.start_s, word.end_s, word.span.start, word.span.end)
                } else {
                    (start_s, word.end_s, from, to.max(word.span.end))
                }
            }
        };
        open = Some(next);
    }
    if let Some(cue) = open {
        emit(cue);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start_s: f64, span: std::ops::Range<usize>) -> Mark {
        Mark {
            kind: MarkKind::Word,
            text: text.into(),
            start_s,
            end_s: start_s + 0.25,
            span,
        }
    }

    fn marks() -> Vec<Mark> {
        let mut out = vec![word("It", 0.0, 0..2), word("costs", 0.25, 3..8)];
        out.extend(
            ["three", "dollars"]
                .iter()
                .enumerate()
                .map(|(i, w)| word(w, 0.5 + i as f64 * 0.25, 9..11)),
        );
        out.push(word("Really", 3_661.5, 13..19));
        out.push(Mark {
            kind: MarkKind::Sentence,
            text: String::new(),
            start_s: 0.0,
            end_s: 1.0,
            span: 0..12,
        });
        out
    }

    #[test]
    fn captions_quote_the_source() {
        let source = "It costs $3. Really?";
        assert_eq!(
            Format::Srt.render(&marks(), source),
            "1\n00:00:00,000 --> 00:00:01,000\nIt costs $3.\n\n2\n01:01:01,500 --> 01:01:01,750\nReally?\n\n"
        );
        assert!(
            Format::Vtt
                .render(&marks(), source)
                .starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nIt costs $3.\n")
        );
        let json: Value = serde_json::from_str(&Format::Json.render(&marks(), source)).unwrap();
        assert_eq!(json["words"][2]["source"], "$3");
        assert_eq!(json["words"][4]["start"], 3661.5);
    }

    #[test]
    fn formats_go_by_extension() {
        assert_eq!(Format::of(Path::new("a/b.SRT")), Some(Format::Srt));
        assert_eq!(Format::of(Path::new("a/b")), None);
    }
}
