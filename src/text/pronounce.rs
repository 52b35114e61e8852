//! One word to phonemes: misaki's English rules over the dictionary.
//!
//! The rules are those of misaki 0.9.4 (Apache-2.0, hexgrad), because the
//! acoustic models learned to speak exactly that notation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Dialect;
use super::dictionary::Dictionary;
use super::lexicon::Lexicon;
use super::oov::{LONGEST_WORD, Speller};
use super::stress::{self, PRIMARY, SECONDARY, Stress};

/// What follows a word; function words change their form with it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context {
    /// Whether the next sound is a vowel; `None` before a pause.
    pub vowel: Option<bool>,
    /// Whether the next word is "to".
    pub to: bool,
}

impl Context {
    /// The context seen by the word before one with these phonemes.
    pub fn before(self, word: &str, phonemes: &str) -> Self {
        let vowel = phonemes
            .chars()
            .find_map(|c| match c {
                ';' | ':' | ',' | '.' | '!' | '?' | '—' | '…' => Some(None),
                c if stress::is_full_vowel(c) => Some(Some(true)),
                c if stress::is_consonant(c) => Some(Some(false)),
                _ => None,
            })
            .unwrap_or(self.vowel);
        Self {
            vowel,
            to: word.eq_ignore_ascii_case("to"),
        }
    }
}

/// Dictionary, rules and the network for unknown words.
#[derive(Debug)]
pub(crate) struct Pronouncer {
    dialect: Dialect,
    dictionary: Dictionary,
    speller: OnceLock<Option<Speller>>,
    /// Readings of unknown words; names recur, and monsters repeat themselves.
    guesses: Mutex<HashMap<String, Option<String>>>,
}

