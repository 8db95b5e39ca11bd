//! `cargo xtask structure`: crates, circles of imports, files that a new
//! operation touches, places that repeat others.
//!
//! What must hold: tests are left out of every figure but the lines of a crate.

mod circles;
mod duplicates;
mod modules;
mod operations;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use self::modules::{Modules, is_test};
use crate::{Outcome, TaskResult, project, say, table};

/// A crate of the workspace.
struct Package {
    name: String,
    /// Its folder, relative to the root of the project.
    folder: PathBuf,
    /// Its Rust sources, relative to that folder.
    files: Vec<PathBuf>,
    /// Packages of the workspace that it depends on, but not in tests alone.
    uses: Vec<String>,
}

/// Prints all tables of the structure.
pub(crate) fn run() -> TaskResult {
    let root = project::root();
    let files = project::files(&root)?;
    let sources: Vec<PathBuf> =
        files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs")).collect();
    let packages = packages(&root, &sources)?;
    say(&crates(&root, &packages)?);
    say(&import_circles(&root, &packages)?);
    let compiled: Vec<PathBuf> = packages
        .iter()
        .flat_map(|package| package.files.iter().map(|file| package.folder.join(file)))
        .filter(|file| file.iter().any(|part| part == "src") && !is_test(file))
        .collect();
    say(&operations_table(&root, &compiled)?);
    say(&duplicates_list(&root, &compiled)?);
    Ok(Outcome::Clean)
}

fn packages(root: &Path, sources: &[PathBuf]) -> Result<Vec<Package>, Box<dyn Error>> {
    let metadata = project::metadata(root)?;
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest.parent().unwrap_or(root).strip_prefix(root)?.to_owned();
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let uses = dependencies
            .filter(|used| used["path"].is_string() && used["kind"].as_str() != Some("dev"))
            .filter_map(|used| used["name"].as_str().map(str::to_owned))
            .collect();
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        packages.push(Package { name, folder, files: Vec::new(), uses });
    }
    for source in sources {
        // A package may lie in the folder of another.
        let owner = packages
            .iter_mut()
            .filter(|package| source.starts_with(&package.folder))
            .max_by_key(|package| package.folder.components().count());
        if let Some(package) = owner {
            package.files.push(source.strip_prefix(&package.folder)?.to_owned());
        }
    }
    Ok(packages)
}

fn crates(root: &Path, packages: &[Package]) -> Result<String, Box<dyn Error>> {
    let mut rows = Vec::new();
    for package in packages {
        let mut lines = 0;
        for file in &package.files {
            lines += fs::read_to_string(root.join(&package.folder).join(file))?.lines().count();
        }
        let files = package.files.len().to_string();
        rows.push(vec![package.name.clone(), files, lines.to_string(), package.uses.join(" ")]);
    }
    Ok(table::render(&["crate", "files", "lines", "uses"], &rows))
}

fn import_circles(root: &Path, packages: &[Package]) -> Result<String, Box<dyn Error>> {
    let (mut text, mut files, mut back) = (String::new(), 0, 0);
    let mut count = 0;
    for package in packages {
        let modules = Modules::read(&root.join(&package.folder), &package.files)?;
        for circle in circles::circles(&modules) {
            count += 1;
            files += circle.modules.len();
            back += circle.back.len();
            let size = circle.modules.len();
            writeln!(text, "  {}, {size} files: {}", package.name, circle.modules.join(" "))?;
            for import in &circle.back {
                writeln!(text, "    {import}")?;
            }
        }
    }
    let head =
        format!("\n{count} circles of imports, of {files} files; {back} imports lead back up\n");
    Ok(head + &text)
}

fn operations_table(root: &Path, files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for (name, uses) in operations::ENUMS.iter().zip(operations::uses(root, files)?) {
        let (named, all) = (uses.files.len(), uses.exhaustive());
        let variants = uses.variants;
        writeln!(text, "\n{name}: {variants} operations, named in {named} files; {all} name all")?;
        for (file, count) in &uses.files {
            writeln!(text, "  {count:>3}  {}", file.display())?;
        }
    }
    Ok(text)
}

fn duplicates_list(root: &Path, files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let texts = files
        .iter()
        .map(|file| fs::read_to_string(root.join(file)))
        .collect::<Result<Vec<_>, _>>()?;
    let pairs = duplicates::pairs(&texts);
    let mut text = format!("\n{} pairs of places share six lines or more\n", pairs.len());
    for pair in &pairs {
        let [a, b] = pair.map(|duplicates::Place { text, first, last }| {
            format!("{}:{first}-{last}", files[text].display())
        });
        writeln!(text, "  {a}  {b}")?;
    }
    Ok(text)
}
