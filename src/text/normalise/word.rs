//! Words, and readings the user gives for them.

use super::{Kind, Read, Reader, Surroundings, normalise};
use crate::text::error::{DiagnosticKind, Error, Result};
use crate::text::notation;
use crate::text::token::TokenKind;

impl Reader<'_> {
    /// A word with its hyphenated parts and leading or trailing apostrophe.
    pub(super) fn word(&mut self, i: usize) -> usize {
        let mut end = i + 1;
        while self.is(end, '-') && self.letters(end + 1).is_some() {
            end += 2;
        }
        let mut text: String = (i..end).map(|k| self.text(k)).collect();
        let mut start = i;
        // 'tis, 'twas, 'em: the apostrophe is part of the word.
        if i > 0 && self.is(i - 1, '\'') && end == i + 1 {
            const CLIPPED: [&str; 9] = [
                "tis", "twas", "em", "cause", "til", "round", "bout", "twere", "twill",
            ];
            if CLIPPED.contains(&text.to_lowercase().as_str()) {
                text.insert(0, '\'');
                start = i - 1;
            }
        }
        let span = self.span(start..end);
        self.push(text, span, TokenKind::Word);
        end
    }

    pub(super) fn object(&mut self) {
        let Some(tokens) = self.surroundings.objects.get(self.objects) else {
            return;
        };
        self.objects += 1;
        for token in tokens {
            match token.kind {
                TokenKind::Mark(mark) => self.mark(mark, token.span.clone()),
                _ => self.push(token.text.clone(), token.span.clone(), token.kind.clone()),
            }
        }
    }

    /// The user's lexicon may hold "C++", "GPT-4" or "AT&T": whole chunks come first.
    pub(super) fn lexicon_entry(&mut self, i: usize) -> Read {
        let lexicon = self.surroundings.lexicon?;
        let mut end = i;
        while self.kind(end).is_some_and(|k| k != Kind::Space) && end < i + 12 {
            end += 1;
        }
        for end in (i + 1..=end).rev() {
            let text: String = (i..end).map(|k| self.text(k)).collect();
            if let Some(phonemes) = lexicon.get(&text)
                && self.ends_chunk(end)
            {
                let span = self.span(i..end);
                self.push(text, span, TokenKind::Phonemes(phonemes.to_owned()));
                return Some(end);
            }
        }
        None
    }

    /// `[word](/phonemes/)`.
    pub(super) fn inline_phonemes(&mut self, i: usize) -> Result<Read> {
        let start = self.atoms[i].glyphs.start;
        let find = |from: usize, c: char| {
            self.glyphs
                .get(from..)?
                .iter()
                .take(300)
                .position(|g| g.ch == c)
                .map(|p| from + p)
        };
        let Some(close) = find(start + 1, ']') else {
            return Ok(None);
        };
        let ch = |k: usize| self.glyphs.get(k).map(|g| g.ch);
        if ch(close + 1) != Some('(') {
            return Ok(None);
        }
        let Some(end) = find(close + 2, ')') else {
            return Ok(None);
        };
        let word: String = self.glyphs[start + 1..close].iter().map(|g| g.ch).collect();
        let Some(next) = self
            .atoms
            .iter()
            .position(|a| a.glyphs.start > end)
            .or(Some(self.atoms.len()))
        else {
            return Ok(None);
        };
        if ch(close + 2) != Some('/') || ch(end - 1) != Some('/') || end < close + 5 {
            // A Markdown link: its text is read, its address is not.
            let target: String = self.glyphs[close + 2..end].iter().map(|g| g.ch).collect();
            if target.contains("://")
                || target.starts_with(['#', '/', '.'])
                || target.starts_with("mailto:")
            {
                let inner = &self.glyphs[start + 1..close];
                let tokens = normalise(
                    inner,
                    Surroundings {
                        objects: &[],
                        ..self.surroundings
                    },
                    self.diagnostics,
                )?;
                for token in tokens {
                    match token.kind {
                        TokenKind::Mark(mark) => self.mark(mark, token.span),
                        kind => self.push(token.text, token.span, kind),
                    }
                }
                self.note(i, DiagnosticKind::Markup);
                return Ok(Some(next));
            }
            return Ok(None);
        }
        let phonemes: String = self.glyphs[close + 3..end - 1]
            .iter()
            .map(|g| g.ch)
            .collect();
        let span = self.glyphs[start].span.start..self.glyphs[end].span.end;
        let phonemes =
            notation::parse(&phonemes, self.surroundings.dialect).map_err(|problem| {
                Error::Phonemes {
                    phonemes,
                    problem,
                    span: span.clone(),
                }
            })?;
        self.push(word, span, TokenKind::Phonemes(phonemes));
        Ok(Some(next))
    }
}
