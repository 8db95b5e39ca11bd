//! The modules of a crate and their imports, read from its sources.
//!
//! What must hold: a name that a module re-exports counts as imported from the
//! module that defines it; code under `#[cfg(test)]` does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, Token, UseTree};

/// A path of names from the root of the crate; the root itself is empty.
type ModulePath = Vec<String>;

/// Re-exports followed before giving up: `pub use` may go in a circle.
const ALIASES_MAX: usize = 16;

/// A file of a crate: one module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file, relative to the folder of the crate.
    pub(super) file: PathBuf,
    /// Paths that the file names, from the root of the crate.
    used: BTreeSet<ModulePath>,
    /// Names that the file imports, with the paths that they stand for.
    aliases: BTreeMap<String, ModulePath>,
}

/// The modules of a crate, by path.
#[derive(Debug, Default)]
pub(super) struct Modules(BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads the sources in `folder/src`; `files` are relative to `folder`.
    ///
    /// # Errors
    /// If a file cannot be read, or is no Rust.
    pub(super) fn read(folder: &Path, files: &[PathBuf]) -> Result<Self, Box<dyn Error>> {
        let mut modules = BTreeMap::new();
        for file in files.iter().filter(|file| !is_test(file)) {
            let Some(path) = module_path(file) else { continue };
            let module = Module { file: file.clone(), ..Module::default() };
            modules.insert(path, module);
        }
        let known: BTreeSet<ModulePath> = modules.keys().cloned().collect();
        for (path, module) in &mut modules {
            let text = fs::read_to_string(folder.join(&module.file))?;
            let parsed = syn::parse_file(&text)
                .map_err(|error| format!("{}: {error}", module.file.display()))?;
            Reader { known: &known, here: path.clone(), module }.visit_file(&parsed);
        }
        Ok(Self(modules))
    }

    /// Every module, with its path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Module)> {
        self.0.iter()
    }

    /// The other modules that `module` imports from.
    pub(super) fn imports(&self, path: &ModulePath) -> BTreeSet<ModulePath> {
        let used = self.0.get(path).into_iter().flat_map(|module| &module.used);
        let mut imports: BTreeSet<ModulePath> =
            used.map(|used| self.defining(used, path)).collect();
        imports.remove(path);
        imports
    }

    /// The module that defines `used`, which `user` names.
    fn defining(&self, used: &ModulePath, user: &ModulePath) -> ModulePath {
        let mut used = used.clone();
        for _ in 0..ALIASES_MAX {
            let length = self.module_length(&used);
            let alias = used.get(length).and_then(|name| {
                let module = self.0.get(&used[..length])?;
                // The import itself must not be taken for another one.
                (used[..length] != user[..]).then(|| module.aliases.get(name))?
            });
            let Some(alias) = alias else {
                used.truncate(length);
                return used;
            };
            used = alias.iter().chain(&used[length + 1..]).cloned().collect();
        }
        let length = self.module_length(&used);
        used.truncate(length);
        used
    }

    /// Names of `path` that lead to a module; the rest leads into it.
    fn module_length(&self, path: &[String]) -> usize {
        (0..=path.len()).rev().find(|&length| self.0.contains_key(&path[..length])).unwrap_or(0)
    }
}

/// A file of tests alone.
pub(super) fn is_test(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
        || file.components().any(|part| part.as_os_str() == "tests")
}

/// The module that `src/a/b.rs` holds: `a`, `b`. None of a file elsewhere.
fn module_path(file: &Path) -> Option<ModulePath> {
    let inside = file.strip_prefix("src").ok()?;
    let path = inside.to_str()?.strip_suffix(".rs")?;
    let root = path == "lib" || path == "main";
    Some(if root { Vec::new() } else { path.split('/').map(str::to_owned).collect() })
}

/// Collects the paths that a file names.
struct Reader<'a> {
    known: &'a BTreeSet<ModulePath>,
    /// The module that is being read; within an inline module, that one.
    here: ModulePath,
    module: &'a mut Module,
}

