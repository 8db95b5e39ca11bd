//! What is built for the machines: a static loader, the static tests of the parser
//! with their objects, and a model.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::find;
use super::machine::Tools;
use super::packages::checked;
use crate::project;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// A machine has no dynamic loader.
const STATIC: (&str, &str) = ("RUSTFLAGS", "-C target-feature=+crt-static");

/// Builds loader and tests. The tests run here once, so that the objects that they
/// load are below `scratch`.
///
/// # Errors
/// If something cannot be built, or the tests fail here.
pub(super) fn build(scratch: &Path) -> Result<Tools, Box<dyn Error>> {
    let build = ["build", "--quiet", "--release", "--package", "skxc-bpf", "--example", "vm"];
    project::cargo(&[&build[..], &["--target", TARGET]].concat(), &[STATIC])?;
    let loader = project::target().join(TARGET).join("release/examples/vm");
    let tests = parser_tests()?;
    let objects = scratch.join("objects");
    fs::create_dir(&objects)?;
    let mut here = Command::new(&tests);
    checked(here.arg("parser::").env("SKXC_OBJECTS", &objects))?;
    let busybox = find("busybox").ok_or("busybox is gone")?;
    Ok(Tools { loader, tests, objects, busybox })
}

/// Builds the tests of the loader, and says where they are.
fn parser_tests() -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--release", "--package", "skxc-bpf", "--test", "kernel"]);
    cargo.args(["--no-run", "--message-format", "json", "--target", TARGET]);
    let built = checked(cargo.env(STATIC.0, STATIC.1).current_dir(project::root()))?;
    let text = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries = messages
        .filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?.to_owned())));
    binaries.next().ok_or_else(|| "cargo does not say where the tests are".into())
}

/// Makes a model that keeps `count` numbers, below `scratch`.
///
/// # Errors
/// If the shell or the suite cannot make it.
pub(super) fn large_state(scratch: &Path, count: &str) -> Result<PathBuf, Box<dyn Error>> {
    let text = scratch.join("wide.pbtxt");
    let script = project::root().join("tests/models/wide.sh");
    fs::write(&text, checked(Command::new("sh").arg(script).arg(count))?.stdout)?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", "skxc-tests", "--example", "assemble"]);
    cargo.stdin(Stdio::from(File::open(&text)?)).current_dir(project::root());
    let model = scratch.join("wide.onnx");
    fs::write(&model, checked(&mut cargo)?.stdout)?;
    Ok(model)
}
