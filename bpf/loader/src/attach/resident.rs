//! What a program of skxc in the kernel says of itself: its constants, as they were
//! when it was loaded, and its counters.
//!
//! What must hold: everything is found by the id of the program, its maps and its
//! BTF, so that pins and files cannot say something else.

use std::os::fd::AsFd as _;

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};
use libbpf_rs::{MapCore as _, MapFlags, MapHandle, MapType};

use crate::error::{Action, Error};
use crate::map::{self, COUNTER_BYTES, Counter};
use crate::sys;

/// How the name of the variable ends by which a program of skxc is known.
const BUILD_ID: &str = "_build_id";
/// The section of constants, and how the name of its map ends.
const CONSTANTS: &str = ".rodata";

/// A program of skxc in the kernel.
#[derive(Debug)]
pub struct Resident {
    model: String,
    program_id: u32,
    constants: Vec<(String, Vec<u8>)>,
    maps: Vec<MapHandle>,
}

impl Resident {
    /// The program with this id; `None` if there is none or it is not of skxc. BTF and
    /// maps by their ids want CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// [`Error::Privileges`] if the program may not be looked at, [`Error::Kernel`].
    pub fn find(program_id: u32) -> Result<Option<Resident>, Error> {
        let failed = |source| Error::kernel(Action::Inspect, source);
        let program = match sys::program_by_id(program_id) {
            Ok(program) => program,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        // libbpf-rs does not tell why BTF cannot be had; the program, which wants the
        // same capability, was there.
        let Ok(btf) = Btf::from_prog_id(program_id) else { return Ok(None) };
        let maps = sys::program_map_ids(program.as_fd())
            .map_err(failed)?
            .into_iter()
            .map(MapHandle::from_map_id)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Libbpf { action: Action::Inspect, source })?;
        let constants = constants(&btf, &maps)?;
        let model = constants.iter().find_map(|(name, _)| name.strip_suffix(BUILD_ID));
        let Some(model) = model.map(str::to_owned) else { return Ok(None) };
        Ok(Some(Resident { model, program_id, constants, maps }))
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The kernel's number for the program.
    pub fn program_id(&self) -> u32 {
        self.program_id
    }

    /// The bytes of the constant `NAME_what`, in the kernel's byte order, if the
    /// program has it.
    pub fn constant(&self, what: &str) -> Option<&[u8]> {
        let name = format!("{}_{what}", self.model);
        self.constants.iter().find(|(found, _)| *found == name).map(|(_, bytes)| &bytes[..])
    }

    /// The words of 32 bits of a constant.
    pub fn words(&self, what: &str) -> Option<Vec<u32>> {
        let (words, rest) = self.constant(what)?.as_chunks();
        rest.is_empty().then(|| words.iter().map(|&word| u32::from_ne_bytes(word)).collect())
    }

    /// The counters, one for each class and reason, added up over all CPUs.
    ///
    /// # Errors
    /// [`Error::NoMap`] if there are none, or the kernel's refusal to read them.
    pub fn counters(&self) -> Result<Vec<Counter>, Error> {
        // Names of maps are cut in the kernel. No other map of a program has these sizes.
        let entries = ["actions", "fallbacks"]
            .iter()
            .map(|what| self.constant(what).map_or(0, |bytes| bytes.len() / 4))
            .sum::<usize>();
        let is_counters = |map: &&MapHandle| {
            map.map_type() == MapType::PercpuArray
                && map.value_size() as usize == COUNTER_BYTES
                && map.max_entries() as usize == entries
        };
        let found = self.maps.iter().find(is_counters);
        let missing = || Error::NoMap { map: format!("{}_counters", self.model) };
        map::counters(found.ok_or_else(missing)?)
    }
}

/// Name and bytes of every variable in the section of constants.
fn constants(btf: &Btf<'_>, maps: &[MapHandle]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let Some(section) = btf.type_by_name::<DataSec<'_>>(CONSTANTS) else { return Ok(Vec::new()) };
    let is_constants = |map: &&MapHandle| map.name().to_string_lossy().ends_with(CONSTANTS);
    let Some(map) = maps.iter().find(is_constants) else { return Ok(Vec::new()) };
    let values = map
        .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
        .map_err(|source| Error::Libbpf { action: Action::ReadMap, source })?
        .unwrap_or_default();
    let constants = section.iter().filter_map(|place| {
        let variable: Var<'_> = btf.type_by_id(place.ty)?;
        let start = place.offset as usize;
        let bytes = values.get(start..start.checked_add(place.size)?)?;
        Some((variable.name()?.to_str()?.to_owned(), bytes.to_vec()))
    });
    Ok(constants.collect())
}
