//! One file a verb. A command gets its arguments, does its work through the
//! modules beside `commands`, and says how it ended.

mod attach;
mod bench;
mod check;
pub(crate) mod compile;
mod completions;
mod detach;
mod doctor;
mod explain;
mod extract;
mod features;
mod inspect;
mod predict;
mod run;
mod status;

use crate::cli::{Cli, Command};
use crate::config;
use crate::session::{Exit, Session, Stop};

/// Runs the command that was asked for. Commands about a model read the
/// project file; the others do not care if there is one.
pub(crate) fn dispatch(session: &mut Session, cli: Cli) -> Result<Exit, Stop> {
    let global = &cli.global;
    match cli.command {
        Command::Compile(args) => {
            let project = config::read(session, global)?;
            compile::run(session, &project, &args)
        }
        Command::Check(args) => {
            let project = config::read(session, global)?;
            check::run(session, &project, &args)
        }
        Command::Predict(args) => {
            let project = config::read(session, global)?;
            predict::run(session, &project, &args)
        }
        Command::Bench(args) => {
            let project = config::read(session, global)?;
            bench::run(session, &project, &args)
        }
        Command::Inspect(args) => {
            let project = config::read(session, global)?;
            inspect::run(session, &project, &args)
        }
        Command::Run(args) => {
            let project = config::read(session, global)?;
            run::run(session, &project, &args)
        }
        Command::Extract(args) => extract::run(session, &args),
        Command::Attach(args) => attach::run(session, &args),
        Command::Status(args) => status::run(session, &args),
        Command::Detach(args) => detach::run(session, &args),
        Command::Features(args) => features::run(&args),
        Command::Explain(args) => explain::run(session, &args),
        Command::Doctor(args) => doctor::run(session, &args),
        Command::Completions(args) => completions::run(&args),
    }
}
