//! What a text becomes once it is written as it is spoken.

use std::ops::Range;

/// A spoken word or a punctuation mark, with the source bytes it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub text: String,
    pub span: Range<usize>,
    pub kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// Looked up and, failing that, guessed.
    Word,
    /// Read letter by letter.
    Letters,
    /// Phonemes given by the user.
    Phonemes(String),
    /// One of the marks the acoustic model knows: `; : , . ! ?`.
    Mark(char),
}

impl Token {
    pub fn is_spoken(&self) -> bool {
        !matches!(self.kind, TokenKind::Mark(_))
    }
}
