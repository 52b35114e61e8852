//! `syrinx completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Failure, console};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: syrinx completions bash > ~/.local/share/bash-completion/completions/syrinx"
)]
pub struct Args {
    /// The shell to complete in
    shell: Shell,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "syrinx", &mut script);
    console::print(String::from_utf8_lossy(&script).trim_end())
}
