//! Reading files; failures become diagnostics.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use skxc_diagnostics::{Diagnostic, codes};

use crate::session::Stop;

/// Largest file that is read into memory: far above any model that fits the
/// kernel, far below what would hurt.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Largest project file or manifest: parsed, they take many times their size.
const TEXT_BYTES_MAX: u64 = 8 << 20;

/// The bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Stop> {
    read(path, FILE_BYTES_MAX).map_err(|why| cannot_read(path, &why))
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Stop> {
    try_read_text(path).map_err(|why| cannot_read(path, &why))
}

/// The text of a file, or why there is none.
pub(crate) fn try_read_text(path: &Path) -> Result<String, String> {
    let bytes = read(path, TEXT_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it has more than {} MiB", bytes_max >> 20));
    }
    Ok(bytes)
}

/// Says that a file cannot be read.
pub(crate) fn cannot_read(path: &Path, why: &str) -> Stop {
    Stop::input(Diagnostic::error(
        codes::CANNOT_READ,
        format!("cannot read `{}`: {why}", path.display()),
    ))
}
