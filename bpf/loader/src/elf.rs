//! An object file as bytes: what it contains, read without the kernel.
//!
//! What must hold: any bytes may come in; nothing here loads anything.

use std::collections::BTreeSet;

use object::read::elf::{ElfFile64, ElfSymbol64};
use object::{
    Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex,
    SectionKind, SymbolKind,
};

use crate::Error;
use crate::load::Place;

/// A variable in a data section of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Section that holds it: `.rodata`, `.data`, `.bss`.
    pub section: &'a str,
    /// Bytes from the start of the section.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Initial value; `None` in `.bss`, where it is all zeros.
    pub initial: Option<&'a [u8]>,
}

/// An object file that has been looked through, not loaded.
#[derive(Debug)]
pub struct ObjectFile<'a> {
    bytes: &'a [u8],
    file: ElfFile64<'a, Endianness>,
}

/// The section that libbpf reads map definitions from.
const MAPS_SECTION: &str = ".maps";
/// How the names of sections of constants begin; relocations have others.
const TABLES_SECTION: &str = ".rodata";
/// The section of functions that are not programs.
const FUNCTIONS_SECTION: &str = ".text";

impl<'a> ObjectFile<'a> {
    /// Looks through the bytes of an object file.
    ///
    /// # Errors
    /// [`Error::Elf`] if it is not a 64-bit ELF file.
    pub fn parse(bytes: &'a [u8]) -> Result<ObjectFile<'a>, Error> {
        let file = ElfFile64::parse(bytes).map_err(|source| Error::Elf { source })?;
        Ok(ObjectFile { bytes, file })
    }

    /// The bytes it was made of.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Names of the programs: the functions outside `.text`, in file order.
    pub fn programs(&self) -> Vec<&'a str> {
        self.functions()
            .filter(|(_, section)| self.section_name(*section) != Some(FUNCTIONS_SECTION))
            .filter_map(|(symbol, _)| symbol.name().ok())
            .collect()
    }

    /// Names of the maps that have a definition of their own.
    pub fn maps(&self) -> Vec<&'a str> {
        self.file
            .symbols()
            .filter(|symbol| {
                symbol.kind() == SymbolKind::Data
                    && symbol.section_index().and_then(|index| self.section_name(index))
                        == Some(MAPS_SECTION)
            })
            .filter_map(|symbol| symbol.name().ok())
            .collect()
    }

    /// Bytes of the largest section of tables: libbpf makes a map with one value of it.
    pub fn tables_bytes(&self) -> u64 {
        let sections = self.file.sections();
        let tables = sections
            .filter(|section| section.name().is_ok_and(|name| name.starts_with(TABLES_SECTION)));
        tables.map(|section| section.size()).max().unwrap_or(0)
    }

    /// A variable by its C name.
    ///
    /// # Errors
    /// [`Error::NoVariable`] if there is none, or its section is cut short.
    pub fn variable(&self, name: &str) -> Result<Variable<'a>, Error> {
        self.find_variable(name).ok_or_else(|| Error::NoVariable { variable: name.to_owned() })
    }

    /// Name and place of every variable.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'a str, Place)> {
        self.file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Data).filter_map(
            |symbol| {
                let place = Place {
                    section: self.section_name(symbol.section_index()?)?.to_owned(),
                    offset: usize::try_from(symbol.address()).ok()?,
                    bytes: usize::try_from(symbol.size()).ok()?,
                };
                Some((symbol.name().ok()?, place))
            },
        )
    }

    fn find_variable(&self, name: &str) -> Option<Variable<'a>> {
        let symbol = self.file.symbols().find(|symbol| {
            symbol.kind() == SymbolKind::Data && symbol.name_bytes() == Ok(name.as_bytes())
        })?;
        let index = symbol.section_index()?;
        let section = self.file.section_by_index(index).ok()?;
        let offset = usize::try_from(symbol.address()).ok()?;
        let bytes = usize::try_from(symbol.size()).ok()?;
        let initial = if section.kind() == SectionKind::UninitializedData {
            None
        } else {
            Some(section.data().ok()?.get(offset..offset.checked_add(bytes)?)?)
        };
        Some(Variable { section: self.section_name(index)?, offset, bytes, initial })
    }

    /// The text of a `char` array that ends in NUL, such as a build id.
    ///
    /// # Errors
    /// [`Error::NoVariable`] if there is none with text in it.
    pub fn text(&self, name: &str) -> Result<&'a str, Error> {
        let missing = || Error::NoVariable { variable: name.to_owned() };
        let bytes = self.variable(name)?.initial.ok_or_else(missing)?;
        let text = bytes.split(|&byte| byte == 0).next().ok_or_else(missing)?;
        str::from_utf8(text).map_err(|_| missing())
    }

    /// Names of the maps that the given programs use, directly or through
    /// functions. May name a map too many, never one too few: functions in
    /// `.text` are taken as one.
    pub(crate) fn maps_used_by(&self, programs: &[&str]) -> BTreeSet<&'a str> {
        let mut used = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut ranges: Vec<(SectionIndex, u64, u64)> = self
            .functions()
            .filter(|(symbol, _)| symbol.name().is_ok_and(|name| programs.contains(&name)))
            .map(|(symbol, section)| {
                (section, symbol.address(), symbol.address().saturating_add(symbol.size()))
            })
            .collect();
        while let Some((index, start, end)) = ranges.pop() {
            let Ok(section) = self.file.section_by_index(index) else { continue };
            for (offset, relocation) in section.relocations() {
                if !(start..end).contains(&offset) {
                    continue;
                }
                let RelocationTarget::Symbol(target) = relocation.target() else { continue };
                let Ok(symbol) = self.file.symbol_by_index(target) else { continue };
                let Some(in_section) = symbol.section_index() else { continue };
                if self.section_name(in_section) == Some(MAPS_SECTION) {
                    match symbol.name() {
                        Ok(name) if symbol.kind() == SymbolKind::Data => drop(used.insert(name)),
                        // A static map is named by its section only.
                        _ => used.extend(self.maps()),
                    }
                } else if self.is_code(in_section) && seen.insert(in_section.0) {
                    ranges.push((in_section, 0, u64::MAX));
                }
            }
        }
        used
    }

    fn functions(&self) -> impl Iterator<Item = (ElfSymbol64<'a, '_, Endianness>, SectionIndex)> {
        self.file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| Some((symbol, symbol.section_index()?)))
            .filter(|(_, section)| self.is_code(*section))
    }

    fn is_code(&self, section: SectionIndex) -> bool {
        self.file.section_by_index(section).is_ok_and(|it| it.kind() == SectionKind::Text)
    }

    fn section_name(&self, section: SectionIndex) -> Option<&'a str> {
        self.file.section_by_index(section).ok()?.name().ok()
    }
}
