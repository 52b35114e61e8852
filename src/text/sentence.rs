//! Where sentences end.

use super::glyph::OBJECT;

/// Longest stretch handled as one sentence, characters. Bounds the memory and
/// the time of everything that looks around within a sentence.
const LONGEST: usize = 800;

/// What ends a stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// A full stop, question mark, exclamation mark, list item or heading.
    Sentence,
    /// A blank line or the end of the text.
    Paragraph,
    /// The stretch grew too long: cut between words.
    Word,
    /// The stretch grew too long within one word.
    Inside,
}

/// Titles and the like, which never end a sentence.
const BEFORE_NAME: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "lt", "sgt", "capt", "cmdr", "adm", "rev",
    "hon", "sen", "rep", "gov", "pres", "fr", "messrs", "mme", "mlle", "vs", "e.g", "i.e", "cf",
    "approx", "fig", "no", "nos", "vol", "pp", "p", "ch", "sec", "art", "op", "viz", "mt", "ft",
];
/// Abbreviations that may also end a sentence: they do before a capital.
const AMBIGUOUS: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "u.s", "u.k", "u.n", "e.u", "ave",
    "blvd", "rd", "dept", "est", "al", "ph.d", "m.d", "b.a", "m.a", "jan", "feb", "mar", "apr",
    "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri",
    "sat", "sun", "hr", "hrs", "min", "mins", "oz", "lb", "lbs", "in", "u.s.a", "d.c", "esq", "ed",
    "eds", "cal", "calif",
];

/// The end (in bytes, past trailing closers, before white space) of the
/// sentence that starts at `from`, and what ended it.
pub(crate) fn sentence_end(text: &str, from: usize) -> (usize, Boundary) {
    let rest = &text[from..];
    let heading = rest.trim_start_matches([' ', '\t']).starts_with('#');
    let mut last_space = None;
    let mut spoken = false;
    let mut chars = rest.char_indices().peekable();
    let mut count = 0;
    while let Some((at, c)) = chars.next() {
        count += 1;
        if count > LONGEST {
            return match last_space {
                Some(space) => (from + space, Boundary::Word),
                None => (from + at, Boundary::Inside),
            };
        }
        let after = at + c.len_utf8();
        match c {
            '\n' | '\u{2028}' | '\u{2029}' => {
                let tail = &rest[after..];
                let next = tail.trim_start_matches([' ', '\t', '\r']);
                if spoken && (next.starts_with('\n') || next.is_empty() || c == '\u{2029}') {
                    return (from + at, Boundary::Paragraph);
                }
                if spoken && (heading || starts_item(next)) {
                    return (from + at, Boundary::Sentence);
                }
                last_space = spoken.then_some(at).or(last_space);
            }
            c if c.is_whitespace() => last_space = spoken.then_some(at).or(last_space),
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => {
                spoken = true;
                let mut end = after;
                // The whole run of marks and what closes around it belongs to the sentence.
                while let Some(&(i, n)) = chars.peek() {
                    if !matches!(
                        n,
                        '.' | '!'
                            | '?'
                            | '…'
                            | '"'
                            | '\''
                            | '”'
                            | '’'
                            | ')'
                            | ']'
                            | '»'
                            | '*'
                            | '_'
                    ) {
                        break;
                    }
                    end = i + n.len_utf8();
                    chars.next();
                    count += 1;
                }
                let tail = &rest[end..];
                if tail.starts_with(char::is_whitespace)
                    || tail.is_empty()
                    || matches!(c, '。' | '！' | '？')
                {
                    let lone_dot = c == '.' && end == after;
                    if !lone_dot && !continues(tail) || lone_dot && stop_ends(&rest[..at], tail) {
                        return (from + end, Boundary::Sentence);
                    }
                }
            }
            c => spoken |= c.is_alphanumeric() || c == OBJECT,
        }
    }
    (text.len(), Boundary::Paragraph)
}

