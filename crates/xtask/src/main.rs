//! Development tasks of skxc: `cargo xtask TASK`.
//!
//! What must hold: a task reports everything it finds before it fails, prints
//! its findings to standard output and exits with 1 if there are any, with 2
//! if it was called wrongly.

mod bless;
mod calibrate;
mod codegen;
mod corpus;
mod ensembles;
mod fuzz;
mod hostile;
mod kernels;
mod measure;
mod project;
mod structure;
mod table;
mod tidy;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask TASK

tasks:
  tidy                      check the rules that the compiler does not: direction of
                            dependencies, sizes, headers, a test case for each diagnostic,
                            private words, empty doc comments, width of Markdown, subjects
                            of commits
  structure                 crates, circles of imports, files that a new operation touches,
                            places that repeat others
  codegen [--check]         write the generated sources, or say which are stale
  bless                     run all tests and take what they print as what they expect
  calibrate [--filter GLOB]...
                            measure every lowering on a grid of forests, for the cost model
  calibrate --check         how far the cost model is off what was measured
  corpus DIR [--filter GLOB]...
                            compile every case of a corpus folder, run it in the kernel and
                            compare with the labels that are there
  corpus --ties DIR [--filter GLOB]...
                            which rows of a corpus folder the rule for ties of saturated scores
                            changes, a case a line, and whether it costs one
  corpus --bad DIR          feed broken models to the compiler and watch what it does
  ensembles DIR [--filter GLOB]...
                            how fast the models of examples/ensembles run, which lowering is
                            chosen for them, and how good that choice and its predictions are
  fuzz [onnx|skir|typed] [--seconds N | --inputs N] [--corpus DIR]...
                            try mutated models, modules in text form, or graphs of operators
                            whose operands fit on the properties of tests/fuzz: 20000 inputs of
                            the first two and 2000 of the third, unless it says otherwise
  kernels [DIR [--filter GLOB]...]
                            load and run the example, and cases of a corpus folder, on Debian's
                            kernels from 5.10 to the newest, in a virtual machine
";

/// What a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Clean,
    Findings,
}

type TaskResult = Result<Outcome, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["structure"] => structure::run(),
        ["codegen"] => write_generated(),
        ["codegen", "--check"] => check_generated(),
        ["bless"] => bless::run(),
        ["calibrate", rest @ ..] => calibrate::run(rest),
        ["corpus", "--bad", dir] => hostile::run(dir),
        ["corpus", "--ties", dir, filters @ ..] => corpus_filters(filters)
            .map_or_else(|| Ok(usage()), |filters| corpus::ties::run(dir, &filters)),
        ["corpus", dir, filters @ ..] => corpus_filters(filters)
            .map_or_else(|| Ok(usage()), |filters| corpus::run(dir, &filters)),
        ["ensembles", dir, filters @ ..] => corpus_filters(filters)
            .map_or_else(|| Ok(usage()), |filters| ensembles::run(dir, &filters)),
        ["fuzz", rest @ ..] => {
            fuzz::Request::parse(rest).map_or_else(|| Ok(usage()), |request| fuzz::run(&request))
        }
        ["kernels"] => kernels::run(None, &[]),
        ["kernels", dir, filters @ ..] => corpus_filters(filters)
            .map_or_else(|| Ok(usage()), |filters| kernels::run(Some(*dir), &filters)),
        ["measure", report, command @ ..] if !command.is_empty() => {
            return measure::run_measured(report, command);
        }
        _ => Ok(usage()),
    };
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::FAILURE,
        Err(error) => {
            say(&describe(error.as_ref()));
            ExitCode::from(2)
        }
    }
}

fn usage() -> Outcome {
    say(HELP);
    Outcome::Findings
}

/// `--filter GLOB` any number of times; none if there is anything else.
fn corpus_filters<'a>(words: &[&'a str]) -> Option<Vec<&'a str>> {
    words
        .chunks(2)
        .map(|pair| match pair {
            ["--filter", glob] => Some(*glob),
            _ => None,
        })
        .collect()
}

fn write_generated() -> TaskResult {
    for path in codegen::write(&project::root())? {
        say(&format!("wrote {}\n", path.display()));
    }
    Ok(Outcome::Clean)
}

fn check_generated() -> TaskResult {
    let stale = codegen::stale(&project::root())?;
    for file in &stale {
        say(&format!("{} is stale: run `cargo xtask codegen`\n", file.path.display()));
    }
    Ok(if stale.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

/// An error and its causes.
fn describe(error: &dyn Error) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text.push('\n');
    text
}

/// Writes to standard output. A closed pipe is the reader's choice.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
