//! Readings SSML `say-as` asks for.

use super::number::{roman, spell_digits};
use super::{Kind, Reader, Surroundings, normalise};
use crate::text::error::Diagnostic;
use crate::text::glyph::Glyph;
use crate::text::token::Token;

/// The `interpret-as` values understood, for messages.
const KINDS: &str = "cardinal, ordinal, characters, spell-out, verbatim, digits, date, time, telephone, \
                                currency, unit, fraction, address";

/// Reads glyphs as `kind` says; the error is for the author of the document.
pub(crate) fn say_as(
    kind: &str,
    format: &str,
    glyphs: &[Glyph],
    surroundings: Surroundings<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<Token>, String> {
    let expand = Surroundings {
        objects: &[],
        expand: true,
        ..surroundings
    };
    let mut reader = Reader::new(glyphs, expand, diagnostics);
    let text: String = glyphs.iter().map(|g| g.ch).collect();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let all = 0..reader.atoms.len();
    let number = || {
        if digits.is_empty() {
            Err(format!(
                "say-as {kind} needs digits, found {:?}",
                text.trim()
            ))
        } else {
            Ok(&digits)
        }
    };
    match kind {
        "characters" | "spell-out" | "verbatim" | "letters" => reader.characters(),
        "digits" => {
            let words = spell_digits(number()?);
            reader.say(&words, all);
        }
        "cardinal" | "number" if !text.contains('.') => {
            let words = match roman(text.trim()) {
                Some(n) => reader.cardinal(&n.to_string()),
                None => reader.cardinal(number()?),
            };
            let sign = if text.trim_start().starts_with(['-', '−']) {
                "minus "
            } else {
                ""
            };
            reader.say(&format!("{sign}{words}"), all);
        }
        "ordinal" => {
            let words = match roman(text.trim()) {
                Some(n) => reader.ordinal(&n.to_string()),
                None => reader.ordinal(number()?),
            };
            reader.say(&words, all);
        }
        "telephone" => {
            let plus = if text.trim_start().starts_with('+') {
                "plus "
            } else {
                ""
            };
            let groups: Vec<String> = text
                .split(|c: char| !c.is_ascii_digit())
                .filter(|g| !g.is_empty())
                .map(spell_digits)
                .collect();
            number()?;
            reader.say(&format!("{plus}{}", groups.join(", ")), all);
        }
        "date"
            if !format.is_empty()
                && !digits.is_empty()
                && reader.formatted_date(format).is_some() => {}
        "cardinal" | "number" | "date" | "time" | "currency" | "unit" | "measure" | "fraction"
        | "address" | "name" => {
            return normalise(glyphs, expand, reader.diagnostics).map_err(|e| e.to_string());
        }
        other => {
            return Err(format!(
                "say-as interpret-as={other:?} is not supported; use one of {KINDS}"
            ));
        }
    }
    Ok(reader.out)
}

impl Reader<'_> {
    /// Letters, digits and symbols by name.
    fn characters(&mut self) {
        for k in 0..self.atoms.len() {
            match self.atoms[k].kind {
                Kind::Letters | Kind::Digits => self.say_characters(k),
                Kind::Space => {}
                Kind::Symbol(c) => {
                    let name = match c {
                        '.' => "dot",
                        ',' => "comma",
                        '-' | '–' => "dash",
                        '_' => "underscore",
                        '/' => "slash",
                        ':' => "colon",
                        ';' => "semicolon",
                        '!' => "exclamation mark",
                        '?' => "question mark",
                        '*' => "asterisk",
                        '#' => "hash",
                        '(' | ')' => "parenthesis",
                        '\'' => "apostrophe",
                        '"' => "quote",
                        _ => "",
                    };
                    if name.is_empty() {
                        self.symbol(k);
                    } else {
                        self.say(name, k..k + 1);
                    }
                }
            }
        }
    }

    /// A date whose fields stand in the order of `format` ("mdy", "ymd", "dm", "my", "y", ...).
    fn formatted_date(&mut self, format: &str) -> Option<()> {
        let fields: Vec<String> = (0..self.atoms.len())
            .filter_map(|k| self.digits(k))
            .map(str::to_owned)
            .collect();
        let order: Vec<char> = format.chars().filter(|c| "ymd".contains(*c)).collect();
        if fields.len() != order.len() || order.is_empty() {
            return None;
        }
        let field = |c: char| {
            order
                .iter()
                .position(|&o| o == c)
                .and_then(|k| fields.get(k))
        };
        let mut words = Vec::new();
        let month = match field('m') {
            Some(m) => Some(super::date::month_number(m)?),
            None => None,
        };
        match (month, field('d')) {
            (Some(month), Some(day)) => words.push(self.month_day_words(month, day)),
            (Some(month), None) => words.push(month.to_owned()),
            (None, Some(day)) => words.push(format!("the {}", self.ordinal(day))),
            (None, None) => {}
        }
        if let Some(year) = field('y') {
            words.push(self.year_words(year));
        }
        let separator = if field('d').is_some() { ", " } else { " " };
        let words = words.join(separator);
        self.say(&words, 0..self.atoms.len());
        Some(())
    }
}
