//! What can go wrong with a text, and what was left unsaid without going wrong.

use std::ops::Range;
use std::path::PathBuf;

/// A text, lexicon or SSML document that cannot be spoken as it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text holds no word, number or symbol with a spoken form.
    #[error("there is nothing to say: {0}")]
    Empty(&'static str),
    /// A lexicon line is malformed, or its phonemes are unknown.
    #[error("{file}:{line}: {problem}")]
    Lexicon {
        /// File name as the caller gave it.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// Phonemes written by the user (inline, lexicon or SSML) hold an unknown symbol.
    #[error("phonemes /{phonemes}/: {problem}")]
    Phonemes {
        /// The phonemes as written.
        phonemes: String,
        /// What is wrong and what is expected.
        problem: String,
        /// Bytes of the source text they stand at.
        span: Range<usize>,
    },
    /// The SSML document is malformed or uses something unsupported.
    #[error("SSML line {line}, column {column}: {problem}")]
    Ssml {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// A lexicon file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// Result with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A part of the text that was not spoken, or not as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Bytes of the source text.
    pub span: Range<usize>,
    /// What happened to them.
    pub kind: DiagnosticKind,
}

/// Kinds of [`Diagnostic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// An emoji or pictograph was dropped.
    Emoji,
    /// Markup (Markdown markers, decoration such as `***`) was dropped.
    Markup,
    /// A letter of a script that has no English reading was skipped.
    UnknownLetter,
    /// A symbol without a spoken form was skipped.
    UnknownSymbol,
    /// A control or formatting character was dropped.
    Control,
    /// A word longer than any real word was read in parts.
    MonsterWord,
}

impl std::fmt::Display for DiagnosticKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Emoji => "emoji dropped",
            Self::Markup => "markup dropped",
            Self::UnknownLetter => "letter of an unsupported script skipped",
            Self::UnknownSymbol => "symbol without a spoken form skipped",
            Self::Control => "control character dropped",
            Self::MonsterWord => "over-long word read in parts",
        })
    }
}
