//! What every file of the project must be like.

use std::fs;
use std::io;
use std::path::Path;

use super::{Finding, markdown, words};
use crate::project;

const FILE_LINES_MAX: usize = 1000;
const FUNCTION_LINES_MAX: usize = 70;
/// Fewer name nothing: `/// Which.`
const DOC_WORDS_MIN: usize = 3;
/// Files that others `include!`: no modules, so they cannot open as one.
const INCLUDED: [&str; 1] = ["bpf/runtime/src/table.rs"];
const CODES: &str = "crates/skxc-diagnostics/src/codes.rs";
const CASES: &str = "tests/diagnostics";

/// Checks every file, and that each diagnostic has a test case.
pub(super) fn check(root: &Path) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let here = root.display().to_string();
    for file in project::files(root)? {
        // Captures and models are not text.
        let path = root.join(&file);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = file.display().to_string();
        check_file(&name, &text, &here, &mut findings);
        if let (true, Some(folder)) = (name.ends_with(".md"), path.parent()) {
            let broken = markdown::broken_links(&text, folder).into_iter();
            findings
                .extend(broken.map(|it| Finding::new(&name, format!("a link to no file: {it}"))));
        }
    }
    check_cases(root, &mut findings)?;
    Ok(findings)
}

fn check_file(name: &str, text: &str, here: &str, findings: &mut Vec<Finding>) {
    let mut found = |line: usize, what: String| {
        findings.push(Finding::new(format!("{name}:{line}"), what));
    };
    if text.contains(here) {
        found(1, "names the folder that the project lies in".to_owned());
    }
    let extension = name.rsplit('.').next().unwrap_or_default();
    let first_lines = text.lines().take(3).collect::<Vec<_>>().join("\n");
    let generated = first_lines.contains("@generated");
    match extension {
        "rs" if !generated => {
            check_rust(name, text, &mut found);
            check_docs(text, &mut found);
            check_words(name, text, &mut found);
        }
        "md" => {
            check_markdown(text, &mut found);
            check_words(name, text, &mut found);
        }
        "c" | "h" if !first_lines.contains("SPDX-License-Identifier: ") => {
            found(1, "lacks a licence line (SPDX-License-Identifier)".to_owned());
        }
        _ => {}
    }
}

/// Finds doc comments that say nothing about their item.
fn check_docs(text: &str, found: &mut impl FnMut(usize, String)) {
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let Some(first) = doc_text(line) else { continue };
        let mut count = first.split_whitespace().count();
        while let Some(more) = lines.peek().and_then(|(_, line)| doc_text(line)) {
            count += more.split_whitespace().count();
            lines.next();
        }
        if count < DOC_WORDS_MIN {
            found(index + 1, format!("a doc comment of {count} words, at least {DOC_WORDS_MIN}"));
        }
    }
}

/// The text of a line of a doc comment.
fn doc_text(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("///").filter(|text| !text.starts_with('/'))
}

fn check_markdown(text: &str, found: &mut impl FnMut(usize, String)) {
    for (line, length) in markdown::long_lines(text) {
        found(line, format!("{length} characters, at most {}", markdown::WIDTH_MAX));
    }
}

fn check_words(name: &str, text: &str, found: &mut impl FnMut(usize, String)) {
    if name == words::FILE {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        for (word, instead) in words::private(line) {
            found(index + 1, format!("the private word `{word}`: say {instead}"));
        }
    }
}

fn check_rust(name: &str, text: &str, found: &mut impl FnMut(usize, String)) {
    let lines: Vec<&str> = text.lines().collect();
    if !text.starts_with("//!") && !INCLUDED.contains(&name) {
        found(1, "does not open with `//!`".to_owned());
    }
    if lines.len() > FILE_LINES_MAX {
        found(1, format!("{} lines, at most {FILE_LINES_MAX}", lines.len()));
    }
    for (index, line) in lines.iter().enumerate() {
        // Spelled apart, or this line would be the first finding.
        let marker = concat!("TO", "DO");
        if line.split_once(marker).is_some_and(|(_, rest)| !rest.starts_with("(#")) {
            found(index + 1, format!("`{marker}` without the number of an issue"));
        }
        let length = function_length(&lines[index..]);
        if let Some(length) = length.filter(|&length| length > FUNCTION_LINES_MAX) {
            let what = format!("a function of {length} lines, at most {FUNCTION_LINES_MAX}");
            found(index + 1, what);
        }
    }
}

