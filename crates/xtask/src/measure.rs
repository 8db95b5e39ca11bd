//! Runs a program and says how long it took and how much memory it needed.
//!
//! The kernel keeps one figure of peak memory for all children a process has
//! waited for, so each program runs below an `xtask measure` of its own, which
//! writes the figures to a file and ends as the program did.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A program that runs longer is ended.
const TIME_MAX: Duration = Duration::from_secs(600);
const EXIT_TIMEOUT: u8 = 124;
const EXIT_SIGNAL: u8 = 128;

/// What a run came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Exit code; 124 if it took too long, 128 and the signal if it died.
    pub(crate) code: i32,
    /// Bytes of standard output.
    pub(crate) stdout: Vec<u8>,
    /// Text of standard error.
    pub(crate) stderr: String,
    /// Wall time in seconds.
    pub(crate) seconds: f64,
    /// Peak resident memory of the program or the greatest of its children.
    pub(crate) peak_bytes: u64,
}

impl Run {
    /// The diagnostic codes in what it said, sorted, each once.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let words = self.stderr.match_indices("SKX");
        let mut codes: Vec<&str> = words
            .filter_map(|(at, _)| self.stderr.get(at..at + 7))
            .filter(|code| code[3..].bytes().all(|byte| byte.is_ascii_digit()))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// Runs `command` and measures it. `scratch` is a folder to write to.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn measure(command: &[String], scratch: &Path) -> io::Result<Run> {
    let report = scratch.join("measure");
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg(&report)
        .args(command)
        .stdin(Stdio::null())
        .output()?;
    let text = fs::read_to_string(&report)?;
    fs::remove_file(&report)?;
    let mut figures = text.split_whitespace();
    let mut figure = || figures.next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
    Ok(Run {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        seconds: figure(),
        peak_bytes: figure() as u64,
    })
}

/// The task behind [`measure`]: runs `command`, writes seconds and bytes to
/// `report`, and ends as the command did.
pub(crate) fn run_measured(report: &str, command: &[&str]) -> ExitCode {
    match run(report, command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            crate::say(&crate::describe(&error));
            ExitCode::from(2)
        }
    }
}

fn run(report: &str, command: &[&str]) -> io::Result<u8> {
    let started = Instant::now();
    // A group of its own, so that its children end with it.
    let mut child = Command::new(command[0]).args(&command[1..]).process_group(0).spawn()?;
    let mut code = None;
    while code.is_none() {
        if let Some(status) = child.try_wait()? {
            let signal = status.signal().map(|signal| EXIT_SIGNAL.saturating_add(signal as u8));
            code = signal.or(status.code().map(|code| code as u8));
        } else if started.elapsed() > TIME_MAX {
            let group = Pid::from_raw(child.id() as i32);
            killpg(group, Signal::SIGKILL)?;
            child.wait()?;
            code = Some(EXIT_TIMEOUT);
        } else {
            sleep(Duration::from_millis(2));
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let peak_kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    fs::write(report, format!("{seconds} {}\n", peak_kib * 1024))?;
    Ok(code.unwrap_or(EXIT_SIGNAL))
}
