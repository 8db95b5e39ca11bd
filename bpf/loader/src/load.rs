//! From the bytes of an object to programs in the kernel.

use std::collections::HashMap;
use std::ffi::OsStr;

use libbpf_rs::{MapType, Object, ObjectBuilder, OpenMapMut, OpenObject};

use crate::elf::ObjectFile;
use crate::error::{Action, Error, needs};
use crate::map::Map;
use crate::messages;
use crate::probe::{Capability, missing_capabilities};
use crate::program::Program;
use crate::sys;

/// Name given to objects; libbpf names the maps of data sections after it.
const OBJECT_NAME: &str = "skxc";
/// How the name of the map ends that one decision works on.
const STATE_SUFFIX: &str = "_state";

/// An object that is to be loaded, and how.
#[derive(Debug)]
pub struct Loader<'a> {
    file: ObjectFile<'a>,
    programs: Vec<String>,
    variables: Vec<(String, Vec<u8>)>,
    max_entries: Vec<MaxEntries>,
}

/// How many entries a map is to have: `entries`, but no more than fit
/// `bytes_max`, and one at least.
#[derive(Debug)]
struct MaxEntries {
    map: String,
    entries: u32,
    bytes_max: usize,
}

impl<'a> Loader<'a> {
    /// Takes the bytes of an object file.
    ///
    /// # Errors
    /// [`Error::Elf`] if it is not a 64-bit ELF file.
    pub fn new(object: &'a [u8]) -> Result<Loader<'a>, Error> {
        Ok(Loader {
            file: ObjectFile::parse(object)?,
            programs: Vec::new(),
            variables: Vec::new(),
            max_entries: Vec::new(),
        })
    }

    /// The object itself.
    pub fn file(&self) -> &ObjectFile<'a> {
        &self.file
    }

    /// Loads this program. If no program is named, all are loaded; otherwise
    /// those named, and maps that only others use are not created.
    #[must_use]
    pub fn program(mut self, name: &str) -> Self {
        self.programs.push(name.to_owned());
        self
    }

    /// Gives a variable another initial value; for `const volatile` ones that
    /// is the value the verifier sees. In the kernel's byte order.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &[u8]) -> Self {
        self.variables.push((name.to_owned(), value.to_vec()));
        self
    }

    /// Gives a map room for this many entries.
    #[must_use]
    pub fn max_entries(self, map: &str, entries: u32) -> Self {
        self.max_entries_within(map, entries, usize::MAX)
    }

    /// The same, but no more entries than fit `bytes_max` bytes of memory;
    /// one in any case.
    #[must_use]
    pub fn max_entries_within(mut self, map: &str, entries: u32, bytes_max: usize) -> Self {
        self.max_entries.push(MaxEntries { map: map.to_owned(), entries, bytes_max });
        self
    }

    /// Loads.
    ///
    /// # Errors
    /// [`Error::Refused`] with the verifier's log, [`Error::Privileges`],
    /// [`Error::Perfmon`], [`Error::Open`], [`Error::Load`], and [`Error::NoProgram`],
    /// [`Error::NoMap`], [`Error::NoVariable`] or [`Error::Size`] if something
    /// named is not there or does not fit.
    pub fn load(self) -> Result<Loaded, Error> {
        let (opened, messages) = messages::capture(|| {
            ObjectBuilder::default().name(OBJECT_NAME)?.open_memory(self.file.bytes())
        });
        let mut open = opened.map_err(|source| Error::Open { source, messages })?;
        self.choose_programs(&mut open)?;
        Self::set_rows(&mut open)?;
        self.set_entries(&mut open)?;
        self.set_variables(&mut open)?;
        let places = self.file.variables().map(|(name, place)| (name.to_owned(), place)).collect();

        let (loaded, messages) = messages::capture(|| sys::load(open));
        match loaded {
            Ok(object) => Ok(Loaded { object, places }),
            Err((source, logs)) => Err(load_error(source, logs, messages)),
        }
    }

    fn choose_programs(&self, open: &mut OpenObject) -> Result<(), Error> {
        if self.programs.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.programs.iter().map(String::as_str).collect();
        for name in &names {
            if !open.progs().any(|program| program.name() == OsStr::new(name)) {
                return Err(Error::NoProgram { program: (*name).to_owned() });
            }
        }
        for mut program in open.progs_mut() {
            let chosen = names.iter().any(|name| program.name() == OsStr::new(name));
            program.set_autoload(chosen);
        }
        let used = self.file.maps_used_by(&names);
        let defined = self.file.maps();
        for mut map in open.maps_mut() {
            // Maps of data sections are defined by no symbol and stay.
            let unused =
                defined.iter().any(|name| map.name() == OsStr::new(name) && !used.contains(name));
            if unused {
                map.set_autocreate(false).map_err(configure)?;
            }
        }
        Ok(())
    }

    /// A state that is too large for a per-CPU array is an ordinary one with a row for
    /// each CPU there can be.
    fn set_rows(open: &mut OpenObject) -> Result<(), Error> {
        for mut map in open.maps_mut() {
            let is_state = map.name().to_string_lossy().ends_with(STATE_SUFFIX);
            if is_state && map.map_type() == MapType::Array {
                let rows = match rows() {
                    Some(rows) => rows,
                    None => libbpf_rs::num_possible_cpus().map_err(configure)?,
                };
                map.set_max_entries(u32::try_from(rows).unwrap_or(u32::MAX)).map_err(configure)?;
            }
        }
        Ok(())
    }

    fn set_entries(&self, open: &mut OpenObject) -> Result<(), Error> {
        for wanted in &self.max_entries {
            let mut map = find_map(open, &wanted.map)
                .ok_or_else(|| Error::NoMap { map: wanted.map.clone() })?;
            let value_bytes = (map.value_size() as usize).next_multiple_of(8).max(8);
            let fitting = u32::try_from(wanted.bytes_max / value_bytes).unwrap_or(u32::MAX);
            map.set_max_entries(wanted.entries.min(fitting).max(1)).map_err(configure)?;
        }
        Ok(())
    }

    fn set_variables(&self, open: &mut OpenObject) -> Result<(), Error> {
        for (name, value) in &self.variables {
            let missing = || Error::NoVariable { variable: name.clone() };
            let variable = self.file.variable(name)?;
            if variable.bytes != value.len() {
                return Err(Error::Size {
                    name: name.clone(),
                    expected: variable.bytes,
                    found: value.len(),
                });
            }
            let mut map = find_map(open, &map_of_section(variable.section)).ok_or_else(missing)?;
            map.initial_value_mut()
                .and_then(|section| {
                    section.get_mut(variable.offset..variable.offset + variable.bytes)
                })
                .ok_or_else(missing)?
                .copy_from_slice(value);
        }
        Ok(())
    }
}

