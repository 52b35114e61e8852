//! Part-of-speech tags (Penn Treebank), which decide between the readings of
//! heteronyms and the forms of function words.
//!
//! An averaged perceptron (Honnibal's design) over hashed features; the weights
//! are a sorted table read in place (`training/text/build_data.py`).

static TABLE: &[u8] = include_bytes!("data/tagger.bin");

const MAGIC: &[u8] = b"SYXTAG01";
const PAD: [&str; 2] = ["-START-", "-START2-"];
const END: [&str; 2] = ["-END-", "-END2-"];
/// Bytes of one feature weight: class (u8) and weight (i16).
const CELL: usize = 3;

/// The tagger; cheap to create, stateless.
#[derive(Debug)]
pub(crate) struct Tagger {
    classes: Vec<&'static str>,
    word_keys: &'static [u8],
    word_classes: &'static [u8],
    keys: &'static [u8],
    starts: &'static [u8],
    cells: &'static [u8],
}

impl Tagger {
    pub fn english() -> Self {
        Self::parse(TABLE).unwrap_or(Self {
            classes: vec!["NN"],
            word_keys: &[],
            word_classes: &[],
            keys: &[],
            starts: &[],
            cells: &[],
        })
    }

    fn parse(bytes: &'static [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (&count, mut rest) = rest.split_first()?;
        let mut classes = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let (&n, tail) = rest.split_first()?;
            let (name, tail) = tail.split_at_checked(usize::from(n))?;
            classes.push(std::str::from_utf8(name).ok()?);
            rest = tail;
        }
        let words = u32_at(rest, 0)? as usize;
        let features = u32_at(rest, 1)? as usize;
        let cells = u32_at(rest, 2)? as usize;
        let (word_keys, rest) = rest.get(12..)?.split_at_checked(words * 4)?;
        let (word_classes, rest) = rest.split_at_checked(words)?;
        let (keys, rest) = rest.split_at_checked(features * 4)?;
        let (starts, rest) = rest.split_at_checked((features + 1) * 4)?;
        let cells = rest.get(..cells * CELL)?;
        Some(Self {
            classes,
            word_keys,
            word_classes,
            keys,
            starts,
            cells,
        })
    }

    /// One tag per word of a sentence (contractions and punctuation split off).
    pub fn tag(&self, words: &[&str]) -> Vec<&'static str> {
        let folded: Vec<String> = words.iter().map(|w| fold(w)).collect();
        let at = |i: isize| -> &str {
            match i {
                -2 => PAD[0],
                -1 => PAD[1],
                i => match folded.get(i as usize) {
                    Some(w) => w,
                    None => END[(i as usize - folded.len()).min(1)],
                },
            }
        };
        let (mut prev, mut prev2) = (PAD[0], PAD[1]);
        let mut tags = Vec::with_capacity(words.len());
        for (i, word) in words.iter().enumerate() {
            let known = find(self.word_keys, Hash::new().add(word).0)
                .and_then(|k| self.word_classes.get(k));
            let class = match known {
                Some(&class) => usize::from(class),
                None => self.predict(word, i as isize, &at, prev, prev2),
            };
            let tag = self.classes.get(class).copied().unwrap_or("NN");
            (prev2, prev) = (prev, tag);
            tags.push(tag);
        }
        tags
    }

    fn predict<'a>(
        &self,
        word: &str,
        i: isize,
        at: &impl Fn(isize) -> &'a str,
        prev: &str,
        prev2: &str,
    ) -> usize {
        let mut scores = vec![0i32; self.classes.len()];
        let mut add = |parts: &[&str]| {
            let hash = parts.iter().fold(Hash::new(), |h, p| h.add(p));
            let Some(row) = find(self.keys, hash.0) else {
                return;
            };
            let (Some(a), Some(b)) = (u32_at(self.starts, row), u32_at(self.starts, row + 1))
            else {
                return;
            };
            let cells = self
                .cells
                .get(a as usize * CELL..b as usize * CELL)
                .unwrap_or_default();
            for cell in cells.chunks_exact(CELL) {
                if let Some(score) = scores.get_mut(usize::from(cell[0])) {
                    *score += i32::from(i16::from_le_bytes([cell[1], cell[2]]));
                }
            }
        };
        let shape = shape(word);
        let start: String = word.chars().take(3).collect::<String>().to_lowercase();
        let first: String = word.chars().take(1).collect();
        let (here, before, after) = (at(i), at(i - 1), at(i + 1));
        add(&["bias"]);
        add(&["i suffix ", suffix(word, 3)]);
        add(&["i suffix2 ", suffix(word, 2)]);
        add(&["i suffix1 ", suffix(word, 1)]);
        add(&["i pref1 ", &first]);
        add(&["i pref3 ", &start]);
        add(&["i shape ", &shape]);
        add(&["i-1 tag ", prev]);
        add(&["i-2 tag ", prev2]);
        add(&["i tag+i-2 tag ", prev, " ", prev2]);
        add(&["i word ", here]);
        add(&["i-1 tag+i word ", prev, " ", here]);
        add(&["i-1 word ", before]);
        add(&["i-1 suffix ", suffix(before, 3)]);
        add(&["i-2 word ", at(i - 2)]);
        add(&["i+1 word ", after]);
        add(&["i+1 suffix ", suffix(after, 3)]);
        add(&["i+2 word ", at(i + 2)]);
        // Ties go to the later class, as in training.
        (0..scores.len())
            .max_by_key(|&c| (scores[c], c))
            .unwrap_or(0)
    }
}

