//! What each kernel version allows: the one table, each row with its source.

use std::fmt;
use std::str::FromStr;

use skxc_lowering::Target;

/// A kernel release, as far as features depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    /// 6 of 6.1.
    pub major: u16,
    /// 1 of 6.1.
    pub minor: u16,
}

/// Something that only kernels from some version on can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Array maps with values over `KMALLOC_MAX_SIZE`, 4 MiB: large tables.
    LargeArrayValues,
    /// Array maps in the memory of the loader.
    MmapableArrays,
    /// Loads from a frozen read-only map are known to the verifier.
    ReadOnlyScalars,
    /// Pointer arguments of global functions.
    GlobalPointerArguments,
    /// Programs of type syscall.
    SyscallPrograms,
    /// The helper `bpf_loop`.
    BpfLoop,
    /// Programs at tc by `bpf_link`.
    Tcx,
    /// Loops bounded by a counter of the kernel.
    MayGoto,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is about.
    pub capability: Capability,
    /// First release that has it.
    pub since: KernelVersion,
    /// A few words.
    pub title: &'static str,
    /// Where the kernel's source shows it.
    pub source: &'static str,
}

/// The oldest release that generated programs load on.
pub const OLDEST: KernelVersion = version(5, 10);

/// All rows, oldest first.
pub const ROWS: &[Row] = &[
    Row {
        capability: Capability::ReadOnlyScalars,
        since: version(5, 5),
        title: "known loads from read-only maps",
        source: "kernel/bpf/verifier.c: bpf_map_is_rdonly, bpf_map_direct_read",
    },
    Row {
        capability: Capability::MmapableArrays,
        since: version(5, 5),
        title: "mmap of array maps",
        source: "kernel/bpf/arraymap.c: array_map_mmap; BPF_F_MMAPABLE",
    },
    Row {
        capability: Capability::GlobalPointerArguments,
        since: version(5, 12),
        title: "pointer arguments of global functions",
        source: "kernel/bpf/btf.c: btf_prepare_func_args",
    },
    Row {
        capability: Capability::SyscallPrograms,
        since: version(5, 14),
        title: "BPF_PROG_TYPE_SYSCALL",
        source: "kernel/bpf/syscall.c: bpf_syscall_verifier_ops",
    },
    Row {
        capability: Capability::BpfLoop,
        since: version(5, 17),
        title: "helper bpf_loop",
        source: "kernel/bpf/bpf_iter.c: bpf_loop_proto",
    },
    Row {
        capability: Capability::LargeArrayValues,
        since: version(6, 0),
        title: "array values over 4 MiB",
        source: "kernel/bpf/arraymap.c: array_map_alloc_check",
    },
    Row {
        capability: Capability::Tcx,
        since: version(6, 6),
        title: "tcx links",
        source: "kernel/bpf/tcx.c: tcx_link_attach",
    },
    Row {
        capability: Capability::MayGoto,
        since: version(6, 9),
        title: "may_goto",
        source: "kernel/bpf/verifier.c: is_may_goto_insn",
    },
];

/// Bytes of an entry of a per-CPU array, on all kernels (`PCPU_MIN_UNIT_SIZE`,
/// include/linux/percpu.h; checked in kernel/bpf/arraymap.c, `array_map_alloc_check`).
pub const PERCPU_VALUE_BYTES_MAX: u64 = 32 << 10;

const fn version(major: u16, minor: u16) -> KernelVersion {
    KernelVersion { major, minor }
}

impl KernelVersion {
    /// Can this release do it?
    #[must_use]
    pub fn has(self, capability: Capability) -> bool {
        ROWS.iter().any(|row| row.capability == capability && self >= row.since)
    }

    /// Bytes of a value of an array, so of all constants of a program together.
    #[must_use]
    pub fn value_bytes_max(self) -> u64 {
        if self.has(Capability::LargeArrayValues) { i32::MAX as u64 } else { 4 << 20 }
    }

    /// What a program for this release may use and take.
    #[must_use]
    pub fn target(self) -> Target {
        let mut target = Target {
            global_pointer_arguments: self.has(Capability::GlobalPointerArguments),
            may_goto: self.has(Capability::MayGoto),
            ..Target::default()
        };
        if self.has(Capability::LargeArrayValues) {
            // A table beyond this misses every cache; links can address it.
            target.table_bytes_max = 64 << 20;
        }
        target
    }
}

/// Linux 6.1, the oldest that most distributions still ship.
impl Default for KernelVersion {
    fn default() -> Self {
        version(6, 1)
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not a kernel release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kernel release is written as in `6.1` or `6.1.55-generic`")]
pub struct NotARelease;

impl FromStr for KernelVersion {
    type Err = NotARelease;

    /// Takes what `uname -r` prints.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        let mut number = || parts.next().and_then(|digits| digits.parse().ok());
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(NotARelease),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order_and_releases_read_back() {
        assert!(ROWS.windows(2).all(|pair| pair[0].since <= pair[1].since));
        assert_eq!("6.18.3+deb14-amd64".parse(), Ok(version(6, 18)));
        assert_eq!(OLDEST.to_string().parse(), Ok(OLDEST));
        for bad in ["", "6", "v6.1", "6.x"] {
            assert_eq!(bad.parse::<KernelVersion>(), Err(NotARelease), "{bad}");
        }
    }

    #[test]
    fn large_tables_need_6_0() {
        assert_eq!(OLDEST.target(), Target::default());
        assert!(
            KernelVersion::default().target().table_bytes_max > OLDEST.target().table_bytes_max
        );
    }

    #[test]
    fn a_target_has_what_its_release_has() {
        let target = KernelVersion::default().target();
        assert!(target.global_pointer_arguments && !target.may_goto);
        assert!(version(6, 9).target().may_goto);
    }
}
