//! Plural, possessive, past and -ing forms of dictionary words.

use super::Dialect;
use super::pronounce::{Context, Pronouncer};
use super::stress::Stress;

impl Pronouncer {
    /// Plural, past and -ing forms of known words.
    pub(super) fn inflected(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        self.stem_s(word, tag, stress, context)
            .or_else(|| self.stem_ed(word, tag, stress, context))
            .or_else(|| {
                self.stem_ing(
                    word,
                    tag,
                    Some(stress.unwrap_or(Stress::Secondary)),
                    context,
                )
            })
    }

    fn stem_s(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        if word.len() < 3 {
            return None;
        }
        let bare = word.strip_suffix('s')?;
        let stem = if !bare.ends_with('s') && self.is_known(bare) {
            bare.to_owned()
        } else if let Some(stem) = word
            .strip_suffix("'s")
            .or_else(|| {
                word.strip_suffix("es")
                    .filter(|_| word.len() > 4 && !word.ends_with("ies"))
            })
            .filter(|w| self.is_known(w))
        {
            stem.to_owned()
        } else {
            let stem = format!("{}y", word.strip_suffix("ies").filter(|_| word.len() > 4)?);
            if !self.is_known(&stem) {
                return None;
            }
            stem
        };
        self.with_s(&self.lookup(&stem, tag, stress, context)?)
    }

    /// Adds the plural or possessive ending.
    pub fn with_s(&self, stem: &str) -> Option<String> {
        Some(match stem.chars().last()? {
            'p' | 't' | 'k' | 'f' | 'θ' => format!("{stem}s"),
            's' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ' => format!("{stem}{}z", self.short_i()),
            _ => format!("{stem}z"),
        })
    }

    fn short_i(&self) -> char {
        match self.dialect() {
            Dialect::American => 'ᵻ',
            Dialect::British => 'ɪ',
        }
    }

    fn stem_ed(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        if word.len() < 4 {
            return None;
        }
        let bare = word.strip_suffix('d')?;
        let stem = if !bare.ends_with('d') && self.is_known(bare) {
            bare
        } else {
            word.strip_suffix("ed")
                .filter(|w| word.len() > 4 && !w.ends_with('e') && self.is_known(w))?
        };
        let stem = self.lookup(stem, tag, stress, context)?;
        let mut tail = stem.chars().rev();
        let (last, before) = (tail.next()?, tail.next());
        Some(match last {
            'p' | 'k' | 'f' | 'θ' | 'ʃ' | 's' | 'ʧ' => format!("{stem}t"),
            'd' => format!("{stem}{}d", self.short_i()),
            't' if self.dialect() == Dialect::British || before.is_none() => format!("{stem}ɪd"),
            't' if before.is_some_and(flaps) => format!("{}Tᵻd", &stem[..stem.len() - 1]),
            't' => format!("{stem}ᵻd"),
            _ => format!("{stem}d"),
        })
    }

    fn stem_ing(
        &self,
        word: &str,
        tag: &str,
        stress: Option<Stress>,
        context: Context,
    ) -> Option<String> {
        let bare = word.strip_suffix("ing").filter(|_| word.len() >= 5)?;
        let with_e = format!("{bare}e");
        let doubled = || {
            let mut tail = bare.chars().rev();
            let (a, b) = (tail.next()?, tail.next()?);
            let double = a == b && "bcdgklmnprstvxz".contains(a);
            (double || bare.ends_with("ck")).then(|| &bare[..bare.len() - 1])
        };
        let stem = if word.len() > 5 && self.is_known(bare) {
            bare
        } else if self.is_known(&with_e) {
            &with_e
        } else {
            doubled().filter(|w| word.len() > 5 && self.is_known(w))?
        };
        let stem = self.lookup(stem, tag, stress, context)?;
        let mut tail = stem.chars().rev();
        let (last, before) = (tail.next()?, tail.next());
        match self.dialect() {
            Dialect::British if matches!(last, 'ə' | 'ː') => None,
            Dialect::American if last == 't' && before.is_some_and(flaps) => {
                Some(format!("{}Tɪŋ", &stem[..stem.len() - 1]))
            }
            _ => Some(format!("{stem}ɪŋ")),
        }
    }
}

/// Sounds after which an American t is flapped.
fn flaps(c: char) -> bool {
    "AIOWYiuæɑəɛɪɹʊʌ".contains(c)
}
