//! Text as written to words as spoken.
//!
//! A sentence is cut into atoms (letters, digits, single symbols, space); at
//! each atom the classes below are tried in order, each looking a bounded
//! distance ahead. Nothing backtracks over what has been said, so the time is
//! linear in the length of the text whatever the input.

mod abbreviation;
mod contact;
mod date;
mod identifier;
mod money;
mod number;
mod quantity;
mod roman;
mod say_as;
mod symbol;
mod time;
mod unit;
mod word;

use std::ops::Range;
use std::sync::Arc;

use super::Dialect;
use super::error::{Diagnostic, DiagnosticKind, Result};
use super::glyph::{Glyph, OBJECT, fold_latin};
use super::lexicon::Lexicon;
use super::token::{Token, TokenKind};

pub(crate) use say_as::say_as;

/// Kinds of atoms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Digits,
    Space,
    Symbol(char),
}

#[derive(Debug)]
struct Atom {
    kind: Kind,
    text: String,
    glyphs: Range<usize>,
}

/// What the caller's document adds to the bare characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub dialect: Dialect,
    pub lexicon: Option<&'a Arc<Lexicon>>,
    /// Ready-made readings, in the order of the [`OBJECT`] glyphs.
    pub objects: &'a [Vec<Token>],
    /// Whether numbers, abbreviations and the like are expanded.
    pub expand: bool,
}

/// Reads one sentence.
pub(crate) fn normalise(
    glyphs: &[Glyph],
    surroundings: Surroundings<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<Token>> {
    let mut reader = Reader::new(glyphs, surroundings, diagnostics);
    reader.run()?;
    Ok(reader.out)
}

fn atoms(glyphs: &[Glyph]) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::new();
    for (i, g) in glyphs.iter().enumerate() {
        let previous = out.last().map(|a| a.kind);
        let after = glyphs.get(i + 1).map(|g| g.ch);
        let kind = match g.ch {
            c if c.is_ascii_digit() => Kind::Digits,
            c if c.is_alphabetic() && fold_latin(c).is_some() => Kind::Letters,
            // An apostrophe between letters belongs to the word.
            '\'' if previous == Some(Kind::Letters)
                && after.is_some_and(|c| fold_latin(c).is_some()) =>
            {
                Kind::Letters
            }
            c if c.is_whitespace() => Kind::Space,
            c => Kind::Symbol(c),
        };
        match out.last_mut() {
            Some(last) if last.kind == kind && !matches!(kind, Kind::Symbol(_)) => {
                last.text.push(g.ch);
                last.glyphs.end = i + 1;
            }
            _ => out.push(Atom {
                kind,
                text: g.ch.to_string(),
                glyphs: i..i + 1,
            }),
        }
    }
    out
}

struct Reader<'a> {
    atoms: Vec<Atom>,
    glyphs: &'a [Glyph],
    surroundings: Surroundings<'a>,
    out: Vec<Token>,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// Objects used so far.
    objects: usize,
}

/// Where a class stopped reading: the next atom.
type Read = Option<usize>;

impl<'a> Reader<'a> {
    fn new(
        glyphs: &'a [Glyph],
        surroundings: Surroundings<'a>,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            atoms: atoms(glyphs),
            glyphs,
            surroundings,
            out: Vec::new(),
            diagnostics,
            objects: 0,
        }
    }
}

