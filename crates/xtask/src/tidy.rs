//! `cargo xtask tidy`: rules that the compiler does not check.

mod commits;
mod dependencies;
mod markdown;
mod sources;
mod words;

use crate::{Outcome, TaskResult, project, say};

/// A rule that something breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// File or package, with a line where there is one.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Checks everything and prints each finding on a line.
pub(crate) fn run() -> TaskResult {
    let root = project::root();
    let mut findings = dependencies::check(&root)?;
    findings.extend(sources::check(&root)?);
    findings.extend(commits::check(&root)?);
    findings.sort();
    for finding in &findings {
        say(&format!("{}: {}\n", finding.place, finding.what));
    }
    Ok(if findings.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
