//! The command line: the only place that knows about flags.
//!
//! One file per subcommand; the rest are the parts they share. Audio alone goes to standard
//! output (or the list or JSON that was asked for), words go to standard error.

mod batch;
mod cast;
mod completions;
mod console;
mod convert;
mod devices;
mod dream;
mod failure;
mod figures;
mod flags;
mod interrupt;
mod likelihood;
mod live;
mod output;
mod phonemize;
mod progress;
mod render;
mod say;
mod source;
mod text;
mod timing;
mod version;
mod voices;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// Speech from text, and other voices for it, offline.
#[derive(Debug, Parser)]
#[command(
    name = "syrinx",
    version,
    long_version = version::long(),
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Say(Box<say::Args>),
    Convert(Box<convert::Args>),
    Live(Box<live::Args>),
    Devices(devices::Args),
    Voices(voices::Args),
    Phonemize(phonemize::Args),
    Dream(Box<dream::Args>),
    Likelihood(likelihood::Args),
    Completions(completions::Args),
}

/// Reads the flags. Help and version go out from here and leave nothing to run.
pub fn parse() -> Result<Cli, Failure> {
    Cli::try_parse().map_err(Failure::from)
}

/// Does what the flags ask for.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Say(args) => say::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Live(args) => live::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Voices(args) => voices::run(&args),
        Command::Phonemize(args) => phonemize::run(&args),
        Command::Dream(args) => dream::run(&args),
        Command::Likelihood(args) => likelihood::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }
}
