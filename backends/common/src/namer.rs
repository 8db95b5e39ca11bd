//! Names of what is generated: a prefix for all that is visible, unique
//! members for the columns.

use std::collections::HashSet;

use crate::keywords::is_reserved;

/// The two forms of the prefix of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Of functions, types, variables, maps: the name of the model.
    pub lower: String,
    /// Prefix of macros: the name of the model in capitals.
    pub upper: String,
}

impl Prefix {
    /// The prefixes of the model `name`.
    ///
    /// # Panics
    /// If `name` is not a C identifier: the validator lets no other pass.
    #[must_use]
    pub fn new(name: &str) -> Self {
        assert!(identifier(name) == name, "the validator checks that `{name}` is an identifier");
        Self { lower: name.to_owned(), upper: name.to_ascii_uppercase() }
    }
}

/// Gives out identifiers, none twice and none reserved.
#[derive(Clone, Debug, Default)]
pub struct Namer {
    taken: HashSet<String>,
}

impl Namer {
    /// An identifier as close to `text` as possible.
    pub fn name(&mut self, text: &str) -> String {
        let stem = identifier(text);
        let mut name = if is_reserved(&stem) { format!("{stem}_") } else { stem.clone() };
        let mut count = 1;
        while is_reserved(&name) || !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("f_{}_{count}", stem.trim_start_matches('_'));
        }
        name
    }
}

/// `text` with every character that cannot stand in an identifier replaced.
fn identifier(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let mut name: String = text.chars().map(allowed).collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_identifiers() {
        let mut namer = Namer::default();
        let texts =
            ["ttl", "ttl", "f_ttl_2", "int", "a b", "a-b", "", "9", "__x", "int_", "é", "_"];
        let names: Vec<String> = texts.iter().map(|text| namer.name(text)).collect();
        let distinct: HashSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "{names:?}");
        for name in &names {
            assert_eq!(identifier(name), *name);
            assert!(!is_reserved(name), "{name}");
        }
        assert_eq!((names[0].as_str(), names[3].as_str()), ("ttl", "int_"));
    }
}
