//! When what is heard.

use std::ops::Range;

use serde::Serialize;

/// What a [`Mark`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MarkKind {
    /// A sentence, or the part of a long one that is spoken in one go.
    Sentence,
    /// A spoken word.
    Word,
    /// A phone, with its stress and length marks.
    Phone,
    /// A `<mark>` of SSML.
    Bookmark,
}

/// Something said, and when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Sentence, word or phone.
    pub kind: MarkKind,
    /// The word as spoken ("fifty" for a part of "52"), the phone's symbols, or a name.
    pub text: String,
    /// Start, in seconds from the start of the stream.
    pub start_s: f64,
    /// End, in seconds from the start of the stream.
    pub end_s: f64,
    /// Bytes of the source text it stands for.
    pub span: Range<usize>,
}
