//! Pronouncing dictionary, read in place from a compressed table.
//!
//! Layout (written by `training/text/build_data.py`): words sorted by bytes,
//! front-coded in blocks of sixteen; prefix lengths, letters and phonemes each
//! under a canonical Huffman code of their own. A look-up is a binary search
//! over block heads and at most sixteen decoded entries, so nothing has to be
//! parsed or unpacked at start-up.

use super::Dialect;

static US: &[u8] = include_bytes!("data/lexicon-us.bin");
static GB: &[u8] = include_bytes!("data/lexicon-gb.bin");

const MAGIC: &[u8] = b"SYXLEX01";
const BLOCK: usize = 16;
/// Part-of-speech keys of readings, in the order of the table's four-bit tags.
const TAGS: [&str; 10] = [
    "DEFAULT", "NOUN", "VERB", "ADJ", "ADV", "None", "VBD", "VBN", "VBP", "DT",
];

/// A dictionary word: its readings by part of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Whether the word is in the curated ("gold") part of the dictionary.
    pub gold: bool,
    /// Part-of-speech key and phonemes; a plain word has the single key `DEFAULT`.
    pub readings: Vec<(&'static str, String)>,
}

impl Entry {
    /// The reading for exactly this key.
    pub fn reading(&self, key: &str) -> Option<&str> {
        self.readings
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, p)| p.as_str())
    }

    /// The reading used when no key matches.
    pub fn default_reading(&self) -> Option<&str> {
        self.reading("DEFAULT")
            .or_else(|| self.readings.first().map(|(_, p)| p.as_str()))
    }
}

/// Misaki's gold and silver lexicons of one dialect.
#[derive(Debug)]
pub(crate) struct Dictionary {
    starts: &'static [u8],
    data: &'static [u8],
    prefixes: Code,
    letters: Code,
    phonemes: Code,
    words: usize,
}

impl Dictionary {
    pub fn open(dialect: Dialect) -> Self {
        let bytes = match dialect {
            Dialect::American => US,
            Dialect::British => GB,
        };
        // Embedded data: a malformed table would fail every test of this crate,
        // so an empty dictionary is a safe stand-in rather than a panic.
        Self::parse(bytes).unwrap_or(Self {
            starts: &[],
            data: &[],
            prefixes: Code::default(),
            letters: Code::default(),
            phonemes: Code::default(),
            words: 0,
        })
    }

    fn parse(bytes: &'static [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let words = u32_at(rest, 0)? as usize;
        let blocks = u32_at(rest, 4)? as usize;
        let (prefixes, rest) = Code::parse(rest.get(8..)?)?;
        let (letters, rest) = Code::parse(rest)?;
        let (phonemes, rest) = Code::parse(rest)?;
        let (starts, data) = rest.split_at_checked(blocks * 4)?;
        Some(Self {
            starts,
            data,
            prefixes,
            letters,
            phonemes,
            words,
        })
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.words
    }

