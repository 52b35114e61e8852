//! Readings for words no dictionary holds.
//!
//! A character-level BART (one encoder layer, one decoder layer, width 128)
//! trained on the misaki lexicon of each dialect by Peter Reid (Apache-2.0),
//! stored as int8 with one scale per row. The forward pass follows Hugging
//! Face's `modeling_bart`: learned positions offset by two, post-layer-norm
//! blocks, erf GELU, tied output embedding, greedy decoding.

use super::Dialect;
use super::layer::{Attention, FeedForward, Linear, Norm, dot};

static US: &[u8] = include_bytes!("data/oov-us.bin");
static GB: &[u8] = include_bytes!("data/oov-gb.bin");

const MAGIC: &[u8] = b"SYXOOV01";
const WIDTH: usize = 128;
const HIDDEN: usize = 1024;
const POSITIONS: usize = 64;
/// BART's position table reserves its first two rows.
const POSITION_OFFSET: usize = 2;
const PAD: usize = 0;
const BEGIN: usize = 1;
const STOP: usize = 2;
/// `<pad> <s> </s> <unk>` come before the first letter.
const SPECIALS: usize = 4;

/// Longest spelling read in one piece, letters.
pub(crate) const LONGEST_WORD: usize = POSITIONS - 2;

/// The network; about 3 MB once unpacked.
pub(crate) struct Speller {
    graphemes: Vec<char>,
    phonemes: Vec<char>,
    bias: Vec<f32>,
    shared: Vec<f32>,
    encoder: Encoder,
    decoder: Decoder,
}

struct Encoder {
    positions: Vec<f32>,
    embedding_norm: Norm,
    attention_norm: Norm,
    final_norm: Norm,
    attention: Attention,
    feed_forward: FeedForward,
}

struct Decoder {
    positions: Vec<f32>,
    embedding_norm: Norm,
    attention_norm: Norm,
    cross_norm: Norm,
    final_norm: Norm,
    attention: Attention,
    cross: Attention,
    feed_forward: FeedForward,
}

impl std::fmt::Debug for Speller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speller")
            .field("graphemes", &self.graphemes.len())
            .finish_non_exhaustive()
    }
}

impl Speller {
    /// Unpacks the network of one dialect; `None` only if the embedded table is damaged.
    pub fn open(dialect: Dialect) -> Option<Self> {
        let bytes = match dialect {
            Dialect::American => US,
            Dialect::British => GB,
        };
        let mut r = Reader {
            bytes: bytes.strip_prefix(MAGIC)?,
        };
        let (vocabulary, graphemes, phonemes) = (r.u16()?, r.u16()?, r.u16()?);
        let graphemes = r.text(graphemes)?;
        let phonemes = r.text(phonemes)?;
        let bias = r.floats(vocabulary)?;
        let shared = r.matrix(vocabulary, WIDTH)?;
        let positions = r.matrix(POSITIONS + POSITION_OFFSET, WIDTH)?;
        let decoder_positions = r.matrix(POSITIONS + POSITION_OFFSET, WIDTH)?;
        let (e0, e1, e2) = (r.norm()?, r.norm()?, r.norm()?);
        let (d0, d1, d2, d3) = (r.norm()?, r.norm()?, r.norm()?, r.norm()?);
        let encoder = Encoder {
            positions,
            embedding_norm: e0,
            attention_norm: e1,
            final_norm: e2,
            attention: r.attention()?,
            feed_forward: r.feed_forward()?,
        };
        let decoder = Decoder {
            positions: decoder_positions,
            embedding_norm: d0,
            attention_norm: d1,
            cross_norm: d2,
            final_norm: d3,
            attention: r.attention()?,
            cross: r.attention()?,
            feed_forward: r.feed_forward()?,
        };
        Some(Self {
            graphemes,
            phonemes,
            bias,
            shared,
            encoder,
            decoder,
        })
    }

    /// Phonemes of a word of at most [`LONGEST_WORD`] letters (the rest is ignored);
    /// `None` when no letter is known to the network.
    pub fn read(&self, word: &str) -> Option<String> {
        let mut ids = vec![BEGIN];
        ids.extend(
            word.chars()
                .filter_map(|c| self.grapheme(c))
                .take(LONGEST_WORD),
        );
        if ids.len() == 1 {
            return None;
        }
        ids.push(STOP);
        let out: String = self
            .decode(&self.encode(&ids))
            .into_iter()
            .filter_map(|id| self.phonemes.get(id).copied())
            .collect();
        (!out.is_empty()).then_some(out)
    }

    fn grapheme(&self, c: char) -> Option<usize> {
        self.graphemes
            .iter()
            .skip(SPECIALS)
            .position(|&g| g == c)
            .map(|i| i + SPECIALS)
    }

