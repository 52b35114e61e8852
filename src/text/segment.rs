//! A stretch of text spoken in one manner.

use std::borrow::Cow;
use std::ops::Range;

use super::token::Token;
use super::utterance::Prosody;

/// What the end of a segment means, the weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// The sentence may go on in the next segment.
    #[default]
    Open,
    /// The end of a sentence.
    Sentence,
    /// The end of a paragraph.
    Paragraph,
}

/// A plain text is one segment; an SSML document is as many as it changes prosody or pauses.
#[derive(Debug, Default)]
pub(crate) struct Segment<'a> {
    pub text: Cow<'a, str>,
    /// Where the text deviates from the source byte for byte: start in `text`
    /// and the source bytes of the stretch that starts there. Empty: not at all.
    pub map: Vec<(usize, Range<usize>)>,
    /// Ready-made readings, in the order of the object characters in `text`.
    pub objects: Vec<Vec<Token>>,
    pub prosody: Prosody,
    pub voice: Option<String>,
    /// Silence after the segment, ms, where it differs from the usual.
    pub pause_after_ms: Option<u32>,
    /// What its end means.
    pub ending: Ending,
    /// Named marks and the source byte they stand at.
    pub marks: Vec<(String, usize)>,
}

impl<'a> Segment<'a> {
    /// A text as it is.
    pub fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            text: text.into(),
            ending: Ending::Paragraph,
            ..Self::default()
        }
    }

    /// Source bytes of a range of the text.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        if self.map.is_empty() {
            return range;
        }
        self.byte(range.start, false)..self.byte(range.end, true)
    }

    fn byte(&self, at: usize, end: bool) -> usize {
        let index = self
            .map
            .partition_point(|(start, _)| if end { *start < at } else { *start <= at });
        let Some(index) = index.checked_sub(1) else {
            return self.map.first().map_or(at, |(_, s)| s.start);
        };
        let (start, source) = &self.map[index];
        let width = self
            .map
            .get(index + 1)
            .map_or(self.text.len(), |(next, _)| *next)
            - start;
        // A stretch of the same length maps byte for byte, any other (an entity) as a whole.
        if width == source.len() {
            source.start + (at - start)
        } else if end {
            source.end
        } else {
            source.start
        }
    }
}
