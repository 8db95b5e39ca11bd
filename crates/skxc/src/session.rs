//! One run of skxc: where words go, and how a command ends.
//!
//! What must hold:
//! - data goes to standard output, words to standard error;
//! - a command ends with an [`Exit`] or a [`Stop`]; nothing else decides the
//!   exit code, and nothing exits in the middle;
//! - a reader that closes its end of the pipe ends the run quietly.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use serde_json::json;
use skxc_diagnostics::{
    Diagnostic, Severity, Sources, Style, escape, has_errors, render, render_json,
};

use crate::cli::{Color, Global, MessageFormat};
use crate::invocation::Invocation;

/// How a run ended; the numbers are an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or equal.
    Done = 0,
    /// Refuted, or a bound exceeded.
    Refuted = 1,
    /// Bad usage, bad input, or a program that cannot fit.
    Input = 2,
    /// The environment cannot do it.
    Environment = 3,
    /// Neither equal nor refuted.
    Inconclusive = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// What the user gave is wrong.
    Input(Vec<Diagnostic>),
    /// What was to be shown is not so.
    Refuted(Vec<Diagnostic>),
    /// The machine cannot do it.
    Environment(Vec<Diagnostic>),
    /// Standard output is gone or full.
    Output(io::Error),
}

impl Stop {
    /// Stops for one problem with the input.
    pub(crate) fn input(diagnostic: Diagnostic) -> Self {
        Self::Input(vec![diagnostic])
    }

    /// Stops for one problem with the machine.
    pub(crate) fn environment(diagnostic: Diagnostic) -> Self {
        Self::Environment(vec![diagnostic])
    }
}

impl From<io::Error> for Stop {
    /// Only for errors of standard output: those of files become diagnostics.
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The run: options of every command, and the texts that diagnostics point into.
#[derive(Debug)]
pub(crate) struct Session {
    /// Texts that labels point into.
    pub(crate) sources: Sources,
    /// Form of diagnostics and reports.
    pub(crate) format: MessageFormat,
    /// Say more about each step.
    pub(crate) verbose: bool,
    /// Say only what went wrong.
    pub(crate) quiet: bool,
    /// The command line, for messages that repeat it.
    pub(crate) invocation: Invocation,
    /// Digest of the model, once it was read; it may come through a pipe, once.
    pub(crate) model_sha256: Option<String>,
    style: Style,
}

impl Session {
    /// The session that the global options ask for.
    pub(crate) fn new(global: &Global, invocation: Invocation) -> Self {
        let coloured = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
                !no_color && !dumb && io::stderr().is_terminal()
            }
        };
        Self {
            sources: Sources::default(),
            format: global.message_format,
            verbose: global.verbose,
            quiet: global.quiet,
            invocation,
            model_sha256: None,
            style: if coloured { Style::Coloured } else { Style::Plain },
        }
    }

    /// Writes diagnostics to standard error. With `--quiet`, errors only.
    pub(crate) fn report(&self, diagnostics: &[Diagnostic]) {
        let said: Vec<Diagnostic> = diagnostics
            .iter()
            .filter(|diagnostic| !self.quiet || diagnostic.severity == Severity::Error)
            .cloned()
            .collect();
        let text = match self.format {
            MessageFormat::Human => render(&self.sources, &said, self.style),
            MessageFormat::Json => render_json(&self.sources, &said),
        };
        to_stderr(&text);
    }

    /// Reports what is no error; errors are reported when the command stops.
    pub(crate) fn report_warnings(&self, diagnostics: &[Diagnostic]) {
        if !has_errors(diagnostics) {
            self.report(diagnostics);
        }
    }

    /// Says a line, unless asked to be quiet.
    pub(crate) fn say(&self, line: impl Display) {
        if !self.quiet {
            to_stderr(&words(self.format, None, &line.to_string()));
        }
    }

    /// Says what went wrong where no diagnostic code fits: a mistyped argument.
    pub(crate) fn fail(&self, line: impl Display) {
        to_stderr(&words(self.format, Some(Severity::Error), &line.to_string()));
    }

    /// Says a line that only `-v` wants.
    pub(crate) fn detail(&self, line: impl Display) {
        if self.verbose {
            to_stderr(&words(self.format, None, &line.to_string()));
        }
    }

    /// Shows progress? Only people on a terminal want it.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && self.format == MessageFormat::Human && io::stderr().is_terminal()
    }

    /// Reports why a command stopped and tells the exit code.
    pub(crate) fn conclude(&self, result: Result<Exit, Stop>) -> Exit {
        match result {
            Ok(exit) => exit,
            Err(Stop::Input(diagnostics)) => {
                self.report(&diagnostics);
                Exit::Input
            }
            Err(Stop::Refuted(diagnostics)) => {
                self.report(&diagnostics);
                Exit::Refuted
            }
            Err(Stop::Environment(diagnostics)) => {
                self.report(&diagnostics);
                Exit::Environment
            }
            Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Err(Stop::Output(error)) => {
                self.fail(format_args!("cannot write to standard output: {error}"));
                Exit::Environment
            }
        }
    }
}

/// Words that are no diagnostic. For a machine they are an object like one,
/// without a code; paths and names may hold anything, so they are escaped.
fn words(format: MessageFormat, severity: Option<Severity>, text: &str) -> String {
    let text = escape(text);
    match (format, severity) {
        (MessageFormat::Human, None) => format!("{text}\n"),
        (MessageFormat::Human, Some(severity)) => format!("{severity}: {text}\n"),
        (MessageFormat::Json, severity) => {
            let severity = severity.unwrap_or(Severity::Note).to_string();
            let object = json!({
                "severity": severity,
                "code": null,
                "message": text,
                "labels": [],
                "notes": [],
                "helps": [],
            });
            format!("{object}\n")
        }
    }
}

/// Ends a run that asks for nothing: says how to begin.
pub(crate) fn start(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        // A pipe that nobody reads any more is no fault.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Environment,
        _ => Exit::Done,
    }
}

/// Ends a run whose arguments could not be understood, or ask for help.
pub(crate) fn conclude_usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let wants_json = arguments.iter().any(|it| it == "--message-format=json")
        || arguments.windows(2).any(|it| it[0] == "--message-format" && it[1] == "json");
    if error.use_stderr() && wants_json {
        let text = error.to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        to_stderr(&words(MessageFormat::Json, Some(Severity::Error), text));
    } else {
        // Nobody is left to be told when the terminal is gone.
        let _ = error.print();
    }
    if error.use_stderr() { Exit::Input } else { Exit::Done }
}

/// Standard output, buffered: data only. Flush it, or an error is lost.
pub(crate) fn stdout() -> impl Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Nobody is left to be told when standard error is gone.
fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped_and_for_machines_one_object_a_line() {
        let human = |severity| words(MessageFormat::Human, severity, "a\u{1b}[2J b");
        assert_eq!(human(None), "a\\u{1b}[2J b\n");
        assert_eq!(human(Some(Severity::Error)), "error: a\\u{1b}[2J b\n");
        let json = words(MessageFormat::Json, None, "two\nlines");
        assert_eq!(json.lines().count(), 1);
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["severity"], "note");
        assert_eq!(object["message"], "two\nlines");
    }
}