/// Index of a key in a sorted table of little-endian `u32`.
fn find(keys: &[u8], key: u32) -> Option<usize> {
    let (mut low, mut high) = (0, keys.len() / 4);
    while low < high {
        let middle = (low + high) / 2;
        let value = u32_at(keys, middle)?;
        if value == key {
            return Some(middle);
        }
        if value < key {
            low = middle + 1
        } else {
            high = middle
        }
    }
    None
}

fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(index * 4..index * 4 + 4)?.try_into().ok()?,
    ))
}

/// FNV-1a, 32 bits.
#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    fn new() -> Self {
        Self(0x811c_9dc5)
    }

    fn add(self, text: &str) -> Self {
        Self(
            text.bytes()
                .fold(self.0, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193)),
        )
    }
}

/// Words that behave alike share one feature value.
fn fold(word: &str) -> String {
    let first = word.chars().next();
    if word.contains('-') && first != Some('-') {
        "!HYPHEN".to_owned()
    } else if word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()) {
        "!YEAR".to_owned()
    } else if first.is_some_and(|c| c.is_ascii_digit()) {
        "!DIGITS".to_owned()
    } else {
        word.to_lowercase()
    }
}

fn suffix(word: &str, n: usize) -> &str {
    let start = word.char_indices().rev().nth(n - 1).map_or(0, |(i, _)| i);
    &word[start..]
}

/// Letters become X or x, digits d, runs are cut at four ("Apple" is "Xxxxx").
fn shape(word: &str) -> String {
    let mut out = String::new();
    let (mut last, mut run) = (None, 0);
    for c in word.chars() {
        let s = match c {
            c if c.is_alphabetic() && c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_ascii_digit() => 'd',
            c => c,
        };
        run = if Some(s) == last { run + 1 } else { 1 };
        last = Some(s);
        if run <= 4 {
            out.push(s);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_context() {
        let t = Tagger::english();
        assert_eq!(t.classes.len(), 49);
        let tags = t.tag(&["They", "record", "a", "record", "every", "week", "."]);
        assert!(tags[1].starts_with("VB"), "{tags:?}");
        assert!(tags[3].starts_with("NN"), "{tags:?}");
        assert_eq!(tags[6], ".");
        assert!(t.tag(&[]).is_empty());
    }

    #[test]
    fn shapes_cut_long_runs() {
        assert_eq!(shape("Apple"), "Xxxxx");
        assert_eq!(shape("9:30"), "d:dd");
        assert_eq!(shape("internationalization"), "xxxx");
    }
}
