//! What runs on the interfaces of this network namespace, by asking the kernel:
//! rtnetlink tells the program of every interface, pinned or not.
//!
//! What must hold: an interface is known by its index and the id of its program
//! together, since other namespaces have the same indices.

use std::os::fd::AsFd as _;

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};

use crate::attach::{Interface, Mode};
use crate::error::{Action, Error};
use crate::sys;

/// An XDP program on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The interface.
    pub interface: Interface,
    /// How the program runs.
    pub mode: Mode,
    /// The kernel's number for the program.
    pub program_id: u32,
}

/// Every XDP program of this network namespace.
///
/// # Errors
/// [`Error::Kernel`] if the interfaces cannot be listed.
pub fn running() -> Result<Vec<Running>, Error> {
    let failed = |source| Error::kernel(Action::Info, source);
    let mut found = Vec::new();
    for (index, name) in sys::interfaces().map_err(failed)? {
        for (mode, program_id) in programs(index) {
            let interface = Interface { name: name.clone(), index };
            found.push(Running { interface, mode, program_id });
        }
    }
    Ok(found)
}

/// How the program with this id runs on the interface, if it does.
pub(crate) fn mode_of(index: u32, program_id: u32) -> Option<Mode> {
    programs(index).into_iter().find(|&(_, id)| id == program_id).map(|(mode, _)| mode)
}

/// The programs of an interface by mode; none if there is no such interface.
fn programs(index: u32) -> Vec<(Mode, u32)> {
    let Ok(found) = sys::xdp_programs(index) else { return Vec::new() };
    [(Mode::Native, found.native), (Mode::Generic, found.generic)]
        .into_iter()
        .filter(|&(_, id)| id != 0)
        .collect()
}

/// The name of the model, from the variable `NAME_build_id` of the program.
fn model_of(program_id: u32) -> Result<Option<String>, Error> {
    // libbpf-rs does not tell why BTF cannot be had; a program that is gone
    // meanwhile, or has no BTF, is none of skxc.
    let program = match sys::program_by_id(program_id) {
        Ok(program) => program,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::kernel(Action::Info, source)),
    };
    let Ok(btf) = Btf::from_prog_id(program_id) else { return Ok(None) };
    drop(program);
    let Some(section) = btf.type_by_name::<DataSec<'_>>(".rodata") else { return Ok(None) };
    let model = section.iter().find_map(|place| {
        let variable: Var<'_> = btf.type_by_id(place.ty)?;
        Some(variable.name()?.to_str()?.strip_suffix("_build_id")?.to_owned())
    });
    Ok(model)
}

impl Running {
    /// The name of the model, if it is a program of skxc. It stands in the BTF of
    /// the program, which wants CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// [`Error::Privileges`] if the program may not be looked at, [`Error::Kernel`].
    pub fn model(&self) -> Result<Option<String>, Error> {
        model_of(self.program_id)
    }

    /// Takes the program off, whoever holds its link.
    ///
    /// # Errors
    /// [`Error::Privileges`], or [`Error::Kernel`] with ENOENT if there is no link
    /// of this program on this interface (any more).
    pub fn detach(&self) -> Result<(), Error> {
        let failed = |source| Error::kernel(Action::Detach, source);
        let wanted = (self.program_id, self.interface.index);
        let mut id = 0;
        while let Some(next) = sys::next_link_id(id).map_err(failed)? {
            id = next;
            // One that goes meanwhile is not the one.
            let Ok(link) = sys::link_by_id(id) else { continue };
            if sys::xdp_link_info(link.as_fd()).is_ok_and(|it| it == wanted) {
                return sys::detach_link(link.as_fd()).map_err(failed);
            }
        }
        Err(failed(std::io::Error::from_raw_os_error(libc::ENOENT)))
    }
}
