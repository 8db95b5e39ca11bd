//! Any text through the parser of the text form, and what it reads on to C.

use skxc_diagnostics::{Sources, Style, render};
use skxc_ir::random::Random;
use skxc_ir::validate::{Rules, Validated, Validator};
use skxc_ir::{Int, Module, Real, text};

use crate::{lowered, pick};

/// Nothing panics; what parses prints as a text that parses as the same module,
/// valid or not; what is valid goes on to C.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<(), String> {
    match text::domain(text) {
        Some("real") => match read::<Real>(text)? {
            Some(module) => lowered::check_real(&module),
            None => Ok(()),
        },
        _ => match read::<Int>(text)? {
            Some(module) => lowered::check_int(&module),
            None => Ok(()),
        },
    }
}

fn read<D: Rules + text::Notation>(text: &str) -> Result<Option<Validated<D>>, String> {
    // Of any text, however it is written.
    if let Ok(module) = text::parse::<D>(text) {
        lowered::check_text(&module)?;
    }
    let mut sources = Sources::default();
    let source = sources.add("fuzz", text);
    // A source is escaped, so that spans are true in what is shown.
    let parsed: Result<Module<D>, _> = text::parse(sources.text(source));
    let read = text::read::<D>(&sources, source);
    if let Err(found) = &read
        && render(&sources, found, Style::Plain).contains('\x1b')
    {
        return Err("an escape character is not escaped".to_owned());
    }
    match (parsed, read) {
        (Err(_), Ok(_)) => Err("`read` takes what `parse` refuses".to_owned()),
        (Err(_), Err(_)) => Ok(None),
        (Ok(_), Ok(valid)) => Ok(Some(valid)),
        (Ok(module), Err(_)) => {
            if Validator::check(&module).is_empty() {
                return Err("`read` refuses what is valid".to_owned());
            }
            Ok(None)
        }
    }
}

/// Numbers at which something may end.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "4611686018427387903",
    "4611686018427387904",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0.5",
    "-0.0",
    "1e-300",
    "1e308",
    "nan",
    "inf",
    "62",
];

/// The text with a few lines and words changed.
#[must_use]
pub fn mutate(text: &str, seed: u32) -> String {
    let mut random = Random::new(seed.into());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        change(&mut lines, &mut random);
    }
    joined(&lines)
}

/// The text with a few lines of another.
#[must_use]
pub fn cross(text: &str, other: &str, seed: u32) -> String {
    let mut random = Random::new(seed.into());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let others: Vec<&str> = other.lines().collect();
    let start = pick::below(&mut random, others.len().max(1)).min(others.len());
    let count = 1 + pick::below(&mut random, 6);
    let at = pick::below(&mut random, lines.len() + 1);
    let taken = others[start..].iter().take(count).map(|&line| line.to_owned());
    lines.splice(at..at, taken);
    joined(&lines)
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

fn change(lines: &mut Vec<String>, random: &mut Random) {
    if lines.is_empty() {
        return lines.push("int fuzz".to_owned());
    }
    let at = pick::below(random, lines.len());
    match random.below(10) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = pick::below(random, lines.len());
            lines.swap(at, other);
        }
        3 => {
            let other = pick::below(random, lines.len());
            lines[at] = lines[other].clone();
        }
        _ => {
            let mut words = words(&lines[at]);
            let places: Vec<usize> =
                (0..words.len()).filter(|&it| words[it].chars().all(is_word)).collect();
            let Some(&place) = pick::one(random, &places) else { return };
            words[place] = word(&words[place], lines, random);
            lines[at] = words.concat();
        }
    }
}

/// Another word for `old`.
fn word(old: &str, lines: &[String], random: &mut Random) -> String {
    match (random.below(6), old.parse::<i128>()) {
        (0, _) => String::new(),
        (1 | 2, Ok(number)) => {
            let near = [1, -1, 2, -2, number, -number / 2][pick::below(random, 6)];
            number.saturating_add(near).to_string()
        }
        (3, Ok(_)) => (*pick::one(random, &NUMBERS).unwrap_or(&"0")).to_owned(),
        _ => {
            let line = pick::one(random, lines).map_or(&[][..], |line| std::slice::from_ref(line));
            let others: Vec<String> = line.iter().flat_map(|line| words(line)).collect();
            let others: Vec<&String> = others.iter().filter(|it| it.chars().all(is_word)).collect();
            pick::one(random, &others).map_or_else(String::new, |it| (*it).clone())
        }
    }
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || matches!(it, '_' | '-' | '.' | '%' | '@')
}

/// Words and what stands between them.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for it in line.chars() {
        let kind = is_word(it);
        match words.last_mut() {
            Some(word) if last == Some(kind) => word.push(it),
            _ => words.push(it.to_string()),
        }
        last = Some(kind);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "int a\n@c0 = column ip_ttl [0, 255]\n%0 = input [ip_ttl] : i64[1x1]\n";

    #[test]
    fn mutations_depend_on_the_seed_alone() {
        assert_eq!(mutate(TEXT, 7), mutate(TEXT, 7));
        assert!((0..20).any(|seed| mutate(TEXT, seed) != TEXT));
        assert!(cross("a\n", "b\nc\n", 1).lines().any(|line| line != "a"));
        assert_eq!(words("x0 <= 5").concat(), "x0 <= 5");
    }
}
