//! skxc, the command: files, processes, privileges and exit codes.
//!
//! The stages know none of these; they meet here. `cli` says what can be
//! asked, `commands` holds one file a verb, `pipeline` is the one place that
//! goes from the bytes of a model to an artifact.
//!
//! What must hold:
//! - exit codes are those of [`session::Exit`];
//! - nothing is written when a command is refused, and a file appears whole or
//!   not at all ([`output`]);
//! - output depends on the model, the options, skxc and clang alone: no time,
//!   host or path.

mod actions;
mod attached;
mod bench;
mod binding;
mod bounds;
mod capture;
mod changed;
mod clang;
mod cli;
mod commands;
mod comparisons;
mod config;
mod depfile;
mod describe;
mod digest;
mod embedded;
mod external;
mod fallback;
mod files;
mod interface;
mod interrupt;
mod invocation;
mod kernel;
mod lowering;
mod manifest;
mod material;
mod names;
mod options;
mod output;
mod pipeline;
mod precision;
mod prediction;
mod profile;
mod progress;
mod ranges;
mod reports;
mod results;
mod rows;
mod session;
mod shell;
mod tables;
mod threshold;
mod trainer;
mod verdicts;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

fn main() -> ExitCode {
    interrupt::watch();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.len() <= 1 {
        return session::start(cli::START).into();
    }
    let mut command = cli::Cli::command();
    let parsed = command.try_get_matches_from_mut(&arguments).and_then(|matches| {
        let invocation = invocation::Invocation::new(&command, &matches);
        Ok((cli::Cli::from_arg_matches(&matches)?, invocation))
    });
    let (cli, invocation) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return session::conclude_usage(&error, &arguments).into(),
    };
    let mut session = session::Session::new(&cli.global, invocation);
    let result = commands::dispatch(&mut session, cli);
    session.conclude(result).into()
}
