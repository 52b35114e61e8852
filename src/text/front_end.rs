//! The front end: a text in, utterances out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::Dialect;
use super::error::{Diagnostic, Result};
use super::glyph::clean;
use super::lexicon::Lexicon;
use super::normalise::{Surroundings, normalise};
use super::phonemes::{Spoken, phonemes};
use super::pronounce::Pronouncer;
use super::segment::Segment;
use super::sentence::sentence_end;
use super::ssml;
use super::tagger::Tagger;
use super::utterances::Utterances;

/// How much goes into one utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Symbols an utterance never exceeds.
    pub symbols: usize,
    /// Symbols the first utterance of a text should not exceed if a clause ends
    /// in time, so that sound starts early.
    pub first: usize,
    /// Sentences shorter than this are joined with the next of their paragraph,
    /// because models speak very short inputs badly.
    pub shortest: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            symbols: 200,
            first: 100,
            shortest: 20,
        }
    }
}

/// Silence added between utterances, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// After a clause at which a long sentence was cut.
    pub clause_ms: u32,
    /// After a sentence.
    pub sentence_ms: u32,
    /// After a paragraph.
    pub paragraph_ms: u32,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            clause_ms: 60,
            sentence_ms: 180,
            paragraph_ms: 450,
        }
    }
}

/// Turns English text into phonemes; cheap to clone, shared between threads.
#[derive(Debug, Clone)]
pub struct FrontEnd {
    shared: Arc<Shared>,
    lexicon: Option<Arc<Lexicon>>,
    limits: Limits,
    pauses: Pauses,
    expand: bool,
}

#[derive(Debug)]
struct Shared {
    tagger: Tagger,
    pronouncer: Pronouncer,
}

impl FrontEnd {
    /// A front end for one dialect. Takes well under a millisecond.
    pub fn new(dialect: Dialect) -> Self {
        let shared = Shared {
            tagger: Tagger::english(),
            pronouncer: Pronouncer::new(dialect),
        };
        Self {
            shared: Arc::new(shared),
            lexicon: None,
            limits: Limits::default(),
            pauses: Pauses::default(),
            expand: true,
        }
    }

    /// Adds the user's pronunciations, which win over everything built in.
    #[must_use]
    pub fn with_lexicon(mut self, lexicon: Lexicon) -> Self {
        let mut all = self.lexicon.as_deref().cloned().unwrap_or_default();
        all.extend(lexicon);
        self.lexicon = Some(Arc::new(all));
        self
    }

    /// Sets how much goes into one utterance.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the silences between utterances.
    #[must_use]
    pub fn with_pauses(mut self, pauses: Pauses) -> Self {
        self.pauses = pauses;
        self
    }

    /// Switches the expansion of numbers, dates, abbreviations and the like off
    /// (or on again), for text that is already written as it is spoken.
    #[must_use]
    pub fn with_normalisation(mut self, on: bool) -> Self {
        self.expand = on;
        self
    }

    /// The dialect spoken.
    pub fn dialect(&self) -> Dialect {
        self.shared.pronouncer.dialect()
    }

    /// The utterances of a plain text, made one by one in constant memory.
    ///
    /// Takes the text by reference or, for an iterator that outlives it, by value. A
    /// text with nothing to say yields one [`Error::Empty`](crate::text::Error::Empty).
    pub fn utterances<'a>(&self, text: impl Into<Cow<'a, str>>) -> Utterances<'a> {
        Utterances::new(self.clone(), VecDeque::from([Segment::plain(text)]))
    }

    /// The utterances of an SSML document. Supported are `speak`, `p`, `s`,
    /// `break`, `prosody`, `say-as`, `phoneme`, `sub`, `voice`, `emphasis` and `mark`.
    ///
    /// # Errors
    /// [`Error::Ssml`](crate::text::Error::Ssml) with line and column if the document is malformed, too
    /// deep, too large, or uses anything else.
    pub fn ssml(&self, document: &str) -> Result<Utterances<'static>> {
        Ok(Utterances::new(
            self.clone(),
            ssml::parse(document, self.dialect(), self.lexicon.as_ref())?.into(),
        ))
    }

    /// The phonemes of a text, utterances separated by spaces.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::text::Error::Empty) or [`Error::Phonemes`](crate::text::Error::Phonemes).
    pub fn phonemize(&self, text: &str) -> Result<String> {
        let all: Vec<String> = self
            .utterances(text)
            .map(|u| Ok(u?.phoneme_string()))
            .collect::<Result<_>>()?;
        Ok(all.join(" "))
    }

    /// The text as it is spoken, in words and punctuation.
    ///
    /// # Errors
    /// [`Error::Phonemes`](crate::text::Error::Phonemes) if inline phonemes are malformed.
    pub fn normalise(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut at = 0;
        while at < text.len() {
            let (end, _) = sentence_end(text, at);
            let glyphs = clean(
                &text[at..end],
                |r| r.start + at..r.end + at,
                &mut Vec::new(),
            );
            let surroundings = Surroundings {
                dialect: self.dialect(),
                lexicon: self.lexicon.as_ref(),
                objects: &[],
                expand: self.expand,
            };
            for token in normalise(&glyphs, surroundings, &mut Vec::new())? {
                if token.is_spoken() && !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&token.text);
            }
            at = end.max(at + 1);
        }
        Ok(out)
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn pauses(&self) -> Pauses {
        self.pauses
    }

    /// Tokens and phonemes of one sentence.
    pub(super) fn speak(
        &self,
        sentence: &str,
        source: impl Fn(Range<usize>) -> Range<usize>,
        objects: &[Vec<super::token::Token>],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Vec<Spoken>> {
        let glyphs = clean(sentence, source, diagnostics);
        let surroundings = Surroundings {
            dialect: self.dialect(),
            lexicon: self.lexicon.as_ref(),
            objects,
            expand: self.expand,
        };
        let tokens = normalise(&glyphs, surroundings, diagnostics)?;
        let Shared { tagger, pronouncer } = &*self.shared;
        Ok(phonemes(
            tokens,
            tagger,
            pronouncer,
            self.lexicon.as_ref(),
            diagnostics,
        ))
    }
}
