//! What is expected against what is found; `SKXC_BLESS=1` makes them equal.

use std::path::Path;
use std::{env, fs, io};

use similar::TextDiff;

/// Stands for any text within a line of an expectation.
const ANYTHING: &str = "[..]";

/// A line of its own that stands for any number of lines, up to the first that
/// matches the next one.
const ANY_LINES: &str = "[...]";

/// Are expectations to be rewritten?
pub(crate) fn blessing() -> bool {
    env::var_os("SKXC_BLESS").is_some_and(|value| value == "1")
}

/// What was found is not what was expected.
#[derive(Debug, thiserror::Error)]
#[error("not as expected (SKXC_BLESS=1 takes what was found)\n{difference}")]
pub(crate) struct Differs {
    difference: String,
}

/// Compares; `[..]` in a line of `expected` stands for any text, and `[...]`
/// alone for any lines.
///
/// # Errors
/// The difference, as a unified diff.
pub(crate) fn compare(expected: &str, found: &str) -> Result<(), Differs> {
    if matches(expected, found) {
        return Ok(());
    }
    let diff = TextDiff::from_lines(expected, found);
    let difference = diff.unified_diff().header("expected", "found").to_string();
    Err(Differs { difference })
}

fn matches(expected: &str, found: &str) -> bool {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    loop {
        match expected.next() {
            None => return found.next().is_none(),
            Some(pattern) if pattern.trim() == ANY_LINES => {
                let Some(pattern) = expected.next() else { return true };
                if !found.any(|line| line_matches(pattern, line)) {
                    return false;
                }
            }
            Some(pattern) => {
                if !found.next().is_some_and(|line| line_matches(pattern, line)) {
                    return false;
                }
            }
        }
    }
}

/// Each part between two `[..]` occurs in order; the ends are anchored.
fn line_matches(pattern: &str, line: &str) -> bool {
    let Some((first, rest)) = pattern.split_once(ANYTHING) else { return pattern == line };
    let Some(mut line) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split(ANYTHING).collect();
    let (last, middle) = parts.split_last().expect("a split has a part");
    for part in middle {
        match line.find(part) {
            Some(at) => line = &line[at + part.len()..],
            None => return false,
        }
    }
    line.ends_with(last)
}

/// Compares with a file that need not exist if nothing is expected.
///
/// # Errors
/// As [`compare`], or if the file cannot be written.
pub(crate) fn compare_file(path: &Path, found: &str) -> crate::Outcome {
    let expected = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    if blessing() {
        bless_file(path, &expected, found)?;
        return Ok(());
    }
    compare(&expected, found).map_err(|differs| {
        format!("{}: {differs}", path.file_name().unwrap_or_default().display()).into()
    })
}

fn bless_file(path: &Path, expected: &str, found: &str) -> io::Result<()> {
    if matches(expected, found) {
        return Ok(());
    }
    if found.is_empty() {
        return fs::remove_file(path);
    }
    fs::write(path, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_stands_for_anything_within_a_line() {
        for (pattern, line, matched) in [
            ("a", "a", true),
            ("a", "b", false),
            ("skxc [..]", "skxc 0.1.0", true),
            ("[..] of [..] done", "3 of 4 done", true),
            ("[..] of [..] done", "3 of 4 done!", false),
            ("a[..]b[..]c", "abc", true),
            ("a[..]b[..]c", "acb", false),
        ] {
            assert_eq!(line_matches(pattern, line), matched, "{pattern} {line}");
        }
        for (expected, found, matched) in [
            ("a\nb\n", "a\n", false),
            ("a\n", "a\nb\n", false),
            ("a\n[...]\nd\n", "a\nb\nc\nd\n", true),
            ("a\n[...]\nd\n", "a\nd\n", true),
            ("a\n[...]\nd\n", "a\nb\n", false),
            ("a\n[...]\n", "a\nb\nc\n", true),
        ] {
            assert_eq!(compare(expected, found).is_ok(), matched, "{expected:?} {found:?}");
        }
    }
}
