//! Cuts a sentence of phonemes into pieces the acoustic model can take.
//!
//! Preference: the whole sentence, then a clause end, then a gap between
//! words, then the inside of a monster word. Nothing is ever left out.

use super::phonemes::Spoken;

/// Why a piece ends where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The end of what was given.
    End,
    /// After a comma, semicolon, colon or full stop.
    Clause,
    /// Between two words.
    Word,
    /// Within a word.
    Inside,
}

/// Splits into pieces of at most `limit` symbols each. The first piece aims at
/// `first` symbols if a clause ends there, so that sound can start early.
pub(crate) fn split(
    mut spoken: Vec<Spoken>,
    limit: usize,
    first: usize,
) -> Vec<(Vec<Spoken>, Cut)> {
    let limit = limit.max(8);
    let mut out = Vec::new();
    if first < limit
        && symbols(&spoken) > first
        && let Some(at) = clause_end(&spoken, first)
    {
        let rest = spoken.split_off(at);
        out.push((std::mem::replace(&mut spoken, rest), Cut::Clause));
    }
    while symbols(&spoken) > limit {
        let (at, cut) = match clause_end(&spoken, limit) {
            Some(at) => (at, Cut::Clause),
            None => word_end(&mut spoken, limit),
        };
        let rest = spoken.split_off(at);
        out.push((std::mem::replace(&mut spoken, rest), cut));
    }
    if !spoken.is_empty() {
        out.push((spoken, Cut::End));
    }
    out
}

/// Symbols of a piece.
pub(crate) fn symbols(spoken: &[Spoken]) -> usize {
    spoken.iter().map(Spoken::symbols).sum()
}

/// Index after the last clause mark within `limit` symbols, not in the first third.
fn clause_end(spoken: &[Spoken], limit: usize) -> Option<usize> {
    let mut total = 0;
    let mut best = None;
    for (i, s) in spoken.iter().enumerate() {
        total += s.symbols();
        if total > limit {
            break;
        }
        if s.mark && total >= limit / 3 && i + 1 < spoken.len() {
            best = Some(i + 1);
        }
    }
    best
}

/// Index after the last word within `limit`; splits a word that alone exceeds it.
fn word_end(spoken: &mut Vec<Spoken>, limit: usize) -> (usize, Cut) {
    let mut total = 0;
    let mut at = 0;
    for (i, s) in spoken.iter().enumerate() {
        total += s.symbols();
        if total > limit {
            break;
        }
        // A mark stays with the word before it.
        if !spoken.get(i + 1).is_some_and(|n| n.mark) {
            at = i + 1;
        }
    }
    if at > 0 {
        return (at, Cut::Word);
    }
    let Some(word) = spoken.first_mut() else {
        return (0, Cut::End);
    };
    // Never between a stress mark and its vowel, nor before a length mark.
    let room = limit.saturating_sub(usize::from(word.spaced)).max(1);
    let chars: Vec<(usize, char)> = word.phonemes.char_indices().collect();
    let free = |&k: &usize| !matches!(chars[k - 1].1, 'ˈ' | 'ˌ') && chars[k].1 != 'ː';
    let split = match chars.len() {
        n if n > room => (1..=room)
            .rev()
            .find(free)
            .map_or(chars[room].0, |k| chars[k].0),
        _ => word.phonemes.len(),
    };
    let tail = Spoken {
        phonemes: word.phonemes.split_off(split),
        spaced: false,
        ..word.clone()
    };
    if tail.phonemes.is_empty() {
        // Only marks of the word follow it too closely to split: give the word its own piece.
        return (1, Cut::Word);
    }
    spoken.insert(1, tail);
    (1, Cut::Inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(phonemes: &str) -> Spoken {
        Spoken {
            text: phonemes.into(),
            span: 0..1,
            phonemes: phonemes.into(),
            mark: false,
            spaced: true,
        }
    }

    fn comma() -> Spoken {
        Spoken {
            text: ",".into(),
            span: 0..1,
            phonemes: ",".into(),
            mark: true,
            spaced: false,
        }
    }

    fn joined(pieces: &[(Vec<Spoken>, Cut)]) -> String {
        pieces
            .iter()
            .flat_map(|(p, _)| p)
            .map(|s| s.phonemes.as_str())
            .collect()
    }

    #[test]
    fn clauses_before_words_before_letters() {
        let mut long: Vec<Spoken> = (0..10).map(|_| word("ˈabcd")).collect();
        long.insert(5, comma());
        let all: String = long.iter().map(|s| s.phonemes.as_str()).collect();
        let pieces = split(long, 40, 40);
        assert_eq!(pieces[0].1, Cut::Clause);
        assert!(pieces.iter().all(|(p, _)| symbols(p) <= 40));
        assert_eq!(joined(&pieces), all);
        let monster = split(vec![word(&"ˈaT".repeat(100))], 50, 50);
        assert!(monster.iter().all(|(p, _)| symbols(p) <= 50));
        assert_eq!(joined(&monster), "ˈaT".repeat(100));
        assert_eq!(monster[0].1, Cut::Inside);
    }
}