    fn embed(&self, positions: &[f32], norm: &Norm, id: usize, position: usize) -> Vec<f32> {
        let token = &self.shared[id * WIDTH..(id + 1) * WIDTH];
        let at = (position + POSITION_OFFSET) * WIDTH;
        let mut x: Vec<f32> = token
            .iter()
            .zip(&positions[at..at + WIDTH])
            .map(|(t, p)| t + p)
            .collect();
        norm.apply(&mut x);
        x
    }

    /// Letters `[T]` to memory `[T][WIDTH]`.
    fn encode(&self, ids: &[usize]) -> Vec<Vec<f32>> {
        let e = &self.encoder;
        let mut h: Vec<Vec<f32>> = ids
            .iter()
            .enumerate()
            .map(|(t, &id)| self.embed(&e.positions, &e.embedding_norm, id, t))
            .collect();
        let (keys, values) = e.attention.keys_values(&h);
        for x in &mut h {
            let attended = e.attention.attend(x, &keys, &values);
            e.attention_norm.residual(x, &attended);
            let fed = e.feed_forward.apply(x);
            e.final_norm.residual(x, &fed);
        }
        h
    }

    /// Greedy decoding. With a single layer only the newest position is ever
    /// needed, and its keys and values depend on the embeddings alone.
    fn decode(&self, memory: &[Vec<f32>]) -> Vec<usize> {
        let d = &self.decoder;
        let (cross_keys, cross_values) = d.cross.keys_values(memory);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut out = Vec::new();
        let mut last = BEGIN;
        for position in 0..POSITIONS - 1 {
            let mut h = self.embed(&d.positions, &d.embedding_norm, last, position);
            keys.push(d.attention.key.apply(&h));
            values.push(d.attention.value.apply(&h));
            let attended = d.attention.attend(&h, &keys, &values);
            d.attention_norm.residual(&mut h, &attended);
            let crossed = d.cross.attend(&h, &cross_keys, &cross_values);
            d.cross_norm.residual(&mut h, &crossed);
            let fed = d.feed_forward.apply(&h);
            d.final_norm.residual(&mut h, &fed);
            let scores = self
                .shared
                .chunks_exact(WIDTH)
                .zip(&self.bias)
                .map(|(row, b)| dot(row, &h) + b);
            last = scores
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map_or(STOP, |(id, _)| id);
            if last == STOP || last == PAD {
                break;
            }
            out.push(last);
        }
        // The network repeats its start symbol before the first phoneme.
        out.retain(|&id| id >= SPECIALS);
        out
    }
}

struct Reader {
    bytes: &'static [u8],
}

impl Reader {
    fn take(&mut self, n: usize) -> Option<&'static [u8]> {
        let (head, tail) = self.bytes.split_at_checked(n)?;
        self.bytes = tail;
        Some(head)
    }

    fn u16(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(
            self.take(2)?.try_into().ok()?,
        )))
    }

    fn text(&mut self, n: usize) -> Option<Vec<char>> {
        Some(std::str::from_utf8(self.take(n)?).ok()?.chars().collect())
    }

    fn floats(&mut self, n: usize) -> Option<Vec<f32>> {
        Some(
            self.take(n * 4)?
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect(),
        )
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Option<Vec<f32>> {
        let scales = self.floats(rows)?;
        let cells = self.take(rows * columns)?;
        Some(
            cells
                .chunks_exact(columns)
                .zip(&scales)
                .flat_map(|(row, s)| row.iter().map(move |&c| f32::from(c as i8) * s))
                .collect(),
        )
    }

    fn norm(&mut self) -> Option<Norm> {
        Some(Norm {
            weight: self.floats(WIDTH)?,
            bias: self.floats(WIDTH)?,
        })
    }

    fn linear(&mut self, inputs: usize, outputs: usize) -> Option<Linear> {
        Some(Linear {
            weight: self.matrix(outputs, inputs)?,
            bias: self.floats(outputs)?,
            inputs,
        })
    }

    fn attention(&mut self) -> Option<Attention> {
        Some(Attention {
            query: self.linear(WIDTH, WIDTH)?,
            key: self.linear(WIDTH, WIDTH)?,
            value: self.linear(WIDTH, WIDTH)?,
            output: self.linear(WIDTH, WIDTH)?,
        })
    }

    fn feed_forward(&mut self) -> Option<FeedForward> {
        Some(FeedForward {
            first: self.linear(WIDTH, HIDDEN)?,
            second: self.linear(HIDDEN, WIDTH)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_coined_words() {
        let us = Speller::open(Dialect::American).unwrap();
        assert_eq!(us.read("zorbulate").as_deref(), Some("zˈɔɹbjəlˌAt"));
        assert!(us.read("Morlocks").is_some());
        assert_eq!(us.read("日本"), None);
        assert!(us.read(&"a".repeat(200)).is_some());
        assert!(
            Speller::open(Dialect::British)
                .unwrap()
                .read("zorbulate")
                .is_some()
        );
    }
}