/// The greatest number that a CPU can have, and one: the list of possible CPUs, such
/// as `0-3,8-11`, may have holes.
fn rows() -> Option<usize> {
    let possible = std::fs::read_to_string("/sys/devices/system/cpu/possible").ok()?;
    last_cpu(&possible)?.checked_add(1)
}

fn last_cpu(possible: &str) -> Option<usize> {
    possible.trim().rsplit([',', '-']).next()?.parse().ok()
}

fn find_map<'open>(open: &'open mut OpenObject, name: &str) -> Option<OpenMapMut<'open>> {
    open.maps_mut().find(|map| map.name() == OsStr::new(name))
}

/// The name that libbpf gives the map of a data section (`internal_map_name`
/// in libbpf.c): the object's name comes before the three plain ones only.
fn map_of_section(section: &str) -> String {
    match section {
        ".rodata" | ".data" | ".bss" => format!("{OBJECT_NAME}{section}"),
        _ => section.to_owned(),
    }
}

fn configure(source: libbpf_rs::Error) -> Error {
    Error::Libbpf { action: Action::Configure, source }
}

/// What the verifier says only to those without CAP_PERFMON, of programs that others
/// may load (kernel/bpf/verifier.c: `allow_ptr_leaks`, `allow_uninit_stack`,
/// `bypass_spec_v1`).
const WITHOUT_PERFMON: [&str; 10] = [
    "prohibited for !root",
    "leaks addr",
    "attempt to corrupt spilled pointer",
    "spilled ptr in range of insn",
    "pointer comparison prohibited",
    "pointer -= pointer prohibited",
    "partial copy of pointer",
    "sign-extension part of pointer",
    "invalid read from stack off",
    "invalid indirect read from stack",
];
/// Lines at the end of a log where the reason stands, before the statistics.
const REASON_LINES: usize = 5;

