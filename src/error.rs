//! What can go wrong, in a few kinds, each saying what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything the engine reports to its caller.
///
/// The kinds are few on purpose: they are what a program can react to. The text of each names the
/// file or the option at fault and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option or a combination of options makes no sense.
    #[error("{0}")]
    Config(String),

    /// The text, markup or other request content cannot be used as it is.
    #[error("{0}")]
    Input(String),

    /// A checkpoint does not hold what the model needs.
    #[error(
        "{}: tensor {name:?}: expected {expected}, found {found}; is this the checkpoint of another model?",
        path.display()
    )]
    Weights {
        /// The checkpoint file, or the name of the embedded one.
        path: PathBuf,
        /// The tensor, or the part of the file, at fault.
        name: String,
        /// What the model needs there, such as a shape.
        expected: String,
        /// What the file has there.
        found: String,
    },

    /// Audio that cannot be decoded or encoded.
    #[error("{name}: {reason}")]
    Audio {
        /// The file, or `standard input`, or a name the caller gave.
        name: String,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A sound card, or its driver, that cannot be used.
    #[error("{0}")]
    Device(String),

    /// The operating system refused to read or write.
    #[error("{}: {source}{}", path.display(), advice(source, path))]
    Io {
        /// The file, or `standard output` and the like.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// A tensor operation failed inside a model: a defect here or a damaged checkpoint.
    #[error("a computation failed: {0}; try `--device cpu`, and report this if it happens again")]
    Compute(#[from] candle_core::Error),
}

impl Error {
    /// An [`Error::Audio`] about `name`.
    pub fn audio(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Audio {
            name: name.into(),
            reason: reason.into(),
        }
    }

    /// An [`Error::Io`] about `path`, for `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { path, source }
    }

    /// Whether the reader of our output went away (`syrinx say … -o - | head`).
    ///
    /// Not a failure of ours: a program ends quietly on it.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<crate::text::Error> for Error {
    fn from(error: crate::text::Error) -> Self {
        match error {
            crate::text::Error::Io { path, source } => Self::Io { path, source },
            other => Self::Input(other.to_string()),
        }
    }
}

impl From<syrinx_models::Error> for Error {
    fn from(error: syrinx_models::Error) -> Self {
        use syrinx_models::Error as Model;
        match error {
            Model::Config(text) => Self::Config(text),
            Model::Input(text) => Self::Input(text),
            Model::Weights {
                path,
                name,
                expected,
                found,
            } => Self::Weights {
                path,
                name,
                expected,
                found,
            },
            Model::Io { path, source } => Self::Io { path, source },
            Model::Compute(error) => Self::Compute(error),
            other => Self::Config(other.to_string()),
        }
    }
}

impl From<syrinx_vocoder::Error> for Error {
    fn from(error: syrinx_vocoder::Error) -> Self {
        use syrinx_vocoder::Error as Vocoder;
        match error {
            Vocoder::Config(text) => Self::Config(text),
            Vocoder::Input(text) => Self::Input(text),
            Vocoder::Weights {
                path,
                name,
                expected,
                found,
            } => Self::Weights {
                path: path.unwrap_or_else(|| "vocoder".into()),
                name,
                expected,
                found,
            },
            Vocoder::Candle(error) => Self::Compute(error),
            Vocoder::Io { path, source } => Self::Io { path, source },
            other => Self::Config(other.to_string()),
        }
    }
}

/// The next step for the system errors people meet most.
fn advice(source: &io::Error, path: &Path) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound
            if path
                .parent()
                .is_some_and(|dir| dir.as_os_str().is_empty() || dir.exists()) =>
        {
            "; check the spelling"
        }
        io::ErrorKind::NotFound => "; its folder does not exist: create it first",
        io::ErrorKind::PermissionDenied => "; choose another place or change its permissions",
        io::ErrorKind::StorageFull => "; free some space or choose another disk",
        io::ErrorKind::IsADirectory => "; give a file, not a folder",
        io::ErrorKind::AlreadyExists => "; allow overwriting (`-y`) or choose another name",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_and_the_next_step() {
        let denied = Error::io("/etc/x.wav")(io::ErrorKind::PermissionDenied.into());
        assert_eq!(
            denied.to_string(),
            "/etc/x.wav: permission denied; choose another place or change its permissions"
        );
        let folder = Error::io("/no/such/folder/x.wav")(io::ErrorKind::NotFound.into());
        assert!(folder.to_string().ends_with("create it first"), "{folder}");
        let weights = Error::Weights {
            path: "a.safetensors".into(),
            name: "conv.weight".into(),
            expected: "[64, 32, 3]".into(),
            found: "nothing".into(),
        };
        assert!(
            weights
                .to_string()
                .starts_with("a.safetensors: tensor \"conv.weight\": expected [64, 32, 3]")
        );
    }

    #[test]
    fn only_a_closed_pipe_is_quiet() {
        assert!(Error::io("standard output")(io::ErrorKind::BrokenPipe.into()).is_closed_pipe());
        assert!(!Error::io("x.wav")(io::ErrorKind::StorageFull.into()).is_closed_pipe());
        assert!(!Error::Device("gone".into()).is_closed_pipe());
    }
}
