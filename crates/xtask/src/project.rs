//! Where things are: the root of the project, its files, its release binary.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("xtask lies in crates/xtask").to_owned()
}

/// Files of the project, relative to its root: those that git tracks and those
/// that it would.
///
/// # Errors
/// If git cannot be run here.
pub(crate) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut files: Vec<PathBuf> =
        names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    // A file that is gone but still tracked has nothing to check.
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// What `cargo metadata` says of the packages of the workspace.
///
/// # Errors
/// If cargo cannot be run, or fails.
pub(crate) fn metadata(root: &Path) -> io::Result<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What `meta.json` says of a case of a corpus. Python writes `NaN`, which JSON does not have.
///
/// # Errors
/// If there is none, or it is not JSON otherwise.
pub(crate) fn case_meta(folder: &Path) -> io::Result<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("meta.json"))?;
    Ok(serde_json::from_str(&text.replace(": NaN", ": null"))?)
}

/// Runs cargo in the project and waits.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn cargo(args: &[&str], environment: &[(&str, &str)]) -> io::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(args)
        .envs(environment.iter().copied())
        .current_dir(root())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("cargo {args:?}: {status}")))
    }
}

/// Builds `skxc` for release and says where it is.
///
/// # Errors
/// If the build fails.
pub(crate) fn release_binary() -> io::Result<PathBuf> {
    cargo(&["build", "--quiet", "--release", "--package", "skxc"], &[])?;
    Ok(target().join("release/skxc"))
}

/// Builds an example of the loader (`bpf/loader/examples`), for release, and says
/// where it is: `vm` loads an object and says what the kernel made of it, `digests`
/// says what is in one.
///
/// # Errors
/// If the build fails.
pub(crate) fn loader(example: &str) -> io::Result<PathBuf> {
    let words = ["build", "--quiet", "--release", "--package", "skxc-bpf", "--example", example];
    cargo(&words, &[])?;
    Ok(target().join("release/examples").join(example))
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    root().join(target)
}
