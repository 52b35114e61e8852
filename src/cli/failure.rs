//! Why a command ends early, and the exit code that tells.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// An end other than success.
#[derive(Debug)]
pub enum Failure {
    /// Flags, text or other input that cannot be used as given. Exit code 2.
    Usage(String),
    /// Something that should have worked did not. Exit code 1.
    Failed(String),
    /// The reader of our output went away (`| head`): nothing to complain about. Exit code 0.
    ClosedPipe,
    /// Ctrl-C or a request to terminate. Exit code 130, as shells have it.
    Interrupted,
    /// `--help` or `--version`, or flags clap could not make sense of.
    Parse(clap::Error),
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Puts the place at fault, such as `lines.jsonl:3`, before the message.
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{place}: {message}")),
            Self::Failed(message) => Self::Failed(format!("{place}: {message}")),
            other => other,
        }
    }

    /// The message, for those that have one.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) | Self::Failed(message) => Some(one_line(message)),
            Self::Parse(error) => Some(clap_line(error)),
            Self::Interrupted => Some("interrupted".into()),
            Self::ClosedPipe => None,
        }
    }

    /// Tells the user and gives the exit code.
    pub fn report(self) -> ExitCode {
        if let Self::Parse(error) = &self
            && matches!(
                error.kind(),
                ErrorKind::DisplayHelp
                    | ErrorKind::DisplayVersion
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            )
        {
            // A reader that stops early (`--help | head`) is no failure.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
        if let Some(message) = self.message() {
            super::console::error(&message);
        }
        ExitCode::from(match self {
            Self::ClosedPipe => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::Parse(_) => 2,
            Self::Interrupted => super::interrupt::EXIT_CODE,
        })
    }
}

impl From<syrinx::Error> for Failure {
    fn from(error: syrinx::Error) -> Self {
        use syrinx::Error as E;
        match &error {
            _ if error.is_closed_pipe() => Self::ClosedPipe,
            E::Config(_) | E::Input(_) => Self::Usage(error.to_string()),
            // Refusing to overwrite is a question to the user, not a fault of the disk.
            E::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                Self::Usage(error.to_string())
            }
            // Text in another encoding, found while it was read.
            E::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Self::Usage(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Parse(error)
    }
}

/// Messages quote what users wrote, line breaks included; an error stays on one line.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// clap's several lines on one.
fn clap_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let joined = lines.collect::<Vec<_>>().join("; ");
    let message = joined.strip_prefix("error: ").unwrap_or(&joined);
    format!("{}; see --help", one_line(message).replace(":;", ":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_errors_have_their_exit_codes() {
        let usage = Failure::from(syrinx::Error::Input("there is nothing to say".into()));
        assert!(matches!(usage, Failure::Usage(_)));
        let exists = syrinx::Error::io("a.wav")(io::ErrorKind::AlreadyExists.into());
        assert!(matches!(Failure::from(exists), Failure::Usage(_)));
        let full = syrinx::Error::io("a.wav")(io::ErrorKind::StorageFull.into());
        assert!(matches!(Failure::from(full), Failure::Failed(_)));
        let pipe = syrinx::Error::io("standard output")(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(Failure::from(pipe), Failure::ClosedPipe));
    }

    #[test]
    fn a_message_stays_on_one_line() {
        let failure = Failure::usage("bad text \"a\n b\"\r\n").at("x.jsonl:3");
        assert_eq!(failure.message().unwrap(), "x.jsonl:3: bad text \"a b\"");
    }
}
