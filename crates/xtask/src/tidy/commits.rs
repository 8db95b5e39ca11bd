//! Subjects of commits fit a line of `git log --oneline`.
//!
//! What must hold: commits from before this rule, which is as old as this file, are
//! not looked at; nor is anything where there is no history, as in an archive.

use std::io;
use std::path::Path;
use std::process::Command;

use super::Finding;

const SUBJECT_MAX: usize = 72;
const FILE: &str = "crates/xtask/src/tidy/commits.rs";

/// Checks the subjects of all commits since this file.
pub(super) fn check(root: &Path) -> io::Result<Vec<Finding>> {
    let added = git(root, &["log", "--diff-filter=A", "--format=%H", "--", FILE])?;
    let Some(first) = added.lines().last() else { return Ok(Vec::new()) };
    let log = git(root, &["log", "--format=%h %s", &format!("{first}..HEAD")])?;
    Ok(log.lines().filter_map(check_line).collect())
}

/// What git prints; nothing where it refuses.
fn git(root: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root).output()?;
    let text = if output.status.success() { output.stdout } else { Vec::new() };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn check_line(line: &str) -> Option<Finding> {
    let (commit, subject) = line.split_once(' ')?;
    let length = subject.chars().count();
    let what = format!("a subject of {length} characters, at most {SUBJECT_MAX}");
    (length > SUBJECT_MAX).then(|| Finding::new(format!("commit {commit}"), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_is_found() {
        assert_eq!(check_line(&format!("1a2b3c {}", "a".repeat(SUBJECT_MAX))), None);
        let found = check_line(&format!("1a2b3c {}", "a".repeat(SUBJECT_MAX + 1)));
        assert_eq!(found.map(|it| it.place).as_deref(), Some("commit 1a2b3c"));
    }
}
