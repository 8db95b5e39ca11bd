//! What can go wrong between an object's bytes and a running program.

use std::io;
use std::path::PathBuf;

use crate::attach::Mode;
use crate::probe::{Capability, missing_of};

/// An error of this crate. Missing privileges are a variant of their own, so
/// that a caller can say "run as root" and mean it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a BPF object in ELF.
    #[error("not a BPF object in ELF")]
    Elf {
        /// Where reading stopped.
        #[source]
        source: object::Error,
    },
    /// libbpf does not understand the object.
    #[error("libbpf cannot open the object: {messages}")]
    Open {
        /// The error of libbpf.
        #[source]
        source: libbpf_rs::Error,
        /// What libbpf printed meanwhile.
        messages: String,
    },
    /// libbpf cannot write the object without debug information.
    #[error("libbpf cannot rewrite the object: {messages}")]
    Strip {
        /// The answer of libbpf.
        #[source]
        source: io::Error,
        /// What libbpf printed meanwhile.
        messages: String,
    },
    /// The object has no such program.
    #[error("the object has no program `{program}`")]
    NoProgram {
        /// Name of the C function.
        program: String,
    },
    /// The object has no such map.
    #[error("the object has no map `{map}`")]
    NoMap {
        /// Name of the map.
        map: String,
    },
    /// The object has no such variable, or not in a section that a map holds.
    #[error("the object has no variable `{variable}`")]
    NoVariable {
        /// Name of the C variable.
        variable: String,
    },
    /// The object has no such type in its BTF, or not with the members expected.
    #[error("the object's BTF has no type `{name}` as the test bench wants it")]
    NoType {
        /// Name of the C type.
        name: String,
    },
    /// The value given for a variable or a map entry has another size.
    #[error("`{name}` has {expected} bytes, not {found}")]
    Size {
        /// Name of the variable or map.
        name: String,
        /// Bytes that it has.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
    /// The kernel refuses for lack of capabilities.
    #[error("missing privileges: {action} needs {needs}")]
    Privileges {
        /// What was tried.
        action: Action,
        /// Capabilities that allow it.
        needs: &'static str,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The verifier refused a program.
    #[error("the verifier refused program `{program}`")]
    Refused {
        /// Name of the C function.
        program: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
        /// The verifier's log, never empty.
        log: String,
    },
    /// The verifier refused a program for what it permits with CAP_PERFMON.
    #[error("missing privileges: `{program}` needs CAP_PERFMON (or root)")]
    Perfmon {
        /// Name of the C function.
        program: String,
        /// The line of the verifier's log that says so.
        line: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The object did not load, and not for the verifier: a map could not be
    /// created, a relocation failed.
    #[error("the object does not load: {messages}")]
    Load {
        /// The kernel's or libbpf's answer.
        #[source]
        source: io::Error,
        /// What libbpf printed meanwhile.
        messages: String,
    },
    /// There is no such network interface in this network namespace.
    #[error("no network interface `{interface}` in this network namespace")]
    NoInterface {
        /// Its name, or its index in decimal.
        interface: String,
    },
    /// Something else is attached to the interface at this hook.
    #[error("another XDP program is attached to `{interface}`")]
    Busy {
        /// Name of the interface.
        interface: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The interface carries frames that are too long for native XDP: the driver
    /// wants a frame in one page.
    #[error("the MTU of `{interface}`, {mtu}, is too large for native XDP{}", quoted(said))]
    MtuTooLarge {
        /// Name of the interface.
        interface: String,
        /// Its MTU in bytes.
        mtu: u32,
        /// The kernel's words; empty if it has none.
        said: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The interface or its driver cannot run XDP in this mode.
    #[error("`{interface}` cannot run XDP in {mode} mode{}", quoted(said))]
    Mode {
        /// Name of the interface.
        interface: String,
        /// The mode that was refused.
        mode: Mode,
        /// The kernel's words; empty if it has none.
        said: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// Pins need the BPF file system.
    #[error("`{}` is not on a BPF file system", path.display())]
    NoBpfFileSystem {
        /// Directory that was to hold pins.
        path: PathBuf,
    },
    /// There are pins of that name already.
    #[error("`{}` exists: something of that name is attached", path.display())]
    Pinned {
        /// Directory of the pins.
        path: PathBuf,
    },
    /// The link runs another program than the one that was to be replaced.
    #[error("the attached program is not the one that was to be replaced")]
    Swapped {
        /// Id of the program that is attached.
        found: u32,
        /// Id of the program that was expected.
        expected: u32,
    },
    /// The kernel refused an operation.
    #[error("{action} failed")]
    Kernel {
        /// What was tried.
        action: Action,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// libbpf refused an operation.
    #[error("{action} failed")]
    Libbpf {
        /// What was tried.
        action: Action,
        /// The error of libbpf.
        #[source]
        source: libbpf_rs::Error,
    },
    /// A file or directory, usually below `/sys/fs/bpf`, could not be used.
    #[error("{action} failed for `{}`", path.display())]
    Path {
        /// What was tried.
        action: Action,
        /// The file or directory.
        path: PathBuf,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
}

/// What was tried when an [`Error`] came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Loading programs and creating maps.
    Load,
    /// Running a program on given data.
    TestRun,
    /// Reading a map.
    ReadMap,
    /// Writing a map.
    WriteMap,
    /// Mapping the memory of a map.
    MapMemory,
    /// Reading what the kernel says of a program or link.
    Info,
    /// Looking at a program that no pin leads to, or at its types.
    Inspect,
    /// Attaching to an interface.
    Attach,
    /// Detaching from an interface.
    Detach,
    /// Exchanging the program of a link.
    Replace,
    /// Making, reading or removing a pin.
    Pin,
    /// Configuring an object before it is loaded.
    Configure,
    /// Asking for type and offloads of an interface.
    LookAtInterface,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Action::Load => "loading BPF programs",
            Action::TestRun => "test-running a BPF program",
            Action::ReadMap => "reading a BPF map",
            Action::WriteMap => "writing a BPF map",
            Action::MapMemory => "mapping the memory of a BPF map",
            Action::Info => "asking the kernel about a BPF program or link",
            Action::Inspect => "looking at a BPF program by its id",
            Action::Attach => "attaching an XDP program",
            Action::Detach => "detaching an XDP program",
            Action::Replace => "replacing an XDP program",
            Action::Pin => "using pins on the BPF file system",
            Action::Configure => "configuring a BPF object",
            Action::LookAtInterface => "asking for type and offloads of an interface",
        })
    }
}

impl Error {
    /// Of [`Error::Privileges`], the capabilities that are missing here; none if they
    /// are held, but not where the kernel asks for them.
    pub fn missing_capabilities(&self) -> Vec<Capability> {
        match self {
            Error::Privileges { action, .. } => missing(*action),
            _ => Vec::new(),
        }
    }

    /// Wraps the kernel's answer to `action`, a lack of privileges apart.
    pub(crate) fn kernel(action: Action, source: io::Error) -> Error {
        if source.raw_os_error() == Some(libc::EPERM) {
            Error::Privileges { action, needs: needs(action), source }
        } else {
            Error::Kernel { action, source }
        }
    }

    /// The same for an action on a path.
    pub(crate) fn path(action: Action, path: impl Into<PathBuf>, source: io::Error) -> Error {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                Error::Privileges { action, needs: needs(action), source }
            }
            _ => Error::Path { action, path: path.into(), source },
        }
    }
}

/// Words of the kernel, behind what was refused.
fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": \"{said}\"") }
}

