//! Collects diagnostics and points them into the listing.

use skxc_diagnostics::{Code, Diagnostic, SourceId};

use crate::listing::{Listing, Span};

/// The diagnostics of one import, in the order they were found.
#[derive(Debug)]
pub(crate) struct Report {
    source: SourceId,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Those that were found but not kept.
    dropped: usize,
}

/// Diagnostics that are kept: a hostile model has one in every node.
const DIAGNOSTICS_MAX: usize = 64;

impl Report {
    pub(crate) fn new(listing: &Listing) -> Self {
        Self { source: listing.source, diagnostics: Vec::new(), dropped: 0 }
    }

    /// Starts an error that points at `span`.
    pub(crate) fn error(
        &self,
        code: Code,
        message: String,
        span: &Span,
        label: &str,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(self.source, span.clone(), label)
    }

    /// Keeps `diagnostic`; beyond a limit only whether it is an error matters.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        } else if diagnostic.is_error() && !skxc_diagnostics::has_errors(&self.diagnostics) {
            self.diagnostics[DIAGNOSTICS_MAX - 1] = diagnostic;
        } else {
            self.dropped += 1;
        }
    }

    /// All diagnostics; the last one tells if some were left out.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if self.dropped > 0 {
            let last = self.diagnostics.pop();
            let note = format!("{} further problems are not shown", self.dropped);
            self.diagnostics.extend(last.map(|last| last.note(note)));
        }
        self.diagnostics
    }
}
