//! `cargo xtask calibrate`: measures every lowering on a grid of forests, in
//! the kernel, for the constants of the cost model; `--check` says how well the
//! model predicts what was measured.
//!
//! The work is done by a program of its own (`crates/skxc-calibrate`), which
//! needs the compiler and the loader; the other tasks do without both.

use crate::{Outcome, TaskResult, project};

/// What was measured, and what the cost model is held against.
const FILE: &str = "ir/lowering/src/calibration.csv";

/// Passes arguments on.
pub(crate) fn run(arguments: &[&str]) -> TaskResult {
    let (check, filters) = match arguments {
        ["--check"] => (&["--check"][..], &[][..]),
        filters => (&[][..], filters),
    };
    let program = ["run", "--quiet", "--release", "--package", "skxc-calibrate", "--"];
    project::cargo(&[&program, check, &[FILE], filters].concat(), &[])?;
    Ok(Outcome::Clean)
}
