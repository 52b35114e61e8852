//! Plain numbers and what is counted: decimals, ordinals, percentages, units,
//! fractions, ranges, ratios, dimensions, signs.

use super::number::{denominator, plural, small, spell_digits};
use super::{Kind, Read, Reader};

/// A number as written.
#[derive(Debug, Clone)]
pub(super) struct Amount {
    pub int: String,
    pub fraction: Option<String>,
    /// Whether thousands were separated.
    pub grouped: bool,
    pub end: usize,
}

impl Amount {
    pub fn is_one(&self) -> bool {
        self.int == "1" && self.fraction.is_none()
    }
}

impl Reader<'_> {
    /// An integer with thousands separators and an optional decimal part.
    pub(super) fn amount(&self, i: usize) -> Option<Amount> {
        let mut int = self.digits(i)?.to_owned();
        let mut end = i + 1;
        let mut grouped = false;
        if int.len() <= 3 && !int.starts_with('0') {
            for separator in [',', ' ', '.', '\''] {
                let group = |at: usize| {
                    let here = if separator == ' ' {
                        self.is_space(at) && self.text(at).len() == 1
                    } else {
                        self.is(at, separator)
                    };
                    self.digits(at + 1).filter(|d| here && d.len() == 3)
                };
                // Spaces and full stops separate thousands only where there are several.
                if matches!(separator, ' ' | '.') && group(end + 2).is_none() {
                    continue;
                }
                while let Some(digits) = group(end) {
                    int.push_str(digits);
                    grouped = true;
                    end += 2;
                }
                if grouped {
                    break;
                }
            }
        }
        let mut fraction = None;
        if self.is(end, '.')
            && let Some(digits) = self.digits(end + 1)
            && !(self.is(end + 2, '.') && self.digits(end + 3).is_some())
        {
            fraction = Some(digits.to_owned());
            end += 2;
        }
        Some(Amount {
            int,
            fraction,
            grouped,
            end,
        })
    }

    pub(super) fn amount_words(&self, a: &Amount) -> String {
        let int = self.cardinal(&a.int);
        match &a.fraction {
            Some(digits) => format!("{int} point {}", spell_digits(digits)),
            None => int,
        }
    }

    /// As [`Self::amount_words`], with years and serial numbers read their own way.
    fn plain_words(&self, a: &Amount) -> String {
        if a.fraction.is_some() || a.grouped {
            return self.amount_words(a);
        }
        let year = a.int.len() == 4 && matches!(a.int.parse(), Ok(1100..=1999u32 | 2010..=2099));
        let serial = a.int.len() > 1 && a.int.starts_with('0')
            || a.int.len() >= 10 && !a.int.ends_with("000");
        if serial {
            spell_digits(&a.int)
        } else if year {
            self.year_words(&a.int)
        } else {
            self.cardinal(&a.int)
        }
    }

    /// Numbers and everything that may follow them.
    pub(super) fn quantity(&mut self, i: usize) -> Read {
        let a = self.amount(i)?;
        self.counted(i, "", a)
    }

    /// `first` is the atom the span starts at, `sign` a word said before.
    pub(super) fn counted(&mut self, first: usize, sign: &str, a: Amount) -> Read {
        let words = |r: &Self, a: &Amount| format!("{sign} {}", r.amount_words(a));
        if let Some(end) = self.ordinal_suffix(first, &a) {
            return Some(end);
        }
        if let Some(end) = self.feet_and_inches(first, &a) {
            return Some(end);
        }
        if let Some(end) = self.dimensions(first, &a) {
            return Some(end);
        }
        if let Some(end) = self.mixed_fraction(first, &a) {
            return Some(end);
        }
        let said = words(self, &a);
        if let Some((unit, end)) = self.unit(a.end, a.is_one()) {
            self.say(&format!("{said} {unit}"), first..end);
            return Some(end);
        }
        let said = format!("{sign} {}", self.plain_words(&a));
        self.say(&said, first..a.end);
        // "3D", "4K", "20B": letters written to a number are letter names.
        if let Some(letters) = self.letters(a.end)
            && (letters.len() == 1
                || letters.len() < 5 && letters.chars().all(|c| c.is_uppercase()))
            && self.ends_chunk(a.end + 1)
        {
            let letters = letters.to_uppercase();
            self.say_letters(&letters, a.end..a.end + 1);
            return Some(a.end + 1);
        }
        // The hyphen of "20-year-old" is silent.
        if self.is(a.end, '-') && self.letters(a.end + 1).is_some() {
            return Some(a.end + 1);
        }
        Some(a.end)
    }

    /// "21st", "1990s", "80's".
    fn ordinal_suffix(&mut self, first: usize, a: &Amount) -> Read {
        if a.fraction.is_some() {
            return None;
        }
        let mut at = a.end;
        if self.is(at, '\'') {
            at += 1;
        }
        let suffix = self.letters(at)?.to_lowercase();
        let words = match suffix.as_str() {
            "st" | "nd" | "rd" | "th" if at == a.end => self.ordinal(&a.int),
            "s" if a.int.len() == 4 && a.int.ends_with('0') => plural(&self.year_words(&a.int)),
            "s" if a.int.len() <= 3 && (a.int.ends_with('0') || at > a.end) => {
                plural(&self.cardinal(&a.int))
            }
            _ => return None,
        };
        self.say(&words, first..at + 1);
        Some(at + 1)
    }

    /// 6'2" and 5′.
    fn feet_and_inches(&mut self, first: usize, a: &Amount) -> Read {
        let foot = |r: &Self, at| r.is(at, '\'') || r.is(at, '′');
        let inch = |r: &Self, at| r.is(at, '"') || r.is(at, '″');
        if foot(self, a.end)
            && let Some(b) = self.amount(a.end + 1)
            && inch(self, b.end)
        {
            let inches = if b.is_one() { "inch" } else { "inches" };
            let words = format!(
                "{} foot {} {inches}",
                self.amount_words(a),
                self.amount_words(&b)
            );
            self.say(&words, first..b.end + 1);
            return Some(b.end + 1);
        }
        let unit = match self.kind(a.end)? {
            Kind::Symbol('′') => {
                if a.is_one() {
                    "foot"
                } else {
                    "feet"
                }
            }
            Kind::Symbol('″') => {
                if a.is_one() {
                    "inch"
                } else {
                    "inches"
                }
            }
            _ => return None,
        };
        let words = format!("{} {unit}", self.amount_words(a));
        self.say(&words, first..a.end + 1);
        Some(a.end + 1)
    }

    /// "3x4", "1920 × 1080", "10x".
    fn dimensions(&mut self, first: usize, a: &Amount) -> Read {
        let times = |r: &Self, at: usize| {
            let at = r.skip_space(at);
            (r.is(at, '×') || matches!(r.letters(at), Some("x" | "X")))
                .then(|| r.skip_space(at + 1))
        };
        let mut words = self.amount_words(a);
        let mut end = a.end;
        let mut last = a.clone();
        while let Some(b) = times(self, end).and_then(|at| self.amount(at)) {
            words = format!("{words} by {}", self.amount_words(&b));
            end = b.end;
            last = b;
        }
        if end > a.end {
            if let Some((unit, next)) = self.unit(end, last.is_one()) {
                words = format!("{words} {unit}");
                end = next;
            }
            self.say(&words, first..end);
            return Some(end);
        }
        // "3x faster"
        if matches!(self.letters(a.end), Some("x" | "X")) && self.ends_chunk(a.end + 1) {
            self.say(&format!("{words} times"), first..a.end + 1);
            return Some(a.end + 1);
        }
        None
    }

    /// "2 1/2".
    fn mixed_fraction(&mut self, first: usize, a: &Amount) -> Read {
        if a.fraction.is_some() || !self.is_space(a.end) {
            return None;
        }
        let (top, bottom) = (self.digits(a.end + 1)?, self.digits(a.end + 3)?);
        if !self.is(a.end + 2, '/')
            || self.is(a.end + 4, '/')
            || top.len() > 2
            || bottom.len() > 2
            || top >= bottom && top.len() >= bottom.len()
        {
            return None;
        }
        let below = denominator(bottom, top != "1")?;
        let above = match (top, bottom) {
            ("1", _) => "a".to_owned(),
            _ => self.cardinal(top),
        };
        let mut words = format!("{} and {above} {below}", self.cardinal(&a.int));
        let mut end = a.end + 4;
        if let Some((unit, next)) = self.unit(end, false) {
            words = format!("{words} {unit}");
            end = next;
        }
        self.say(&words, first..end);
        Some(end)
    }

    /// "1/2", "24/7", "120/80".
    pub(super) fn fraction(&mut self, i: usize) -> Read {
        let (top, bottom) = (self.digits(i)?, self.digits(i + 2)?);
        if !self.is(i + 1, '/')
            || self.is(i + 3, '/')
            || !self.ends_chunk(i + 3)
            || top.len() > 4
            || bottom.len() > 4
        {
            return None;
        }
        let one = top == "1";
        let words = match (top, bottom) {
            ("24", "7") => "twenty four seven".to_owned(),
            ("9", "11") => "nine eleven".to_owned(),
            ("50", "50") => "fifty fifty".to_owned(),
            _ => match denominator(bottom, !one).filter(|_| top.len() <= bottom.len()) {
                Some(below) => format!("{} {below}", self.cardinal(top)),
                None => format!("{} over {}", self.cardinal(top), self.cardinal(bottom)),
            },
        };
        let mut end = i + 3;
        let mut words = words;
        if let Some((unit, next)) = self.unit(end, one) {
            words = format!("{words} {unit}");
            end = next;
        }
        self.say(&words, i..end);
        Some(end)
    }

    /// "10-20", "1990–1995", "5-10%", "3:2", "pp. 12 – 15".
    pub(super) fn range(&mut self, i: usize) -> Read {
        let a = self.amount(i)?;
        if self.is(a.end, ':')
            && let Some(b) = self.amount(a.end + 1)
            && self.ends_chunk(b.end)
        {
            let words = format!("{} to {}", self.amount_words(&a), self.amount_words(&b));
            self.say(&words, i..b.end);
            return Some(b.end);
        }
        let dash = self.skip_space(a.end);
        let hyphen = self.is(dash, '-');
        if !hyphen && !self.is(dash, '–') && !self.is(dash, '—') {
            return None;
        }
        let after = self.skip_space(dash + 1);
        if (dash > a.end) != (after > dash + 1) {
            return None;
        }
        let b = self.amount(after)?;
        // "1-2-3" is no range, and "20-30-year-old" ends at the second number.
        if self.is(b.end, '-') && self.digits(b.end + 1).is_some() {
            return None;
        }
        let sum = hyphen && dash > a.end && self.is(self.skip_space(b.end), '=');
        let between = if sum { "minus" } else { "to" };
        let short_year = a.int.len() == 4 && b.int.len() == 2 && !a.grouped && b.fraction.is_none();
        let until = if short_year {
            b.int.parse().map(small).unwrap_or_default()
        } else {
            self.plain_words(&b)
        };
        let (mut until, mut end) = (until, b.end);
        if let Some((unit, next)) = self.unit(b.end, false) {
            until = format!("{} {unit}", self.amount_words(&b));
            end = next;
        } else if let Some(next) = self.magnitude_suffix(b.end) {
            until = format!("{until} {}", next.0);
            end = next.1;
        }
        let words = format!("{} {between} {until}", self.plain_words(&a));
        self.say(&words, i..end);
        if end == b.end && self.is(end, '-') && self.letters(end + 1).is_some() {
            end += 1;
        }
        Some(end)
    }

    fn magnitude_suffix(&self, at: usize) -> Option<(&'static str, usize)> {
        let word = match self.letters(at)? {
            "k" | "K" => "thousand",
            "M" | "mn" => "million",
            "bn" | "B" => "billion",
            _ => return None,
        };
        self.ends_chunk(at + 1).then_some((word, at + 1))
    }

    /// "-5", "+3", "±2", "~10", ".5".
    pub(super) fn signed(&mut self, i: usize) -> Read {
        let sign = match self.kind(i)? {
            Kind::Symbol('-' | '−' | '–') if self.starts_chunk(i) => "minus",
            Kind::Symbol('+') if self.starts_chunk(i) => "plus",
            Kind::Symbol('±') => "plus or minus",
            Kind::Symbol('~' | '≈') => "about",
            Kind::Symbol('.') if self.starts_chunk(i) => "",
            _ => return None,
        };
        let at = if self.is(i, '.') { i } else { i + 1 };
        if self.is(at, '.') {
            let digits = self.digits(at + 1)?.to_owned();
            let mut words = format!("{sign} point {}", spell_digits(&digits));
            let mut end = at + 2;
            if let Some((unit, next)) = self.unit(end, false) {
                words = format!("{words} {unit}");
                end = next;
            }
            self.say(&words, i..end);
            return Some(end);
        }
        let a = self.amount(at)?;
        if self.is(a.end, '-') && self.digits(a.end + 1).is_some() {
            return None;
        }
        self.counted(i, sign, a)
    }

    /// "'90s" and "'99".
    pub(super) fn decade(&mut self, i: usize) -> Read {
        let digits = self.digits(i + 1).filter(|d| d.len() == 2)?;
        if !self.is(i, '\'') || !self.starts_chunk(i) {
            return None;
        }
        let words = digits.parse().map(small).ok()?;
        if matches!(self.letters(i + 2), Some("s")) {
            self.say(&plural(&words), i..i + 3);
            return Some(i + 3);
        }
        // A quotation that starts with a number has its closing quote somewhere.
        let quoted = (i + 2..self.atoms.len()).take(12).any(|k| self.is(k, '\''));
        if quoted || !self.ends_chunk(i + 2) {
            return None;
        }
        self.say(&words, i..i + 2);
        Some(i + 2)
    }
}
