//! Words for people on standard error, and lists or JSON on standard output.

use std::fmt::Display;
use std::io::{self, Write};

use super::Failure;

/// `error: …` on standard error.
pub fn error(message: &str) {
    say("error", message);
}

/// `warning: …` on standard error.
pub fn warning(message: &str) {
    say("warning", message);
}

/// A plain line on standard error.
pub fn note(message: impl Display) {
    // Nobody is left to be told when standard error itself is closed.
    let _ = writeln!(io::stderr(), "{message}");
}

fn say(kind: &str, message: &str) {
    note(format_args!("{kind}: {message}"));
}

/// A line of the list or JSON asked for, on standard output.
pub fn print(line: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|source| syrinx::Error::io("standard output")(source).into())
}
