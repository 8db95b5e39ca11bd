//! Makes text from outside safe to print.
//!
//! codespan-reporting passes terminal escapes and bidirectional controls of
//! its source through, so they must be gone before. A printable character
//! stays; anything else becomes `\u{..}`.

use std::fmt::Write as _;

/// Escapes everything but printable characters, line feeds and tabs.
#[must_use]
pub fn escape(text: &str) -> String {
    escape_except(text, &['\n', '\t'])
}

/// Escapes everything but printable characters: the result is one line.
#[must_use]
pub fn escape_to_one_line(text: &str) -> String {
    escape_except(text, &[])
}

fn escape_except(text: &str, kept: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if kept.contains(&c) || is_printable(c) {
            out.push(c);
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{}", c.escape_unicode());
        }
    }
    out
}

/// Control characters, and those that reorder or hide their neighbours
/// (Unicode Standard Annex 9; CVE-2021-42574).
fn is_printable(c: char) -> bool {
    let reorders = matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let line_break = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    !(c.is_control() || reorders || line_break)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_reordering_become_visible() {
        assert_eq!(escape("a\x1b[31mb\u{202e}c\nd\te"), "a\\u{1b}[31mb\\u{202e}c\nd\te");
        assert_eq!(escape_to_one_line("a\nb"), "a\\u{a}b");
        assert_eq!(escape("größe `x`"), "größe `x`");
    }
}
