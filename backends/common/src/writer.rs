//! Text of a C file: indentation by tabs, lines of at most 80 columns.
//!
//! Text of the model reaches a file through [`Writer::comment`] only, which
//! makes sure that it cannot end the comment it stands in.

/// Columns of a line; a tab goes to the next multiple of 8.
const COLUMNS: usize = 80;
const TAB: usize = 8;

/// A C file while it is written.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    text: String,
    indent: usize,
}

impl Writer {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text so far.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// A line at the current indentation; a preprocessor line starts at the
    /// margin; an empty line has no blanks.
    pub fn line(&mut self, line: &str) {
        if !line.is_empty() && !line.starts_with('#') {
            self.text.extend(std::iter::repeat_n('\t', self.indent));
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Several lines, each as [`Writer::line`] takes it. Tabs within count on
    /// top of the current indentation.
    pub fn lines(&mut self, lines: &str) {
        for line in lines.lines() {
            self.line(line);
        }
    }

    /// A line, and what follows is one step further in.
    pub fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 1;
    }

    /// One step back out, then a line.
    pub fn close(&mut self, line: &str) {
        self.indent -= 1;
        self.line(line);
    }

    /// Do two pieces and a blank between them fit a line here?
    #[must_use]
    pub fn fits(&self, first: &str, second: &str) -> bool {
        self.indent * TAB + first.len() + 1 + second.len() <= COLUMNS
    }

    /// Sets the indentation in tabs.
    pub fn indent_to(&mut self, tabs: usize) {
        self.indent = tabs;
    }

    /// A statement that may need several lines: `pieces` are joined by blanks
    /// and broken between any two of them.
    pub fn wrapped(&mut self, pieces: &[String]) {
        let mut width = self.indent * TAB;
        let mut line = String::new();
        for piece in pieces {
            if !line.is_empty() && width + 1 + piece.len() > COLUMNS {
                self.line(&line);
                // Continuation: two tabs further in, unlike a block.
                line = "\t\t".to_owned();
                width = (self.indent + 2) * TAB;
            } else if !line.is_empty() {
                line.push(' ');
                width += 1;
            }
            line.push_str(piece);
            width += piece.len();
        }
        self.line(&line);
    }

    /// A comment; short ones on one line. Each element of `paragraphs` starts
    /// a new line and is wrapped at blanks; an empty one is an empty line.
    pub fn comment(&mut self, paragraphs: &[String]) {
        if let [one] = paragraphs {
            let one = comment_text(one).trim_end().to_owned();
            if self.indent * TAB + one.len() + 6 <= COLUMNS && !one.is_empty() {
                self.line(&format!("/* {one} */"));
                return;
            }
        }
        self.line("/*");
        for paragraph in paragraphs {
            self.comment_lines(comment_text(paragraph).trim_end());
        }
        self.line(" */");
    }

    /// Wraps one paragraph. Leading tabs are kept on every line of it.
    fn comment_lines(&mut self, paragraph: &str) {
        let words = paragraph.trim_start_matches('\t');
        let tabs = &paragraph[..paragraph.len() - words.len()];
        let prefix = if tabs.is_empty() { " *".to_owned() } else { format!(" *{tabs}") };
        let start = if tabs.is_empty() { 2 } else { tabs.len() * TAB };
        let blank = if tabs.is_empty() && !words.is_empty() { " " } else { "" };
        if self.indent * TAB + start + blank.len() + words.len() <= COLUMNS {
            // A row of a table keeps its blanks.
            self.line(&format!("{prefix}{blank}{words}"));
            return;
        }
        let mut line = prefix.clone();
        let mut width = self.indent * TAB + start;
        let mut fresh = true;
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if !fresh && width + 1 + length > COLUMNS {
                self.line(&line);
                line.clone_from(&prefix);
                width = self.indent * TAB + start;
                fresh = true;
            }
            if !fresh || tabs.is_empty() {
                line.push(' ');
                width += 1;
            }
            line.push_str(word);
            width += length;
            fresh = false;
        }
        self.line(&line);
    }

    /// Elements of an initialiser, as many on a line as fit.
    pub fn elements<'t>(&mut self, elements: impl Iterator<Item = &'t str>) {
        let mut line = String::new();
        for element in elements {
            let needed = line.len() + 1 + element.len() + 1;
            if !line.is_empty() && self.indent * TAB + needed > COLUMNS {
                self.line(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(element);
            line.push(',');
        }
        if !line.is_empty() {
            self.line(&line);
        }
    }
}

/// `text` as it may stand in a comment: printable ASCII and tabs, no end of
/// comment, no start of one, no trigraph, no backslash.
#[must_use]
pub fn comment_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let previous = safe.chars().next_back();
        match (previous, c) {
            (Some('*'), '/') | (Some('/'), '*') | (Some('?'), '?') => {
                safe.push(' ');
                safe.push(c);
            }
            (_, '\\') => safe.push('|'),
            (_, ' '..='~' | '\t') => safe.push(c),
            _ => safe.push('?'),
        }
    }
    // A replaced character may have made a new pair.
    while safe.contains("??") {
        safe = safe.replace("??", "? ?");
    }
    safe
}

/// A signed 64-bit literal. The least number has no literal of its own in C.
#[must_use]
pub fn literal(x: i64) -> String {
    match i32::try_from(x) {
        Ok(small) if small != i32::MIN => small.to_string(),
        _ => wide_literal(x),
    }
}

/// An integer as a constant of C that is a `long long`, whatever its size.
#[must_use]
pub fn wide_literal(x: i64) -> String {
    if x == i64::MIN { "(-9223372036854775807LL - 1)".to_owned() } else { format!("{x}LL") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_text_cannot_leave_a_comment() {
        for hostile in ["*/ system(); /*", "a\nb", "??/", "x \\", "/*/", "**//", "\u{202e}*\u{0}/"]
        {
            let safe = comment_text(hostile);
            for bad in ["*/", "/*", "??", "\\", "\n"] {
                assert!(!safe.contains(bad), "{hostile:?} became {safe:?}");
            }
        }
    }

    #[test]
    fn lines_stay_within_80_columns() {
        let mut writer = Writer::new();
        writer.open("{");
        writer.comment(&["word ".repeat(60), String::new(), format!("\t\t{}", "word ".repeat(40))]);
        let pieces: Vec<String> = (0..40).map(|x| format!("a{x} +")).collect();
        writer.wrapped(&pieces);
        let numbers: Vec<String> = (0..100).map(|x| literal(x << 30)).collect();
        writer.elements(numbers.iter().map(String::as_str));
        writer.close("}");
        for line in writer.finish().lines() {
            let width =
                line.chars().fold(0, |at, c| if c == '\t' { at / 8 * 8 + 8 } else { at + 1 });
            assert!(width <= 80, "{width}: {line}");
            assert!(!line.ends_with(' '), "{line:?}");
        }
    }

    #[test]
    fn literals_are_exact() {
        assert_eq!(literal(-5), "-5");
        assert_eq!(literal(i64::from(i32::MIN)), "-2147483648LL");
        assert_eq!(literal(i64::MIN), "(-9223372036854775807LL - 1)");
    }
}
