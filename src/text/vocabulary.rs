//! The acoustic model's symbol inventory.

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: &str = include_str!("data/vocab.json");

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    // The table is part of the crate and covered by a test; an empty map would
    // surface there, never at a user's machine.
    let ids: HashMap<String, u32> = serde_json::from_str(TABLE).unwrap_or_default();
    Vocabulary {
        ids: ids
            .iter()
            .filter_map(|(s, &id)| Some((s.chars().next()?, id)))
            .collect(),
    }
});

/// Symbols (misaki phonemes, stress marks, punctuation) and their ids.
///
/// Id 0 is the pad that opens and closes every sequence; see [`Vocabulary::ids`].
#[derive(Debug)]
pub struct Vocabulary {
    ids: HashMap<char, u32>,
}

impl Vocabulary {
    /// The vocabulary the shipped models were trained on (that of Kokoro-82M).
    pub fn english() -> &'static Self {
        &VOCABULARY
    }

    /// Id of a symbol, `None` when the model does not know it.
    pub fn id(&self, symbol: char) -> Option<u32> {
        self.ids.get(&symbol).copied()
    }

    /// Whether the model knows the symbol.
    pub fn contains(&self, symbol: char) -> bool {
        self.ids.contains_key(&symbol)
    }

    /// Number of embedding rows a model needs: the largest id plus one.
    pub fn rows(&self) -> usize {
        self.ids.values().max().map_or(1, |&m| m as usize + 1)
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no symbols.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Model input for a phoneme string: `[0, ids..., 0]`. Unknown symbols are skipped.
    pub fn ids(&self, phonemes: &str) -> Vec<u32> {
        std::iter::once(0)
            .chain(phonemes.chars().filter_map(|c| self.id(c)))
            .chain(std::iter::once(0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_every_symbol_of_the_table() {
        let v = Vocabulary::english();
        assert_eq!(v.len(), TABLE.matches("\": ").count());
        assert_eq!(v.id('ˈ'), Some(156));
        assert_eq!(v.id('ᵻ'), Some(177));
        assert_eq!(v.rows(), 178);
        assert_eq!(v.ids("a❓b"), [0, 43, 44, 0]);
    }
}
