//! Words, numbers and strings of one line.

use std::ops::Range;
use std::str::FromStr;

use skxc_diagnostics::{Code, codes, escape_to_one_line};

use super::TextError;

/// Boxed, since it is large and rare.
pub(crate) type Parsed<T> = Result<T, Box<TextError>>;

/// Reads a line from left to right. Space between tokens means nothing, and a
/// semicolon outside a string starts a comment.
#[derive(Clone, Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Cursor<'t> {
    /// Reads the line of `text` that is `line`.
    pub(super) fn new(text: &'t str, line: Range<usize>) -> Self {
        Self { text, at: line.start, end: line.end }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..self.end]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    }

    /// Is there nothing but a comment left?
    pub(super) fn is_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.end || self.rest().starts_with(';')
    }

    /// Where the next token starts.
    pub(super) fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The next character.
    pub(super) fn peek(&mut self) -> Option<char> {
        if self.is_end() { None } else { self.rest().chars().next() }
    }

    /// Does the rest start with this text, whatever follows?
    pub(super) fn starts(&mut self, text: &str) -> bool {
        self.skip_space();
        self.rest().starts_with(text)
    }

    /// Takes `token` if it comes next. A word must end where `token` does.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let Some(behind) = self.rest().strip_prefix(token) else { return false };
        let cuts_word = token.ends_with(is_word_char) && behind.starts_with(is_word_char);
        if cuts_word {
            return false;
        }
        self.at += token.len();
        true
    }

    /// Takes `token` or says that it is missing.
    pub(super) fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(&format!("`{token}`"))) }
    }

    /// Says that something is left over.
    pub(super) fn expect_end(&mut self) -> Parsed<()> {
        if self.is_end() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Takes a word of letters, digits and underscores that starts with none
    /// of the digits.
    pub(super) fn word(&mut self) -> Parsed<&'t str> {
        self.skip_space();
        let word = self.take_while(is_word_char);
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            self.at -= word.len();
            return Err(self.expected("a word"));
        }
        Ok(word)
    }

    /// Takes a name: a word or a string.
    pub(super) fn name(&mut self) -> Parsed<String> {
        if self.peek() == Some('"') { self.string() } else { Ok(self.word()?.to_owned()) }
    }

    /// Takes the number of a handle, such as `12` of `@c12`.
    pub(super) fn handle(&mut self, prefix: &str) -> Parsed<u32> {
        self.skip_space();
        let start = self.at;
        let name = || format!("a name such as `{prefix}0`");
        let Some(behind) = self.rest().strip_prefix(prefix) else {
            return Err(self.expected(&name()));
        };
        if !behind.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.expected(&name()));
        }
        self.at += prefix.len();
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| {
            let message = format!("`{prefix}{digits}` is beyond all names");
            self.error(codes::TEXT_NAME, start, message)
        })
    }

    /// Does a handle with this prefix come next?
    pub(super) fn is_handle(&mut self, prefix: &str) -> bool {
        self.skip_space();
        let behind = self.rest().strip_prefix(prefix);
        behind.is_some_and(|behind| behind.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Takes an integer without a fraction.
    pub(super) fn integer<T: FromStr>(&mut self) -> Parsed<T> {
        self.skip_space();
        let start = self.at;
        let digits = {
            if self.rest().starts_with('-') {
                self.at += 1;
            }
            let digits = self.take_while(|c| c.is_ascii_digit());
            if self.rest().starts_with(is_word_char) { "" } else { digits }
        };
        if digits.is_empty() {
            self.at = start;
            return Err(self.expected("an integer"));
        }
        let literal = &self.text[start..self.at];
        literal.parse().map_err(|_| {
            let message = format!("`{literal}` is not a number of this range");
            self.error(codes::TEXT_SYNTAX, start, message)
        })
    }

    /// Takes the extent of an axis, which `x` may follow: `1x20`.
    pub(super) fn extent(&mut self) -> Parsed<u32> {
        self.skip_space();
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Err(self.expected("an extent"));
        }
        digits.parse().map_err(|_| {
            let message = format!("the extent `{digits}` is too large");
            self.error(codes::TEXT_LIMIT, start, message)
        })
    }

    /// Takes the `x` between two extents if it comes next.
    pub(super) fn eat_cross(&mut self) -> bool {
        let found = self.rest().starts_with('x');
        self.at += usize::from(found);
        found
    }

    /// Takes a number as `{:?}` of `f64` writes it; `inf`, `-inf` and `nan` too.
    pub(super) fn float(&mut self) -> Parsed<f64> {
        self.skip_space();
        let start = self.at;
        let literal = self.take_while(|c| is_word_char(c) || matches!(c, '.' | '-' | '+'));
        let is_number = literal.contains(|c: char| c.is_ascii_digit())
            || matches!(literal, "inf" | "-inf" | "nan");
        match literal.parse() {
            Ok(number) if is_number => Ok(number),
            _ => {
                self.at = start;
                Err(self.expected("a number"))
            }
        }
    }

    /// Takes a string in quotes; `\"`, `\\` and `\u{61}` stand for a character.
    pub(super) fn string(&mut self) -> Parsed<String> {
        self.skip_space();
        let start = self.at;
        if !self.rest().starts_with('"') {
            return Err(self.expected("a string"));
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            string.push_str(self.take_while(|c| !matches!(c, '"' | '\\')));
            if self.rest().starts_with('"') {
                self.at += 1;
                return Ok(string);
            }
            if self.rest().is_empty() {
                let message = "the string does not end".to_owned();
                return Err(self.error(codes::TEXT_SYNTAX, start, message));
            }
            string.push(self.escape()?);
        }
    }

    /// Takes an escape from its backslash on.
    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let rest = self.rest();
        if let Some(&quoted @ (b'"' | b'\\')) = rest.as_bytes().get(1) {
            self.at += 2;
            return Ok(char::from(quoted));
        }
        let code = rest.strip_prefix("\\u{").and_then(|behind| behind.split_once('}'));
        let c = code.filter(|(digits, _)| digits.len() <= 6).and_then(|(digits, _)| {
            let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            c.map(|c| (c, digits.len()))
        });
        if let Some((c, digits)) = c {
            self.at += "\\u{}".len() + digits;
            Ok(c)
        } else {
            self.at += 1;
            let message = "the escape is none of `\\\"`, `\\\\` and `\\u{61}`".to_owned();
            Err(self.error(codes::TEXT_SYNTAX, start, message))
        }
    }

    /// Takes `[a, b, c]` with what `item` takes, at most `max` of it.
    pub(super) fn list<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(items);
        }
        loop {
            if items.len() == max {
                let start = self.position();
                let message = format!("the list is longer than {max}");
                return Err(self.error(codes::TEXT_LIMIT, start, message));
            }
            items.push(item(self)?);
            if !self.eat(",") {
                self.expect("]")?;
                return Ok(items);
            }
        }
    }

    fn take_while(&mut self, mut keep: impl FnMut(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Says what should stand at the next token.
    pub(super) fn expected(&mut self, what: &str) -> Box<TextError> {
        let start = self.position();
        let found = if self.is_end() {
            "the end of the line".to_owned()
        } else {
            let token = self.clone().token();
            let shown: String = token.chars().take(40).collect();
            self.at += token.len();
            format!("`{}`", escape_to_one_line(&shown))
        };
        let mut error = self.error(codes::TEXT_SYNTAX, start, format!("expected {what}"));
        error.label = format!("found {found}");
        error
    }

    /// Some text that a reader takes for one thing.
    fn token(mut self) -> &'t str {
        let word = self.take_while(is_word_char);
        if word.is_empty() {
            let first = self.rest().chars().next().map_or(0, char::len_utf8);
            &self.rest()[..first]
        } else {
            word
        }
    }

    /// An error about what stands between `start` and here.
    pub(super) fn error(&self, code: Code, start: usize, message: String) -> Box<TextError> {
        Box::new(TextError { code, message, span: start..self.at, label: String::new() })
    }
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
