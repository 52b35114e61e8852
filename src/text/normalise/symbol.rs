//! Punctuation, and symbols that stand for words.

use super::{Kind, Reader};
use crate::text::error::DiagnosticKind;
use crate::text::token::TokenKind;

impl Reader<'_> {
    /// Reads the symbol at `i`; returns the next atom.
    pub(super) fn symbol(&mut self, i: usize) -> usize {
        let Some(Kind::Symbol(c)) = self.kind(i) else {
            return i + 1;
        };
        let span = self.span(i..i + 1);
        let spaced_before = i == 0 || self.is_space(i - 1);
        let spaced_after = self.kind(i + 1).is_none_or(|k| k == Kind::Space);
        match c {
            '.' if self.is(i + 1, '.') => return self.ellipsis(i),
            '…' => return self.ellipsis(i),
            '.' | ',' | ';' | ':' | '!' | '?' => self.mark(c, span),
            '；' | '：' => self.mark(if c == '；' { ';' } else { ':' }, span),
            '¿' | '¡' => {}
            // Asides are heard as commas.
            '(' | ')' | '[' | ']' | '{' | '}' => self.mark(',', span),
            '—' => self.mark(',', span),
            '–' | '-' | '−' if spaced_before && spaced_after => self.dash(i),
            '-' if self.is(i + 1, '-') => {
                let end = (i..).find(|&k| !self.is(k, '-')).unwrap_or(i + 1);
                if end - i >= 4 {
                    self.note(i, DiagnosticKind::Markup)
                } else {
                    self.mark(',', span)
                }
                return end;
            }
            '–' => self.mark(',', span),
            '-' | '−' | '\'' | '"' => {}
            '&' => self.say("and", i..i + 1),
            '@' => self.say("at", i..i + 1),
            '+' => self.say("plus", i..i + 1),
            '=' => {
                let end = (i..).find(|&k| !self.is(k, '=')).unwrap_or(i + 1);
                if end - i >= 3 {
                    self.note(i, DiagnosticKind::Markup)
                } else {
                    self.say("equals", i..end)
                }
                return end;
            }
            '%' => self.say("percent", i..i + 1),
            '×' => self.say("times", i..i + 1),
            '÷' => self.say("divided by", i..i + 1),
            '°' => self.say("degrees", i..i + 1),
            '§' => self.say("section", i..i + 1),
            '¶' => self.say("paragraph", i..i + 1),
            '≤' => self.say("less than or equal to", i..i + 1),
            '≥' => self.say("greater than or equal to", i..i + 1),
            '≠' => self.say("not equal to", i..i + 1),
            '≈' => self.say("approximately", i..i + 1),
            '±' => self.say("plus or minus", i..i + 1),
            '√' => self.say("square root of", i..i + 1),
            '∞' => self.say("infinity", i..i + 1),
            '→' | '⇒' => self.say("to", i..i + 1),
            '²' => self.say("squared", i..i + 1),
            '³' => self.say("cubed", i..i + 1),
            '$' => self.say("dollars", i..i + 1),
            '€' => self.say("euros", i..i + 1),
            '£' => self.say("pounds", i..i + 1),
            '¥' => self.say("yen", i..i + 1),
            '¢' => self.say("cents", i..i + 1),
            '<' if spaced_before && spaced_after => self.say("less than", i..i + 1),
            '>' if spaced_before && spaced_after && i > 0 => self.say("greater than", i..i + 1),
            '^' if self.digits(i + 1).is_some() => self.say("to the power of", i..i + 1),
            '*' if i > 0 && self.between_numbers(i) => self.say("times", i..i + 1),
            '/' if self.between_numbers(i) && spaced_before => self.say("divided by", i..i + 1),
            '/' if spaced_before && spaced_after => self.mark(',', span),
            '\\' => self.say("backslash", i..i + 1),
            '~' if spaced_before => self.say("about", i..i + 1),
            '•' | '‣' | '·' | '*' | '_' | '#' | '`' | '~' | '|' | '<' | '>' | '^' | '†' | '‡' => {
                if c == '|' {
                    self.mark(',', span);
                } else {
                    self.note(i, DiagnosticKind::Markup);
                }
            }
            '/' | '′' | '″' => {}
            c => self.foreign(i, c),
        }
        i + 1
    }

    /// A dash with space around it is a pause, a list marker at the start.
    fn dash(&mut self, i: usize) {
        let span = self.span(i..i + 1);
        if self.between_numbers(i)
            && self
                .atoms
                .iter()
                .skip(i)
                .take(6)
                .any(|a| a.kind == Kind::Symbol('='))
        {
            self.say("minus", i..i + 1);
        } else if self.out.is_empty() {
            self.note(i, DiagnosticKind::Markup);
        } else {
            self.mark(',', span);
        }
    }

    fn between_numbers(&self, i: usize) -> bool {
        let before = match i.checked_sub(1) {
            Some(p) if self.is_space(p) => p.checked_sub(1),
            p => p,
        };
        before.is_some_and(|p| self.digits(p).is_some())
            && self.digits(self.skip_space(i + 1)).is_some()
    }

    /// Three dots: a pause inside a sentence, its end at the end.
    fn ellipsis(&mut self, i: usize) -> usize {
        let end = (i..)
            .find(|&k| !self.is(k, '.') && !self.is(k, '…'))
            .unwrap_or(i + 1);
        let span = self.span(i..end);
        let more = self.atoms[end.min(self.atoms.len())..]
            .iter()
            .any(|a| matches!(a.kind, Kind::Letters | Kind::Digits));
        self.mark(if more { ',' } else { '.' }, span);
        end
    }

    /// Letters of other scripts: Greek by name, Cyrillic by sound, others skipped and reported.
    fn foreign(&mut self, i: usize, c: char) {
        if let Some(name) = greek(c) {
            self.say(name, i..i + 1);
        } else if let Some(sound) = cyrillic(c) {
            // Consecutive letters join into one word.
            let span = self.span(i..i + 1);
            let joins =
                i > 0 && matches!(self.kind(i - 1), Some(Kind::Symbol(p)) if cyrillic(p).is_some());
            match self.out.last_mut() {
                Some(last) if joins && last.kind == TokenKind::Word => {
                    last.text.push_str(sound);
                    last.span.end = span.end;
                }
                _ if sound.is_empty() => {}
                _ => self.push(sound.to_owned(), span, TokenKind::Word),
            }
        } else if c.is_alphabetic() {
            self.note(i, DiagnosticKind::UnknownLetter);
        } else {
            self.note(i, DiagnosticKind::UnknownSymbol);
        }
    }
}

fn greek(c: char) -> Option<&'static str> {
    const NAMES: [&str; 25] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
        "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon",
        "phi", "chi", "psi", "omega",
    ];
    let lower = c.to_lowercase().next()?;
    let index = u32::from(lower).checked_sub(u32::from('α'))?;
    NAMES.get(index as usize).copied()
}

fn cyrillic(c: char) -> Option<&'static str> {
    const SOUNDS: [&str; 32] = [
        "a", "b", "v", "g", "d", "ye", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s",
        "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
    ];
    let lower = c.to_lowercase().next()?;
    match lower {
        'ё' => return Some("yo"),
        'і' | 'ї' => return Some("i"),
        'є' => return Some("ye"),
        'ґ' => return Some("g"),
        _ => {}
    }
    let index = u32::from(lower).checked_sub(u32::from('а'))?;
    SOUNDS.get(index as usize).copied()
}
