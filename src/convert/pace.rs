//! How much is converted at a time.

use syrinx_models::stablevc::LookAhead;

use crate::{Error, Result};

/// How much is converted at a time: large pieces for quality and speed, small ones for a short delay.
///
/// Frames are 12.5 ms in the starter model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pace {
    /// As suits a file: two seconds at a time.
    #[default]
    File,
    /// As suits somebody who is listening.
    Live {
        /// Frames converted together; an even number. Each waits until all are there.
        chunk: usize,
        /// Frames before them that are remembered.
        past: usize,
        /// Frames that the pitch is decided late by; fewer make more octave errors.
        pitch_look_ahead: usize,
        /// How far ahead what is said is listened to.
        look_ahead: LookAhead,
    },
}

impl Pace {
    /// A live pace of 100 ms.
    pub const LIVE: Self = Self::Live {
        chunk: 8,
        past: 160,
        pitch_look_ahead: 6,
        look_ahead: LookAhead::Middle,
    };

    /// The same with chunks `times` as long.
    pub(crate) fn stretched(mut self, times: usize) -> Self {
        if let Self::Live { chunk, .. } = &mut self {
            *chunk *= times;
        }
        self
    }

    pub(super) fn chunk(self) -> usize {
        match self {
            Self::File => 160,
            Self::Live { chunk, .. } => chunk,
        }
    }

    pub(super) fn past(self) -> usize {
        match self {
            Self::File => 160,
            Self::Live { past, .. } => past,
        }
    }

    pub(super) fn pitch_look_ahead(self) -> usize {
        match self {
            Self::File => 16,
            Self::Live {
                pitch_look_ahead, ..
            } => pitch_look_ahead,
        }
    }

    pub(super) fn look_ahead(self) -> LookAhead {
        match self {
            Self::File => LookAhead::Longest,
            Self::Live { look_ahead, .. } => look_ahead,
        }
    }

    /// Whether delay matters more than the top of the band.
    pub(super) fn is_live(self) -> bool {
        self != Self::File
    }

    /// # Errors
    /// [`Error::Config`] naming the number and its range.
    pub(super) fn validate(self, frames_per_unit: usize) -> Result<()> {
        let (chunk, past) = (self.chunk(), self.past());
        if !(1..=1600).contains(&chunk) || !chunk.is_multiple_of(frames_per_unit) {
            return Err(Error::Config(format!(
                "a pace of {chunk} frames a chunk: give a multiple of {frames_per_unit} up to 1600"
            )));
        }
        if past > 1600 || !past.is_multiple_of(frames_per_unit) {
            return Err(Error::Config(format!(
                "a pace with a past of {past} frames: give a multiple of {frames_per_unit} up to 1600"
            )));
        }
        if self.pitch_look_ahead() > 80 {
            return Err(Error::Config(format!(
                "a pitch look-ahead of {} frames: give 80 at most",
                self.pitch_look_ahead()
            )));
        }
        Ok(())
    }
}
