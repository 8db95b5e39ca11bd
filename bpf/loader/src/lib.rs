//! Loads, test-runs and attaches BPF objects: the only user of libbpf.
//!
//! [`ObjectFile`] reads an object without the kernel; [`Loader`] brings it in;
//! [`Loaded`] has the programs and maps; [`Batch`] runs many vectors through a
//! generated program; [`Replay`] shows one varying packets; [`attach_xdp`] and [`Attachment`] operate it;
//! [`Resident`] is what a program in the kernel says of itself; [`Probe`] says what the machine can do; [`strip_debug`] removes DWARF.
//!
//! What must hold:
//! - libbpf-rs and libbpf-sys stop here: no public signature but that of
//!   [`Error`] names them;
//! - every unsafe call is in `sys.rs`;
//! - missing privileges are an error of their own, apart from a refusal by the
//!   verifier and from a lost compare-and-swap;
//! - nothing stays in the kernel that is not pinned, and nothing stays pinned
//!   that did not become attached.

mod attach;
mod batch;
mod elf;
mod error;
mod load;
mod map;
mod messages;
mod mounts;
mod offloads;
mod probe;
mod program;
mod replay;
mod strip;
mod sys;

pub use attach::{
    Attached, Attachment, AttachmentInfo, Interface, LockedPins, Mode, PIN_ROOT, Resident, Running,
    Whereabouts, attach_xdp, attachments, running,
};
pub use batch::{Batch, BatchRun};
pub use elf::{ObjectFile, Variable};
pub use error::{Action, Error};
pub use load::{Loaded, Loader};
pub use map::{Counter, Map, Values};
pub use mounts::{ends_with_mount_namespace, ip_netns_exec};
pub use offloads::{LinkLayer, Offloads};
pub use probe::{Capability, Probe, missing_capabilities};
pub use program::{Program, ProgramInfo, TestRun};
pub use replay::Replay;
pub use strip::strip_debug;
