//! `skxc completions`: for packagers.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::session::{Exit, Stop, stdout};

/// Prints the completion script of a shell.
pub(crate) fn run(args: &Completions) -> Result<Exit, Stop> {
    // Into memory first: the generator panics where a pipe breaks.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "skxc", &mut script);
    let mut out = stdout();
    std::io::Write::write_all(&mut out, &script)?;
    std::io::Write::flush(&mut out)?;
    Ok(Exit::Done)
}
