//! What runs on the interfaces of this network namespace, by asking the kernel:
//! rtnetlink tells the program of every interface, pinned or not.
//!
//! What must hold: an interface is known by its index and the id of its program
//! together, since other namespaces have the same indices.

use std::os::fd::AsFd as _;

use crate::attach::{Interface, Mode, Resident};
use crate::error::{Action, Error};
use crate::sys;

/// An XDP program on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The interface it runs on.
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

impl Running {
    /// What the program says of itself, if it is of skxc.
    ///
    /// # Errors
    /// As [`Resident::find`].
    pub fn resident(&self) -> Result<Option<Resident>, Error> {
        Resident::find(self.program_id)
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
