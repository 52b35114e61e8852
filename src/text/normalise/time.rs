//! Times of day.

use super::number::small;
use super::{Read, Reader};

impl Reader<'_> {
    /// "3:45 pm", "15:30", "1:02:03", "5 p.m.", "10am".
    pub(super) fn time(&mut self, i: usize) -> Read {
        let hour: usize = self.digits(i).filter(|d| d.len() <= 2)?.parse().ok()?;
        if !self.is(i + 1, ':') {
            // Without minutes only "am" or "pm" makes it a time.
            let (half, end) = self
                .half_of_day(i + 1)
                .filter(|_| (1..=12).contains(&hour))?;
            self.say(&format!("{} {half}", small(hour)), i..end);
            return Some(end);
        }
        let two = |at: usize| {
            self.digits(at)
                .filter(|d| d.len() == 2)?
                .parse::<usize>()
                .ok()
                .filter(|&n| n < 60)
        };
        let minute = two(i + 2).filter(|_| hour <= 24)?;
        let mut end = i + 3;
        let mut words = match (hour, minute) {
            (0, 0) => "midnight".to_owned(),
            (h, 0) => small(h),
            (h, m @ 1..=9) => format!("{} oh {}", small(h), small(m)),
            (h, m) => format!("{} {}", small(h), small(m)),
        };
        let mut seconds = false;
        if self.is(end, ':') {
            let second = two(end + 1)?;
            words = match second {
                0 => words,
                1 => format!("{words} and one second"),
                n => format!("{words} and {} seconds", small(n)),
            };
            end += 2;
            seconds = true;
        }
        match self.half_of_day(end) {
            Some((half, next)) => {
                words = if minute == 0 && hour == 0 {
                    format!("zero {half}")
                } else {
                    format!("{words} {half}")
                };
                end = next;
            }
            None if minute == 0 && !seconds && (1..=12).contains(&hour) => {
                words.push_str(" o'clock");
                let next = self.skip_space(end);
                if matches!(self.letters(next), Some("o'clock" | "O'clock")) {
                    end = next + 1;
                }
            }
            None if minute == 0 && !seconds && hour > 12 => words.push_str(" hundred"),
            None => {}
        }
        if self.digits(end).is_some() || self.is(end, ':') {
            return None;
        }
        self.say(&words, i..end);
        Some(end)
    }

    /// "am", "p.m." and their like as letters to spell, and where they end.
    fn half_of_day(&self, at: usize) -> Option<(&'static str, usize)> {
        let k = self.skip_space(at);
        let attached = k == at;
        let letters = self.letters(k)?;
        if self.is(k + 1, '.')
            && self
                .letters(k + 2)
                .is_some_and(|m| m.eq_ignore_ascii_case("m"))
        {
            let half = match letters {
                "a" | "A" => "a.m.",
                "p" | "P" => "p.m.",
                _ => return None,
            };
            // The last full stop may end the sentence as well; it stays if nothing or a capital follows.
            let dot = self.is(k + 3, '.');
            let next = self.letters(self.skip_space(k + 4));
            let inside =
                next.is_some_and(|w| w.starts_with(char::is_lowercase)) || self.is(k + 4, ',');
            return Some((half, if dot && inside { k + 4 } else { k + 3 }));
        }
        let half = match letters {
            "am" | "AM" => "a.m.",
            "pm" | "PM" => "p.m.",
            "a" if attached && self.ends_chunk(k + 1) => "a.m.",
            "p" if attached && self.ends_chunk(k + 1) => "p.m.",
            _ => return None,
        };
        // "I'm 5 am I" is no time.
        let verb = !attached
            && letters == "am"
            && matches!(self.letters(self.skip_space(k + 1)), Some("I"));
        (!verb).then_some((half, k + 1))
    }
}
