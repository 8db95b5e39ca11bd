//! XDP programs on interfaces: attached by links that live as long as pins.
//!
//! Everything of one attachment is pinned in a directory of its own,
//! `ROOT/NAMESPACE/INTERFACE/NAME`: `link`, `program`, and each map under its own
//! name without the model's (`counters`, `state`, `rodata`, `bss`). The namespace
//! is the inode number of the network namespace: interfaces of two may have one
//! name, while they share the file system of pins.
//!
//! What must hold:
//! - an attachment is there as a whole or not at all: what was pinned before
//!   something failed is unpinned, and what an attach that was killed or an
//!   interface that is gone leaves gives way to the next attach;
//! - no path of a pin depends on data but the interface's and the model's name;
//! - what is listed and taken off is of this network namespace.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};
use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use crate::error::{Action, Error};
use crate::load::Loaded;
use crate::program::{self, ProgramInfo};
use crate::{map, sys};

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
    /// Name of the interface when the program was attached.
    pub interface: String,
    /// Name of the model.
    pub name: String,
    /// Directory of the pins.
    pub path: PathBuf,
}

/// What the kernel says of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentInfo {
    /// The program that runs.
    pub program: ProgramInfo,
    /// Index of the interface; `None` once it is gone.
    pub interface_index: Option<u32>,
    /// How it runs; `None` if the interface is gone, is in another network
    /// namespace, or tells nothing.
    pub mode: Option<Mode>,
}

/// Attaches the program `program` of a loaded object for model `name` to an
/// interface and pins link, program and maps below `root`. With no `mode`,
/// native is tried first and generic if the driver cannot do it. Returns the
/// mode that it is.
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
    root: &Path,
) -> Result<(Attachment, Mode), Error> {
    let program = loaded.program(program)?;
    let namespace = root.join(namespace()?);
    let path = namespace.join(file_name(&interface.name)).join(file_name(name));
    let mut pins = Pins::create(root, &path)?;
    for map in loaded.maps() {
        pins.add(map.as_fd(), &map_file_name(&map.name(), name))?;
    }
    pins.add(program.as_fd(), PROGRAM)?;
    let (link, mode) = match mode {
        Some(mode) => (create_link(&program, interface, mode)?, mode),
        None => match create_link(&program, interface, Mode::Native) {
            Ok(link) => (link, Mode::Native),
            Err(Error::Mode { .. }) => {
                (create_link(&program, interface, Mode::Generic)?, Mode::Generic)
            }
            Err(error) => return Err(error),
        },
    };
    pins.add(link.as_fd(), LINK)?;
    pins.keep();
    let attachment = Attachment { interface: interface.name.clone(), name: name.to_owned(), path };
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
            Some(libc::EBUSY | libc::EEXIST) => Error::Busy { interface, source },
            Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ERANGE) => {
                Error::Mode { interface, source }
            }
            Some(libc::ENODEV) => Error::NoInterface { interface },
            _ => Error::kernel(Action::Attach, source),
        }
    })
}

