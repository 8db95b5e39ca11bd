//! `cargo xtask calibrate`: what the cost model of the lowerings is fitted to.
//!
//! Forests of a grid of sizes are grown on made-up rows, compiled in every
//! lowering, loaded and timed in the kernel on rows of the same kind. The
//! figures go to `ir/lowering/src/calibration.csv`. With `--check` nothing is
//! measured: the figures there are held against what the cost model predicts.
//!
//! What must hold:
//! - forests and rows depend on the name of the grid point alone;
//! - lowerings of one forest are timed in turn, so that the ratio of two holds
//!   even where the machine's speed drifts.

mod check;
mod grid;
mod growth;
mod measure;
mod population;
mod record;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
usage: skxc-calibrate FILE [--filter GLOB]...
       skxc-calibrate --check FILE
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["--check", file] => check::run(Path::new(file)),
        [file, filters @ ..] => match globs(filters) {
            Some(filters) => measure::run(Path::new(file), &filters),
            None => usage(),
        },
        [] => usage(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}\n"));
            ExitCode::from(2)
        }
    }
}

fn usage() -> Result<(), Box<dyn Error>> {
    say(HELP);
    Err("wrong arguments".into())
}

/// `--filter GLOB` any number of times; none if there is anything else.
fn globs(words: &[&str]) -> Option<Vec<glob::Pattern>> {
    let one = |pair: &[&str]| match pair {
        ["--filter", glob] => glob::Pattern::new(glob).ok(),
        _ => None,
    };
    words.chunks(2).map(one).collect()
}

/// Writes to standard output. A closed pipe is the reader's choice.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
