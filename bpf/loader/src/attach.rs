//! XDP programs on interfaces: attached by links that live as long as pins.
//!
//! Everything of one attachment is pinned in a directory of its own,
//! `ROOT/NAMESPACE/INDEX:INTERFACE/NAME`: `link`, `program`, and each map under its own
//! name without the model's (`counters`, `state`, `rodata`, `bss`). The namespace
//! is the inode number of the network namespace: interfaces of two may have one
//! name, while they share the file system of pins. The index tells apart interfaces
//! that had one name one after another (no name of an interface holds a colon);
//! earlier versions left it out, and their pins are read as well.
//!
//! What must hold:
//! - an attachment is there as a whole or not at all: what was pinned before
//!   something failed is unpinned, and what an attach that was killed or an
//!   interface that is gone leaves gives way to the next attach;
//! - where a program runs is asked of its link: an interface may have another name
//!   by now, or have left the namespace;
//! - no path of a pin depends on data but the interface's and the model's name;
//! - what is listed and taken off is of this network namespace.

mod pins;
mod running;

use std::fmt;
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};
use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use self::pins::{
    Pins, check_file_system, directories, file_name, map_file_name, namespace, plain_name,
    remove_pins,
};
use crate::error::{Action, Error};
use crate::load::Loaded;
use crate::program::{self, ProgramInfo};
use crate::{map, sys};

pub use self::pins::LockedPins;
pub use self::running::{Running, running};

/// Where attachments are pinned unless another directory is given.
pub const PIN_ROOT: &str = "/sys/fs/bpf/skxc";

/// The files that every attachment has.
const LINK: &str = "link";
const PROGRAM: &str = "program";
/// The pin of a new program until it takes the place of [`PROGRAM`].
const NEXT_PROGRAM: &str = "program-next";

/// A network interface of this network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name, such as `eth0`.
    pub name: String,
    /// The kernel's number for it, from 1.
    pub index: u32,
}

impl Interface {
    /// The interface called `name`, or else the one with that index.
    ///
    /// # Errors
    /// [`Error::NoInterface`] if there is neither.
    pub fn find(name: &str) -> Result<Interface, Error> {
        if let Ok(index) = sys::interface_index(name) {
            return Ok(Interface { name: name.to_owned(), index });
        }
        let by_index = name
            .parse()
            .ok()
            .and_then(|index| Some(Interface { name: sys::interface_name(index).ok()?, index }));
        by_index.ok_or_else(|| Error::NoInterface { interface: name.to_owned() })
    }
}

/// Where in the kernel an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the driver, before the kernel makes a packet buffer.
    Native,
    /// Behind the driver: slower, on every interface.
    Generic,
}

impl Mode {
    /// The flag that asks for the mode: XDP_FLAGS_DRV_MODE or _SKB_MODE.
    const fn flag(self) -> u32 {
        match self {
            Mode::Native => libbpf_sys::XDP_FLAGS_DRV_MODE,
            Mode::Generic => libbpf_sys::XDP_FLAGS_SKB_MODE,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Native => "native",
            Mode::Generic => "generic",
        })
    }
}

/// Packets and bytes, added up over all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// What is attached, and where it is pinned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// Name of the interface: what it is called now, or, if it is not in this
    /// network namespace, what it was called when the program was attached.
    pub interface: String,
    /// Name of the model.
    pub name: String,
    /// Directory of the pins.
    pub path: PathBuf,
}

/// Where the interface of an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// In this network namespace.
    Here,
    /// In another network namespace, under this index there.
    Left(u32),
    /// Nowhere: it was deleted, or the program was taken off.
    Gone,
}

/// What the kernel says of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentInfo {
    /// The program that runs.
    pub program: ProgramInfo,
    /// Index of the interface; `None` once it is gone.
    pub interface_index: Option<u32>,
    /// Where the interface is.
    pub whereabouts: Whereabouts,
    /// How it runs; `None` if the interface is not in this network namespace.
    pub mode: Option<Mode>,
}

