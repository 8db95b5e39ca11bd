//! `cargo xtask corpus --bad DIR`: broken models through the compiler.
//!
//! `README.md` of the folder has a table whose first and fourth columns are
//! the file and what is wanted of it; `reject` means a non-zero exit code, a
//! diagnostic and no output.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::measure::measure;
use crate::{Outcome, TaskResult, project, say, table};

const PEAK_BYTES_MAX: u64 = 1 << 30;
const SECONDS_MAX: f64 = 10.0;

/// The models of the folder have four columns, if any.
const FEATURES: &str = "ip_ttl,ip_protocol,tcp_source_port,tcp_dest_port";

const HEADER: [&str; 7] = ["file", "wanted", "exit", "written", "seconds", "MB", "verdict"];

/// Runs every model of the folder.
pub(crate) fn run(dir: &str) -> TaskResult {
    let wanted = fs::read_to_string(Path::new(dir).join("README.md"))?;
    let binary = project::release_binary()?.display().to_string();
    let mut rows = Vec::new();
    let mut findings = 0;
    for row in wanted.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, file, _, _, wanted, ..] = cells[..] else { continue };
        if !file.ends_with(".onnx") {
            continue;
        }
        let (row, sound) = run_file(&binary, &Path::new(dir).join(file), wanted)?;
        findings += usize::from(!sound);
        rows.push(row);
    }
    say(&table::render(&HEADER, &rows));
    say(&format!("{} files, {findings} not as wanted\n", rows.len()));
    Ok(if findings == 0 { Outcome::Clean } else { Outcome::Findings })
}

fn run_file(
    binary: &str,
    file: &Path,
    wanted: &str,
) -> Result<(Vec<String>, bool), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out");
    let command = [
        binary,
        "compile",
        &file.display().to_string(),
        "--no-project",
        "--name",
        "model",
        "--shadow",
        "--features",
        FEATURES,
        "-o",
        &out.display().to_string(),
    ]
    .map(str::to_owned);
    let run = measure(&command, scratch.path())?;
    let written = fs::read_dir(&out).map(Iterator::count).unwrap_or(0);
    let died = run.code < 0 || run.code >= 100;
    let explained = !run.codes().is_empty();
    let refused = run.code != 0 && written == 0 && explained;
    let accepted = run.code == 0 && written > 0;
    let verdict = if died {
        "died"
    } else if run.peak_bytes > PEAK_BYTES_MAX {
        "too much memory"
    } else if run.seconds > SECONDS_MAX {
        "too slow"
    } else if refused || (accepted && wanted != "reject") {
        "as wanted"
    } else if run.code != 0 && !explained {
        "refused without a diagnostic"
    } else if run.code != 0 {
        "refused, but something was written"
    } else {
        "accepted"
    };
    let row = vec![
        file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        wanted.to_owned(),
        format!("{} {}", run.code, run.codes().join(" ")).trim().to_owned(),
        written.to_string(),
        format!("{:.2}", run.seconds),
        (run.peak_bytes >> 20).to_string(),
        verdict.to_owned(),
    ];
    Ok((row, verdict == "as wanted"))
}
