//! The one error type of this crate.

use std::path::PathBuf;

/// What can go wrong in this crate. Every message says what was wrong and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that cannot be built: the message names the field and the allowed values.
    #[error("invalid configuration: {0}")]
    Config(String),
    /// Data handed to a call has the wrong length, rate or content.
    #[error("invalid input: {0}")]
    Input(String),
    /// A checkpoint does not hold what the network needs.
    #[error(
        "{}: tensor `{name}`: expected {expected}, found {found}; is this the checkpoint of another model?",
        path.as_ref().map_or_else(|| "weights".into(), |p| p.display().to_string())
    )]
    Weights {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// Name of the tensor in the checkpoint.
        name: String,
        /// What the network needs, for instance a shape.
        expected: String,
        /// What the checkpoint holds.
        found: String,
    },
    /// An error of the tensor library.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
