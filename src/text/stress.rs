//! Stress marks of phoneme strings (misaki's rules).

pub(crate) const PRIMARY: char = 'ˈ';
pub(crate) const SECONDARY: char = 'ˌ';

/// Symbols that carry a syllable, American and British.
pub(crate) fn is_vowel(c: char) -> bool {
    "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻɐᵊ".contains(c)
}

/// The vowels misaki's context and stress rules look at.
pub(crate) fn is_full_vowel(c: char) -> bool {
    "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ".contains(c)
}

pub(crate) fn is_consonant(c: char) -> bool {
    "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ".contains(c)
}

fn is_stress(c: char) -> bool {
    c == PRIMARY || c == SECONDARY
}

/// How much a word weighs when compounds decide which part keeps its stress.
pub(crate) fn weight(phonemes: &str) -> usize {
    phonemes
        .chars()
        .map(|c| if "AIOQWYʤʧ".contains(c) { 2 } else { 1 })
        .sum()
}

/// A change of stress, from misaki's numeric scale (its value in parentheses).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Stress {
    /// Primary marks become secondary (-0.5).
    Demote,
    /// As `Demote`; an unmarked word gets a secondary mark (0).
    Weak,
    /// An unmarked word gets a secondary mark (0.5).
    Secondary,
    /// Secondary becomes primary, an unmarked word gets a primary mark (2).
    Primary,
}

/// Applies a change of stress; `None` leaves the phonemes alone.
pub(crate) fn apply(phonemes: &str, stress: Option<Stress>) -> String {
    let has_primary = phonemes.contains(PRIMARY);
    let unmarked = !phonemes.contains(is_stress);
    let Some(stress) = stress else {
        return phonemes.to_owned();
    };
    match stress {
        Stress::Weak | Stress::Demote if has_primary => phonemes
            .chars()
            .filter(|&c| c != SECONDARY)
            .map(|c| if c == PRIMARY { SECONDARY } else { c })
            .collect(),
        Stress::Weak | Stress::Secondary if unmarked => mark(phonemes, SECONDARY),
        Stress::Primary if unmarked => mark(phonemes, PRIMARY),
        Stress::Primary if !has_primary => phonemes
            .chars()
            .map(|c| if c == SECONDARY { PRIMARY } else { c })
            .collect(),
        _ => phonemes.to_owned(),
    }
}

/// Puts a mark before the first vowel.
fn mark(phonemes: &str, stress: char) -> String {
    match phonemes.find(is_full_vowel) {
        None => phonemes.to_owned(),
        Some(at) => format!("{}{stress}{}", &phonemes[..at], &phonemes[at..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_move_as_asked() {
        assert_eq!(apply("həlˈO", Some(Stress::Weak)), "həlˌO");
        assert_eq!(apply("ðə", Some(Stress::Primary)), "ðˈə");
        assert_eq!(apply("ðˌA", Some(Stress::Primary)), "ðˈA");
        assert_eq!(apply("ðə", Some(Stress::Secondary)), "ðˌə");
        assert_eq!(apply("pst", Some(Stress::Primary)), "pst");
        assert_eq!(apply("fˈOn", None), "fˈOn");
    }
}
