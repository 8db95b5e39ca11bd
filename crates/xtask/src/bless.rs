//! `cargo xtask bless`: takes what the tests print as what they expect.

use crate::{Outcome, TaskResult, project, say};

/// Runs every test with the variables that make them rewrite expectations:
/// ours, and the one of insta.
pub(crate) fn run() -> TaskResult {
    let environment = [("SKXC_BLESS", "1"), ("INSTA_UPDATE", "always")];
    project::cargo(&["test", "--workspace"], &environment)?;
    say("review the difference before committing it: git diff\n");
    Ok(Outcome::Clean)
}
