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
//! - what is listed and taken off is of this network namespace: its interface was here
//!   when the program was attached, or is here now.

mod pins;
mod resident;
mod running;

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use libbpf_rs::MapHandle;

use self::pins::{
    Pins, check_file_system, directories, file_name, map_file_name, namespace, plain_name,
    remove_pins,
};
use crate::error::{Action, Error};
use crate::load::Loaded;
use crate::map::{self, Counter};
use crate::program::{self, ProgramInfo};
use crate::{messages, sys};

pub use self::pins::LockedPins;
pub use self::resident::Resident;
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
    /// The network namespace, by inode, where the interface was when the program was
    /// attached, if it has been moved here since.
    pub moved_from: Option<String>,
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

/// What [`attach_xdp`] made.
#[derive(Debug)]
pub struct Attached {
    /// Where it is pinned.
    pub attachment: Attachment,
    /// How it runs.
    pub mode: Mode,
    /// Why native mode was refused, if it was tried and is not what it became.
    pub not_native: Option<Error>,
}

/// Attaches the program `program` of a loaded object for model `name` to an
/// interface and pins link, program and maps. With no `mode`,
/// native is tried first and generic if the driver cannot do it.
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
) -> Result<Attached, Error> {
    let program = loaded.program(program)?;
    let namespace = locked.root().join(namespace()?);
    let directory = format!("{}:{}", interface.index, file_name(&interface.name));
    let path = namespace.join(directory).join(file_name(name));
    let mut pins = Pins::create(locked, &path)?;
    for map in loaded.maps() {
        pins.add(map.as_fd(), &map_file_name(&map.name(), name))?;
    }
    pins.add(program.as_fd(), PROGRAM)?;
    let attachment = Attachment {
        interface: interface.name.clone(),
        name: name.to_owned(),
        path: path.clone(),
        moved_from: None,
    };
    let (link, mode, not_native) = match mode {
        Some(mode) => (create_link(&program, interface, mode)?, mode, None),
        None => match create_link(&program, interface, Mode::Native) {
            Ok(link) => (link, Mode::Native, None),
            Err(refused @ (Error::Mode { .. } | Error::MtuTooLarge { .. })) => {
                let link = create_link(&program, interface, Mode::Generic)?;
                (link, Mode::Generic, Some(refused))
            }
            Err(error) => return Err(error),
        },
    };
    pins.add(link.as_fd(), LINK)?;
    pins.keep();
    Ok(Attached { attachment, mode, not_native })
}

fn create_link(
    program: &program::Program<'_>,
    interface: &Interface,
    mode: Mode,
) -> Result<OwnedFd, Error> {
    let index = i32::try_from(interface.index).expect("the kernel counts interfaces in int");
    sys::create_xdp_link(program.as_fd(), index, mode.flag()).map_err(|source| {
        let name = interface.name.clone();
        match source.raw_os_error() {
            Some(libc::EPERM) => Error::kernel(Action::Attach, source),
            Some(libc::EBUSY | libc::EEXIST) => Error::Busy { interface: name, source },
            Some(libc::ENODEV) => Error::NoInterface { interface: name },
            // What drivers answer is theirs to choose.
            _ => refusal(program, interface, mode, source),
        }
    })
}

/// Why a mode was refused, in the words of the kernel.
fn refusal(
    program: &program::Program<'_>,
    interface: &Interface,
    mode: Mode,
    source: io::Error,
) -> Error {
    let index = i32::try_from(interface.index).expect("the kernel counts interfaces in int");
    let ((), printed) = messages::capture(|| sys::try_xdp(program.as_fd(), index, mode.flag()));
    let said = messages::said_by_kernel(&printed).to_owned();
    let interface = interface.name.clone();
    // drivers/net/veth.c, `veth_xdp_set`, and others: a frame must fit a page.
    match (mode, source.raw_os_error(), sys::interface_mtu(&interface)) {
        (Mode::Native, Some(libc::ERANGE), Ok(mtu)) => {
            Error::MtuTooLarge { interface, mtu, said, source }
        }
        _ => Error::Mode { interface, mode, said, source },
    }
}

/// All attachments pinned below `root` that were made in this network namespace, or
/// whose interface has been moved here since, sorted by interface and name. None if
/// there is no such directory.
///
/// # Errors
/// [`Error::NoBpfFileSystem`] if there can be no pins, [`Error::Privileges`] or
/// [`Error::Path`] if they cannot be read.
pub fn attachments(root: &Path) -> Result<Vec<Attachment>, Error> {
    check_file_system(root)?;
    let here = namespace()?;
    let mut found = Vec::new();
    for namespace in directories(root)? {
        let made_in = text_of(&namespace);
        let moved_from = made_in.filter(|made_in| *made_in != here);
        for interface in directories(&namespace)? {
            for path in directories(&interface)? {
                found.extend(attachment(&interface, path, moved_from.clone()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The attachment with pins in `path`, unless it belongs to another namespace.
fn attachment(interface: &Path, path: PathBuf, moved_from: Option<String>) -> Option<Attachment> {
    let (directory, name) = (text_of(interface)?, text_of(&path)?);
    let (_, interface) = directory.split_once(':').unwrap_or(("", &directory));
    let mut attachment = Attachment { interface: interface.to_owned(), name, path, moved_from };
    match attachment.present_name() {
        Some(present) => attachment.interface = present,
        None if attachment.moved_from.is_some() => return None,
        None => {}
    }
    Some(attachment)
}

/// What a directory of pins stands for.
fn text_of(path: &Path) -> Option<String> {
    plain_name(&path.file_name()?.to_string_lossy())
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
        map::counters(&self.map(file)?)
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
