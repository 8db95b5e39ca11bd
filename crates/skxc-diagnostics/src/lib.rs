//! Diagnostics: what skxc says about its input.
//!
//! A [`Diagnostic`] is a [`Code`], one line of message, labels that point into
//! a [`Source`], notes that say why and helps that say what to do instead.
//! ONNX has no text, so its labels point into the printed listing of the graph.
//!
//! What must hold:
//! - wrong input becomes a `Diagnostic`; a broken invariant of skxc panics;
//!   there is no third way;
//! - every code stands in [`codes`], is never reused, and has a document;
//! - text that comes from a model passes through [`escape`] before it is
//!   part of a message, a source or a label;
//! - only [`render`] knows codespan-reporting.

pub mod codes;
mod escape;
mod render;

use std::fmt;
use std::ops::Range;

pub use codes::{Code, Document};
pub use escape::{escape, escape_to_one_line};
pub use render::{Style, render, render_json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// The output is right but probably not what was wanted.
    Warning,
    /// There is no output.
    Error,
}

/// A text that labels point into: a listing, a project file, a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name shown to the reader, usually a file name. Escaped.
    pub name: String,
    /// The text itself. Escaped.
    pub text: String,
}

/// The texts of one run, addressed by [`SourceId`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
}

/// Names a [`Source`] in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceId(u32);

impl Sources {
    /// Adds a text. Name and text are escaped here, so that spans must be
    /// made against [`Sources::text`] or against a text that is already clean.
    pub fn add(&mut self, name: &str, text: &str) -> SourceId {
        let id = SourceId(self.sources.len() as u32);
        self.sources.push(Source { name: escape_to_one_line(name), text: escape(text) });
        id
    }

    /// The text behind `id`.
    #[must_use]
    pub fn text(&self, id: SourceId) -> &str {
        &self.sources[id.0 as usize].text
    }

    /// All sources in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }
}

/// The printed listing of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphListing {
    /// The text it lies in.
    pub source: SourceId,
    /// Where the operator of each node is in it, in the order of the graph.
    pub nodes: Vec<Range<usize>>,
}

/// A place in a source and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text it points into.
    pub source: SourceId,
    /// Byte range within that text.
    pub span: Range<usize>,
    /// What is said there; may be empty.
    pub message: String,
    /// The first place to look, as opposed to context.
    pub primary: bool,
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which of the known problems it is.
    pub code: Code,
    /// One line: lower-case start, no full stop, user names in backticks, the
    /// value found and the value allowed.
    pub message: String,
    /// Places, the primary one first.
    pub labels: Vec<Label>,
    /// Why it is so.
    pub notes: Vec<String>,
    /// What the reader can do about it.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error without labels.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning without labels.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: escape_to_one_line(&message.into()),
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds the place to look first.
    #[must_use]
    pub fn at(self, source: SourceId, span: Range<usize>, message: impl Into<String>) -> Self {
        self.label(source, span, message.into(), true)
    }

    /// Adds a place that gives context.
    #[must_use]
    pub fn see(self, source: SourceId, span: Range<usize>, message: impl Into<String>) -> Self {
        self.label(source, span, message.into(), false)
    }

    fn label(
        mut self,
        source: SourceId,
        span: Range<usize>,
        message: String,
        primary: bool,
    ) -> Self {
        let message = escape_to_one_line(&message);
        self.labels.push(Label { source, span, message, primary });
        self
    }

    /// Adds why it is so.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(escape(&note.into()));
        self
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(escape(&help.into()));
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Is it an error?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Does the list hold an error?
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
