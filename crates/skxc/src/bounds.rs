//! `--max FIGURE=N`: a figure of the program that must not be exceeded.

use std::str::FromStr;

use clap::ValueEnum;

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
    /// Predicted nanoseconds for a decision
    Ns,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "wanted FIGURE=N with FIGURE one of verifier-insns, table-bytes, ns";
        let (figure, number) = text.split_once('=').ok_or(wanted)?;
        let figure = <Figure as ValueEnum>::from_str(figure, true).map_err(|_| wanted)?;
        let at_most = number.parse().map_err(|_| format!("`{number}` is not a whole number"))?;
        Ok(Self { figure, at_most })
    }
}
