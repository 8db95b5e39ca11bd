//! Removes DWARF from an object and keeps BTF.
//!
//! What must hold: the output is a function of the input, loads as the input
//! does, and is whole or not there at all.

use object::build;

use crate::Error;

/// The object without its DWARF sections. BTF, which the kernel and libbpf
/// read, stays, and so do the lines of source in the verifier's log.
///
/// # Errors
/// [`Error::Build`] if the bytes are not an ELF file.
pub fn strip_debug(object: &[u8]) -> Result<Vec<u8>, Error> {
    let mut builder =
        build::elf::Builder::read(object).map_err(|source| Error::Build { source })?;
    for section in &mut builder.sections {
        section.delete = is_debug(&section.name);
    }
    builder.delete_orphans();
    let mut stripped = Vec::new();
    builder.write(&mut stripped).map_err(|source| Error::Build { source })?;
    Ok(stripped)
}

/// Whether a section is DWARF, relocations of it, or clang's table of
/// address-significant symbols, which refers to symbols by number.
fn is_debug(name: &[u8]) -> bool {
    name.starts_with(b".debug_")
        || name.starts_with(b".rel.debug_")
        || name.starts_with(b".rela.debug_")
        || name == b".llvm_addrsig"
}
