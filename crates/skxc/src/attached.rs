//! What is remembered of an attached program beside its pins: the names of
//! classes, which the kernel does not know.
//!
//! What must hold:
//! - counters and programs are the kernel's to tell; a lost record costs
//!   names, nothing else;
//! - the record is whole before the program judges a packet, and goes when it goes;
//! - it is written and removed under the lock of the pins.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skxc_bpf::{Attachment, PIN_ROOT};

use crate::fallback::Fallbacks;
use crate::manifest::{ClassEntry, Manifest};

/// Where records lie: gone after a reboot, as pins are.
const FOLDER: &str = "/run/skxc";

/// A record that is being written: one at a time, under the lock of the pins.
const NEXT: &str = "next";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What the program was made from.
    pub(crate) build_id: String,
    /// The classes with the actions they were attached with.
    pub(crate) classes: Vec<ClassEntry>,
    /// What happens to packets that cannot be classified, by reason.
    pub(crate) fallback: Fallbacks,
    /// Decide and count, but pass.
    pub(crate) shadow: bool,
}

impl Record {
    /// The record of a program about to be attached.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            build_id: manifest.build_id.clone(),
            classes: manifest.classes.clone(),
            fallback: manifest.fallback.clone(),
            shadow: manifest.options.shadow,
        }
    }
}

/// Writes the record of an attachment, whole or not at all.
pub(crate) fn remember(attachment: &Attachment, record: &Record) -> io::Result<()> {
    fs::create_dir_all(FOLDER)?;
    let text = serde_json::to_string(record).expect("a record is plain data");
    let (path, next) = (path(attachment), Path::new(FOLDER).join(NEXT));
    fs::write(&next, text)?;
    fs::rename(next, path)
}

/// Reads the record of an attachment, if there is one.
pub(crate) fn recall(attachment: &Attachment) -> Option<Record> {
    serde_json::from_str(&fs::read_to_string(path(attachment)).ok()?).ok()
}

/// Removes the record of an attachment.
pub(crate) fn forget(attachment: &Attachment) {
    // A record that is not there need not be removed.
    let _ = fs::remove_file(path(attachment));
    let _ = fs::remove_dir(FOLDER);
}

/// Called after the pins, whose path has no dots: those of a name are escaped.
fn path(attachment: &Attachment) -> PathBuf {
    let pins = attachment.path.strip_prefix(PIN_ROOT).unwrap_or(&attachment.path);
    let parts: Vec<_> = pins.iter().map(|part| part.to_string_lossy()).collect();
    Path::new(FOLDER).join(format!("{}.json", parts.join(".")))
}
