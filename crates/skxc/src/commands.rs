//! One file a verb. A command gets its arguments, does its work through the
//! modules beside `commands`, and says how it ended.

mod completions;
mod doctor;
mod explain;
mod extract;
mod features;

use crate::cli::{Cli, Command};
use crate::session::{Exit, Session, Stop};

/// Runs the command that was asked for.
pub(crate) fn dispatch(session: &mut Session, cli: Cli) -> Result<Exit, Stop> {
    match cli.command {
        Command::Extract(args) => extract::run(session, &args),
        Command::Features(args) => features::run(&args),
        Command::Explain(args) => explain::run(session, &args),
        Command::Doctor(args) => doctor::run(session, &args),
        Command::Completions(args) => completions::run(&args),
    }
}
