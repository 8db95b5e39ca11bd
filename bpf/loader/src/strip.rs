//! Removes DWARF from an object and keeps BTF.
//!
//! What must hold: the output is a function of the input, loads as the input
//! does, and is whole or not there at all.

use crate::elf::ObjectFile;
use crate::error::Error;
use crate::{messages, sys};

/// The object without its DWARF sections. BTF, which the kernel and libbpf
/// read, stays, and so do the lines of source in the verifier's log.
///
/// This is what `bpftool gen object` does with one object: libbpf's linker
/// takes over what BPF knows and leaves the rest behind. It also merges equal
/// types in BTF.
///
/// # Errors
/// [`Error::Elf`] if the bytes are not a 64-bit ELF file, [`Error::Strip`] if
/// libbpf does not take them for a BPF object.
pub fn strip_debug(object: &[u8]) -> Result<Vec<u8>, Error> {
    ObjectFile::parse(object)?;
    let (stripped, messages) = messages::capture(|| sys::link_alone(object));
    stripped.map_err(|source| Error::Strip { source, messages })
}
