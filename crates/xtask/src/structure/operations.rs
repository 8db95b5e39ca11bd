//! Files that name the variants of an enum of operations: those that a new
//! operation touches.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use syn::Item;
use syn::visit::{self, Visit};

use super::modules::{attributes, is_for_tests, is_test};

/// The enums of operations, one for each domain.
pub(super) const ENUMS: [&str; 2] = ["RealOp", "IntOp"];

/// Where the variants of an enum are named.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// Variants that are named anywhere.
    pub(super) variants: usize,
    /// Files that name at least one variant, with how many each names.
    pub(super) files: BTreeMap<PathBuf, usize>,
}

impl Uses {
    /// Files that name all variants: there a match has an arm for each.
    pub(super) fn exhaustive(&self) -> usize {
        self.files.values().filter(|&&named| named == self.variants).count()
    }
}

/// Uses of each of [`ENUMS`] in `files`, which are relative to `root`.
///
/// # Errors
/// If a file cannot be read, or is no Rust.
pub(super) fn uses(root: &Path, files: &[PathBuf]) -> Result<[Uses; 2], Box<dyn Error>> {
    let mut uses = ENUMS.map(|_| Uses::default());
    let mut variants = ENUMS.map(|_| BTreeSet::new());
    for file in files.iter().filter(|file| !is_test(file)) {
        let parsed = syn::parse_file(&fs::read_to_string(root.join(file))?)?;
        let mut reader = Reader::default();
        reader.visit_file(&parsed);
        for ((name, uses), variants) in ENUMS.iter().zip(&mut uses).zip(&mut variants) {
            if let Some(named) = reader.named.remove(*name) {
                uses.files.insert(file.clone(), named.len());
                variants.extend(named);
            }
        }
    }
    for (uses, variants) in uses.iter_mut().zip(variants) {
        uses.variants = variants.len();
    }
    Ok(uses)
}

#[derive(Default)]
struct Reader {
    /// Variants that the file names, by enum.
    named: BTreeMap<String, BTreeSet<String>>,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if let [.., name, variant] = names.as_slice()
            && ENUMS.contains(&name.as_str())
            && variant.starts_with(char::is_uppercase)
        {
            self.named.entry(name.clone()).or_default().insert(variant.clone());
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_that_name_a_variant() {
        let folder = tempfile::tempdir().unwrap();
        let texts = [
            ("a.rs", "enum IntOp { Add, Sub(u8) }\n"),
            ("b.rs", "fn f(o: IntOp) { match o { IntOp::Add => {} ir::IntOp::Sub(_) => {} } }\n"),
            ("c.rs", "fn f() -> IntOp { IntOp::Add }\n#[cfg(test)] fn t() { IntOp::Sub(1); }\n"),
            ("d.rs", "fn f() { IntOp::new() }\n"),
        ];
        for (file, text) in texts {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let files = texts.map(|(file, _)| PathBuf::from(file));
        let [real, int] = uses(folder.path(), &files).unwrap();
        assert_eq!(real, Uses::default());
        assert_eq!(int.variants, 2);
        assert_eq!(int.files, [("b.rs".into(), 2), ("c.rs".into(), 1)].into());
        assert_eq!(int.exhaustive(), 1);
    }
}
