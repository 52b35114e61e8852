//! Roman numerals, where the words before them call for a number.

use super::number::roman;
use super::{Kind, Read, Reader};

/// Before these a numeral is an ordinal: "Henry the Eighth".
const REIGNS: [&str; 40] = [
    "henry",
    "edward",
    "george",
    "charles",
    "james",
    "william",
    "richard",
    "john",
    "louis",
    "philip",
    "elizabeth",
    "mary",
    "victoria",
    "anne",
    "catherine",
    "peter",
    "paul",
    "alexander",
    "nicholas",
    "frederick",
    "francis",
    "leo",
    "pius",
    "benedict",
    "gregory",
    "clement",
    "innocent",
    "urban",
    "boniface",
    "napoleon",
    "ferdinand",
    "alfonso",
    "ivan",
    "leopold",
    "wilhelm",
    "ramesses",
    "ptolemy",
    "constantine",
    "umberto",
    "harald",
];
/// Before these it is a cardinal: "Chapter Four".
const PARTS: [&str; 42] = [
    "chapter",
    "part",
    "act",
    "scene",
    "section",
    "volume",
    "book",
    "article",
    "appendix",
    "figure",
    "table",
    "title",
    "type",
    "phase",
    "stage",
    "level",
    "class",
    "grade",
    "group",
    "category",
    "mark",
    "war",
    "bowl",
    "apollo",
    "saturn",
    "fantasy",
    "olympiad",
    "canto",
    "unit",
    "lesson",
    "division",
    "amendment",
    "schedule",
    "page",
    "vatican",
    "gemini",
    "episode",
    "season",
    "round",
    "tier",
    "annex",
    "step",
];

impl Reader<'_> {
    pub(super) fn roman(&mut self, i: usize) -> Read {
        let letters = self.letters(i)?;
        let value = roman(letters)?;
        if !self.ends_chunk(i + 1)
            || self.is(i + 1, '\'')
            || (self.is(i + 1, '-') && self.letters(i + 2).is_some())
        {
            return None;
        }
        let before = self.word_before(i);
        let capital = before.starts_with(char::is_uppercase);
        let lower = before.to_lowercase();
        let digits = value.to_string();
        if capital && REIGNS.contains(&lower.as_str()) && value <= 30 {
            // "Mary I think": the pronoun, unless what follows shows otherwise.
            if letters == "I" && !self.closes_name(i + 1) {
                return None;
            }
            self.say(&format!("the {}", self.ordinal(&digits)), i..i + 1);
            return Some(i + 1);
        }
        let part = PARTS.contains(&lower.as_str()) && (capital || letters.len() > 1);
        // Elsewhere only what could be nothing else: "II", "IV", "XIV", not "MIX", "CD" or "I".
        let plain = letters.len() > 1
            && letters.chars().all(|c| "IVX".contains(c))
            && !matches!(letters, "XX" | "XXX");
        if !part && !(plain && (capital || before.is_empty())) {
            return None;
        }
        if part && letters == "I" && !self.closes_name(i + 1) && lower != "war" {
            return None;
        }
        let words = self.cardinal(&digits);
        self.say(&words, i..i + 1);
        Some(i + 1)
    }

    /// Whether punctuation, the end, or a verb or preposition follows.
    fn closes_name(&self, at: usize) -> bool {
        const AFTER: [&str; 26] = [
            "of",
            "was",
            "and",
            "had",
            "in",
            "reigned",
            "died",
            "is",
            "who",
            "ruled",
            "became",
            "to",
            "as",
            "by",
            "at",
            "or",
            "on",
            "for",
            "with",
            "the",
            "began",
            "ended",
            "shows",
            "describes",
            "covers",
            "from",
        ];
        match self.kind(at) {
            None | Some(Kind::Symbol(_)) => true,
            Some(Kind::Space) => match self.kind(at + 1) {
                Some(Kind::Letters) => AFTER.contains(&self.text(at + 1)),
                _ => true,
            },
            _ => false,
        }
    }
}
