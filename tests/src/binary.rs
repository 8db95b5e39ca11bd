//! The `skxc` binary, built once for the whole suite.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, io};

/// The path of the binary, of the same profile as the suite.
///
/// # Errors
/// If it does not build.
pub(crate) fn skxc() -> Result<&'static Path, &'static str> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BINARY.get_or_init(|| build().map_err(|error| error.to_string()));
    built.as_deref().map_err(String::as_str)
}

fn build() -> io::Result<PathBuf> {
    // The suite is TARGET/PROFILE/deps/suite-HASH.
    let suite = env::current_exe()?;
    let profile = suite.ancestors().nth(2).ok_or_else(|| io::Error::other("no target folder"))?;
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "skxc"]).current_dir(crate::root());
    if profile.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    let output = command.output()?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("skxc does not build:\n{messages}")));
    }
    Ok(profile.join("skxc"))
}
