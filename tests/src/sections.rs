//! A `.skir` test file: directives, the module, and what each command expects.
//!
//! ```text
//! ; test: print
//! ; test: run
//! int tiny
//! ...
//! ; run: (3) == 1 [0, 5]
//! ; == print
//! ; int tiny
//! ; ...
//! ```

use std::collections::BTreeMap;

/// A test file taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestFile {
    /// Everything before the first section, directives and `run:` lines included.
    pub(crate) head: String,
    /// The commands of the `; test:` lines, in order.
    pub(crate) commands: Vec<String>,
    /// Expected text by command, without the comment marks.
    expected: BTreeMap<String, String>,
}

const TEST: &str = "; test: ";
const SECTION: &str = "; == ";

impl TestFile {
    /// Takes a text apart.
    pub(crate) fn parse(text: &str) -> Self {
        let head_end = text.find(&format!("\n{SECTION}")).map_or(text.len(), |at| at + 1);
        let (head, tail) = text.split_at(head_end);
        let commands = head.lines().filter_map(|line| line.strip_prefix(TEST));
        let mut expected: BTreeMap<String, String> = BTreeMap::new();
        let mut current = None;
        for line in tail.lines() {
            if let Some(command) = line.strip_prefix(SECTION) {
                current = Some(expected.entry(command.to_owned()).or_default());
            } else if let Some(section) = &mut current {
                let line = line.strip_prefix("; ").or(line.strip_prefix(';')).unwrap_or(line);
                section.push_str(line);
                section.push('\n');
            }
        }
        Self {
            head: head.to_owned(),
            commands: commands.map(|command| command.trim().to_owned()).collect(),
            expected,
        }
    }

    /// What `command` is expected to say.
    pub(crate) fn expected(&self, command: &str) -> &str {
        self.expected.get(command).map_or("", String::as_str)
    }

    /// The text with these sections instead.
    pub(crate) fn with_sections(&self, found: &[(String, String)]) -> String {
        let mut text = self.head.clone();
        if !found.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
        for (command, section) in found {
            text.push_str(SECTION);
            text.push_str(command);
            text.push('\n');
            for line in section.lines() {
                text.push_str(if line.is_empty() { ";" } else { "; " });
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_apart_and_together() {
        let text =
            "; test: print\nint tiny\n; run: (1) == 0 []\n\n; == print\n; int tiny\n;\n; b\n";
        let file = TestFile::parse(text);
        assert_eq!(file.commands, ["print"]);
        assert_eq!(file.head, "; test: print\nint tiny\n; run: (1) == 0 []\n\n");
        assert_eq!(file.expected("print"), "int tiny\n\nb\n");
        assert_eq!(file.with_sections(&[("print".into(), "int tiny\n\nb\n".into())]), text);
    }
}