impl Reader<'_> {
    fn run(&mut self) -> Result<()> {
        let mut i = 0;
        while i < self.atoms.len() {
            i = match self.atoms[i].kind {
                Kind::Space => i + 1,
                Kind::Symbol(OBJECT) => {
                    self.object();
                    i + 1
                }
                Kind::Symbol('[') => match self.inline_phonemes(i)? {
                    Some(next) => next,
                    None => self.step(i),
                },
                _ => self.step(i),
            };
        }
        Ok(())
    }

    /// Reads what starts at atom `i`; always advances.
    fn step(&mut self, i: usize) -> usize {
        let read = if self.starts_chunk(i) {
            self.lexicon_entry(i)
        } else {
            None
        };
        let read = read.or_else(|| {
            if self.surroundings.expand {
                self.expanded(i)
            } else {
                None
            }
        });
        read.unwrap_or_else(|| match self.atoms[i].kind {
            Kind::Letters => self.word(i),
            Kind::Digits => {
                let words = self.cardinal(&self.atoms[i].text);
                self.say(&words, i..i + 1);
                i + 1
            }
            _ => self.symbol(i),
        })
        .max(i + 1)
    }

    /// The classes that read more than the characters say, the most specific first.
    fn expanded(&mut self, i: usize) -> Read {
        let start = self.starts_chunk(i);
        if start {
            let read = self.web_address(i).or_else(|| self.hashtag(i));
            if read.is_some() {
                return read;
            }
        }
        match self.atoms[i].kind {
            Kind::Letters => self
                .money(i)
                .or_else(|| self.dotted_letters(i))
                .or_else(|| self.month_date(i))
                .or_else(|| self.version(i))
                .or_else(|| self.abbreviation(i))
                .or_else(|| self.roman(i))
                .or_else(|| self.identifier(i)),
            Kind::Digits => self
                .date(i)
                .or_else(|| self.phone(i))
                .or_else(|| self.time(i))
                .or_else(|| self.dotted_digits(i))
                .or_else(|| self.long_identifier(i))
                .or_else(|| self.money(i))
                .or_else(|| self.fraction(i))
                .or_else(|| self.range(i))
                .or_else(|| self.quantity(i)),
            _ => self
                .money(i)
                .or_else(|| self.phone(i))
                .or_else(|| self.signed(i))
                .or_else(|| self.decade(i)),
        }
    }

    // -- looking ------------------------------------------------------------------------------

    fn kind(&self, i: usize) -> Option<Kind> {
        self.atoms.get(i).map(|a| a.kind)
    }

    fn text(&self, i: usize) -> &str {
        self.atoms.get(i).map_or("", |a| a.text.as_str())
    }

    fn is(&self, i: usize, c: char) -> bool {
        self.kind(i) == Some(Kind::Symbol(c))
    }

    fn is_space(&self, i: usize) -> bool {
        self.kind(i) == Some(Kind::Space)
    }

    /// The digits at `i`, if there are any.
    fn digits(&self, i: usize) -> Option<&str> {
        (self.kind(i) == Some(Kind::Digits)).then(|| self.text(i))
    }

    fn letters(&self, i: usize) -> Option<&str> {
        (self.kind(i) == Some(Kind::Letters)).then(|| self.text(i))
    }

    /// Past an optional single space.
    fn skip_space(&self, i: usize) -> usize {
        if self.is_space(i) && self.text(i).chars().count() == 1 {
            i + 1
        } else {
            i
        }
    }

    /// Whether atom `i` follows white space, an opening mark or nothing.
    fn starts_chunk(&self, i: usize) -> bool {
        match i.checked_sub(1).and_then(|p| self.kind(p)) {
            None | Some(Kind::Space) => true,
            Some(Kind::Symbol(c)) => "(\"'[{<—–*_".contains(c),
            _ => false,
        }
    }

    /// Whether nothing that belongs to a number or word follows directly.
    fn ends_chunk(&self, i: usize) -> bool {
        !matches!(self.kind(i), Some(Kind::Letters | Kind::Digits))
    }

    /// The atom before `i` that is not space.
    fn word_before(&self, i: usize) -> &str {
        let mut k = i;
        while let Some(p) = k.checked_sub(1) {
            match self.kind(p) {
                Some(Kind::Space) => k = p,
                Some(Kind::Letters) => return self.text(p),
                _ => return "",
            }
        }
        ""
    }

    // -- saying -------------------------------------------------------------------------------

    fn span(&self, atoms: Range<usize>) -> Range<usize> {
        let first = self
            .atoms
            .get(atoms.start)
            .and_then(|a| self.glyphs.get(a.glyphs.start));
        let last = atoms
            .end
            .checked_sub(1)
            .and_then(|i| self.atoms.get(i))
            .and_then(|a| self.glyphs.get(a.glyphs.end - 1));
        match (first, last) {
            (Some(first), Some(last)) => first.span.start..last.span.end.max(first.span.start),
            _ => 0..0,
        }
    }

    /// Speaks words for the atoms of a range; commas among them become marks.
    fn say(&mut self, words: &str, atoms: Range<usize>) {
        let span = self.span(atoms);
        self.say_at(words, span);
    }

    fn say_at(&mut self, words: &str, span: Range<usize>) {
        for word in words.split_whitespace() {
            let (word, comma) = word.strip_suffix(',').map_or((word, false), |w| (w, true));
            // Decimals are heard as one number: their point carries no stress.
            let kind = if word == "point" {
                TokenKind::Phonemes("pYnt".into())
            } else {
                TokenKind::Word
            };
            self.push(word.to_owned(), span.clone(), kind);
            if comma {
                self.mark(',', span.clone());
            }
        }
    }

    fn say_letters(&mut self, letters: &str, atoms: Range<usize>) {
        let span = self.span(atoms);
        self.push(letters.to_owned(), span, TokenKind::Letters);
    }

    fn push(&mut self, text: String, span: Range<usize>, kind: TokenKind) {
        self.out.push(Token { text, span, kind });
    }

    fn mark(&mut self, mark: char, span: Range<usize>) {
        const STRENGTH: &str = ",:;.!?";
        match self.out.last_mut() {
            // Of several marks in a row the strongest stays.
            Some(Token {
                kind: TokenKind::Mark(last),
                text,
                span: at,
                ..
            }) => {
                if STRENGTH.find(mark) > STRENGTH.find(*last) {
                    *last = mark;
                    *text = mark.to_string();
                }
                at.end = at.end.max(span.end);
            }
            None => {}
            _ => self.out.push(Token {
                text: mark.to_string(),
                span,
                kind: TokenKind::Mark(mark),
            }),
        }
    }

    fn note(&mut self, i: usize, kind: DiagnosticKind) {
        let span = self.span(i..i + 1);
        match self.diagnostics.last_mut() {
            Some(last) if last.kind == kind && last.span.end == span.start => {
                last.span.end = span.end
            }
            _ => self.diagnostics.push(Diagnostic { span, kind }),
        }
    }

    fn cardinal(&self, digits: &str) -> String {
        number::cardinal(digits, self.surroundings.dialect)
    }

    fn ordinal(&self, digits: &str) -> String {
        number::ordinal(digits, self.surroundings.dialect)
    }

    fn year_words(&self, digits: &str) -> String {
        number::year(digits, self.surroundings.dialect)
    }
}
