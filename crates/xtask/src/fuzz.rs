//! `cargo xtask fuzz`: builds the targets of `tests/fuzz` so that libFuzzer
//! sees edges and comparisons, and runs them for a while.
//!
//! What must hold:
//! - a run has a limit of memory and of time an input, and fails on either;
//! - what failed is kept, and the words say how to keep it for good;
//! - the corpus that libFuzzer grows lies below the target folder and is taken
//!   up again by the next run. One by number of inputs starts from the seeds
//!   alone and from the same random numbers, so that it does not depend on runs
//!   before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Outcome, TaskResult, project, say, table};

/// Flags that `cargo fuzz` gives as well, as far as stable Rust takes them.
const RUSTFLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Resident memory at which a run ends as a failure. Inputs have few bytes, and
/// memory is to be proportional to them.
const RSS_MB_MAX: u32 = 1024;
/// One allocation that is a failure.
const MALLOC_MB_MAX: u32 = 512;
/// Seconds an input may take, on a busy machine.
const SECONDS_MAX: u32 = 20;
/// A fuzz target.
struct Target {
    name: &'static str,
    /// Folders of seeds, below `tests`.
    seeds: &'static [&'static str],
    /// Bytes of an input: as many as most seeds have, since speed goes by them.
    bytes_max: u32,
    /// Inputs of a run that says nothing: some minutes on two CPUs.
    inputs: u64,
}

const TARGETS: [Target; 3] = [
    Target {
        name: "onnx",
        seeds: &["fuzz/seeds", "fuzz/regressions/onnx"],
        bytes_max: 2048,
        inputs: 20_000,
    },
    Target {
        name: "skir",
        seeds: &["filetests", "diagnostics", "fuzz/regressions/skir"],
        bytes_max: 2048,
        inputs: 20_000,
    },
    Target {
        name: "typed",
        seeds: &["fuzz/regressions/typed"],
        // A byte or two choose an attribute.
        bytes_max: 128,
        // Each runs all passes, watched, and the program on some rows.
        inputs: 1_000,
    },
];

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// One target, or all.
    target: Option<String>,
    seconds: Option<u64>,
    inputs: Option<u64>,
    /// Further folders of seeds.
    corpora: Vec<PathBuf>,
}

impl Request {
    /// Reads the arguments; none if they are wrong.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let mut request = Self::default();
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            match word {
                "--seconds" => request.seconds = Some(words.next()?.parse().ok()?),
                "--inputs" => request.inputs = Some(words.next()?.parse().ok()?),
                "--corpus" => request.corpora.push(words.next()?.into()),
                name if TARGETS.iter().any(|target| target.name == name) => {
                    request.target = Some(name.to_owned());
                }
                _ => return None,
            }
        }
        (request.seconds.is_none() || request.inputs.is_none()).then_some(request)
    }
}

/// What a run came to.
struct Run {
    inputs: u64,
    inputs_per_second: u64,
    peak_mb: u64,
    /// The input that failed.
    failure: Option<PathBuf>,
    /// The end of what libFuzzer said.
    words: String,
}

/// Builds and runs.
pub(crate) fn run(request: &Request) -> TaskResult {
    let binaries = build()?;
    let mut rows = Vec::new();
    let mut words = String::new();
    let wanted = |target: &&Target| request.target.as_ref().is_none_or(|it| it == target.name);
    for target in TARGETS.iter().filter(wanted) {
        let run = run_target(target, &binaries, request)?;
        let failed = run.failure.is_some();
        rows.push(vec![
            target.name.to_owned(),
            run.inputs.to_string(),
            run.inputs_per_second.to_string(),
            run.peak_mb.to_string(),
            if failed { "1" } else { "0" }.to_owned(),
        ]);
        if let Some(path) = run.failure {
            words += &format!("{}\n{}", run.words, advice(target, &path));
        }
    }
    say(&table::render(&["target", "inputs", "a second", "peak MB", "failures"], &rows));
    say(&words);
    Ok(if words.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

fn advice(target: &Target, path: &Path) -> String {
    format!(
        "the input is kept as {0}\nonce it is fixed, have it tried by every test run:\n  \
         cp {0} tests/fuzz/regressions/{1}/\n",
        path.display(),
        target.name
    )
}

/// Builds all targets and says where they are.
fn build() -> io::Result<PathBuf> {
    // Build scripts and macros run here and have no libFuzzer: with an explicit
    // target, the flags are not for them.
    let host = host()?;
    let arguments =
        ["build", "--quiet", "--profile", "fuzz", "--package", "skxc-fuzz", "--target", &host];
    project::cargo(&arguments, &[("RUSTFLAGS", RUSTFLAGS)])?;
    Ok(project::target().join(host).join("fuzz"))
}

fn host() -> io::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| io::Error::other("rustc does not say its host"))
}

fn run_target(target: &Target, binaries: &Path, request: &Request) -> io::Result<Run> {
    let work = project::target().join("fuzzing").join(target.name);
    let (corpus, failures) = (work.join("corpus"), work.join("failures"));
    let by_inputs = request.seconds.is_none();
    let scratch = tempfile::tempdir()?;
    let corpus = if by_inputs { scratch.path().to_owned() } else { corpus };
    fs::create_dir_all(&corpus)?;
    // What failed before is no failure of this run.
    let _ = fs::remove_dir_all(&failures);
    fs::create_dir_all(&failures)?;
    let mut command = Command::new(binaries.join(format!("fuzz-{}", target.name)));
    command
        .arg(format!("-max_len={}", target.bytes_max))
        .arg(format!("-timeout={SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={RSS_MB_MAX}"))
        .arg(format!("-malloc_limit_mb={MALLOC_MB_MAX}"))
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .arg("-print_final_stats=1")
        .arg("-verbosity=0");
    match request.seconds {
        Some(seconds) => command.arg(format!("-max_total_time={seconds}")),
        None => {
            command.arg("-seed=1").arg(format!("-runs={}", request.inputs.unwrap_or(target.inputs)))
        }
    };
    let tests = project::root().join("tests");
    command
        .arg(&corpus)
        .args(target.seeds.iter().map(|it| tests.join(it)).filter(|it| it.is_dir()));
    command.args(&request.corpora);
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let failure = fs::read_dir(&failures)?.filter_map(Result::ok).map(|it| it.path()).next();
    if failure.is_none() && !output.status.success() {
        return Err(io::Error::other(format!("{command:?}: {}\n{words}", output.status)));
    }
    let figure = |name: &str| {
        let line = words.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
    };
    Ok(Run {
        inputs: figure("stat::number_of_executed_units:"),
        inputs_per_second: figure("stat::average_exec_per_sec:"),
        peak_mb: figure("stat::peak_rss_mb:"),
        failure,
        words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_for_inputs_or_for_seconds() {
        let target = |words: &[&str]| Request::parse(words).map(|request| request.target);
        assert_eq!(target(&[]), Some(None));
        assert_eq!(target(&["onnx", "--inputs", "5"]), Some(Some("onnx".to_owned())));
        assert_eq!(target(&["other"]), None);
        assert_eq!(target(&["--seconds"]), None);
        assert_eq!(target(&["--seconds", "1", "--inputs", "5"]), None);
    }
}
