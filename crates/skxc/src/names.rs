//! Names of programs and near misses of names.

use deunicode::deunicode_char;

use crate::digest;

/// Symbols and headers of the runtime have names that start with this word. A
/// keyword is no danger: the name of a program is only ever a prefix.
const TAKEN: &str = "skxc";

/// Longest name of a program: kernel names have 15 characters (linux/bpf.h
/// BPF_OBJ_NAME_LEN), and the name is a prefix there; file systems have 255.
const NAME_BYTES_MAX: usize = 64;

/// Hexadecimal digits that tell apart names made of different files.
const DIGEST_DIGITS: usize = 8;

/// Is `name` a C identifier, in lower case, that a program can have?
pub(crate) fn is_program_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    let goes_on = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    starts && goes_on && name.len() <= NAME_BYTES_MAX && !is_taken(name)
}

fn is_taken(name: &str) -> bool {
    name.strip_prefix(TAKEN).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// Is `name` a C identifier that a column can have? No generated name collides
/// with it: those start with the name of the program or with `skxc_`.
pub(crate) fn is_column_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic());
    let goes_on = bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    starts && goes_on && name.len() <= NAME_BYTES_MAX
}

/// A program name made of the stem of a file name: its letters in Latin script,
/// as they sound, and `_` for what is neither letter nor digit. Where a character
/// has no such form, or the name is too long, it ends in a digest of the stem, so
/// that two files do not get one name.
pub(crate) fn program_name_of(stem: &str) -> String {
    let mut name = String::new();
    let mut is_told = true;
    for c in stem.chars() {
        if c.is_ascii() {
            name.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
            continue;
        }
        let latin = deunicode_char(c).unwrap_or_default();
        is_told &= !latin.is_empty();
        let letters = latin.chars().filter(char::is_ascii_alphanumeric);
        name.extend(letters.map(|letter| letter.to_ascii_lowercase()));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || is_taken(&name) {
        name.insert(0, 'm');
    }
    if !is_told || name.len() > NAME_BYTES_MAX {
        let digest = &digest::sha256(stem.as_bytes())[..DIGEST_DIGITS];
        name.truncate(NAME_BYTES_MAX - 1 - DIGEST_DIGITS);
        name = format!("{name}_{digest}");
    }
    name
}

/// The names near to `wanted`, nearest first; at most three, none that differs in
/// more than a quarter of the characters of the longer name, or in one of three.
pub(crate) fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(NAME_BYTES_MAX).collect();
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let chars: Vec<char> = name.to_lowercase().chars().take(NAME_BYTES_MAX).collect();
            let distance = edits(&wanted, &chars);
            let longest = wanted.len().max(chars.len());
            let is_near = distance * 4 <= longest || (distance == 1 && longest == 3);
            is_near.then_some((distance, name))
        })
        .collect();
    near.sort_by_key(|&(distance, _)| distance);
    // The same name may come from two lists; its distances are then equal.
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The number of characters that are put in, left out, replaced or exchanged with
/// their neighbour (optimal string alignment), row by row.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_become_program_names() {
        for (stem, name) in [
            ("portscan", "portscan"),
            ("Flow-MLP v2", "flow_mlp_v2"),
            ("2024", "m2024"),
            ("", "m"),
            (".onnx", "m_onnx"),
            ("größe", "grosse"),
            ("модель", "model"),
            ("дерево 2", "derevo_2"),
            ("异常", "yichang"),
            ("skxc", "mskxc"),
            ("skxc_parse", "mskxc_parse"),
            ("bpf", "bpf"),
            ("int", "int"),
        ] {
            assert_eq!(program_name_of(stem), name);
            assert!(is_program_name(name));
        }
        // What has no Latin form, and what is too long, is told apart.
        let long = "x".repeat(70);
        let stems = ["\u{e000}\u{e001}", "\u{e001}\u{e000}", &long, &long[1..]];
        let names = stems.map(program_name_of);
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        assert!(names.iter().all(|name| is_program_name(name)), "{names:?}");
        assert!(!is_program_name("skxc_parse"));
        assert!(!is_program_name("Port"));
        assert!(!is_program_name("a-b"));
    }

    #[test]
    fn near_names_are_found_in_order() {
        let names = ["ip_ttl", "ip_id", "tcp_dest_port", "udp_dest_port"];
        assert_eq!(closest("tcp_dst_port", names.into_iter()), ["tcp_dest_port", "udp_dest_port"]);
        assert_eq!(closest("ip_tll", names.into_iter()), ["ip_ttl"]);
        assert!(closest("payload", names.into_iter()).is_empty());
        // Another word in the same place is another name.
        assert!(closest("queue_length", ["udp_length"].into_iter()).is_empty());
        assert_eq!(closest("ab1", ["abc"].into_iter()), ["abc"]);
        assert_eq!(closest("dorp", ["drop"].into_iter()), ["drop"]);
        assert!(closest("rdpo", ["drop"].into_iter()).is_empty());
        assert_eq!(closest("ip_tl", ["ip_ttl", "ip_ttl"].into_iter()), ["ip_ttl"]);
    }
}
