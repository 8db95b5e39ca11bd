//! Reading files; failures become diagnostics.

use std::fs::File;
use std::io::{Read as _, Take};
use std::path::Path;

use skxc_diagnostics::{Diagnostic, codes};

use crate::session::Stop;

/// Largest file that is read into memory: far above any model that fits the
/// kernel, far below what would hurt.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// The bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| cannot_read(path, &error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let limit = format!("it has more than {} MiB", FILE_BYTES_MAX >> 20);
        return Err(cannot_read(path, &limit));
    }
    Ok(bytes)
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Stop> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|_| cannot_read(path, "it is not UTF-8 text"))
}

/// Says that a file cannot be read.
pub(crate) fn cannot_read(path: &Path, why: &str) -> Stop {
    Stop::input(Diagnostic::error(
        codes::CANNOT_READ,
        format!("cannot read `{}`: {why}", path.display()),
    ))
}

fn open(path: &Path) -> Result<Take<File>, Stop> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error.to_string()))?;
    Ok(file.take(FILE_BYTES_MAX + 1))
}
