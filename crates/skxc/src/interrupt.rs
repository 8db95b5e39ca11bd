//! Ctrl-C: what lies about for the time of a run goes when the run is ended by
//! a signal, which runs no destructors.
//!
//! What must hold:
//! - [`watch`] is called before there is any other thread: signals are blocked
//!   in all threads, so that the one that waits for them gets them;
//! - the run still ends by the signal, as whoever sent it expects;
//! - programs that are run (clang) get signals as ever: `Command` unblocks them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};
use tempfile::TempDir;

/// The signals that people and service managers end a run by.
const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Files and folders that must not stay.
static PASSING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn passing() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A set of paths is whole whatever panicked beside it.
    PASSING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for signals from now on.
pub(crate) fn watch() {
    let signals: SigSet = SIGNALS.into_iter().collect();
    // A run that cannot block or wait ends by signals as if nobody watched.
    if signals.thread_block().is_err() {
        return;
    }
    let waiter = thread::Builder::new().name("signals".to_owned());
    if waiter.spawn(move || wait(signals)).is_err() {
        let _ = signals.thread_unblock();
    }
}

fn wait(signals: SigSet) {
    let Ok(signal) = signals.wait() else { return };
    // Held to the end: nothing new appears.
    let passing = passing();
    for path in passing.iter() {
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    let _ = signals.thread_unblock();
    let _ = raise(signal);
}

/// A path that goes when a signal ends the run. Whoever has this removes it
/// otherwise.
#[derive(Debug)]
pub(crate) struct Passing(PathBuf);

impl Passing {
    /// Notes a path.
    pub(crate) fn new(path: &Path) -> Self {
        passing().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        passing().remove(&self.0);
    }
}

/// A folder for the time of a run.
#[derive(Debug)]
pub(crate) struct Scratch {
    // Forgotten before it is removed: members are dropped in this order.
    _passing: Passing,
    folder: TempDir,
}

impl Scratch {
    /// Makes one where the system keeps such.
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("skxc-").tempdir()?;
        Ok(Self { _passing: Passing::new(folder.path()), folder })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}
