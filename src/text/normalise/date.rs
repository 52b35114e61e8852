//! Dates, in digits and with the month's name.

use super::{Read, Reader};
use crate::text::Dialect;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month a word names, also abbreviated.
pub(super) fn month(word: &str) -> Option<&'static str> {
    if !word.starts_with(char::is_uppercase) {
        return None;
    }
    let lower = word.to_lowercase();
    let full = MONTHS.iter().find(|m| m.to_lowercase() == lower);
    full.or_else(|| {
        let short = lower.len() == 3 || lower == "sept";
        MONTHS
            .iter()
            .find(|m| short && m.to_lowercase().starts_with(&lower))
    })
    .copied()
}

pub(super) fn month_number(digits: &str) -> Option<&'static str> {
    MONTHS
        .get(digits.parse::<usize>().ok()?.checked_sub(1)?)
        .copied()
}

fn is_day(digits: &str) -> bool {
    digits.len() <= 2 && matches!(digits.parse(), Ok(1..=31u32))
}

impl Reader<'_> {
    /// "2024-03-05", "3/5/2024", "5.3.2024", "5 March 2024", "the 5th of March".
    pub(super) fn date(&mut self, i: usize) -> Read {
        self.numeric_date(i).or_else(|| self.day_month(i))
    }

    fn numeric_date(&mut self, i: usize) -> Read {
        let separator = ['-', '/', '.']
            .into_iter()
            .find(|&c| self.is(i + 1, c) && self.is(i + 3, c))?;
        let (a, b, c) = (self.digits(i)?, self.digits(i + 2)?, self.digits(i + 4)?);
        if self.is(i + 5, separator) && self.digits(i + 6).is_some() {
            return None;
        }
        let (year, month, day) = if a.len() == 4 && b.len() <= 2 && c.len() <= 2 {
            (a, b, c)
        } else if (c.len() == 4 || c.len() == 2 && separator == '/') && a.len() <= 2 && b.len() <= 2
        {
            let american = self.surroundings.dialect == Dialect::American && separator != '.';
            // The order that makes a month of the number wins over the habit of the dialect.
            match (month_number(a).is_some(), month_number(b).is_some()) {
                (true, true) if american => (c, a, b),
                (true, false) => (c, a, b),
                (_, true) => (c, b, a),
                _ => return None,
            }
        } else {
            return None;
        };
        let month = month_number(month)?;
        if !is_day(day) {
            return None;
        }
        let year = match year.len() {
            2 => match year.parse().ok()? {
                n @ 0..=9usize => format!("oh {}", super::number::small(n)),
                n => super::number::small(n),
            },
            _ => self.year_words(year),
        };
        let words = format!("{}, {year}", self.month_day_words(month, day));
        let mut end = i + 5;
        self.say(&words, i..end);
        // ISO 8601: a T and the time may follow.
        if self.letters(end).is_some_and(|t| t == "T") && self.digits(end + 1).is_some() {
            end += 1;
            if let Some(next) = self.time(end) {
                end = if matches!(self.letters(next), Some("Z")) {
                    next + 1
                } else {
                    next
                };
            }
        }
        Some(end)
    }

    /// "March fifth", or "the fifth of March".
    pub(super) fn month_day_words(&self, month: &str, day: &str) -> String {
        let day = self.ordinal(day);
        match self.surroundings.dialect {
            Dialect::American => format!("{month} {day}"),
            Dialect::British => format!("the {day} of {month}"),
        }
    }

    /// "5 March 2024", "5th of March", "5 Mar."
    fn day_month(&mut self, i: usize) -> Read {
        let day = self.digits(i).filter(|d| is_day(d))?.to_owned();
        let mut at = i + 1;
        let suffix = matches!(self.letters(at), Some("st" | "nd" | "rd" | "th"));
        if suffix {
            at += 1;
        }
        if !self.is_space(at) {
            return None;
        }
        at += 1;
        if self.letters(at) == Some("of") && self.is_space(at + 1) {
            at += 2;
        }
        let month = month(self.letters(at)?)?;
        let mut end = at + 1;
        if self.text(at).len() <= 4 && month != "May" && self.is(end, '.') {
            end += 1;
        }
        let article = if self.word_before(i).eq_ignore_ascii_case("the") {
            ""
        } else {
            "the "
        };
        let mut words = format!("{article}{} of {month}", self.ordinal(&day));
        if let Some((year, next)) = self.year_after(end) {
            words = format!("{words}, {year}");
            end = next;
        }
        self.say(&words, i..end);
        Some(end)
    }

    /// A year after a date: " 2024" or ", 2024".
    fn year_after(&self, at: usize) -> Option<(String, usize)> {
        let mut k = at;
        if self.is(k, ',') {
            k += 1;
        }
        k = self.skip_space(k);
        let digits = self.digits(k).filter(|d| d.len() == 4 && k > at)?;
        let unbroken = !(self.is(k + 1, ',') && self.digits(k + 2).is_some());
        (self.ends_chunk(k + 1) && unbroken).then(|| (self.year_words(digits), k + 1))
    }

    /// "March 5", "Mar. 5th, 2024", "March 2024", "Jan. 5-7".
    pub(super) fn month_date(&mut self, i: usize) -> Read {
        let written = self.letters(i)?;
        let month = month(written)?;
        let short = written.len() <= 4 && written != month;
        let mut at = i + 1;
        if short && self.is(at, '.') {
            at += 1;
        }
        let space = self.skip_space(at);
        let Some(number) = self.digits(space).filter(|_| space > at).map(str::to_owned) else {
            // An abbreviated month alone, if it cannot be a word or name.
            let sure = short && (at > i + 1 || !matches!(written, "Jan" | "Mar" | "Jun" | "Dec"));
            if !sure {
                return None;
            }
            self.say(month, i..at);
            return Some(at);
        };
        let mut end = space + 1;
        if number.len() == 4 {
            let words = format!("{month} {}", self.year_words(&number));
            self.say(&words, i..end);
            return Some(end);
        }
        if !is_day(&number) || self.is(end, ':') || self.is(end, '%') {
            return None;
        }
        if matches!(self.letters(end), Some("st" | "nd" | "rd" | "th")) {
            end += 1;
        }
        let mut words = format!("{month} {}", self.ordinal(&number));
        if (self.is(end, '-') || self.is(end, '–'))
            && let Some(last) = self.digits(end + 1).filter(|d| is_day(d))
        {
            words = format!("{words} to {}", self.ordinal(last));
            end += 2;
        }
        if let Some((year, next)) = self.year_after(end) {
            words = format!("{words}, {year}");
            end = next;
        }
        self.say(&words, i..end);
        Some(end)
    }
}