/// Attaches the program `program` of a loaded object for model `name` to an
/// interface and pins link, program and maps. With no `mode`,
/// native is tried first and generic if the driver cannot do it. Returns the
/// mode that it is. `before_link` is called when the pins are made and no packet is
/// judged yet: what is written there is there when the program runs.
///
/// # Errors
/// [`Error::Pinned`] if `name` is attached to the interface already,
/// [`Error::Busy`] if something else is, [`Error::Mode`] if the interface
/// cannot run XDP in this mode, [`Error::Privileges`], [`Error::Path`].
pub fn attach_xdp(
    loaded: &Loaded,
    program: &str,
    name: &str,
    interface: &Interface,
    mode: Option<Mode>,
    locked: &LockedPins,
    before_link: impl FnOnce(&Attachment),
) -> Result<(Attachment, Mode), Error> {
    let program = loaded.program(program)?;
    let namespace = locked.root().join(namespace()?);
    let directory = format!("{}:{}", interface.index, file_name(&interface.name));
    let path = namespace.join(directory).join(file_name(name));
    let mut pins = Pins::create(locked, &path)?;
    for map in loaded.maps() {
        pins.add(map.as_fd(), &map_file_name(&map.name(), name))?;
    }
    pins.add(program.as_fd(), PROGRAM)?;
    let attachment =
        Attachment { interface: interface.name.clone(), name: name.to_owned(), path: path.clone() };
    before_link(&attachment);
    let (link, mode) = match mode {
        Some(mode) => (create_link(&program, interface, mode)?, mode),
        None => match create_link(&program, interface, Mode::Native) {
            Ok(link) => (link, Mode::Native),
            Err(Error::Mode { .. } | Error::MtuTooLarge { .. }) => {
                (create_link(&program, interface, Mode::Generic)?, Mode::Generic)
            }
            Err(error) => return Err(error),
        },
    };
    pins.add(link.as_fd(), LINK)?;
    pins.keep();
    Ok((attachment, mode))
}

fn create_link(
    program: &program::Program<'_>,
    interface: &Interface,
    mode: Mode,
) -> Result<OwnedFd, Error> {
    let index = i32::try_from(interface.index).expect("the kernel counts interfaces in int");
    sys::create_xdp_link(program.as_fd(), index, mode.flag()).map_err(|source| {
        let interface = interface.name.clone();
        match source.raw_os_error() {
            // drivers/net/veth.c, `veth_xdp_set`, and others: a frame must fit a page.
            Some(libc::ERANGE) => match sys::interface_mtu(&interface) {
                Ok(mtu) => Error::MtuTooLarge { interface, mtu, source },
                Err(_) => Error::Mode { interface, source },
            },
            Some(libc::EBUSY | libc::EEXIST) => Error::Busy { interface, source },
            Some(libc::EOPNOTSUPP | libc::EINVAL) => Error::Mode { interface, source },
            Some(libc::ENODEV) => Error::NoInterface { interface },
            _ => Error::kernel(Action::Attach, source),
        }
    })
}

/// All attachments made in this network namespace and pinned below `root`, sorted
/// by interface and name. None if there is no such directory.
///
/// # Errors
/// [`Error::NoBpfFileSystem`] if there can be no pins, [`Error::Privileges`] or
/// [`Error::Path`] if they cannot be read.
pub fn attachments(root: &Path) -> Result<Vec<Attachment>, Error> {
    check_file_system(root)?;
    let mut found = Vec::new();
    for interface in directories(&root.join(namespace()?))? {
        for path in directories(&interface)? {
            let text = |path: &Path| plain_name(&path.file_name()?.to_string_lossy());
            if let (Some(directory), Some(name)) = (text(&interface), text(&path)) {
                let (_, interface) = directory.split_once(':').unwrap_or(("", &directory));
                let mut attachment = Attachment { interface: interface.to_owned(), name, path };
                if let Some(present) = attachment.present_name() {
                    attachment.interface = present;
                }
                found.push(attachment);
            }
        }
    }
    found.sort();
    Ok(found)
}

impl Attachment {
    /// What runs, and where.
    ///
    /// # Errors
    /// [`Error::Privileges`], [`Error::Path`] if a pin is missing, or the
    /// kernel's refusal.
    pub fn info(&self) -> Result<AttachmentInfo, Error> {
        let link = self.open(LINK)?;
        let program = self.open(PROGRAM)?;
        let (id, index) = sys::xdp_link_info(link.as_fd())
            .map_err(|source| Error::kernel(Action::Info, source))?;
        let mode = running::mode_of(index, id);
        Ok(AttachmentInfo {
            program: program::info(program.as_fd())?,
            interface_index: (index != 0).then_some(index),
            whereabouts: match (index, mode) {
                (0, _) => Whereabouts::Gone,
                (_, Some(_)) => Whereabouts::Here,
                (index, None) => Whereabouts::Left(index),
            },
            mode,
        })
    }

    /// What the interface is called now, if it is in this network namespace.
    fn present_name(&self) -> Option<String> {
        let link = self.open(LINK).ok()?;
        let (id, index) = sys::xdp_link_info(link.as_fd()).ok()?;
        running::mode_of(index, id)?;
        sys::interface_name(index).ok()
    }

    /// The counters of the map pinned as `file` (`counters`), one for each
    /// entry, added up over all CPUs.
    ///
    /// # Errors
    /// [`Error::Privileges`], or [`Error::Size`] if an entry is not a
    /// `struct skxc_counter`.
    pub fn counters(&self, file: &str) -> Result<Vec<Counter>, Error> {
        let map = self.map(file)?;
        (0..map.max_entries())
            .map(|index| {
                let values = map::read_per_cpu(&map, index)?;
                values.iter().try_fold(Counter::default(), |sum, value| add(sum, value, file))
            })
            .collect()
    }

