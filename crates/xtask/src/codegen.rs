//! Generated sources: what `cargo xtask codegen` writes and `--check` compares.
//!
//! The only one so far is the Rust of `frontend-onnx/proto/onnx-ml.proto`. It
//! is committed, so that a build needs neither protox nor prost-build.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

const PROTO_DIR: &str = "frontend-onnx/proto";
const PROTO_FILE: &str = "onnx-ml.proto";
const PROTO_OUT: &str = "frontend-onnx/src/proto/onnx.rs";

/// Makes all generated files, in memory.
///
/// # Errors
/// If the protocol description does not compile.
pub(crate) fn generate(root: &Path) -> Result<Vec<Generated>, Error> {
    let descriptors = protox::compile([PROTO_FILE], [root.join(PROTO_DIR)])?;
    let module = Module::from_protobuf_package_name("onnx");
    let requests = descriptors.file.into_iter().map(|file| (module.clone(), file)).collect();
    let mut config = prost_build::Config::new();
    // Tensor data and strings are slices of the file, not copies.
    config.bytes(["."]);
    let mut texts = config.generate(requests)?;
    let text = texts.remove(&module).unwrap_or_default();
    Ok(vec![Generated { path: PROTO_OUT.into(), text }])
}

/// Writes the generated files that differ and returns their paths.
///
/// # Errors
/// As [`generate`], and if a file cannot be written.
pub(crate) fn write(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let stale = stale(root)?;
    for file in &stale {
        fs::write(root.join(&file.path), &file.text)?;
    }
    Ok(stale.into_iter().map(|file| file.path).collect())
}

/// The generated files whose committed text is not what it should be.
///
/// # Errors
/// As [`generate`].
pub(crate) fn stale(root: &Path) -> Result<Vec<Generated>, Error> {
    let mut files = generate(root)?;
    files
        .retain(|file| fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text));
    Ok(files)
}
