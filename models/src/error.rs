//! The one error type of this crate.

use std::path::PathBuf;

/// What can go wrong in this crate. Every message says what was wrong and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that cannot be built; the message names the field and the allowed values.
    #[error("{0}")]
    Config(String),

    /// Data handed to a call has the wrong length, range or content.
    #[error("{0}")]
    Input(String),

    /// A checkpoint does not hold what the network needs.
    #[error("{}: {name}: expected {expected}, found {found}", path.display())]
    Weights {
        /// The checkpoint file, or the name of an embedded one.
        path: PathBuf,
        /// The tensor, or the part of the file, at fault.
        name: String,
        /// What the network needs there, such as a shape.
        expected: String,
        /// What the checkpoint holds there.
        found: String,
    },

    /// The operating system refused to read a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A tensor operation failed inside a network.
    #[error("a computation failed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An [`Error::Input`] from anything that reads as a sentence.
pub(crate) fn input<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Input(message.into()))
}