/// All attachments of this network namespace below `root`, sorted by interface
/// and name. None if there is no such directory.
///
/// # Errors
/// [`Error::Privileges`] or [`Error::Path`] if it cannot be read.
pub fn attachments(root: &Path) -> Result<Vec<Attachment>, Error> {
    let mut found = Vec::new();
    for interface in directories(&root.join(namespace()?))? {
        for path in directories(&interface)? {
            let text = |path: &Path| plain_name(&path.file_name()?.to_string_lossy());
            if let (Some(interface), Some(name)) = (text(&interface), text(&path)) {
                found.push(Attachment { interface, name, path });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The network namespace of this thread, as a name of a directory
/// (fs/nsfs.c: a namespace is an inode; its number is free when the namespace is gone).
fn namespace() -> Result<String, Error> {
    const PATH: &str = "/proc/thread-self/ns/net";
    match fs::metadata(PATH) {
        Ok(file) => Ok(file.ino().to_string()),
        Err(source) => Err(Error::path(Action::Pin, PATH, source)),
    }
}

fn directories(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let wrap = |source| Error::path(Action::Pin, path, source);
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrap(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(wrap)?;
        if entry.file_type().map_err(wrap)?.is_dir() {
            found.push(entry.path());
        }
    }
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
        let (_, index) = sys::xdp_link_info(link.as_fd())
            .map_err(|source| Error::kernel(Action::Info, source))?;
        Ok(AttachmentInfo {
            program: program::info(program.as_fd())?,
            interface_index: (index != 0).then_some(index),
            mode: if index == 0 { None } else { mode_of(index) },
        })
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
    pub fn replace(&self, loaded: &Loaded, program: &str) -> Result<(), Error> {
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
    pub fn detach(self) -> Result<(), Error> {
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

fn mode_of(interface_index: u32) -> Option<Mode> {
    let attached = sys::xdp_attached(i32::try_from(interface_index).ok()?).ok()?;
    match u32::from(attached) {
        libbpf_sys::XDP_ATTACHED_DRV => Some(Mode::Native),
        libbpf_sys::XDP_ATTACHED_SKB => Some(Mode::Generic),
        _ => None,
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

/// Asks the nearest directory above `root` that exists, or `root` itself.
fn check_file_system(root: &Path) -> Result<(), Error> {
    let exists = root.ancestors().find(|path| path.exists()).unwrap_or(root);
    match sys::is_bpf_file_system(exists) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NoBpfFileSystem { path: root.to_owned() }),
        Err(source) => Err(Error::path(Action::Pin, exists, source)),
    }
}

/// Waits until nobody else makes pins below `root`. The lock goes with the
/// file, however this process ends.
fn lock(root: &Path) -> Result<File, Error> {
    // Not the root itself, which goes with its last attachment.
    let path = root.parent().unwrap_or(root);
    let locked = File::open(path).and_then(|file| sys::lock(&file).map(|()| file));
    locked.map_err(|source| Error::path(Action::Pin, path, source))
}

/// Are these pins without a link, or with one that is attached to nothing?
/// Under [`lock`], nobody is about to complete them.
fn are_leftovers(path: &Path) -> Result<bool, Error> {
    if !path.exists() {
        return Ok(false);
    }
    match sys::open_pin(&path.join(LINK)) {
        Ok(link) => match sys::xdp_link_info(link.as_fd()) {
            Ok((_, index)) => Ok(index == 0),
            Err(source) => Err(Error::kernel(Action::Info, source)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(Error::path(Action::Pin, path.join(LINK), source)),
    }
}

/// Removes what it can of the pins of interfaces that are gone, in whatever
/// namespace they were. What cannot be looked at is another's concern.
fn remove_leftovers(root: &Path) {
    let below = |paths: Vec<PathBuf>| -> Vec<PathBuf> {
        paths.iter().flat_map(|path| directories(path).unwrap_or_default()).collect()
    };
    let attachments = below(below(directories(root).unwrap_or_default()));
    for path in attachments.iter().filter(|path| are_leftovers(path).unwrap_or(false)) {
        // It is as it was if it does not go.
        let _ = remove_pins(path);
    }
}

/// Pins being made. Unless kept, they are removed again.
struct Pins<'a> {
    path: &'a Path,
    kept: bool,
    _lock: File,
}

impl<'a> Pins<'a> {
    /// Makes the directory of the pins, in the place of leftovers.
    fn create(root: &Path, path: &'a Path) -> Result<Pins<'a>, Error> {
        check_file_system(root)?;
        let lock = lock(root)?;
        if are_leftovers(path)? {
            remove_pins(path)?;
        }
        // Nobody can enter a namespace that is gone to take off what is left there.
        remove_leftovers(root);
        let parent = path.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(|source| Error::path(Action::Pin, parent, source))?;
        match fs::create_dir(path) {
            Ok(()) => Ok(Pins { path, kept: false, _lock: lock }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Pinned { path: path.to_owned() })
            }
            Err(source) => Err(Error::path(Action::Pin, path, source)),
        }
    }

    fn add(&mut self, object: std::os::fd::BorrowedFd<'_>, file: &str) -> Result<(), Error> {
        let path = self.path.join(file);
        sys::pin(object, &path).map_err(|source| Error::path(Action::Pin, path, source))
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Pins<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // The error that led here is the one to report.
            let _ = remove_pins(self.path);
        }
    }
}

/// Removes the pins in a directory, the link first, then the directory, then
/// those of the interface and the namespace and the root if nothing else is in them.
fn remove_pins(path: &Path) -> Result<(), Error> {
    let wrap = |source| Error::path(Action::Pin, path, source);
    match fs::remove_file(path.join(LINK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrap(error)),
        Ok(()) | Err(_) => {}
    }
    for entry in fs::read_dir(path).map_err(wrap)? {
        fs::remove_file(entry.map_err(wrap)?.path()).map_err(wrap)?;
    }
    fs::remove_dir(path).map_err(wrap)?;
    for parent in path.ancestors().skip(1).take(3) {
        // Not empty: something else is attached.
        if fs::remove_dir(parent).is_err() {
            break;
        }
    }
    Ok(())
}

/// A name as a file on the BPF file system, which refuses dots
/// (kernel/bpf/inode.c, `bpf_lookup`).
fn file_name(name: &str) -> String {
    name.replace('%', "%25").replace('.', "%2E").replace('/', "%2F")
}

/// The name that [`file_name`] was given.
fn plain_name(file: &str) -> Option<String> {
    Some(file.replace("%2F", "/").replace("%2E", ".").replace("%25", "%"))
}

/// The file that a map is pinned as: without the model's name, or for a data
/// section the section without what libbpf puts before it.
fn map_file_name(map: &str, name: &str) -> String {
    let short = match map.rsplit_once('.') {
        Some((_, section)) => section,
        None => map.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')).unwrap_or(map),
    };
    file_name(short)
}
