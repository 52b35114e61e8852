//! A text, sentence by sentence, as utterances.

use std::collections::VecDeque;
use std::ops::Range;

use super::chunk::{self, Cut};
use super::error::{Diagnostic, Error, Result};
use super::front_end::FrontEnd;
use super::glyph::OBJECT;
use super::phonemes::Spoken;
use super::segment::{Ending, Segment};
use super::sentence::{Boundary, sentence_end};
use super::utterance::{Symbol, Utterance, Word};
use super::vocabulary::Vocabulary;

/// Iterator over the utterances of a text; see [`FrontEnd::utterances`].
#[derive(Debug)]
pub struct Utterances<'a> {
    front_end: FrontEnd,
    segments: VecDeque<Segment<'a>>,
    /// Next byte of the first segment's text, and objects of it already used.
    at: usize,
    objects: usize,
    /// Sentences too short to stand alone, waiting for the next.
    waiting: Vec<Spoken>,
    /// Source byte from which nothing is accounted for yet.
    open: Option<usize>,
    diagnostics: Vec<Diagnostic>,
    ready: VecDeque<Utterance>,
    spoken: bool,
    finished: bool,
}

impl<'a> Utterances<'a> {
    pub(super) fn new(front_end: FrontEnd, segments: VecDeque<Segment<'a>>) -> Self {
        Self {
            front_end,
            segments,
            at: 0,
            objects: 0,
            waiting: Vec::new(),
            open: None,
            diagnostics: Vec::new(),
            ready: VecDeque::new(),
            spoken: false,
            finished: false,
        }
    }

    /// What was dropped after the last utterance; everything before it is in
    /// [`Utterance::diagnostics`].
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Reads one sentence of the first segment.
    fn advance(&mut self) -> Result<()> {
        let front_end = self.front_end.clone();
        let Some(segment) = self.segments.front() else {
            return Ok(());
        };
        let rest = &segment.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        let (end, mut boundary) = sentence_end(&segment.text, self.at);
        let sentence = &segment.text[self.at..end];
        let base = self.at;
        let source = segment.source(base..end);
        let last_of_segment = segment.text[end..].trim().is_empty();
        if last_of_segment {
            boundary = ends_with(boundary, segment);
        }
        if !sentence.trim().is_empty() && self.open.is_none() {
            let lead = sentence.len() - sentence.trim_start().len();
            self.open = Some(segment.source(base + lead..end).start);
        }
        let count = sentence.matches(OBJECT).count();
        let objects = segment
            .objects
            .get(self.objects..self.objects + count)
            .unwrap_or_default();
        let spoken = front_end.speak(
            sentence,
            |r| segment.source(r.start + base..r.end + base),
            objects,
            &mut self.diagnostics,
        )?;
        self.at = end;
        self.objects += count;
        let source_end = source.start + (source.len() - trailing_space(sentence).min(source.len()));
        let total = chunk::symbols(&self.waiting) + chunk::symbols(&spoken);
        if !self.waiting.is_empty() && total > front_end.limits().symbols {
            let waiting = std::mem::take(&mut self.waiting);
            let start = spoken.first().map_or(source_end, |s| s.span.start);
            self.flush(waiting, Boundary::Sentence, start, false);
        }
        let mut all = std::mem::take(&mut self.waiting);
        all.extend(spoken);
        let short = chunk::symbols(&all) < front_end.limits().shortest;
        if short && boundary == Boundary::Sentence && !last_of_segment {
            self.waiting = all;
        } else {
            self.flush(all, boundary, source_end, last_of_segment);
        }
        if last_of_segment {
            self.segments.pop_front();
            self.at = 0;
            self.objects = 0;
        }
        Ok(())
    }