impl Pronouncer {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            dictionary: Dictionary::open(dialect),
            speller: OnceLock::new(),
            guesses: Mutex::default(),
        }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The user's reading, when the lexicon has one.
    pub fn custom(lexicon: Option<&Arc<Lexicon>>, word: &str) -> Option<String> {
        lexicon.and_then(|l| l.get(word)).map(str::to_owned)
    }

    /// Dictionary and rules; `None` for a word neither covers.
    pub fn known(&self, word: &str, tag: &str, context: Context) -> Option<String> {
        let stress = if !word.chars().any(char::is_uppercase) {
            None
        } else if word.chars().any(char::is_lowercase) {
            Some(Stress::Secondary)
        } else {
            Some(Stress::Primary)
        };
        self.word(word, tag, stress, context)
    }

    /// Letter by letter, stress on the last letter.
    pub fn spell(&self, word: &str) -> Option<String> {
        let mut letters = String::new();
        for c in word.chars().filter(|c| c.is_alphabetic()) {
            let name = self.dictionary.gold(&c.to_uppercase().to_string())?;
            letters.push_str(name.default_reading()?);
        }
        let weak = stress::apply(&letters, Some(Stress::Weak));
        Some(match weak.rfind(SECONDARY) {
            Some(at) => format!(
                "{}{PRIMARY}{}",
                &weak[..at],
                &weak[at + SECONDARY.len_utf8()..]
            ),
            None if weak.is_empty() => return None,
            None => weak,
        })
    }

    /// A reading for any word of Latin letters: spelled when it has no vowel
    /// letter, by the network otherwise.
    pub fn guess(&self, word: &str) -> Option<String> {
        let vowel = |c: char| "aeiouyAEIOUY".contains(c);
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        if letters == 0 {
            return None;
        }
        if !word.contains(vowel) && letters <= 8 {
            return self.spell(word);
        }
        let mut out = String::new();
        let chars: Vec<char> = word.chars().collect();
        // Real words fit one pass; a monster is read in parts of a plausible size.
        let part = if chars.len() > LONGEST_WORD {
            LONGEST_WORD / 4
        } else {
            LONGEST_WORD
        };
        for piece in chars.chunks(part) {
            let piece: String = piece.iter().collect();
            if let Some(p) = self.guess_piece(&piece) {
                out.push_str(&p);
            }
        }
        let out = out.replace('ɾ', "T").replace('ʔ', "t");
        (!out.is_empty()).then_some(out)
    }

    /// The network's reading where it has a vowel, else the letters; remembered.
    fn guess_piece(&self, piece: &str) -> Option<String> {
        const REMEMBERED: usize = 2048;
        let lock = || self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(piece) {
            return known.clone();
        }
        let open = || Speller::open(self.dialect);
        let speller = self.speller.get_or_init(open).as_ref();
        let read = speller
            .and_then(|s| s.read(piece))
            .filter(|p| p.contains(stress::is_vowel))
            .or_else(|| self.spell(piece));
        let mut guesses = lock();
        if guesses.len() >= REMEMBERED {
            guesses.clear();
        }
        guesses.insert(piece.to_owned(), read.clone());
        read
    }

    fn word(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        if let Some(p) = self.special(word, tag, stress, context) {
            return Some(p);
        }
        let lower = word.to_lowercase();
        let letters = word.chars().filter(|&c| c != '\'').all(char::is_alphabetic);
        let capitals_only_first = word.chars().skip(1).all(|c| !c.is_uppercase());
        let all_capitals = !word.chars().any(char::is_lowercase);
        let mut word = word;
        // A capitalised or shouted word that is not a name reads as its lower-case self.
        if word.chars().count() > 1
            && letters
            && word != lower
            && (tag != "NNP" || word.chars().count() > 7)
            && !self.in_dictionary(word)
            && (all_capitals || capitals_only_first)
            && (self.in_dictionary(&lower)
                || self.inflected(&lower, tag, stress, context).is_some())
        {
            word = &lower;
        }
        if self.is_known(word) {
            return self.lookup(word, tag, stress, context);
        }
        if let Some(stem) = word.strip_suffix("s'").filter(|w| !w.is_empty()) {
            let possessive = format!("{stem}'s");
            if self.is_known(&possessive) {
                return self.lookup(&possessive, tag, stress, context);
            }
        }
        if let Some(stem) = word.strip_suffix('\'')
            && self.is_known(stem)
        {
            return self.lookup(stem, tag, stress, context);
        }
        self.inflected(word, tag, stress, context)
    }

    /// Words the dictionary has only in their written form.
    fn extra(word: &str) -> Option<&'static str> {
        Some(match word {
            "Missus" => "mˈɪsɪz",
            "Miz" => "mˈɪz",
            "JSON" => "ʤˈAsᵊn",
            "GIF" => "ʤˈɪf",
            "GUI" => "ɡˈui",
            "VRAM" => "vˈiɹˌæm",
            _ => return None,
        })
    }

    fn special(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        let gold = |w: &str| {
            self.dictionary
                .gold(w)
                .and_then(|e| e.default_reading().map(str::to_owned))
        };
        let noun = tag.starts_with("NN");
        if let Some(p) = Self::extra(word) {
            return Some(p.to_owned());
        }
        let inner_dot = word.trim_matches('.').contains('.');
        if inner_dot
            && word.chars().all(|c| c == '.' || c.is_alphabetic())
            && word.split('.').all(|p| p.chars().count() < 3)
        {
            return self.spell(word);
        }
        match word {
            "a" | "A" => Some(if tag == "DT" {
                "ɐ".into()
            } else {
                "ˈA".into()
            }),
            "am" | "Am" | "AM" if noun => self.spell(word),
            "am" if context.vowel.is_some() && !stress.is_some_and(|s| s > Stress::Weak) => {
                Some("ɐm".into())
            }
            "am" | "Am" | "AM" => gold("am"),
            "AN" if noun => self.spell(word),
            "an" | "An" | "AN" => Some("ɐn".into()),
            "I" if tag == "PRP" => Some("ˌI".into()),
            "by" | "By" | "BY" if parent(tag) == "ADV" => Some("bˈI".into()),
            "to" | "To" | "TO" if word != "TO" || matches!(tag, "TO" | "IN") => match context.vowel
            {
                None => gold("to"),
                Some(false) => Some("tə".into()),
                Some(true) => Some("tʊ".into()),
            },
            "in" | "In" | "IN" if word != "IN" || tag != "NNP" => {
                Some(if context.vowel.is_none() || tag != "IN" {
                    "ˈɪn".into()
                } else {
                    "ɪn".into()
                })
            }
            "the" | "The" | "THE" if word != "THE" || tag == "DT" => {
                Some(if context.vowel == Some(true) {
                    "ði".into()
                } else {
                    "ðə".into()
                })
            }
            "used" | "Used" | "USED" => {
                let entry = self.dictionary.gold("used")?;
                let key = if matches!(tag, "VBD" | "JJ") && context.to {
                    "VBD"
                } else {
                    "DEFAULT"
                };
                entry
                    .reading(key)
                    .or_else(|| entry.default_reading())
                    .map(str::to_owned)
            }
            _ => None,
        }
    }

    fn in_dictionary(&self, word: &str) -> bool {
        self.dictionary.gold(word).is_some() || self.dictionary.silver(word).is_some()
    }

    pub(super) fn is_known(&self, word: &str) -> bool {
        if self.in_dictionary(word) {
            return true;
        }
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
            return false;
        }
        let capitals = word.bytes().all(|b| b.is_ascii_uppercase());
        word.len() == 1
            || (capitals && self.dictionary.gold(&word.to_ascii_lowercase()).is_some())
            || word.bytes().skip(1).all(|b| b.is_ascii_uppercase())
    }

    pub(super) fn lookup(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        let shouted = !word.chars().any(char::is_lowercase) && self.dictionary.gold(word).is_none();
        let lower;
        let (word, name) = if shouted {
            lower = word.to_lowercase();
            (lower.as_str(), tag == "NNP")
        } else {
            (word, false)
        };
        let mut entry = self.dictionary.gold(word);
        if entry.is_none() && !name {
            entry = self.dictionary.silver(word);
        }
        let reading = entry.as_ref().and_then(|e| {
            let by_pause = if context.vowel.is_none() {
                e.reading("None")
            } else {
                None
            };
            by_pause
                .or_else(|| e.reading(tag))
                .or_else(|| e.reading(parent(tag)))
                .or_else(|| e.default_reading())
        });
        match reading {
            Some(p) if !name || p.contains(PRIMARY) => Some(stress::apply(p, stress)),
            _ => self
                .spell(word)
                .or_else(|| reading.map(|p| stress::apply(p, stress))),
        }
    }
}

/// The coarse key of a Penn tag.
fn parent(tag: &str) -> &str {
    match tag {
        t if t.starts_with("VB") => "VERB",
        t if t.starts_with("NN") => "NOUN",
        t if t.starts_with("RB") => "ADV",
        t if t.starts_with("JJ") => "ADJ",
        t => t,
    }
}
