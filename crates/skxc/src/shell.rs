//! Words of a shell: what messages tell to type is typed as it stands.

use skxc_diagnostics::escape_to_one_line;

/// A text as one word of a shell: bare where no character has a meaning to it,
/// else in quotes. What a terminal would not show as it is (control characters)
/// is written in `$'...'`, which bash, ksh, zsh and POSIX 2024 read.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+=@%:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if escape_to_one_line(text) == text {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let byte = |byte: u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        // Octal: hexadecimal digits that follow would be taken for more of it.
        _ => format!("\\{byte:03o}"),
    };
    format!("$'{}'", text.bytes().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for (text, expect) in [
            ("a/b-1.onnx", "a/b-1.onnx"),
            ("-1=drop", "-1=drop"),
            ("a,b=drop", "a,b=drop"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("~x*$y", "'~x*$y'"),
            ("größe", "'größe'"),
            ("a\nb\\'c\u{1b}7", "$'a\\012b\\\\\\'c\\0337'"),
        ] {
            assert_eq!(word(text), expect, "{text:?}");
            let read = Command::new("bash")
                .args(["-c", &format!("printf %s {}", word(text))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(read.stdout).unwrap(), text);
        }
    }
}