    /// The value of a variable in the section whose map is pinned as `file`
    /// (`rodata`, `bss`), in the kernel's byte order. Its place is found in the
    /// BTF of the program, which wants CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// [`Error::NoVariable`], or the refusal to look.
    pub fn variable(&self, file: &str, variable: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::NoVariable { variable: variable.to_owned() };
        let id = program::info(self.open(PROGRAM)?.as_fd())?.id;
        let btf = Btf::from_prog_id(id)
            .map_err(|source| Error::Libbpf { action: Action::Info, source })?;
        let section: DataSec<'_> = btf.type_by_name(&format!(".{file}")).ok_or_else(missing)?;
        let place = section
            .iter()
            .find(|place| {
                btf.type_by_id::<Var<'_>>(place.ty)
                    .and_then(|found| found.name())
                    .is_some_and(|name| name == variable)
            })
            .ok_or_else(missing)?;
        let start = place.offset as usize;
        let values = self
            .map(file)?
            .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(|source| Error::Libbpf { action: Action::ReadMap, source })?
            .ok_or_else(missing)?;
        values.get(start..start + place.size).map(<[u8]>::to_vec).ok_or_else(missing)
    }

    /// Exchanges the program for `program` of `loaded`, if it is still the
    /// pinned one. The maps stay those of the object that was attached first,
    /// so `loaded` must have been loaded with them to count on.
    ///
    /// # Errors
    /// [`Error::Swapped`] if something else has been put there meanwhile.
    pub fn replace(
        &self,
        loaded: &Loaded,
        program: &str,
        _locked: &LockedPins,
    ) -> Result<(), Error> {
        let new = loaded.program(program)?;
        let link = self.open(LINK)?;
        let old = self.open(PROGRAM)?;
        let expected = program::info(old.as_fd())?.id;
        sys::update_link(link.as_fd(), new.as_fd(), old.as_fd()).map_err(|source| {
            // kernel/bpf/syscall.c, link_update: EPERM means missing
            // privileges and that the old program is another one alike.
            match sys::xdp_link_info(link.as_fd()) {
                Ok((found, _)) if found != expected => Error::Swapped { found, expected },
                _ => Error::kernel(Action::Replace, source),
            }
        })?;
        // The pin is exchanged in one step as well: there is always one.
        let (pin, next) = (self.path.join(PROGRAM), self.path.join(NEXT_PROGRAM));
        let _ = fs::remove_file(&next);
        sys::pin(new.as_fd(), &next)
            .and_then(|()| fs::rename(&next, &pin))
            .map_err(|source| Error::path(Action::Pin, pin, source))
    }

    /// Detaches, and removes all pins. The directories go if they are empty.
    ///
    /// # Errors
    /// [`Error::Privileges`], [`Error::Path`] if a pin cannot be removed.
    pub fn detach(self, _locked: &LockedPins) -> Result<(), Error> {
        match self.open(LINK) {
            // A link of an interface that is gone says ENOLINK: so be it.
            Ok(link) => match sys::detach_link(link.as_fd()) {
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                    return Err(Error::kernel(Action::Detach, error));
                }
                Ok(()) | Err(_) => {}
            },
            // Pins of an attachment that was made or removed by half.
            Err(Error::Path { .. }) => {}
            Err(error) => return Err(error),
        }
        remove_pins(&self.path)
    }

    fn open(&self, file: &str) -> Result<OwnedFd, Error> {
        let path = self.path.join(file);
        sys::open_pin(&path).map_err(|source| Error::path(Action::Pin, path, source))
    }

    fn map(&self, file: &str) -> Result<MapHandle, Error> {
        // libbpf-rs hides which path it was; a missing pin is told here.
        drop(self.open(file)?);
        MapHandle::from_pinned_path(self.path.join(file))
            .map_err(|source| Error::Libbpf { action: Action::Pin, source })
    }
}

/// Adds the value of one CPU, a `struct skxc_counter`.
fn add(sum: Counter, value: &[u8], file: &str) -> Result<Counter, Error> {
    let parts: &[[u8; 8]; 2] = match value.as_chunks() {
        (parts, []) => parts.try_into().map_err(|_| ()),
        _ => Err(()),
    }
    .map_err(|()| Error::Size { name: file.to_owned(), expected: 16, found: value.len() })?;
    Ok(Counter {
        packets: sum.packets.wrapping_add(u64::from_ne_bytes(parts[0])),
        bytes: sum.bytes.wrapping_add(u64::from_ne_bytes(parts[1])),
    })
}
