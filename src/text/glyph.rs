//! Characters cleaned for reading, each with the source bytes it came from.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{compose, is_combining_mark};

use super::error::{Diagnostic, DiagnosticKind};

/// Stands for a ready-made reading (SSML `phoneme`, `sub`, `say-as`) in a text.
pub(crate) const OBJECT: char = '\u{FFFC}';

/// A character to read and where it stands in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub ch: char,
    pub span: Range<usize>,
}

/// Cleans a piece of text: compatibility forms unfolded, quotes and dashes
/// unified, invisible characters and emoji dropped. `source` maps a byte range
/// of `text` to a byte range of the original.
pub(crate) fn clean(
    text: &str,
    source: impl Fn(Range<usize>) -> Range<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Glyph> {
    let mut out: Vec<Glyph> = Vec::with_capacity(text.len());
    let mut note = |span: Range<usize>, kind| match diagnostics.last_mut() {
        // One report for a run of dropped characters.
        Some(last) if last.kind == kind && last.span.end == span.start => last.span.end = span.end,
        _ => diagnostics.push(Diagnostic { span, kind }),
    };
    for (at, c) in text.char_indices() {
        let span = source(at..at + c.len_utf8());
        let mut push = |ch: char| {
            out.push(Glyph {
                ch,
                span: span.clone(),
            })
        };
        match c {
            ' '..='~' | '\n' | OBJECT => push(c),
            '\r' | '\t' | '\u{B}' | '\u{C}' => push(' '),
            '\u{2028}' | '\u{2029}' | '\u{85}' => push('\n'),
            c if c.is_whitespace() => push(' '),
            '‘' | '’' | 'ʼ' | '‛' | 'ʻ' | '´' => push('\''),
            '“' | '”' | '„' | '‟' | '«' | '»' | '‹' | '›' | '「' | '」' | '『' | '』' => {
                push('"')
            }
            '‐' | '‑' | '⁃' | '﹣' => push('-'),
            '‒' => push('–'),
            '―' | '⸺' | '⸻' => push('—'),
            '–' | '—' | '−' | '…' | '′' | '″' | '²' | '³' | '°' | '€' | '£' | '¥' | '¢' | '×'
            | '÷' => push(c),
            '。' => push('.'),
            '、' => push(','),
            '¹' => push('1'),
            // Modifier letters are phonetic symbols (ʰ, ᵊ); unfolding would lose them.
            '\u{2B0}'..='\u{2FF}' | '\u{1D2C}'..='\u{1D7F}' => push(c),
            '№' => "No. ".chars().for_each(push),
            '¼' | '½' | '¾' | '⅐'..='⅞' => {
                // "2½" is "2 1/2", never "21/2".
                if out.last().is_some_and(|g| g.ch.is_ascii_digit()) {
                    out.push(Glyph {
                        ch: ' ',
                        span: span.clone(),
                    });
                }
                out.extend(c.nfkc().map(|ch| Glyph {
                    ch: if ch == '⁄' { '/' } else { ch },
                    span: span.clone(),
                }));
            }
            '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' => {}
            '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' | '™' | '®' | '©' => {
            }
            c if is_emoji(c) => note(span, DiagnosticKind::Emoji),
            c if c.is_control() => note(span, DiagnosticKind::Control),
            c if is_combining_mark(c) => match out.last_mut() {
                Some(last) if last.ch.is_alphabetic() => {
                    last.ch = compose(last.ch, c).unwrap_or(last.ch);
                    last.span.end = span.end;
                }
                _ => note(span, DiagnosticKind::UnknownSymbol),
            },
            c => c
                .nfkc()
                .for_each(|ch| push(if ch == '⁄' { '/' } else { ch })),
        }
    }
    out
}

fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{2300}'..='\u{23FF}'
        | '\u{20E3}' | '\u{E0020}'..='\u{E007F}' | '\u{25A0}'..='\u{25FF}' | '\u{3030}' | '\u{303D}')
}

/// The plain Latin letters an accented or special Latin letter is read as;
/// `None` when the letter is not Latin.
pub(crate) fn fold_latin(c: char) -> Option<&'static str> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let special = match c {
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "Ae",
        'œ' => "oe",
        'Œ' => "Oe",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'þ' => "th",
        'Þ' => "Th",
        'ł' => "l",
        'Ł' => "L",
        'ı' => "i",
        'ħ' => "h",
        'ŋ' => "ng",
        _ => "",
    };
    if !special.is_empty() {
        return Some(special);
    }
    let base = std::iter::once(c).nfd().next()?;
    let at = LETTERS.find(base)?;
    LETTERS.get(at..at + 1)
}

/// A word in plain Latin letters, apostrophes and hyphens kept.
pub(crate) fn fold_word(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match fold_latin(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text, |r| r, &mut Vec::new())
            .iter()
            .map(|g| g.ch)
            .collect()
    }

    #[test]
    fn compatibility_forms_unfold() {
        assert_eq!(cleaned("ﬁne “quotes” it’s"), "fine \"quotes\" it's");
        assert_eq!(cleaned("2½ cups"), "2 1/2 cups");
        assert_eq!(cleaned("cafe\u{301}"), "café");
        assert_eq!(cleaned("ｆｕｌｌ　１２"), "full 12");
        assert_eq!(cleaned("zero\u{200B}width"), "zerowidth");
    }

    #[test]
    fn emoji_are_reported_once_a_run() {
        let mut notes = Vec::new();
        let glyphs = clean("a 👍🏽👍 b", |r| r, &mut notes);
        assert_eq!(glyphs.len(), 4);
        assert_eq!(
            notes,
            [Diagnostic {
                span: 2..14,
                kind: DiagnosticKind::Emoji
            }]
        );
    }

    #[test]
    fn accents_fold_to_plain_letters() {
        assert_eq!(fold_word("Zürich"), "Zurich");
        assert_eq!(fold_word("smørrebrød"), "smorrebrod");
        assert_eq!(fold_latin('ж'), None);
    }
}
