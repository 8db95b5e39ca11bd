//! Places that share six lines of code or more.
//!
//! Blank lines, comments, imports and lines of punctuation alone do not count;
//! white space at the ends of a line does not either. A run of lines that
//! stands in many places is the form of the language, and is left out.

use std::collections::HashMap;

/// Lines that a run must have.
const LINES_MIN: usize = 6;
/// Places beyond which a run is too common to be anybody's copy.
const PLACES_MAX: usize = 8;

/// Lines of a text, both ends included, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the text.
    pub(super) text: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// A line of code: where it stands, and what it says.
struct Line<'a> {
    number: usize,
    text: &'a str,
}

/// The pairs of places among `texts`, each as long as it goes.
pub(super) fn pairs(texts: &[String]) -> Vec<[Place; 2]> {
    let lines: Vec<Vec<Line<'_>>> = texts.iter().map(|text| code(text)).collect();
    let mut places: HashMap<Vec<&str>, Vec<(usize, usize)>> = HashMap::new();
    for (file, lines) in lines.iter().enumerate() {
        for (start, window) in lines.windows(LINES_MIN).enumerate() {
            let run = window.iter().map(|line| line.text).collect();
            places.entry(run).or_default().push((file, start));
        }
    }
    let mut pairs = Vec::new();
    for places in places.values().filter(|places| (2..=PLACES_MAX).contains(&places.len())) {
        for (index, &a) in places.iter().enumerate() {
            for &b in &places[index + 1..] {
                pairs.extend(whole(&lines, a, b));
            }
        }
    }
    pairs.sort();
    pairs
}

/// The run that starts at `a` and `b`, unless it started before.
fn whole(lines: &[Vec<Line<'_>>], a: (usize, usize), b: (usize, usize)) -> Option<[Place; 2]> {
    let text = |(file, line): (usize, usize), offset: usize| {
        lines[file].get(line + offset).map(|line| line.text)
    };
    let before =
        |(file, line): (usize, usize)| line.checked_sub(1).map(|line| lines[file][line].text);
    if before(a).is_some() && before(a) == before(b) {
        return None;
    }
    let mut length = LINES_MIN;
    while text(a, length).is_some() && text(a, length) == text(b, length) {
        length += 1;
    }
    let overlap = a.0 == b.0 && a.1.abs_diff(b.1) < length;
    let place = |(text, line): (usize, usize)| Place {
        text,
        first: lines[text][line].number,
        last: lines[text][line + length - 1].number,
    };
    (!overlap).then(|| [place(a), place(b)])
}

fn code(text: &str) -> Vec<Line<'_>> {
    let lines = text.lines().enumerate().map(|(index, text)| (index + 1, text.trim()));
    lines.filter(|(_, text)| counts(text)).map(|(number, text)| Line { number, text }).collect()
}

fn counts(line: &str) -> bool {
    let ignored = ["//", "/*", "*", "use ", "pub use ", "mod ", "#include"];
    !ignored.iter().any(|start| line.starts_with(start)) && line.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[&str]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_run_is_found_as_long_as_it_goes() {
        let run = ["a();", "b();", "// not code", "c();", "d();", "", "e();", "f();", "g();"];
        let a = text(&[&["x();"], &run[..]].concat());
        let b = text(&[&run[..], &["y();"]].concat());
        assert_eq!(
            pairs(&[a, b]),
            [[Place { text: 0, first: 2, last: 10 }, Place { text: 1, first: 1, last: 9 }]]
        );
    }

    #[test]
    fn fewer_lines_are_no_copy() {
        let run = text(&["a();", "b();", "c();", "d();", "e();", "}"]);
        assert!(pairs(&[run.clone(), run]).is_empty());
    }
}
