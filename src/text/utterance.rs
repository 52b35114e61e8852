//! What the acoustic model is asked to say in one go.

use std::ops::Range;

use super::error::Diagnostic;

/// A sentence, or the part of one that fits the model, ready to be spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Phonemes, stress marks, spaces and punctuation in order.
    pub phonemes: Vec<Symbol>,
    /// The spoken words in order.
    pub words: Vec<Word>,
    /// Bytes of the source text this utterance accounts for.
    pub span: Range<usize>,
    /// Silence to add after it, ms.
    pub pause_after_ms: u32,
    /// How to say it.
    pub prosody: Prosody,
    /// Voice asked for by SSML, if any.
    pub voice: Option<String>,
    /// SSML marks: name and index of the symbol each stands before.
    pub marks: Vec<(String, usize)>,
    /// What was dropped or read unusually since the last utterance.
    pub diagnostics: Vec<Diagnostic>,
}

impl Utterance {
    /// Model input: `[0, ids of the symbols..., 0]`.
    pub fn ids(&self) -> Vec<u32> {
        std::iter::once(0)
            .chain(self.phonemes.iter().map(|s| s.id))
            .chain(std::iter::once(0))
            .collect()
    }

    /// The phonemes as a string.
    pub fn phoneme_string(&self) -> String {
        self.phonemes.iter().map(|s| s.ch).collect()
    }
}

/// One symbol of the model's [vocabulary](super::Vocabulary).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol.
    pub ch: char,
    /// Its id.
    pub id: u32,
    /// Bytes of the source text it stands for.
    pub span: Range<usize>,
}

/// One spoken word. A number or abbreviation is several words with one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word as spoken ("fifty" for a part of "52").
    pub text: String,
    /// Bytes of the source text it stands for.
    pub span: Range<usize>,
    /// Its symbols in [`Utterance::phonemes`].
    pub symbols: Range<usize>,
}

/// Departures from the voice's own way of speaking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prosody {
    /// Speed factor; 1 is the voice's own, 2 is twice as fast.
    pub rate: f32,
    /// Shift of the pitch, semitones.
    pub pitch_semitones: f32,
    /// Change of the volume, dB.
    pub volume_db: f32,
}

impl Default for Prosody {
    fn default() -> Self {
        Self {
            rate: 1.0,
            pitch_semitones: 0.0,
            volume_db: 0.0,
        }
    }
}
