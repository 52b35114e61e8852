//! What is to be said, utterance by utterance.

use std::io::{BufRead, Read};

use crate::text::{self, FrontEnd, Utterance, Utterances};
use crate::{Error, Result};

/// A longer line is refused rather than held in memory, bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// Where utterances come from.
pub(super) enum Source {
    /// One text.
    Text(Utterances<'static>),
    /// Lines as they come.
    Lines(Box<Lines>),
}

impl Source {
    pub fn text(front_end: &FrontEnd, text: String, ssml: bool) -> Result<Self> {
        Ok(Self::Text(utterances(front_end, text, ssml)?))
    }

    pub fn lines(front_end: FrontEnd, reader: Box<dyn BufRead + Send>, ssml: bool) -> Self {
        Self::Lines(Box::new(Lines {
            front_end,
            reader,
            ssml,
            line: 0,
            offset: 0,
            next_offset: 0,
            current: None,
            spoken: false,
        }))
    }
}

impl Iterator for Source {
    type Item = Result<Utterance>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Text(utterances) => utterances.next().map(|utterance| Ok(utterance?)),
            Self::Lines(lines) => lines.next().transpose(),
        }
    }
}

fn utterances(front_end: &FrontEnd, text: String, ssml: bool) -> Result<Utterances<'static>> {
    if ssml {
        Ok(front_end.ssml(&text)?)
    } else {
        Ok(front_end.utterances(text))
    }
}

/// A text that comes line by line, each of which is a text of its own.
pub(super) struct Lines {
    front_end: FrontEnd,
    reader: Box<dyn BufRead + Send>,
    ssml: bool,
    /// Number of the current line, from 1.
    line: u64,
    /// Byte at which the current line begins, and the one after it.
    offset: usize,
    next_offset: usize,
    current: Option<Utterances<'static>>,
    spoken: bool,
}

impl Lines {
    /// The next utterance; spans count from the beginning of the input.
    fn next(&mut self) -> Result<Option<Utterance>> {
        loop {
            match self.current.as_mut().and_then(Iterator::next) {
                Some(Ok(utterance)) => {
                    self.spoken = true;
                    return Ok(Some(shifted(utterance, self.offset)));
                }
                Some(Err(text::Error::Empty(_))) | None => {}
                Some(Err(error)) => return Err(self.located(error.into())),
            }
            let Some(text) = self.read_line()? else {
                if self.spoken {
                    return Ok(None);
                }
                self.spoken = true;
                return Err(Error::Input(
                    "there is nothing to say: no line holds a word".into(),
                ));
            };
            self.current = match utterances(&self.front_end, text, self.ssml) {
                Ok(utterances) => Some(utterances),
                Err(error) => return Err(self.located(error)),
            };
        }
    }

    fn read_line(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let length = limited
            .read_until(b'\n', &mut bytes)
            .map_err(Error::io("standard input"))?;
        if length == 0 {
            return Ok(None);
        }
        self.line += 1;
        self.offset = self.next_offset;
        self.next_offset += length;
        if length as u64 == LONGEST_LINE && bytes.last() != Some(&b'\n') {
            let limit = LONGEST_LINE >> 20;
            return Err(Error::Input(format!(
                "line {} is longer than {limit} MiB: put it in a file",
                self.line
            )));
        }
        String::from_utf8(bytes).map(Some).map_err(|error| {
            let at = error.utf8_error().valid_up_to() + 1;
            Error::Input(format!(
                "line {}, byte {at}: this is not UTF-8 text; convert it first",
                self.line
            ))
        })
    }

    fn located(&self, error: Error) -> Error {
        match error {
            Error::Input(text) => Error::Input(format!("line {}: {text}", self.line)),
            other => other,
        }
    }
}

fn shifted(mut utterance: Utterance, offset: usize) -> Utterance {
    let words = utterance.words.iter_mut().map(|word| &mut word.span);
    let symbols = utterance.phonemes.iter_mut().map(|symbol| &mut symbol.span);
    let spans = words.chain(symbols).chain([&mut utterance.span]);
    spans.for_each(|span| *span = span.start + offset..span.end + offset);
    utterance
}
