//! Abbreviated words and dotted letters.

use super::{Kind, Read, Reader};

/// Expanded when a full stop follows.
const DOTTED: &[(&str, &str)] = &[
    ("etc", "et cetera"),
    ("vs", "versus"),
    ("approx", "approximately"),
    ("dept", "department"),
    ("est", "established"),
    ("govt", "government"),
    ("vol", "volume"),
    ("vols", "volumes"),
    ("ch", "chapter"),
    ("sec", "section"),
    ("inc", "incorporated"),
    ("ltd", "limited"),
    ("corp", "corporation"),
    ("bros", "brothers"),
    ("misc", "miscellaneous"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("avg", "average"),
    ("tel", "telephone"),
    ("ext", "extension"),
    ("ave", "avenue"),
    ("blvd", "boulevard"),
    ("rd", "road"),
    ("ln", "lane"),
    ("hwy", "highway"),
    ("pkwy", "parkway"),
    ("apt", "apartment"),
    ("ca", "circa"),
    ("cf", "compare"),
    ("viz", "namely"),
    ("et al", "et al"),
    ("esq", "esquire"),
    ("mt", "mount"),
    ("ft", "fort"),
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("tues", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("thur", "Thursday"),
    ("thurs", "Thursday"),
    ("fri", "Friday"),
    ("assoc", "associate"),
    ("univ", "university"),
    ("dist", "district"),
    ("hrs", "hours"),
    ("hr", "hour"),
    ("mins", "minutes"),
    ("secs", "seconds"),
    ("lbs", "pounds"),
    ("oz", "ounces"),
    ("yrs", "years"),
    ("fwd", "forward"),
    ("attn", "attention"),
    ("incl", "including"),
    ("excl", "excluding"),
    ("temp", "temperature"),
    ("nos", "numbers"),
    ("ed", "edition"),
    ("eds", "editors"),
    ("trans", "translated"),
    ("orig", "original"),
    ("co", "company"),
];
/// Expanded with or without a full stop before a capital.
const TITLES: &[(&str, &str)] = &[
    ("Mr", "Mister"),
    ("Mrs", "Missus"),
    ("Ms", "Miz"),
    ("Dr", "Doctor"),
    ("Prof", "Professor"),
    ("Gen", "General"),
    ("Col", "Colonel"),
    ("Lt", "Lieutenant"),
    ("Sgt", "Sergeant"),
    ("Capt", "Captain"),
    ("Cmdr", "Commander"),
    ("Adm", "Admiral"),
    ("Rev", "Reverend"),
    ("Hon", "Honorable"),
    ("Sen", "Senator"),
    ("Rep", "Representative"),
    ("Gov", "Governor"),
    ("Pres", "President"),
    ("Supt", "Superintendent"),
    ("Messrs", "Messieurs"),
    ("Fr", "Father"),
    ("Maj", "Major"),
    ("Cpl", "Corporal"),
    ("Pvt", "Private"),
    ("Insp", "Inspector"),
    ("Mme", "Madame"),
    ("Mlle", "Mademoiselle"),
    ("St", "Saint"),
    ("Ste", "Saint"),
    ("Mt", "Mount"),
    ("Ft", "Fort"),
];
/// Expanded only before a number.
const COUNTED: &[(&str, &str)] = &[
    ("no", "number"),
    ("nos", "numbers"),
    ("fig", "figure"),
    ("figs", "figures"),
    ("p", "page"),
    ("pp", "pages"),
    ("pg", "page"),
    ("art", "article"),
    ("op", "opus"),
    ("eq", "equation"),
    ("ref", "reference"),
    ("ver", "version"),
    ("para", "paragraph"),
    ("ch", "chapter"),
    ("sec", "section"),
    ("vol", "volume"),
    ("par", "paragraph"),
];

fn look_up(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(short, _)| *short == word)
        .map(|(_, long)| *long)
}

impl Reader<'_> {
    pub(super) fn abbreviation(&mut self, i: usize) -> Read {
        let written = self.letters(i)?.to_owned();
        let lower = written.to_lowercase();
        if let Some(end) = self.with_slash(i) {
            return Some(end);
        }
        let dot = self.is(i + 1, '.');
        let after = if dot { i + 2 } else { i + 1 };
        let next = self.skip_space(after);
        let number =
            self.digits(next).is_some() && next > after || dot && self.digits(after).is_some();
        let hash = self.is(next, '#');
        if dot
            && (number || hash)
            && let Some(word) = look_up(COUNTED, &lower)
        {
            self.say(word, i..after);
            return Some(if hash { next + 1 } else { after });
        }
        let name = self
            .letters(next)
            .is_some_and(|w| w.starts_with(char::is_uppercase))
            && next > after;
        if let Some(title) = look_up(TITLES, &written) {
            let street = self.follows_name(i) && matches!(written.as_str(), "St" | "Dr");
            if street && (dot || !name) {
                let word = if written == "St" { "Street" } else { "Drive" };
                let end = if dot && !self.ends_sentence(after) {
                    after
                } else {
                    i + 1
                };
                self.say(word, i..end);
                return Some(end);
            }
            if dot || name {
                let end = if dot && (name || !self.ends_sentence(after)) {
                    after
                } else {
                    i + 1
                };
                // "Mr" and "Mrs" have a dictionary form of their own.
                self.say(title, i..end);
                return Some(end);
            }
            return None;
        }
        let capital_suffix = match written.as_str() {
            "Jr" => Some("Junior"),
            "Sr" => Some("Senior"),
            _ => None,
        };
        if let Some(word) = capital_suffix {
            let end = if dot && !self.ends_sentence(after) {
                after
            } else {
                i + 1
            };
            self.say(word, i..end);
            return Some(end);
        }
        if lower == "vs" || lower == "etc" {
            let end = if dot && !self.ends_sentence(after) {
                after
            } else {
                i + 1
            };
            self.say(look_up(DOTTED, &lower)?, i..end);
            return Some(end);
        }
        // A short word at the end of a sentence is itself: "He sat on the bench, wed."
        if dot && let Some(word) = look_up(DOTTED, &lower) {
            let day = matches!(
                lower.as_str(),
                "mon" | "tue" | "tues" | "wed" | "thu" | "thur" | "thurs" | "fri"
            );
            let street = matches!(
                lower.as_str(),
                "ave" | "blvd" | "rd" | "ln" | "inc" | "ltd" | "corp" | "co" | "bros"
            );
            let ends = self.ends_sentence(after);
            let risky = matches!(
                lower.as_str(),
                "ed" | "co" | "min" | "max" | "trans" | "ch" | "temp" | "ca" | "est" | "sec" | "oz"
            );
            if (day || street) && !written.starts_with(char::is_uppercase) || ends && (risky || day)
            {
                return None;
            }
            self.say(word, i..if ends { i + 1 } else { after });
            return Some(if ends { i + 1 } else { after });
        }
        None
    }

    /// "w/", "w/o", "b/c", "c/o".
    fn with_slash(&mut self, i: usize) -> Read {
        if !self.is(i + 1, '/') || !self.starts_chunk(i) {
            return None;
        }
        let (words, end) = match (self.text(i), self.letters(i + 2)) {
            ("w", Some("o")) => ("without", i + 3),
            ("w", _) => ("with", i + 2),
            ("b", Some("c")) => ("because", i + 3),
            ("c", Some("o")) => ("care of", i + 3),
            ("n", Some("a")) | ("N", Some("A")) => ("not applicable", i + 3),
            _ => return None,
        };
        self.say(words, i..end);
        Some(end)
    }

    /// Whether nothing or a capital follows, so that a full stop before `at` is also the sentence's.
    fn ends_sentence(&self, at: usize) -> bool {
        let mut k = at;
        while matches!(
            self.kind(k),
            Some(Kind::Space | Kind::Symbol('"' | '\'' | ')'))
        ) {
            k += 1;
        }
        k >= self.atoms.len()
    }

    /// Whether a capitalised word or an ordinal stands directly before ("Main St.").
    fn follows_name(&self, i: usize) -> bool {
        let before = self.word_before(i);
        let number =
            i >= 2 && self.is_space(i - 1) && matches!(self.text(i - 2), "st" | "nd" | "rd" | "th");
        let title = TITLES.iter().any(|(short, _)| *short == before);
        let starts_sentence = matches!(
            before,
            "The"
                | "In"
                | "At"
                | "On"
                | "And"
                | "But"
                | "To"
                | "From"
                | "With"
                | "For"
                | "Of"
                | "By"
        );
        number || before.starts_with(char::is_uppercase) && !title && !starts_sentence
    }

    /// "U.S.A.", "e.g.", "i.e.", "a.m.", "Ph.D.", "J. R. R. Tolkien".
    pub(super) fn dotted_letters(&mut self, i: usize) -> Read {
        let short = |k: usize| self.letters(k).is_some_and(|w| w.chars().count() <= 2);
        if !short(i) || !self.is(i + 1, '.') {
            return None;
        }
        let mut end = i;
        let mut letters = String::new();
        while short(end) && self.is(end + 1, '.') {
            letters.push_str(self.text(end));
            end += 2;
        }
        // "U.S" without its last full stop.
        if end > i && short(end) && self.text(end).chars().count() == 1 && self.ends_chunk(end + 1)
        {
            letters.push_str(self.text(end));
            end += 1;
        }
        let parts = (end - i).div_ceil(2);
        if parts < 2 {
            let initial = self.text(i).chars().count() == 1
                && self.text(i) != "I"
                && self.text(i).starts_with(char::is_uppercase);
            let name = self
                .letters(self.skip_space(i + 2))
                .is_some_and(|w| w.starts_with(char::is_uppercase));
            // An initial: its full stop is no pause.
            if initial && name && self.starts_chunk(i) && self.is_space(i + 2) {
                let letter = self.text(i).to_owned();
                self.say_letters(&letter, i..i + 2);
                return Some(i + 2);
            }
            return None;
        }
        let spoken = match letters.to_lowercase().as_str() {
            "eg" => Some("for example"),
            "ie" => Some("that is"),
            _ => None,
        };
        // The full stop at the end of a sentence is left for the pause it makes.
        let end = if self.is(end - 1, '.') && self.ends_sentence(end) {
            end - 1
        } else {
            end
        };
        match spoken {
            Some(words) => {
                self.say(words, i..end);
                // The comma people write after these is heard anyway.
            }
            None => self.say_letters(&letters, i..end),
        }
        Some(end)
    }
}
