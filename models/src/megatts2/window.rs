//! The part of a prompt that a session keeps.

use std::collections::VecDeque;

use candle_core::Tensor;

use crate::Result;

/// A sentence of a prompt: a number for each row of its content, which may be unknown.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    pub content: Option<Tensor>,
    pub numbers: Vec<u32>,
}

/// The most recent sentences of a prompt, as many as do not exceed a length; what was spoken last tells most about what
/// comes next.
///
/// A session reads sentences as they come until there are too many. From then on the older ones are dropped, which
/// changes what all later positions have seen, so that the rest is read anew, once, when it is needed.
#[derive(Debug, Clone)]
pub(super) struct Window {
    sentences: VecDeque<Sentence>,
    /// How many of the last sentences are still to be read.
    unread: usize,
    length: usize,
    longest: usize,
    /// Whether the session still remembers what was dropped.
    stale: bool,
    overflowed: bool,
}

impl Window {
    /// `longest`: numbers of all sentences together, at least one.
    pub fn new(longest: usize) -> Self {
        Self {
            sentences: VecDeque::new(),
            unread: 0,
            length: 0,
            longest: longest.max(1),
            stale: false,
            overflowed: false,
        }
    }

    /// Adds a sentence; drops the oldest, and the beginning of one that is too long by itself.
    pub fn push(&mut self, mut sentence: Sentence) -> Result<()> {
        let count = sentence.numbers.len();
        let excess = count.saturating_sub(self.longest);
        if excess > 0 {
            self.overflowed = true;
            sentence.numbers.drain(..excess);
            if let Some(content) = &mut sentence.content {
                *content = content.narrow(0, excess, self.longest)?.contiguous()?;
            }
        }
        self.length += sentence.numbers.len();
        self.sentences.push_back(sentence);
        self.unread += 1;
        while self.length > self.longest {
            let Some(oldest) = self.sentences.pop_front() else {
                break;
            };
            self.length -= oldest.numbers.len();
            self.overflowed = true;
            if self.unread > self.sentences.len() {
                self.unread = self.sentences.len();
            } else {
                self.stale = true;
            }
        }
        if self.stale {
            self.unread = self.sentences.len();
        }
        Ok(())
    }

    /// Whether everything given so far is kept.
    pub fn holds_all(&self) -> bool {
        !self.overflowed
    }

    /// Sentences still to be read, and their numbers together.
    pub fn unread(&self) -> (usize, usize) {
        let numbers = self.rest().map(|sentence| sentence.numbers.len()).sum();
        (self.unread, numbers)
    }

    /// Whether what the session has read must be forgotten before the rest is read.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// The sentences still to be read, which count as read from now on.
    pub fn take_unread(&mut self) -> Vec<Sentence> {
        let rest = self.rest().cloned().collect();
        self.unread = 0;
        self.stale = false;
        rest
    }

    fn rest(&self) -> impl Iterator<Item = &Sentence> {
        let read = self.sentences.len() - self.unread;
        self.sentences.iter().skip(read)
    }
}
