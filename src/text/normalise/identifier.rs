//! Versions, addresses of machines, serial numbers, model names.

use super::number::spell_digits;
use super::{Kind, Read, Reader};

impl Reader<'_> {
    /// "v2.3.1", "V2".
    pub(super) fn version(&mut self, i: usize) -> Read {
        if !matches!(self.letters(i), Some("v" | "V" | "ver")) || !self.starts_chunk(i) {
            return None;
        }
        let dot = self.is(i + 1, '.');
        let at = if dot { self.skip_space(i + 2) } else { i + 1 };
        let (words, end) = self.dotted(at)?;
        // "V8" the engine is a name; "v." before a year is something else again.
        if self.text(i) == "V" && end == at + 1 && !dot {
            return None;
        }
        self.say(&format!("version {words}"), i..end);
        Some(end)
    }

    /// Digits joined by full stops in words.
    fn dotted(&self, at: usize) -> Option<(String, usize)> {
        let part = |digits: &str| {
            if digits.len() > 1 && digits.starts_with('0') || digits.len() > 4 {
                spell_digits(digits)
            } else {
                self.cardinal(digits)
            }
        };
        let mut words = part(self.digits(at)?);
        let mut end = at + 1;
        while self.is(end, '.')
            && let Some(digits) = self.digits(end + 1)
        {
            words = format!("{words} point {}", part(digits));
            end += 2;
        }
        Some((words, end))
    }

    /// "2.3.1" (a version) and "192.168.1.1" (an address).
    pub(super) fn dotted_digits(&mut self, i: usize) -> Read {
        let parts: Vec<&str> = (0..)
            .map_while(|n| {
                let at = i + 2 * n;
                self.digits(at).filter(|_| n == 0 || self.is(at - 1, '.'))
            })
            .collect();
        if parts.len() < 3 {
            return None;
        }
        let end = i + 2 * parts.len() - 1;
        let octets = parts.len() == 4
            && parts
                .iter()
                .all(|p| p.parse::<u32>().is_ok_and(|n| n < 256));
        // "1.234.567" is a number with its thousands separated.
        if !octets && parts[0].len() <= 3 && parts[1..].iter().all(|p| p.len() == 3) {
            return None;
        }
        let words = if octets {
            parts
                .iter()
                .map(|p| spell_digits(p))
                .collect::<Vec<_>>()
                .join(" dot ")
        } else {
            self.dotted(i)?.0
        };
        self.say(&words, i..end);
        Some(end)
    }

    /// "123-45-6789", "978-3-16-148410-0", "4111 1111 1111 1111", "3f2a9c1b".
    pub(super) fn long_identifier(&mut self, i: usize) -> Read {
        let mut end = i + 1;
        let mut groups = 1;
        while self.is(end, '-') && self.digits(end + 1).is_some() {
            end += 2;
            groups += 1;
        }
        let postal = groups == 2 && self.text(i).len() == 5 && self.text(i + 2).len() == 4;
        if groups == 1 {
            while self.is_space(end)
                && self.digits(end + 1).is_some_and(|d| d.len() == 4)
                && self.text(i).len() == 4
            {
                end += 2;
                groups += 1;
            }
        }
        if groups >= 3 || postal {
            let parts: Vec<String> = (i..end)
                .filter_map(|k| self.digits(k))
                .map(spell_digits)
                .collect();
            self.say(&parts.join(", "), i..end);
            return Some(end);
        }
        // Letters and digits in turn, as in a hash or a licence plate.
        let mut end = i;
        let mut length = 0;
        while matches!(self.kind(end), Some(Kind::Letters | Kind::Digits)) {
            length += self.text(end).chars().count();
            end += 1;
        }
        if end - i < 3 || length < 6 {
            return None;
        }
        for k in i..end {
            self.say_characters(k);
        }
        Some(end)
    }

    /// One atom character by character.
    pub(super) fn say_characters(&mut self, k: usize) {
        let text = self.text(k).to_owned();
        match self.atoms[k].kind {
            Kind::Letters => self.say_letters(&text, k..k + 1),
            _ => self.say(&spell_digits(&text), k..k + 1),
        }
    }

    /// "MP3", "COVID-19", "F-16", "B2B", "AB1234".
    pub(super) fn identifier(&mut self, i: usize) -> Read {
        let mut end = i + 1;
        let mut digits = false;
        loop {
            match self.kind(end) {
                Some(Kind::Digits) => digits = true,
                Some(Kind::Letters) if end > i => {}
                Some(Kind::Symbol('-'))
                    if self.digits(end + 1).is_some()
                        || digits && self.letters(end + 1).is_some() => {}
                _ => break,
            }
            end += 1;
        }
        if !digits {
            return None;
        }
        let first = self.text(i);
        let lower = first.chars().any(char::is_lowercase);
        // "mid-1990s", "top-10", "under-21s": an ordinary word and an ordinary number.
        if lower && self.is(i + 1, '-') {
            return None;
        }
        let mut k = i;
        while k < end {
            let text = self.text(k).to_owned();
            match self.atoms[k].kind {
                Kind::Letters => {
                    let capitals = !text.chars().any(char::is_lowercase);
                    // "747s" and "MP3s": the plural stays with its number.
                    if text == "s" && k > i {
                        if let Some(last) = self.out.last_mut() {
                            last.text = super::number::plural(&last.text);
                        }
                    } else if text.chars().count() == 1 || capitals && text.chars().count() <= 3 {
                        self.say_letters(&text.to_uppercase(), k..k + 1);
                    } else {
                        let span = self.span(k..k + 1);
                        self.push(text, span, crate::text::token::TokenKind::Word);
                    }
                }
                Kind::Digits => {
                    let decimal = self.is(k + 1, '.') && self.digits(k + 2).is_some();
                    if decimal && k + 1 == end {
                        let (words, next) = self.dotted(k)?;
                        self.say(&words, k..next);
                        return Some(next);
                    }
                    let words = if text.len() <= 2 && !(text.len() > 1 && text.starts_with('0'))
                        || text.ends_with("00") && text.len() <= 4
                    {
                        self.cardinal(&text)
                    } else {
                        spell_digits(&text)
                    };
                    self.say(&words, k..k + 1);
                }
                _ => {}
            }
            k += 1;
        }
        Some(end)
    }
}
