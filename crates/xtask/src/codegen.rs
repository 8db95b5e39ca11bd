//! Generated files: what `cargo xtask codegen` writes and `--check` compares.
//!
//! - the Rust of `frontend-onnx/proto/onnx-ml.proto`, which is committed, so that
//!   a build needs neither protox nor prost-build;
//! - the table of supported operators, in the documents that show it. An example
//!   of the front end prints it: were this crate to link the front end, it could
//!   not be built where its generated source is stale;
//! - the pages of `docs/reference`, which skxc itself prints ([`reference`]).

mod reference;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use prost_build::Module;

/// A file that is generated.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    /// Where it belongs, relative to the root of the project.
    pub(crate) path: PathBuf,
    /// What it should hold.
    pub(crate) text: String,
}

/// Why nothing could be generated or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The protocol description is wrong.
    #[error("cannot read the protocol description")]
    Proto(#[from] protox::Error),
    /// prost-build or a file failed.
    #[error("cannot generate or write")]
    Io(#[from] io::Error),
}

/// Documents with the table of operators, which stands between a line that
/// begins with [`TABLE_HEAD`] and an empty one.
const TABLES: [&str; 2] =
    ["frontend-onnx/OPERATORS.md", "crates/skxc-diagnostics/src/codes/SKX0101.md"];
const TABLE_HEAD: &str = "| operator |";

const PROTO_DIR: &str = "frontend-onnx/proto";
const PROTO_FILE: &str = "onnx-ml.proto";
const PROTO_OUT: &str = "frontend-onnx/src/proto/onnx.rs";

/// Makes the source of the protocol, in memory.
fn protocol(root: &Path) -> Result<Generated, Error> {
    let descriptors = protox::compile([PROTO_FILE], [root.join(PROTO_DIR)])?;
    let module = Module::from_protobuf_package_name("onnx");
    let requests = descriptors.file.into_iter().map(|file| (module.clone(), file)).collect();
    let mut config = prost_build::Config::new();
    // Tensor data and strings are slices of the file, not copies.
    config.bytes(["."]);
    let mut texts = config.generate(requests)?;
    let text = texts.remove(&module).unwrap_or_default();
    Ok(Generated { path: PROTO_OUT.into(), text })
}

/// Makes the documents with the table of operators, in memory.
fn tables(root: &Path) -> Result<Vec<Generated>, Error> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "skxc-frontend-onnx", "--example", "operators"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("the front end prints no table:\n{words}")).into());
    }
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let document = |path: &str| {
        let text = with_table(&fs::read_to_string(root.join(path))?, &table);
        let text = text.ok_or_else(|| io::Error::other(format!("{path} has no table")))?;
        Ok(Generated { path: path.into(), text })
    };
    TABLES.into_iter().map(document).collect()
}

/// The document with another table.
fn with_table(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(&format!("\n{TABLE_HEAD}"))?;
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    let end = if after.is_empty() { "" } else { "\n" };
    Some(format!("{before}\n{table}{end}{after}"))
}

/// Writes the generated files that differ and returns their paths.
///
/// # Errors
/// If something cannot be generated or written.
pub(crate) fn write(root: &Path) -> Result<Vec<PathBuf>, Error> {
    // The front end is built of the first, and skxc of its table.
    let mut written = Vec::new();
    for generate in [|root: &Path| Ok(vec![protocol(root)?]), tables, reference::pages] {
        for file in stale_of(root, generate(root)?) {
            if let Some(folder) = root.join(&file.path).parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(root.join(&file.path), &file.text)?;
            written.push(file.path);
        }
    }
    Ok(written)
}

/// The generated files whose committed text is not what it should be.
///
/// # Errors
/// If something cannot be generated.
pub(crate) fn stale(root: &Path) -> Result<Vec<Generated>, Error> {
    let mut files = vec![protocol(root)?];
    files.extend(tables(root)?);
    files.extend(reference::pages(root)?);
    Ok(stale_of(root, files))
}

fn stale_of(root: &Path, mut files: Vec<Generated>) -> Vec<Generated> {
    files
        .retain(|file| fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_replaced_and_nothing_else() {
        let table = "| operator | new |\n|---|---|\n";
        let document = "# Title\n\n| operator | old |\n|---|\n| Abs |\n\n## Rest\n";
        let expect = "# Title\n\n| operator | new |\n|---|---|\n\n## Rest\n";
        assert_eq!(with_table(document, table).as_deref(), Some(expect));
        assert_eq!(with_table(expect, table).as_deref(), Some(expect));
        assert_eq!(
            with_table("\n| operator | old |\n", table).as_deref(),
            Some("\n| operator | new |\n|---|---|\n")
        );
        assert_eq!(with_table("# Title\n", table), None);
    }
}
