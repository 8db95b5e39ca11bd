//! One run of skxc: where words go, and how a command ends.
//!
//! What must hold:
//! - data goes to standard output, words to standard error;
//! - a command ends with an [`Exit`] or a [`Stop`]; nothing else decides the
//!   exit code, and nothing exits in the middle;
//! - a reader that closes its end of the pipe ends the run quietly.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use skxc_diagnostics::{Diagnostic, Severity, Sources, Style, has_errors, render, render_json};

use crate::cli::{Color, Global, MessageFormat};

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
    /// Not decided.
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
    /// Say more.
    pub(crate) verbose: bool,
    /// Say only what went wrong.
    pub(crate) quiet: bool,
    style: Style,
}

impl Session {
    /// The session that the global options ask for.
    pub(crate) fn new(global: &Global) -> Self {
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
            to_stderr(&format!("{line}\n"));
        }
    }

    /// Says what went wrong where no diagnostic code fits: a mistyped argument.
    pub(crate) fn fail(&self, line: impl Display) {
        to_stderr(&format!("error: {line}\n"));
    }

    /// Says a line that only `-v` wants.
    pub(crate) fn detail(&self, line: impl Display) {
        if self.verbose {
            to_stderr(&format!("{line}\n"));
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
                to_stderr(&format!("error: cannot write to standard output: {error}\n"));
                Exit::Environment
            }
        }
    }
}

/// Standard output, buffered: data only. Flush it, or an error is lost.
pub(crate) fn stdout() -> impl Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Nobody is left to be told when standard error is gone.
fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
