//! Lines of Markdown fit a terminal, and its links lead to files of the project.
//! Tables, code and links that cannot be broken may be longer.

use std::path::Path;

/// Characters of a line.
pub(super) const WIDTH_MAX: usize = 120;

/// Numbers, from 1, and lengths of the lines that are too long.
pub(super) fn long_lines(text: &str) -> Vec<(usize, usize)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let is_fence = start.starts_with("```");
        in_code ^= is_fence;
        let length = line.chars().count();
        let free = in_code || is_fence || start.starts_with('|') || is_one_link(start);
        if length > WIDTH_MAX && !free {
            found.push((index + 1, length));
        }
    }
    found
}

/// Targets of links that are no files below `folder`, where the document lies.
pub(super) fn broken_links<'a>(text: &'a str, folder: &Path) -> Vec<&'a str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files
        .filter(|target| {
            let path = target.split('#').next().unwrap_or_default();
            !folder.join(path).exists()
        })
        .collect()
}

/// Is the line, behind the sign of a list, without a space to break at?
fn is_one_link(line: &str) -> bool {
    let text = line.strip_prefix("- ").unwrap_or(line);
    text.contains("](") && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_found_and_long_tables_are_not() {
        let long = "word ".repeat(30);
        assert_eq!(long_lines(&format!("short\n{long}\n")), [(2, 150)]);
        assert!(long_lines(&format!("| {long}|\n")).is_empty());
        assert!(long_lines(&format!("```\n{long}\n```\n")).is_empty());
        assert_eq!(long_lines(&format!("```\na\n```\n{long}\n")), [(4, 150)]);
        assert!(long_lines(&format!("- [a]({})\n", "b".repeat(130))).is_empty());
        // Characters count, not bytes.
        assert!(long_lines(&"é".repeat(WIDTH_MAX)).is_empty());
    }

    #[test]
    fn a_link_to_no_file_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text =
            "[a](Cargo.toml) [b](src/main.rs#c) [d](https://e.org/f) [g](#h) [i](no/file.md)";
        assert_eq!(broken_links(text, root), ["no/file.md"]);
    }
}