/// A line that starts a list item, heading, quote or rule.
fn starts_item(line: &str) -> bool {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    line.starts_with(['#', '•', '>', '|'])
        || ["- ", "* ", "+ ", "– ", "---", "***", "```"]
            .iter()
            .any(|m| line.starts_with(m))
        || (1..=3).contains(&digits)
            && (line[digits..].starts_with(". ") || line[digits..].starts_with(") "))
}

/// After "...", "!" or "?" a lower-case word carries the sentence on.
fn continues(tail: &str) -> bool {
    tail.trim_start().starts_with(char::is_lowercase)
}

/// Whether a full stop after `before` and before `tail` ends the sentence.
fn stop_ends(before: &str, tail: &str) -> bool {
    let start = before
        .char_indices()
        .rev()
        .take(16)
        .take_while(|(_, c)| c.is_alphanumeric() || *c == '.')
        .last()
        .map_or(before.len(), |(i, _)| i);
    let word = before[start..].to_lowercase();
    let next = tail
        .trim_start_matches(|c: char| c.is_whitespace() || "\"'“‘([*_".contains(c))
        .chars()
        .next();
    let Some(next) = next else { return true };
    if next.is_lowercase() {
        return false;
    }
    if word == "no" || word == "nos" {
        // "No." is a word of its own unless a number follows.
        return !next.is_ascii_digit();
    }
    // "I" ends sentences ("It was I."); other single letters are initials.
    let initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word != "i";
    if initial && next.is_uppercase() || BEFORE_NAME.contains(&word.as_str()) {
        return false;
    }
    if AMBIGUOUS.contains(&word.as_str()) {
        return next.is_uppercase()
            && !matches!(
                word.as_str(),
                "jan" | "feb" | "aug" | "sept" | "oct" | "nov" | "dec"
            );
    }
    // A list number ("1. Item") at the start of the stretch belongs to its item.
    let list_number = word.len() <= 3
        && word.bytes().all(|b| b.is_ascii_digit())
        && before[..start].trim().is_empty();
    !list_number || word.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let (end, _) = sentence_end(text, at);
            assert!(end > at);
            out.push(text[at..end].trim());
            at = end;
        }
        out.retain(|s| !s.is_empty());
        out
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        assert_eq!(
            split("Dr. Smith met J. R. Jones. They left."),
            ["Dr. Smith met J. R. Jones.", "They left."]
        );
        assert_eq!(
            split("See No. 5 at 3 p.m. Then go."),
            ["See No. 5 at 3 p.m.", "Then go."]
        );
        assert_eq!(split("I said no. He left."), ["I said no.", "He left."]);
        assert_eq!(
            split("Apples, e.g. Galas, etc. are fine."),
            ["Apples, e.g. Galas, etc. are fine."]
        );
        assert_eq!(
            split("It costs 3.14 at x.com today."),
            ["It costs 3.14 at x.com today."]
        );
    }

    #[test]
    fn quotes_lists_and_paragraphs() {
        assert_eq!(
            split("\"Go!\" he said. \"Now?\" Yes."),
            ["\"Go!\" he said.", "\"Now?\"", "Yes."]
        );
        assert_eq!(
            split("# Title\nBody text\nwraps.\n\nNext"),
            ["# Title", "Body text\nwraps.", "Next"]
        );
        assert_eq!(split("Buy:\n- eggs\n- milk"), ["Buy:", "- eggs", "- milk"]);
        assert_eq!(split("1. First\n2. Second"), ["1. First", "2. Second"]);
        assert_eq!(
            split("Well... maybe. Wait... What?!"),
            ["Well... maybe.", "Wait...", "What?!"]
        );
    }

    #[test]
    fn endless_words_are_cut() {
        let long = "a".repeat(3000);
        assert_eq!(split(&long).len(), 4);
        assert_eq!(
            split(&"ab ".repeat(1000)).concat().replace(' ', ""),
            "ab".repeat(1000)
        );
    }
}
