//! Pronunciations given by the user.

use std::collections::HashMap;
use std::path::Path;

use super::error::{Error, Result};
use super::{Dialect, notation};

/// Words and how to say them; takes precedence over everything built in.
///
/// One entry a line, in any mixture of three forms:
///
/// ```text
/// # comment
/// Syrinx<TAB>sˈɪɹɪŋks
/// syrinx=ˈsɪrɪŋks
/// SYRINX  S IH1 R IH0 NG K S
/// ```
///
/// Phonemes are misaki symbols, IPA or ARPAbet. A word in lower case answers
/// for every spelling of itself, as does a word given in ARPAbet; any other
/// spelling answers only for itself. CMUdict
/// variants (`WORD(2)`) are skipped, comments start with `#` or `;;;`.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    entries: HashMap<String, String>,
}

impl Lexicon {
    /// An empty lexicon.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Lexicon`] naming file and
    /// line if a line is malformed or holds an unknown phoneme.
    pub fn open(path: impl AsRef<Path>, dialect: Dialect) -> Result<Self> {
        let path = path.as_ref();
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let bytes = std::fs::read(path).map_err(io)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|e| {
            let line = e.as_bytes()[..e.utf8_error().valid_up_to()]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
                + 1;
            Error::Lexicon {
                file: name.clone(),
                line,
                problem: "it is not UTF-8 text".into(),
            }
        })?;
        Self::parse(&text, &name, dialect)
    }

    /// Reads the text of a lexicon; `name` is used in errors.
    ///
    /// # Errors
    /// [`Error::Lexicon`], as [`Lexicon::open`].
    pub fn parse(text: &str, name: &str, dialect: Dialect) -> Result<Self> {
        let mut lexicon = Self::new();
        for (index, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.starts_with(";;;") {
                continue;
            }
            let fail = |problem| Error::Lexicon {
                file: name.to_owned(),
                line: index + 1,
                problem,
            };
            let (word, phonemes) = split_entry(line).ok_or_else(|| {
                fail(format!("expected `word<TAB>phonemes`, `word=phonemes` or `WORD  AH0 ...`, found {line:?}"))
            })?;
            if word.ends_with(')') && word.contains('(') {
                continue;
            }
            lexicon
                .insert(word, phonemes, dialect)
                .map_err(|p| fail(format!("{word}: {p}")))?;
        }
        Ok(lexicon)
    }

    /// Adds a word; the error says what is wrong with the phonemes.
    ///
    /// # Errors
    /// A sentence about the phonemes: empty, or a symbol the model does not know.
    pub fn insert(
        &mut self,
        word: &str,
        phonemes: &str,
        dialect: Dialect,
    ) -> std::result::Result<(), String> {
        // CMUdict writes every word in capitals and means any spelling of it.
        let any_case =
            notation::arpabet(phonemes, dialect).is_some() && !word.chars().any(char::is_lowercase);
        let key = if any_case {
            word.to_lowercase()
        } else {
            word.to_owned()
        };
        self.entries
            .insert(key.replace('’', "'"), notation::parse(phonemes, dialect)?);
        Ok(())
    }

    /// Adds everything of another lexicon, which wins where both have a word.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Phonemes of a word as spelled or, failing that, of its lower-case form.
    pub fn get(&self, word: &str) -> Option<&str> {
        if let Some(found) = self.entries.get(word) {
            return Some(found);
        }
        self.entries.get(&word.to_lowercase()).map(String::as_str)
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn split_entry(line: &str) -> Option<(&str, &str)> {
    let (word, phonemes) = match line.split_once('\t') {
        Some(pair) => pair,
        None => match line.split_once("  ") {
            Some(pair) => pair,
            None => match line.split_once('=') {
                Some(pair) => pair,
                None => line.split_once(' ')?,
            },
        },
    };
    let (word, phonemes) = (word.trim(), phonemes.trim());
    // Misaki writers may keep the slashes of the inline form.
    let phonemes = phonemes
        .strip_prefix('/')
        .and_then(|p| p.strip_suffix('/'))
        .unwrap_or(phonemes);
    (!word.is_empty() && !phonemes.is_empty()).then_some((word, phonemes))
}
