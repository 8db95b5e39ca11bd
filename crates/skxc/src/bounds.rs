//! `--max FIGURE=N`: a figure of the program that must not be exceeded.

use std::str::FromStr;

use clap::ValueEnum;
use skxc_diagnostics::{Diagnostic, codes};

use crate::manifest::CostEntry;
use crate::session::{Exit, Session};

/// A bound that the user sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Which figure.
    pub(crate) figure: Figure,
    /// Its greatest allowed value.
    pub(crate) at_most: u64,
}

/// A figure of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Instructions that the verifier is predicted to process
    VerifierInsns,
    /// Bytes of tables
    TableBytes,
    /// Predicted nanoseconds of a decision
    DecisionNs,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "wanted FIGURE=N with FIGURE one of verifier-insns, table-bytes, decision-ns";
        let (figure, number) = text.split_once('=').ok_or(wanted)?;
        let figure = <Figure as ValueEnum>::from_str(figure, true).map_err(|_| wanted)?;
        let at_most = number.parse().map_err(|_| format!("`{number}` is not a whole number"))?;
        Ok(Self { figure, at_most })
    }
}

/// Reports the bounds that a program exceeds, if any.
pub(crate) fn exceeded(session: &Session, bounds: &[Bound], cost: &CostEntry) -> Option<Exit> {
    let mut problems = Vec::new();
    for bound in bounds {
        let (name, found) = match bound.figure {
            Figure::VerifierInsns => ("instructions for the verifier", cost.verifier_insns),
            Figure::TableBytes => ("bytes of tables", cost.table_bytes),
            Figure::DecisionNs => ("nanoseconds a decision", cost.decision_ns),
        };
        if found > bound.at_most {
            let message =
                format!("the program takes {found} {name}; {} are allowed", bound.at_most);
            problems.push(
                Diagnostic::error(codes::BOUND_EXCEEDED, message)
                    .note("the figure is predicted, before anything is compiled")
                    .help("a smaller model, or another `--lowering`"),
            );
        }
    }
    session.report(&problems);
    (!problems.is_empty()).then_some(Exit::Refuted)
}