    /// The entry spelled exactly so.
    pub fn exact(&self, word: &str) -> Option<Entry> {
        let blocks = self.starts.len() / 4;
        let mut key = Vec::with_capacity(32);
        // The last block whose first word is not beyond the one sought.
        let (mut low, mut high) = (0, blocks);
        while low < high {
            let middle = (low + high) / 2;
            let mut bits = self.block(middle)?;
            key.clear();
            self.read_key(&mut bits, &mut key)?;
            if key.as_slice() <= word.as_bytes() {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let block = low.checked_sub(1)?;
        let mut bits = self.block(block)?;
        key.clear();
        for _ in 0..BLOCK.min(self.words - block * BLOCK) {
            self.read_key(&mut bits, &mut key)?;
            let found = key.as_slice().cmp(word.as_bytes());
            let entry = self.read_entry(&mut bits, found.is_eq())?;
            if found.is_eq() {
                return entry;
            }
            if found.is_gt() {
                return None;
            }
        }
        None
    }

    /// The curated entry, where a lower-case word also answers for its
    /// capitalised spelling and the other way round.
    pub fn gold(&self, word: &str) -> Option<Entry> {
        self.with_case(word, |e| e.gold)
    }

    /// As [`Dictionary::gold`], for the automatic ("silver") part.
    pub fn silver(&self, word: &str) -> Option<Entry> {
        self.with_case(word, |e| !e.gold)
    }

    fn with_case(&self, word: &str, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        if let Some(entry) = self.exact(word).filter(&wanted) {
            return Some(entry);
        }
        if word.len() < 2 || !word.is_ascii() {
            return None;
        }
        let lower = word.to_ascii_lowercase();
        let mut capital = lower.clone();
        capital[..1].make_ascii_uppercase();
        let other = if word == lower {
            capital
        } else if word == capital {
            lower
        } else {
            return None;
        };
        if other == word {
            None
        } else {
            self.exact(&other).filter(wanted)
        }
    }

    fn block(&self, index: usize) -> Option<Bits> {
        let start = u32_at(self.starts, index * 4)? as usize;
        Some(Bits {
            bytes: self.data.get(start..)?,
            at: 0,
        })
    }

    fn read_key(&self, bits: &mut Bits, key: &mut Vec<u8>) -> Option<()> {
        let shared = self.prefixes.next(bits)? as usize;
        key.truncate(shared);
        loop {
            match self.letters.next(bits)? {
                0 => return Some(()),
                letter => key.push(letter as u8),
            }
        }
    }

    fn read_entry(&self, bits: &mut Bits, keep: bool) -> Option<Option<Entry>> {
        let gold = bits.take(1)? == 1;
        let several = bits.take(1)? == 1;
        let count = if several {
            bits.take(3)? as usize + 1
        } else {
            1
        };
        let mut readings = Vec::with_capacity(if keep { count } else { 0 });
        for _ in 0..count {
            let tag = if several { bits.take(4)? as usize } else { 0 };
            let mut phonemes = String::new();
            loop {
                match self.phonemes.next(bits)? {
                    0 => break,
                    p if keep => phonemes.push(char::from_u32(u32::from(p))?),
                    _ => {}
                }
            }
            if keep {
                readings.push((*TAGS.get(tag)?, phonemes));
            }
        }
        Some(keep.then_some(Entry { gold, readings }))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

struct Bits {
    bytes: &'static [u8],
    at: usize,
}

impl Bits {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn take(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |v, _| Some(v << 1 | self.bit()?))
    }
}

/// A canonical Huffman code.
#[derive(Debug, Default)]
struct Code {
    /// Number of codes of each length.
    counts: [u32; 32],
    /// Symbols in order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn parse(bytes: &'static [u8]) -> Option<(Self, &'static [u8])> {
        let n = usize::from(u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?));
        let (rows, rest) = bytes.get(2..)?.split_at_checked(n * 3)?;
        let mut code = Self {
            counts: [0; 32],
            symbols: Vec::with_capacity(n),
        };
        for row in rows.chunks_exact(3) {
            code.symbols.push(u16::from_le_bytes([row[0], row[1]]));
            *code.counts.get_mut(usize::from(row[2]))? += 1;
        }
        Some((code, rest))
    }

    fn next(&self, bits: &mut Bits) -> Option<u16> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0u32);
        for &count in &self.counts[1..] {
            code |= bits.bit()?;
            if code < first + count {
                return self.symbols.get((index + code - first) as usize).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_of_both_parts_and_dialects() {
        let us = Dictionary::open(Dialect::American);
        assert!(us.len() > 170_000);
        assert_eq!(
            us.gold("hello")
                .and_then(|e| e.default_reading().map(str::to_owned))
                .as_deref(),
            Some("həlˈO")
        );
        assert!(
            us.gold("record")
                .is_some_and(|e| e.reading("NOUN") != e.reading("VERB"))
        );
        assert_eq!(
            us.silver("aaronic")
                .and_then(|e| e.default_reading().map(str::to_owned))
                .as_deref(),
            Some("əɹˈɑnɪk")
        );
        assert!(us.gold("Hello").is_some());
        assert!(us.exact("zzzzqq").is_none());
        assert!(us.exact("").is_none());
        let gb = Dictionary::open(Dialect::British);
        assert_eq!(
            gb.gold("'Merica")
                .and_then(|e| e.default_reading().map(str::to_owned))
                .as_deref(),
            Some("mˈɛɹɪkə")
        );
    }
}