/// Sorts out why a load failed. The kernel asks for CAP_BPF and CAP_NET_ADMIN before
/// it looks at a program, and answers EPERM. Without CAP_PERFMON it is stricter with a
/// program: whether that is the reason, its log says. Programs are loaded one after
/// the other and logged only when refused, so a log says whose fault it was.
fn load_error(source: std::io::Error, logs: Vec<sys::ProgramLog>, messages: String) -> Error {
    let missing = missing_capabilities();
    let is_not_permitted = source.raw_os_error() == Some(libc::EPERM);
    let refused = logs.into_iter().rfind(|log| !log.log.is_empty());
    match refused {
        Some(refused) if !is_not_permitted || missing.is_empty() => {
            let program = refused.program;
            match perfmon_reason(&refused.log).filter(|_| missing.contains(&Capability::Perfmon)) {
                Some(line) => Error::Perfmon { program, line: line.to_owned(), source },
                None => Error::Refused { program, source, log: refused.log },
            }
        }
        _ if is_not_permitted => {
            Error::Privileges { action: Action::Load, needs: needs(Action::Load), source }
        }
        _ => Error::Load { source, messages },
    }
}

/// The line that only those without CAP_PERFMON get to read.
fn perfmon_reason(log: &str) -> Option<&str> {
    let is_reason = |line: &&str| WITHOUT_PERFMON.iter().any(|reason| line.contains(reason));
    log.lines().rev().take(REASON_LINES).find(is_reason)
}

/// Where a variable of a loaded object is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) section: String,
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
}

/// Programs and maps in the kernel. They go when this goes, unless pinned.
#[derive(Debug)]
pub struct Loaded {
    object: Object,
    places: HashMap<String, Place>,
}

impl Loaded {
    /// A loaded program by name.
    ///
    /// # Errors
    /// [`Error::NoProgram`] if there is none or it was not chosen.
    pub fn program(&self, name: &str) -> Result<Program<'_>, Error> {
        self.object
            .progs_mut()
            .find(|program| program.name() == OsStr::new(name))
            .and_then(Program::new)
            .ok_or_else(|| Error::NoProgram { program: name.to_owned() })
    }

    /// A map by name.
    ///
    /// # Errors
    /// [`Error::NoMap`] if there is none or it was not created.
    pub fn map(&self, name: &str) -> Result<Map<'_>, Error> {
        self.maps()
            .find(|map| map.name() == name)
            .ok_or_else(|| Error::NoMap { map: name.to_owned() })
    }

    /// All maps that were created, those of data sections among them.
    pub fn maps(&self) -> impl Iterator<Item = Map<'_>> {
        self.object.maps().filter(libbpf_rs::Map::autocreate).map(Map::new)
    }

    /// The present value of a variable, in the kernel's byte order.
    ///
    /// # Errors
    /// [`Error::NoVariable`], or the kernel's refusal to read the map.
    pub fn read_variable(&self, name: &str) -> Result<Vec<u8>, Error> {
        let place = self.place(name)?;
        let section = self.map(&map_of_section(&place.section))?.read(0)?;
        section
            .get(place.offset..place.offset + place.bytes)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Error::NoVariable { variable: name.to_owned() })
    }

    /// Writes a variable of `.data` or `.bss`, whose section is read and
    /// written as a whole: no program may write to it meanwhile.
    ///
    /// # Errors
    /// [`Error::NoVariable`], [`Error::Size`], or the kernel's refusal, as for
    /// a variable of `.rodata`, which is frozen.
    pub fn write_variable(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        let place = self.place(name)?;
        if value.len() != place.bytes {
            let (expected, found) = (place.bytes, value.len());
            return Err(Error::Size { name: name.to_owned(), expected, found });
        }
        let map = self.map(&map_of_section(&place.section))?;
        let mut section = map.read(0)?;
        section
            .get_mut(place.offset..place.offset + place.bytes)
            .ok_or_else(|| Error::NoVariable { variable: name.to_owned() })?
            .copy_from_slice(value);
        map.write(0, &section)
    }

    /// The BTF of the object, for layouts.
    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    fn place(&self, name: &str) -> Result<&Place, Error> {
        self.places.get(name).ok_or_else(|| Error::NoVariable { variable: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_log_tells_of_perfmon() {
        let leaks = "0: (b7) r0 = 2\nR1 leaks addr into map\nprocessed 9 insns\n";
        assert_eq!(perfmon_reason(leaks), Some("R1 leaks addr into map"));
        let other = "R1 leaks addr into map\n1:\n2:\n3:\n4:\ninfinite loop detected at insn 4\n";
        assert_eq!(perfmon_reason(other), None);
        assert_eq!(perfmon_reason("R1 pointer += pointer prohibited\n"), None);
        assert_eq!(perfmon_reason(""), None);
    }

    #[test]
    fn the_last_of_the_possible_cpus() {
        for (possible, last) in
            [("0\n", Some(0)), ("0-7\n", Some(7)), ("0-3,8-11\n", Some(11)), ("", None)]
        {
            assert_eq!(last_cpu(possible), last, "{possible}");
        }
    }
}