impl Reader<'_> {
    /// `names` from the root of the crate, if they lead into it.
    fn absolute(&self, names: &[String]) -> Option<ModulePath> {
        let mut base = self.here.clone();
        match names.first()?.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            name => {
                base.push(name.to_owned());
                let child = self.known.contains(&base);
                base.pop();
                return child.then(|| base.iter().chain(names).cloned().collect());
            }
        }
        let mut rest = &names[1..];
        while rest.first().is_some_and(|name| name == "super") {
            base.pop();
            rest = &rest[1..];
        }
        Some(base.iter().chain(rest).cloned().collect())
    }

    fn use_tree(&mut self, tree: &UseTree, before: &[String]) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.use_tree(&part.tree, &path);
            }
            UseTree::Name(part) => {
                let name = part.ident.to_string();
                if name != "self" {
                    path.push(name);
                }
                let alias = path.last().cloned();
                self.import(&path, alias);
            }
            UseTree::Rename(part) => {
                path.push(part.ident.to_string());
                self.import(&path, Some(part.rename.to_string()));
            }
            UseTree::Glob(_) => self.import(&path, None),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, &path);
                }
            }
        }
    }

    fn import(&mut self, names: &[String], alias: Option<String>) {
        let Some(path) = self.absolute(names) else { return };
        if let Some(alias) = alias {
            self.module.aliases.insert(alias, path.clone());
        }
        self.module.used.insert(path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.here.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.here.pop();
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        self.use_tree(&import.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        // A single name is no path to another module.
        if let Some(path) = (names.len() > 1).then(|| self.absolute(&names)).flatten() {
            self.module.used.insert(path);
        }
        visit::visit_path(self, path);
    }
}

/// The attributes of an item that `#[cfg(test)]` may stand on.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`, alone or among other conditions.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    let mut conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.any(|condition| condition.parse_args().is_ok_and(|meta| wants_test(&meta)))
}

/// Does a condition hold in tests alone: `test`, or `all` of it and others?
fn wants_test(condition: &Meta) -> bool {
    let mut pending = vec![condition.clone()];
    while let Some(condition) = pending.pop() {
        match condition {
            Meta::Path(path) if path.is_ident("test") => return true,
            Meta::List(list) if list.path.is_ident("all") => {
                let all = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
                pending.extend(all.into_iter().flatten());
            }
            Meta::Path(_) | Meta::List(_) | Meta::NameValue(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &str)]) -> Modules {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let files: Vec<PathBuf> = files.iter().map(|(file, _)| PathBuf::from(file)).collect();
        Modules::read(folder.path(), &files).unwrap()
    }

    fn imports(modules: &Modules, path: &[&str]) -> Vec<String> {
        let path = path.iter().map(|&name| name.to_owned()).collect();
        modules.imports(&path).iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_lead_to_the_module_that_defines_a_name() {
        let modules = modules(&[
            ("src/lib.rs", "mod a;\nmod b;\npub use a::Thing;\n"),
            ("src/a.rs", "pub struct Thing;\n"),
            ("src/b.rs", "use crate::Thing;\nfn f() { c::g(super::a::h()); }\nmod c;\n"),
            ("src/b/c.rs", "use super::super::a;\n"),
        ]);
        assert_eq!(imports(&modules, &[]), ["a"]);
        assert_eq!(imports(&modules, &["b"]), ["a", "b::c"]);
        assert_eq!(imports(&modules, &["b", "c"]), ["a"]);
    }

    #[test]
    fn tests_do_not_count() {
        let modules = modules(&[
            ("src/lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod tests { use crate::a; }\n"),
            ("src/a.rs", "#[cfg(all(unix, test))]\nuse crate::b::B;\n"),
            ("src/b.rs", "pub struct B;\n#[cfg(not(test))]\nuse crate::a;\n"),
        ]);
        assert_eq!(imports(&modules, &["a"]), [] as [&str; 0]);
        assert_eq!(imports(&modules, &["b"]), ["a"]);
    }
}
