//! What can be wrong with a file that still has something to hear.

use std::fmt;

/// Damage that [`Decoder`](super::Decoder) could read around. Its text is made for a warning to the user.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// The file ends before it should.
    Truncated {
        /// Seconds that could be decoded.
        at: f64,
        /// Seconds the header promises, if it says so.
        promised: Option<f64>,
    },
    /// Packets that could not be decoded were left out.
    Damaged {
        /// How many.
        packets: u64,
        /// Where the first one was, in seconds.
        at: f64,
    },
    /// Samples that were infinite or not a number were silenced.
    Invalid {
        /// How many.
        samples: u64,
        /// Where the first one was, in seconds.
        at: f64,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated {
                at,
                promised: Some(promised),
            } => {
                write!(
                    f,
                    "the file is cut off: {at:.2} s of {promised:.2} s are there"
                )
            }
            Self::Truncated { at, promised: None } => {
                write!(f, "the file is cut off after {at:.2} s")
            }
            Self::Damaged { packets, at } => {
                write!(
                    f,
                    "{packets} damaged packets were left out, the first at {at:.2} s"
                )
            }
            Self::Invalid { samples, at } => {
                write!(
                    f,
                    "{samples} samples that are no numbers were silenced, the first at {at:.2} s"
                )
            }
        }
    }
}
