//! Dependency files for make and ninja.
//!
//! The syntax is that of the compilers' `-MD -MP`: `targets: prerequisites`.
//! GNU make reads `\ ` as a space in a name, `$$` as a dollar and `\#` as a
//! hash; backslashes before one of these are doubled (GNU Make manual, "Rule
//! Syntax" and "Wildcards"). A line feed cannot be written at all.

use std::fmt::Write as _;
use std::path::Path;

/// The text of a dependency file: each target depends on each prerequisite.
pub(crate) fn text<'a>(
    targets: impl Iterator<Item = &'a Path>,
    prerequisites: impl Iterator<Item = &'a Path>,
) -> String {
    let mut text = String::new();
    for (index, target) in targets.enumerate() {
        let separator = if index == 0 { "" } else { " " };
        let _ = write!(text, "{separator}{}", escape(target));
    }
    text.push(':');
    let mut phony = String::new();
    for prerequisite in prerequisites {
        let name = escape(prerequisite);
        let _ = write!(text, " \\\n  {name}");
        // As with `-MP`: a prerequisite that is gone is no error.
        let _ = write!(phony, "\n{name}:\n");
    }
    text.push('\n');
    text + &phony
}

fn escape(path: &Path) -> String {
    let mut escaped = String::new();
    let mut backslashes = 0;
    for c in path.to_string_lossy().chars() {
        match c {
            ' ' | '\t' | '#' | ':' => {
                escaped.extend(std::iter::repeat_n('\\', backslashes + 1));
            }
            '$' => escaped.push('$'),
            _ => {}
        }
        escaped.push(c);
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_make_reads_them() {
        for (name, expect) in [
            ("plain/a.h", "plain/a.h"),
            ("with space", "with\\ space"),
            ("a$b#c", "a$$b\\#c"),
            ("back\\ slash", "back\\\\\\ slash"),
        ] {
            assert_eq!(escape(Path::new(name)), expect);
        }
    }

    #[test]
    fn every_target_depends_on_every_prerequisite() {
        let targets = ["out/a.h", "out/a.bpf.o"].map(Path::new);
        let prerequisites = ["a.onnx", "skxc.toml"].map(Path::new);
        assert_eq!(
            text(targets.into_iter(), prerequisites.into_iter()),
            "out/a.h out/a.bpf.o: \\\n  a.onnx \\\n  skxc.toml\n\na.onnx:\n\nskxc.toml:\n"
        );
    }
}
