//! The runner of the test suite. `README.md` explains the files that it runs.
//!
//! What must hold:
//! - adding a file adds a test;
//! - `SKXC_BLESS=1` rewrites what files expect, and nothing else;
//! - a trial that needs the kernel is skipped with a reason where there are no
//!   rights, and fails instead under `SKXC_REQUIRE_KERNEL=1`;
//! - a trial leaves nothing behind outside its scratch folder.

pub mod assemble;
mod binary;
mod cli;
mod corpus;
mod diagnostics;
mod expectation;
mod filetests;
mod fuzz;
mod kernel;
mod programs;
pub mod properties;
mod sections;

use std::error::Error;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

/// What a trial comes to: nothing, or what went wrong.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// All trials.
///
/// # Panics
/// If the folders of the suite cannot be read.
#[must_use]
pub fn trials() -> Vec<Trial> {
    let mut trials = filetests::trials();
    trials.extend(diagnostics::trials());
    trials.extend(cli::trials());
    trials.extend(corpus::trials());
    trials.extend(properties::trials());
    trials.extend(fuzz::trials());
    trials
}

/// The folder of the suite.
pub(crate) fn suite_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    suite_dir().parent().expect("the suite lies in the project").to_owned()
}

/// A trial called after the path of its file below the suite.
pub(crate) fn trial(path: &Path, run: impl FnOnce(&Path) -> Outcome + Send + 'static) -> Trial {
    let name = path.strip_prefix(suite_dir()).unwrap_or(path).display().to_string();
    let path = path.to_owned();
    Trial::test(name, move || run(&path).map_err(|error| describe(error.as_ref())))
}

/// A trial that needs the kernel; see [`kernel::missing`].
pub(crate) fn kernel_trial(
    path: &Path,
    run: impl FnOnce(&Path) -> Outcome + Send + 'static,
) -> Trial {
    let missing = kernel::missing();
    let skipped = missing.is_some() && !kernel::required();
    trial(path, move |path| match missing {
        Some(reason) => Err(reason.into()),
        None => run(path),
    })
    .with_kind("kernel")
    .with_ignored_flag(skipped)
}

fn describe(error: &dyn Error) -> Failed {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.into()
}

/// The files below `folder` (of the suite) with this extension, sorted.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let pattern = suite_dir().join(folder).join("**").join(format!("*.{extension}"));
    let pattern = pattern.display().to_string();
    let mut files: Vec<PathBuf> =
        glob::glob(&pattern).expect("the pattern is well formed").filter_map(Result::ok).collect();
    files.sort();
    files
}
