//! The names of classes as an object holds them, for those who read it back from the
//! kernel: one text after another, each ended by a zero byte.
//!
//! What must hold: any names come back as they were. A zero byte within a name is
//! written `\0`, a backslash `\\`.

use skxc_backend_common::layout;
use skxc_ir::{Int, LabelTable, Module, Output};

/// The names of all classes, those of the first label first: `CLASS`, or
/// `OUTPUT.CLASS` where there are several labels.
pub(crate) fn of_module(module: &Module<Int>) -> Vec<String> {
    let several = layout::labels(module).count() > 1;
    let of_label = |(output, table): (&Output, &LabelTable)| {
        let name = |class| match several {
            true => format!("{}.{}", output.name, table.text(class)),
            false => table.text(class),
        };
        (0..table.len()).map(name).collect::<Vec<_>>()
    };
    layout::labels(module).flat_map(of_label).collect()
}

/// What stands for a name in a C string literal.
pub(crate) fn in_literal(name: &str) -> String {
    let mut text = String::new();
    for byte in escape(name).bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            // Else two could be a trigraph.
            b'?' => text.push_str("\\?"),
            b' '..=b'~' => text.push(char::from(byte)),
            // Three digits: no digit behind can belong to it.
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

fn escape(name: &str) -> String {
    name.replace('\\', "\\\\").replace('\0', "\\0")
}

/// Reads the names back from the bytes of the variable; none if they are no names.
#[must_use]
pub fn read_class_names(bytes: &[u8]) -> Option<Vec<String>> {
    let (&0, names) = bytes.split_last()? else { return None };
    let unescape = |name: &[u8]| {
        let mut plain = String::new();
        let mut rest = str::from_utf8(name).ok()?.chars();
        while let Some(c) = rest.next() {
            plain.push(match c {
                '\\' => match rest.next()? {
                    '0' => '\0',
                    '\\' => '\\',
                    _ => return None,
                },
                plain => plain,
            });
        }
        Some(plain)
    };
    names.split(|&byte| byte == 0).map(unescape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        let names = ["benign", "", "a\\0b", "a\0b", "\\", "ä\n\"", "0 ??/", "1.0..2"];
        let bytes: Vec<u8> =
            names.iter().flat_map(|name| [escape(name).as_bytes(), b"\0"].concat()).collect();
        assert_eq!(read_class_names(&bytes).expect("they are names"), names);
        for other in [&b""[..], b"a", b"\\x\0", b"\\\0", b"\xff\0"] {
            assert_eq!(read_class_names(other), None, "{other:?}");
        }
    }

    #[test]
    fn literals_are_plain_c() {
        for (name, expect) in [
            ("scan", "scan"),
            ("a\"b\\", r#"a\"b\\\\"#),
            ("é1", r"\303\2511"),
            ("a\0", r"a\\0"),
            ("??/", r"\?\?/"),
        ] {
            assert_eq!(in_literal(name), expect);
        }
    }
}
