//! Private words of earlier versions, which a stranger does not understand, with
//! the terms that replaced them.
//!
//! What must hold: this is the one list of them, and the only file that may hold
//! them. A word counts also as a part of a name: `lone_columns`.

/// Each private word, in lower case, and the term to use.
pub(super) const PRIVATE: [(&str, &str); 9] = [
    ("lone", "dependence"),
    ("settled", "decided early"),
    ("culprit", "blocker"),
    ("kids", "children"),
    ("twins", "paired trees"),
    ("trunks", "unpaired trees"),
    ("bends", "nonlinear"),
    ("wild", "placeholder"),
    ("joiner", "a term of the field"),
];

/// The file of the list.
pub(super) const FILE: &str = "crates/xtask/src/tidy/words.rs";

/// Private words of a line, with the terms to use.
pub(super) fn private(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let words: Vec<String> =
        line.split(|letter: char| !letter.is_alphabetic()).map(str::to_lowercase).collect();
    PRIVATE.into_iter().filter(move |(word, _)| words.iter().any(|it| it == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_word_is_found_in_text_and_names() {
        assert_eq!(private("let lone_columns = 1;").count(), 1);
        assert_eq!(private("Twins of kids").count(), 2);
        assert_eq!(private("alone, unsettled, unbending").count(), 0);
    }
}
