//! `digests OBJECT`: SHA-256 of the parts of an object that the kernel runs, a
//! line each, so that two builds can be compared.
//!
//! - `text`: the instructions of all programs and functions, with the places
//!   that relocations lead to;
//! - `tables`: the initial values of all variables, with the build id left out;
//! - `maps`: type, sizes and number of entries of each map.
//!
//! Names do not count: neither those of symbols nor those of maps.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use libbpf_rs::ObjectBuilder;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionKind};
use sha2::{Digest as _, Sha256};

/// How the name of the variable ends that holds the build id.
const BUILD_ID_SUFFIX: &str = "_build_id";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [object] = arguments.as_slice() else { return Err("usage: digests OBJECT".into()) };
    let bytes = fs::read(object)?;
    let file = object::File::parse(&*bytes)?;
    let parts =
        [("text", text(&file)?), ("tables", tables(&file)?), ("maps", maps(Path::new(object))?)];
    let mut out = io::stdout().lock();
    for (name, part) in parts {
        let hex = Sha256::digest(part).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        writeln!(out, "{name} {hex}")?;
    }
    Ok(())
}

/// The code of each section, and what its relocations lead to.
fn text(file: &object::File<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut text = Vec::new();
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        text.extend(section.data()?);
        for (offset, relocation) in section.relocations() {
            text.extend(offset.to_le_bytes());
            let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
            let symbol = file.symbol_by_index(symbol)?;
            text.extend(symbol.address().to_le_bytes());
            if let Some(index) = symbol.section_index() {
                text.extend(file.section_by_index(index)?.name()?.bytes());
            }
        }
    }
    Ok(text)
}

/// The data sections, one after another. Where the build id stands are zeros.
fn tables(file: &object::File<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut tables = Vec::new();
    for section in file.sections() {
        let name = section.name()?;
        // Relocations of a section have a name that ends like it.
        if !name.starts_with(".rodata") && !name.starts_with(".data") {
            continue;
        }
        let start = tables.len();
        tables.extend(section.data()?);
        let ids = file.symbols().filter(|symbol| {
            symbol.section_index() == Some(section.index())
                && symbol.name().is_ok_and(|name| name.ends_with(BUILD_ID_SUFFIX))
        });
        for id in ids {
            let first = start + usize::try_from(id.address())?;
            tables[first..first + usize::try_from(id.size())?].fill(0);
        }
    }
    Ok(tables)
}

/// The maps as libbpf would make them, one after another.
fn maps(object: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let open = ObjectBuilder::default().open_file(object)?;
    let mut maps = Vec::new();
    for map in open.maps() {
        let kind = map.map_type() as u32;
        for number in [kind, map.key_size(), map.value_size(), map.max_entries()] {
            maps.extend(number.to_le_bytes());
        }
    }
    Ok(maps)
}