/// Lines of the function that starts on the first of `lines`, if one does and
/// it is not one flat match. rustfmt puts its end at its own indentation.
fn function_length(lines: &[&str]) -> Option<usize> {
    let first = lines[0];
    let indentation = first.len() - first.trim_start().len();
    let words =
        first.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
    let words = words.trim_start_matches("pub ").trim_start_matches("const ");
    if !words.starts_with("fn ") {
        return None;
    }
    let body = lines.iter().position(|line| line.ends_with(['{', ';', '}']))? + 1;
    if !lines[body - 1].ends_with('{') {
        // A declaration, or all on one line.
        return None;
    }
    let end = format!("{}}}", " ".repeat(indentation));
    let length = lines.iter().position(|line| *line == end)? + 1;
    let flat_match = lines.get(body).is_some_and(|line| line.trim_start().starts_with("match "));
    (!flat_match).then_some(length)
}

fn check_cases(root: &Path, findings: &mut Vec<Finding>) -> io::Result<()> {
    let table = fs::read_to_string(root.join(CODES))?;
    // A line of the table, not of a test: `NAME = 102, "SKX0102", "title";`.
    let lines = table.lines().filter(|line| line.contains(" = ") && line.ends_with("\";"));
    let words = lines.filter_map(|line| line.split('"').nth(1));
    for code in words.filter(|word| is_code(word)) {
        let cases = fs::read_dir(root.join(CASES).join(code)).map_or(0, Iterator::count);
        if cases == 0 {
            findings.push(Finding::new(CODES, format!("{code} has no case in {CASES}/{code}")));
        }
    }
    Ok(())
}

fn is_code(word: &str) -> bool {
    word.strip_prefix("SKX")
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_file(name, text, "/home/somebody/skxc", &mut findings);
        findings.into_iter().map(|finding| format!("{}: {}", finding.place, finding.what)).collect()
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        assert!(check("a.rs", "//! A.\n\nfn a() {\n    b();\n}\n").is_empty());
        assert!(check("a.h", "/* SPDX-License-Identifier: GPL-2.0 */\n").is_empty());
    }

    #[test]
    fn each_rule_finds_its_case() {
        assert_eq!(check("a.rs", "fn a() {}\n"), ["a.rs:1: does not open with `//!`"]);
        let marker = concat!("TO", "DO");
        assert_eq!(check("a.rs", &format!("//! A.\n// {marker}: b\n")).len(), 1);
        assert!(check("a.rs", &format!("//! A.\n// {marker}(#7): b\n")).is_empty());
        assert_eq!(check("a.md", "see /home/somebody/skxc/out\n").len(), 1);
        assert_eq!(check("a.c", "int a;\n").len(), 1);
        assert_eq!(check("a.md", &"word ".repeat(30)), ["a.md:1: 150 characters, at most 120"]);
        let short =
            check("a.rs", "//! A.\n/// The b.\nfn b() {}\n/// One b\n/// more.\nfn c() {}\n");
        assert_eq!(short, ["a.rs:2: a doc comment of 2 words, at least 3"]);
        let word = words::PRIVATE[0].0;
        assert_eq!(check("a.md", &format!("a {word} row\n")).len(), 1);
        assert_eq!(check("a.rs", &format!("//! A.\nfn {word}_row() {{}}\n")).len(), 1);
        let long = format!("//! A.\nfn a() {{\n{}}}\n", "    b();\n".repeat(70));
        assert_eq!(check("a.rs", &long), ["a.rs:2: a function of 72 lines, at most 70"]);
        let flat = format!(
            "//! A.\nfn a() {{\n    match b {{\n{}    }}\n}}\n",
            "        C => d(),\n".repeat(70)
        );
        assert!(check("a.rs", &flat).is_empty());
    }
}
