//! Directories of pins: who may change them, how they are called, what is left over.
//!
//! What must hold:
//! - pins are made and removed under [`LockedPins`] alone, so that nobody sees half
//!   of an attachment that is being made;
//! - names are escaped: no path depends on data otherwise.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Action, Error};
use crate::sys;

use super::LINK;

/// The network namespace of this thread, as a name of a directory
/// (fs/nsfs.c: a namespace is an inode; its number is free when the namespace is gone).
pub(crate) fn namespace() -> Result<String, Error> {
    const PATH: &str = "/proc/thread-self/ns/net";
    match fs::metadata(PATH) {
        Ok(file) => Ok(file.ino().to_string()),
        Err(source) => Err(Error::path(Action::Pin, PATH, source)),
    }
}

pub(crate) fn directories(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let wrap = |source| Error::path(Action::Pin, path, source);
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrap(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(wrap)?;
        if entry.file_type().map_err(wrap)?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Asks the nearest directory above `root` that exists, or `root` itself.
pub(crate) fn check_file_system(root: &Path) -> Result<(), Error> {
    let exists = root.ancestors().find(|path| path.exists()).unwrap_or(root);
    match sys::is_bpf_file_system(exists) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NoBpfFileSystem { path: root.to_owned() }),
        Err(source) => Err(Error::path(Action::Pin, exists, source)),
    }
}

/// A directory of pins that nobody else changes meanwhile: every attach, detach
/// and replace takes it first. It goes with this value, however the process ends.
#[derive(Debug)]
pub struct LockedPins {
    root: PathBuf,
    _lock: File,
}

impl LockedPins {
    /// Waits until nobody else changes pins below `root`.
    ///
    /// # Errors
    /// [`Error::NoBpfFileSystem`], [`Error::Privileges`], [`Error::Path`], as where the
    /// file system is mounted read-only: then nothing is changed by half.
    pub fn lock(root: &Path) -> Result<LockedPins, Error> {
        check_file_system(root)?;
        // Not the root itself, which goes with its last attachment.
        let path = root.parent().unwrap_or(root);
        let locked = sys::check_writable(path)
            .and_then(|()| File::open(path))
            .and_then(|file| sys::lock(&file).map(|()| file));
        let lock = locked.map_err(|source| Error::path(Action::Pin, path, source))?;
        Ok(LockedPins { root: root.to_owned(), _lock: lock })
    }

    /// The directory of all pins.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Are these pins without a link, or with one that is attached to nothing?
/// Under [`LockedPins`], nobody is about to complete them.
fn are_leftovers(path: &Path) -> Result<bool, Error> {
    if !path.exists() {
        return Ok(false);
    }
    match sys::open_pin(&path.join(LINK)) {
        Ok(link) => match sys::xdp_link_info(link.as_fd()) {
            Ok((_, index)) => Ok(index == 0),
            Err(source) => Err(Error::kernel(Action::Info, source)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(Error::path(Action::Pin, path.join(LINK), source)),
    }
}

/// Removes what it can of the pins of interfaces that are gone, in whatever
/// namespace they were. What cannot be looked at is another's concern.
fn remove_leftovers(root: &Path) {
    let below = |paths: Vec<PathBuf>| -> Vec<PathBuf> {
        paths.iter().flat_map(|path| directories(path).unwrap_or_default()).collect()
    };
    let attachments = below(below(directories(root).unwrap_or_default()));
    for path in attachments.iter().filter(|path| are_leftovers(path).unwrap_or(false)) {
        // It is as it was if it does not go.
        let _ = remove_pins(path);
    }
}

/// Pins being made. Unless kept, they are removed again.
pub(crate) struct Pins<'a> {
    path: &'a Path,
    kept: bool,
}

impl<'a> Pins<'a> {
    /// Makes the directory of the pins, in the place of leftovers.
    pub(crate) fn create(pins: &LockedPins, path: &'a Path) -> Result<Pins<'a>, Error> {
        let root = pins.root();
        if are_leftovers(path)? {
            remove_pins(path)?;
        }
        // Nobody can enter a namespace that is gone to take off what is left there.
        remove_leftovers(root);
        let parent = path.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(|source| Error::path(Action::Pin, parent, source))?;
        match fs::create_dir(path) {
            Ok(()) => Ok(Pins { path, kept: false }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Pinned { path: path.to_owned() })
            }
            Err(source) => Err(Error::path(Action::Pin, path, source)),
        }
    }

    pub(crate) fn add(&mut self, object: BorrowedFd<'_>, file: &str) -> Result<(), Error> {
        let path = self.path.join(file);
        sys::pin(object, &path).map_err(|source| Error::path(Action::Pin, path, source))
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Pins<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // The error that led here is the one to report.
            let _ = remove_pins(self.path);
        }
    }
}

/// Removes the pins in a directory, the link first, then the directory, then
/// those of the interface and the namespace and the root if nothing else is in them.
pub(crate) fn remove_pins(path: &Path) -> Result<(), Error> {
    let wrap = |source| Error::path(Action::Pin, path, source);
    match fs::remove_file(path.join(LINK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrap(error)),
        Ok(()) | Err(_) => {}
    }
    for entry in fs::read_dir(path).map_err(wrap)? {
        fs::remove_file(entry.map_err(wrap)?.path()).map_err(wrap)?;
    }
    fs::remove_dir(path).map_err(wrap)?;
    for parent in path.ancestors().skip(1).take(3) {
        // Not empty: something else is attached.
        if fs::remove_dir(parent).is_err() {
            break;
        }
    }
    Ok(())
}

/// A name as a file on the BPF file system, which refuses dots
/// (kernel/bpf/inode.c, `bpf_lookup`).
pub(crate) fn file_name(name: &str) -> String {
    name.replace('%', "%25").replace('.', "%2E").replace('/', "%2F")
}

/// The name that [`file_name`] was given.
pub(crate) fn plain_name(file: &str) -> Option<String> {
    Some(file.replace("%2F", "/").replace("%2E", ".").replace("%25", "%"))
}

/// The file that a map is pinned as: without the model's name, or for a data
/// section the section without what libbpf puts before it.
pub(crate) fn map_file_name(map: &str, name: &str) -> String {
    let short = match map.rsplit_once('.') {
        Some((_, section)) => section,
        None => map.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')).unwrap_or(map),
    };
    file_name(short)
}
