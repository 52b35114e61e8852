//! Phonemes as people write them: misaki symbols, IPA or ARPAbet.

use unicode_normalization::UnicodeNormalization;

use super::Dialect;
use super::vocabulary::Vocabulary;

/// IPA spellings of what misaki writes as one letter, longest first.
const DIPHTHONGS: [(&str, &str); 11] = [
    ("t͡ʃ", "ʧ"),
    ("d͡ʒ", "ʤ"),
    ("tʃ", "ʧ"),
    ("dʒ", "ʤ"),
    ("eɪ", "A"),
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("ɔɪ", "Y"),
    ("əʊ", "Q"),
    ("oʊ", "O"),
    ("l̩", "ᵊl"),
];

/// Reads user-written phonemes; the error says which symbol is unknown.
///
/// Accepts misaki symbols and IPA (diphthongs and affricates as two letters)
/// in any mixture, or upper-case ARPAbet symbols separated by spaces.
pub(crate) fn parse(written: &str, dialect: Dialect) -> Result<String, String> {
    let trimmed = written.trim();
    if trimmed.is_empty() {
        return Err("it is empty; write misaki, IPA or ARPAbet symbols".into());
    }
    if let Some(converted) = arpabet(trimmed, dialect) {
        return Ok(converted);
    }
    // Decomposed, so that a nasal vowel is a letter and a tilde whatever the editor wrote.
    let mut text: String = trimmed.nfd().collect();
    for (ipa, misaki) in DIPHTHONGS {
        text = text.replace(ipa, misaki);
    }
    if dialect == Dialect::American {
        // The American model has no length marks; its vowels are long by themselves.
        text = text
            .replace("ɜːɹ", "ɜɹ")
            .replace("ɜːr", "ɜɹ")
            .replace("ɜː", "ɜɹ")
            .replace('ː', "");
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            'g' => 'ɡ',
            'r' => 'ɹ',
            '\'' | '’' => 'ˈ',
            'ˑ' | '.' | '͡' | '‿' | '\u{32F}' => continue,
            'ɚ' => {
                out.push_str("əɹ");
                continue;
            }
            'ɝ' => {
                out.push_str("ɜɹ");
                continue;
            }
            'ɾ' if dialect == Dialect::American => 'T',
            'ɫ' => 'l',
            'ʍ' => 'w',
            'e' if dialect == Dialect::American => 'ɛ',
            'o' if dialect == Dialect::American => 'ɔ',
            'ɒ' if dialect == Dialect::American => 'ɑ',
            c => c,
        };
        if !Vocabulary::english().contains(c) {
            return Err(format!(
                "the model has no symbol {c:?} (U+{:04X}); use misaki symbols, IPA or ARPAbet, e.g. həlˈO, həˈloʊ or HH AH0 L OW1",
                u32::from(c)
            ));
        }
        out.push(c);
    }
    if !out
        .chars()
        .any(|c| c.is_alphabetic() && !matches!(c, 'ˈ' | 'ˌ' | 'ː'))
    {
        return Err("it holds no sound".into());
    }
    Ok(settle_stress(&out))
}

/// IPA puts stress before the syllable, misaki before its vowel.
fn settle_stress(phonemes: &str) -> String {
    let mut out = String::with_capacity(phonemes.len());
    let mut pending = None;
    for c in phonemes.chars() {
        if c == 'ˈ' || c == 'ˌ' {
            pending = Some(c);
            continue;
        }
        if let Some(mark) = pending
            && super::stress::is_vowel(c)
        {
            out.push(mark);
            pending = None;
        }
        if c == ' ' {
            pending = None;
        }
        out.push(c);
    }
    out
}

/// ARPAbet ("HH AH0 L OW1") to misaki; `None` when it is something else.
pub(crate) fn arpabet(written: &str, dialect: Dialect) -> Option<String> {
    let mut out = String::new();
    let mut any_long = false;
    for phone in written.split_whitespace() {
        let (name, stress) = match phone.strip_suffix(['0', '1', '2']) {
            Some(name) => (name, phone.chars().last()),
            None => (phone, None),
        };
        any_long |= name.len() == 2 || stress.is_some();
        let british = dialect == Dialect::British;
        let symbol = match name {
            "AA" => {
                if british {
                    "ɑː"
                } else {
                    "ɑ"
                }
            }
            "AE" => {
                if british {
                    "a"
                } else {
                    "æ"
                }
            }
            "AH" if stress == Some('0') => "ə",
            "AH" => "ʌ",
            "AO" => {
                if british {
                    "ɔː"
                } else {
                    "ɔ"
                }
            }
            "AW" => "W",
            "AY" => "I",
            "EH" => "ɛ",
            "ER" if british && stress == Some('0') => "ə",
            "ER" if british => "ɜː",
            "ER" if stress == Some('0') => "əɹ",
            "ER" => "ɜɹ",
            "EY" => "A",
            "IH" => "ɪ",
            "IY" if british && stress != Some('0') => "iː",
            "IY" => "i",
            "OW" => {
                if british {
                    "Q"
                } else {
                    "O"
                }
            }
            "OY" => "Y",
            "UH" => "ʊ",
            "UW" => {
                if british {
                    "uː"
                } else {
                    "u"
                }
            }
            "B" => "b",
            "CH" => "ʧ",
            "D" => "d",
            "DH" => "ð",
            "DX" => "T",
            "F" => "f",
            "G" => "ɡ",
            "HH" => "h",
            "JH" => "ʤ",
            "K" => "k",
            "L" => "l",
            "M" => "m",
            "N" => "n",
            "NG" => "ŋ",
            "P" => "p",
            "R" => "ɹ",
            "S" => "s",
            "SH" => "ʃ",
            "T" => "t",
            "TH" => "θ",
            "V" => "v",
            "W" => "w",
            "Y" => "j",
            "Z" => "z",
            "ZH" => "ʒ",
            _ => return None,
        };
        match stress {
            Some('1') => out.push('ˈ'),
            Some('2') => out.push('ˌ'),
            _ => {}
        }
        out.push_str(symbol);
    }
    // "A", "I", "T" alone are misaki letters too; ARPAbet words have at least one two-letter name.
    (any_long && !out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_notations_agree() {
        let us = Dialect::American;
        for written in ["həlˈO", "həˈloʊ", "HH AH0 L OW1"] {
            assert_eq!(parse(written, us).as_deref(), Ok("həlˈO"), "{written}");
        }
        assert_eq!(parse("ˈt͡ʃɜːɹt͡ʃ", us).as_deref(), Ok("ʧˈɜɹʧ"));
        assert_eq!(parse("ˈwɔːtə", Dialect::British).as_deref(), Ok("wˈɔːtə"));
        assert_eq!(parse("K AE1 T", us).as_deref(), Ok("kˈæt"));
    }

    #[test]
    fn unknown_symbols_are_named() {
        assert!(parse("kæ❓", Dialect::American).unwrap_err().contains("❓"));
        assert!(parse("  ", Dialect::American).is_err());
        assert!(parse("ˈˌ", Dialect::American).is_err());
    }
}
