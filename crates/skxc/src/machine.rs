//! What this machine can do: kernel, capabilities, file systems.

use std::fs;

/// A capability that running BPF programs needs, by number (linux/capability.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Attaching to a network interface.
    NetAdmin = 12,
    /// May do everything the other ones may, on kernels before 5.8.
    SysAdmin = 21,
    /// Pointer arithmetic such as `data_end - data`.
    Perfmon = 38,
    /// Loading programs and making maps.
    Bpf = 39,
}

impl Capability {
    /// Does this process have it in its effective set?
    pub(crate) fn is_held(self) -> bool {
        let effective = effective_capabilities();
        effective >> (self as u32) & 1 == 1
            || (self != Self::NetAdmin && effective >> (Self::SysAdmin as u32) & 1 == 1)
    }
}

/// `CapEff` of proc(5): 0 if it cannot be read.
fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

/// Release of the running kernel, such as `6.12.3-generic`.
pub(crate) fn kernel_release() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// Is the kernel's just-in-time compiler on? It is where it cannot be turned off.
pub(crate) fn has_jit() -> bool {
    fs::read_to_string("/proc/sys/net/core/bpf_jit_enable").map_or(true, |it| it.trim() != "0")
}

/// Does the kernel describe its own types? Not needed by packet programs.
pub(crate) fn has_btf() -> bool {
    fs::metadata("/sys/kernel/btf/vmlinux").is_ok()
}

/// Is a BPF file system mounted where programs are pinned?
pub(crate) fn has_bpffs() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        words.next() == Some("/sys/fs/bpf") && words.next() == Some("bpf")
    })
}
