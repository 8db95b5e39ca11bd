//! `cli/*.cli`: commands, their exit codes and what they print.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::expectation::compare_file;
use crate::{Outcome, assemble, binary, programs, suite_dir};

/// One trial a file.
pub(crate) fn trials() -> Vec<Trial> {
    let files = ["cli", "equivalence"].into_iter().flat_map(|folder| crate::files(folder, "cli"));
    files.map(|file| trial(&file)).collect()
}

/// The trial of a file; it says itself whether it needs the kernel.
pub(crate) fn trial(file: &Path) -> Trial {
    let needs_kernel = fs::read_to_string(file)
        .is_ok_and(|text| text.lines().any(|line| line == "# needs: kernel"));
    if needs_kernel { crate::kernel_trial(file, check) } else { crate::trial(file, check) }
}

fn check(path: &Path) -> Outcome {
    let printed = run_file(path)?;
    compare_file(&path.with_extension("stdout"), &printed.stdout)?;
    compare_file(&path.with_extension("stderr"), &printed.stderr)
}

/// What the commands of a file printed, one after another.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    /// Text of standard output.
    pub(crate) stdout: String,
    /// Text of standard error.
    pub(crate) stderr: String,
}

/// Runs the commands of a file in a scratch folder that holds the models of
/// `models/` and the files of the folder that is called like the file.
///
/// # Errors
/// If a command ends with another exit code than the file says.
pub(crate) fn run_file(path: &Path) -> Result<Printed, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    assemble::copy_inputs(&suite_dir().join("models"), scratch.path())?;
    assemble::copy_inputs(&path.with_extension(""), scratch.path())?;
    let mut printed = Printed::default();
    for line in fs::read_to_string(path)?.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(model) = line.strip_prefix("MODEL ") {
            make_model(model, scratch.path())?;
            continue;
        }
        let (code, command) = directive(line)?;
        run_command(command, code, &scratch, &mut printed)?;
    }
    Ok(printed)
}

/// `RUN: command` or `FAIL 2: command`.
fn directive(line: &str) -> Result<(i32, &str), Box<dyn Error>> {
    let (directive, command) =
        line.split_once(": ").ok_or_else(|| format!("`{line}` is not RUN: or FAIL n:"))?;
    let code = match directive.strip_prefix("FAIL ") {
        Some(code) => code.parse()?,
        None if directive == "RUN" => 0,
        None => return Err(format!("`{directive}` is not RUN or FAIL n").into()),
    };
    Ok((code, command))
}

/// `NAME: command`: the command prints the text of `NAME.onnx`.
fn make_model(model: &str, scratch: &Path) -> Outcome {
    let (name, command) = model.split_once(": ").ok_or("a model has a name and a command")?;
    let output = Command::new("sh").args(["-c", command]).current_dir(scratch).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let bytes = assemble::assemble(&String::from_utf8(output.stdout)?)?;
    Ok(fs::write(scratch.join(name).with_extension("onnx"), bytes)?)
}

fn run_command(command: &str, code: i32, scratch: &TempDir, printed: &mut Printed) -> Outcome {
    // A shell, so that a file can say `< rows.csv` and `| head`.
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(scratch.path())
        .env_clear()
        .env("PATH", search_path()?)
        .env("ROOT", crate::root())
        .env("SKXC", binary::skxc()?)
        .env("CLANG", programs::clang())
        .env("LC_ALL", "C.UTF-8")
        .output()?;
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let scratch = scratch.path().display().to_string();
        text.replace(&scratch, "$SCRATCH").replace(&crate::root().display().to_string(), "$ROOT")
    };
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if output.status.code() != Some(code) {
        return Err(format!(
            "`{command}` ended with {}, not {code}\n{stdout}{stderr}",
            output.status
        )
        .into());
    }
    printed.stdout.push_str(&stdout);
    printed.stderr.push_str(&stderr);
    Ok(())
}

/// The folder of `skxc` before everything else.
fn search_path() -> Result<std::ffi::OsString, Box<dyn Error>> {
    let binary = binary::skxc()?;
    let folder = binary.parent().ok_or("the binary lies in a folder")?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path)))?)
}
