//! Telephone numbers, e-mail and web addresses, hashtags and mentions.

use super::number::{cardinal, spell_digits};
use super::{Kind, Read, Reader};
use crate::text::Dialect;
use crate::text::token::TokenKind;

/// Endings that make a dotted word a web address.
const DOMAINS: [&str; 34] = [
    "com", "org", "net", "edu", "gov", "io", "ai", "co", "uk", "de", "fr", "info", "biz", "us",
    "ca", "au", "tv", "me", "dev", "app", "eu", "ch", "nl", "jp", "in", "it", "es", "se", "no",
    "xyz", "tech", "gg", "ly", "int",
];
/// Of those, the ones said as words.
const SPOKEN_DOMAINS: [&str; 12] = [
    "com", "org", "net", "gov", "info", "biz", "dev", "app", "tech", "co", "me", "int",
];

impl Reader<'_> {
    pub(super) fn phone(&mut self, i: usize) -> Read {
        let mut at = i;
        let plus = self.is(at, '+');
        if plus {
            at += 1;
        }
        let mut groups: Vec<String> = Vec::new();
        let mut separators = String::new();
        let mut parenthesis = false;
        let mut end = at;
        while groups.len() < 7 {
            let mut k = end;
            if !groups.is_empty() {
                let c = match self.kind(k) {
                    Some(Kind::Symbol(c @ ('-' | '.' | '–'))) => c,
                    Some(Kind::Space) if self.text(k).len() == 1 => ' ',
                    Some(Kind::Symbol('(')) => '(',
                    _ => break,
                };
                if c != '(' {
                    k += 1;
                }
                if c != ' ' || !self.is(k, '(') {
                    separators.push(c);
                } else {
                    separators.push('(');
                }
            }
            if self.is(k, '(') {
                let Some(area) = self
                    .digits(k + 1)
                    .filter(|d| (1..=5).contains(&d.len()) && self.is(k + 2, ')'))
                else {
                    break;
                };
                groups.push(area.to_owned());
                parenthesis = true;
                end = k + 3;
                // "(555)123" has nothing between.
                if let Some(next) = self.digits(end) {
                    groups.push(next.to_owned());
                    separators.push('-');
                    end += 1;
                }
                continue;
            }
            let Some(digits) = self
                .digits(k)
                .filter(|d| d.len() <= 5 || groups.is_empty() && d.len() <= 12)
            else {
                break;
            };
            groups.push(digits.to_owned());
            end = k + 1;
        }
        if groups.is_empty()
            || !self.ends_chunk(end)
            || !(plus || parenthesis || self.kind(i) == Some(Kind::Digits))
        {
            return None;
        }
        let lengths: Vec<usize> = groups.iter().map(String::len).collect();
        let total: usize = lengths.iter().sum();
        let tight = !separators.contains([' ', '(']);
        let american = |l: &[usize]| matches!(l, [3, 3, 4] | [1, 3, 3, 4]);
        let is_phone = (plus && (7..=15).contains(&total))
            || (parenthesis && (7..=15).contains(&total) && groups.len() >= 2)
            || (tight && (american(&lengths) || lengths == [3, 4] && !separators.contains('.')))
            || (groups[0].starts_with('0')
                && groups.len() >= 2
                && matches!(total, 9..=11)
                && !tight)
            || (american(&lengths) && !separators.contains('('));
        if !is_phone {
            return None;
        }
        let said: Vec<String> = groups.iter().map(|g| spell_digits(g)).collect();
        let words = format!("{}{}", if plus { "plus " } else { "" }, said.join(", "));
        self.say(&words, i..end);
        Some(end)
    }

    /// "#fun", "#5", "@name".
    pub(super) fn hashtag(&mut self, i: usize) -> Read {
        let hash = self.is(i, '#');
        if !hash && !self.is(i, '@') {
            return None;
        }
        if hash && let Some(number) = self.digits(i + 1).filter(|_| self.ends_chunk(i + 2)) {
            let words = format!("number {}", self.cardinal(number));
            self.say(&words, i..i + 2);
            return Some(i + 2);
        }
        self.letters(i + 1)?;
        let mut end = i + 1;
        while matches!(
            self.kind(end),
            Some(Kind::Letters | Kind::Digits | Kind::Symbol('_'))
        ) {
            end += 1;
        }
        self.say(if hash { "hashtag" } else { "at" }, i..i + 1);
        self.say_address(i + 1..end);
        Some(end)
    }

    /// A web or e-mail address: read with its punctuation.
    pub(super) fn web_address(&mut self, i: usize) -> Read {
        let mut end = i;
        while self
            .kind(end)
            .is_some_and(|k| !matches!(k, Kind::Space | Kind::Symbol('<' | '>' | '"' | '|' | '*')))
        {
            end += 1;
        }
        // Punctuation after the address is the sentence's.
        while end > i
            && matches!(
                self.kind(end - 1),
                Some(Kind::Symbol(
                    '.' | ',' | ';' | ':' | '!' | '?' | ')' | '\'' | ']' | '}' | '…'
                ))
            )
        {
            end -= 1;
        }
        let mut start = i;
        let scheme = self.letters(i).is_some_and(|s| {
            matches!(
                s.to_lowercase().as_str(),
                "http" | "https" | "ftp" | "mailto"
            )
        });
        let explicit = if scheme && self.is(i + 1, ':') {
            start = i + 2;
            while self.is(start, '/') {
                start += 1;
            }
            start < end
        } else {
            self.letters(i)
                .is_some_and(|w| w.eq_ignore_ascii_case("www"))
                && self.is(i + 1, '.')
        };
        if !explicit && !self.is_bare_address(i, end) {
            return None;
        }
        // What a closing slash adds is nothing to hear.
        let mut last = end;
        while last > start + 1 && self.is(last - 1, '/') {
            last -= 1;
        }
        self.say_address(start..last);
        // The scheme and the closing slash belong to the first and last words.
        let whole = self.span(i..end);
        let part = self.span(start..last);
        for token in self.out.iter_mut().rev() {
            if token.span.end == part.end {
                token.span.end = whole.end;
            }
            if token.span.start == part.start {
                token.span.start = whole.start;
                break;
            }
        }
        Some(end)
    }

    /// "name@host.tld", "host.tld", "host.tld/path".
    fn is_bare_address(&self, i: usize, end: usize) -> bool {
        let mut k = i;
        let mut host = i;
        let mut mail = false;
        while k < end && !self.is(k, '/') {
            if self.is(k, '@') {
                mail = !mail;
                host = k + 1;
            }
            k += 1;
        }
        let allowed = |at: usize| {
            matches!(
                self.kind(at),
                Some(Kind::Letters | Kind::Digits | Kind::Symbol('.' | '-' | '_' | '+'))
            )
        };
        let local = if mail {
            (i..host - 1).all(allowed) && host > i + 1
        } else {
            true
        };
        let labels =
            host < k && (host..k).all(|at| allowed(at) && !self.is(at, '_') && !self.is(at, '+'));
        let last_dot = (host + 1..k.saturating_sub(1))
            .rev()
            .find(|&at| self.is(at, '.'));
        let Some(dot) = last_dot.filter(|_| local && labels) else {
            return false;
        };
        let domain = self.text(dot + 1);
        if mail {
            return domain.len() >= 2 && dot + 2 == k;
        }
        // "end.It" is a missing space, "U.S.A" an abbreviation.
        let whole: String = (host..k).map(|at| self.text(at)).collect();
        dot + 2 == k
            && DOMAINS.contains(&domain)
            && self
                .kind(dot - 1)
                .is_some_and(|k| !matches!(k, Kind::Symbol(_)))
            && whole.len() >= 4
            && (self.text(dot - 1).len() > 1 || self.digits(dot - 1).is_some())
    }

    fn say_address(&mut self, atoms: std::ops::Range<usize>) {
        let after_host = atoms
            .clone()
            .find(|&k| self.is(k, '/'))
            .unwrap_or(atoms.end);
        for k in atoms {
            let text = self.text(k).to_owned();
            match self.atoms[k].kind {
                Kind::Letters => {
                    let domain = k > 0
                        && self.is(k - 1, '.')
                        && k < after_host
                        && DOMAINS.contains(&text.as_str());
                    let spelled = text.eq_ignore_ascii_case("www")
                        || domain && !SPOKEN_DOMAINS.contains(&text.as_str())
                        || text.chars().count() == 1;
                    let span = self.span(k..k + 1);
                    let kind = if spelled {
                        TokenKind::Letters
                    } else {
                        TokenKind::Word
                    };
                    self.push(text, span, kind);
                }
                Kind::Digits => {
                    let words = if text.len() <= 2 && !text.starts_with('0') {
                        cardinal(&text, Dialect::American)
                    } else {
                        spell_digits(&text)
                    };
                    self.say(&words, k..k + 1);
                }
                Kind::Symbol(c) => {
                    let word = match c {
                        '.' => "dot",
                        '/' => "slash",
                        '-' => "dash",
                        '_' => "underscore",
                        '@' => "at",
                        ':' => "colon",
                        '?' => "question mark",
                        '=' => "equals",
                        '&' => "and",
                        '#' => "hash",
                        '%' => "percent",
                        '+' => "plus",
                        '~' => "tilde",
                        _ => continue,
                    };
                    self.say(word, k..k + 1);
                }
                Kind::Space => {}
            }
        }
    }
}