/// The capabilities that an action needs and this thread does not have.
fn missing(action: Action) -> Vec<Capability> {
    use Capability::{Bpf, NetAdmin, Perfmon, SysAdmin};
    missing_of(match action {
        Action::Load | Action::TestRun | Action::MapMemory => &[Bpf, Perfmon, NetAdmin],
        Action::ReadMap | Action::WriteMap | Action::Info | Action::Pin => &[Bpf],
        Action::Attach | Action::Detach | Action::Replace => &[Bpf, NetAdmin],
        Action::Inspect => &[SysAdmin],
        Action::Configure | Action::LookAtInterface => &[],
    })
}

/// Capabilities that an action wants, for the message.
pub(crate) fn needs(action: Action) -> &'static str {
    match action {
        Action::Load | Action::TestRun | Action::MapMemory => {
            "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (or root)"
        }
        Action::ReadMap | Action::WriteMap | Action::Info => "CAP_BPF (or root)",
        Action::Inspect => "CAP_SYS_ADMIN (or root)",
        Action::Attach | Action::Detach | Action::Replace => "CAP_BPF and CAP_NET_ADMIN (or root)",
        Action::Pin => "CAP_BPF and write access to the BPF file system (or root)",
        Action::Configure | Action::LookAtInterface => "no capability",
    }
}