    /// Turns phonemes into utterances that account for the source up to `end`.
    fn flush(
        &mut self,
        mut spoken: Vec<Spoken>,
        boundary: Boundary,
        end: usize,
        segment_end: bool,
    ) {
        while spoken.first().is_some_and(|s| s.mark) {
            spoken.remove(0);
        }
        let limits = self.front_end.limits();
        let pauses = self.front_end.pauses();
        let pause = match boundary {
            Boundary::Sentence => pauses.sentence_ms,
            Boundary::Paragraph => pauses.paragraph_ms,
            Boundary::Word | Boundary::Inside => 0,
        };
        let segment = if segment_end {
            self.segments.front()
        } else {
            None
        };
        let extra = segment.and_then(|s| s.pause_after_ms);
        if spoken.is_empty() {
            // Nothing to say: the stretch belongs to the utterance before it, if there is one.
            if let Some(last) = self.ready.back_mut() {
                last.span.end = last.span.end.max(end);
                last.pause_after_ms = extra.unwrap_or(last.pause_after_ms.max(pause));
                self.open = None;
            }
            return;
        }
        let first = if self.spoken {
            limits.symbols
        } else {
            limits.first
        };
        let pieces = chunk::split(spoken, limits.symbols - 1, first);
        let count = pieces.len();
        let mut start = self
            .open
            .take()
            .unwrap_or_else(|| pieces[0].0[0].span.start);
        let starts: Vec<usize> = pieces
            .iter()
            .map(|(p, _)| p.iter().map(|s| s.span.start).min().unwrap_or(end))
            .collect();
        for (i, (piece, cut)) in pieces.into_iter().enumerate() {
            let last = i + 1 == count;
            let piece_end = if last { end } else { starts[i + 1] }.max(start);
            let mark = match (cut, boundary) {
                (Cut::End, Boundary::Sentence | Boundary::Paragraph) => Some('.'),
                (Cut::Inside, _) | (Cut::End, Boundary::Inside) => None,
                _ => Some(','),
            };
            let mut utterance = assemble(&piece, mark, start..piece_end);
            utterance.pause_after_ms = match cut {
                Cut::End => extra.unwrap_or(pause),
                Cut::Clause => pauses.clause_ms,
                Cut::Word | Cut::Inside => 0,
            };
            if let Some(segment) = self.segments.front() {
                utterance.prosody = segment.prosody;
                utterance.voice = segment.voice.clone();
                if i == 0 {
                    utterance.marks = segment
                        .marks
                        .iter()
                        .filter(|(_, at)| *at >= start && *at <= piece_end)
                        .map(|(n, _)| (n.clone(), 0))
                        .collect();
                }
            }
            if i == 0 {
                utterance.diagnostics = std::mem::take(&mut self.diagnostics);
            }
            start = piece_end;
            self.ready.push_back(utterance);
        }
        self.spoken = true;
    }
}

fn trailing_space(sentence: &str) -> usize {
    sentence.len() - sentence.trim_end().len()
}

/// What the end of a segment's last sentence is.
fn ends_with(boundary: Boundary, segment: &Segment<'_>) -> Boundary {
    match (segment.ending, boundary) {
        (Ending::Paragraph, _) => Boundary::Paragraph,
        (Ending::Sentence, _) | (Ending::Open, Boundary::Sentence) => Boundary::Sentence,
        // A pause asked for in mid-sentence is a clause end, a change of prosody is nothing to hear.
        (Ending::Open, _) if segment.pause_after_ms.is_some() => Boundary::Word,
        (Ending::Open, _) => Boundary::Inside,
    }
}

/// Joins phonemes with spaces and closes the utterance with a mark.
fn assemble(spoken: &[Spoken], mark: Option<char>, span: Range<usize>) -> Utterance {
    let vocabulary = Vocabulary::english();
    let mut symbols: Vec<Symbol> = Vec::with_capacity(chunk::symbols(spoken) + 1);
    let mut words = Vec::new();
    let push = |symbols: &mut Vec<Symbol>, ch: char, span: Range<usize>| {
        if let Some(id) = vocabulary.id(ch) {
            symbols.push(Symbol { ch, id, span });
        }
    };
    for s in spoken {
        if s.spaced && !s.mark && !symbols.is_empty() {
            let from = symbols
                .last()
                .map_or(s.span.start, |p| p.span.end)
                .min(s.span.start);
            push(&mut symbols, ' ', from..s.span.start);
        }
        let start = symbols.len();
        for ch in s.phonemes.chars() {
            push(&mut symbols, ch, s.span.clone());
        }
        if !s.mark {
            words.push(Word {
                text: s.text.clone(),
                span: s.span.clone(),
                symbols: start..symbols.len(),
            });
        }
    }
    if let Some(mark) = mark
        && spoken.last().is_some_and(|s| !s.mark)
    {
        push(&mut symbols, mark, span.end..span.end);
    }
    Utterance {
        phonemes: symbols,
        words,
        span,
        pause_after_ms: 0,
        prosody: Default::default(),
        voice: None,
        marks: Vec::new(),
        diagnostics: Vec::new(),
    }
}

impl Iterator for Utterances<'_> {
    type Item = Result<Utterance>;

    fn next(&mut self) -> Option<Self::Item> {
        // One utterance is held back, because silence and unspoken text after it are added to it.
        while self.ready.len() < 2 && !self.segments.is_empty() && !self.finished {
            if let Err(error) = self.advance() {
                self.finished = true;
                self.segments.clear();
                self.ready.clear();
                return Some(Err(error));
            }
        }
        if let Some(utterance) = self.ready.pop_front() {
            return Some(Ok(utterance));
        }
        if !self.spoken && !self.finished {
            self.finished = true;
            return Some(Err(Error::Empty(
                "the text holds no letters, digits or symbols with a spoken form",
            )));
        }
        None
    }
}
