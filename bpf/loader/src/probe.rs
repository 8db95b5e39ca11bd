//! What this machine can do, for `skxc doctor`.

use std::fs;
use std::io;
use std::path::Path;

use crate::sys;

/// A capability that matters to BPF, by its bit in the kernel's sets
/// (include/uapi/linux/capability.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Networking: attach programs.
    NetAdmin = 12,
    /// All of the others (`CAP_SYS_ADMIN`).
    SysAdmin = 21,
    /// Performance: what the verifier allows to reveal, such as lengths.
    Perfmon = 38,
    /// BPF: load programs, create maps.
    Bpf = 39,
}

impl Capability {
    /// All that are looked at.
    pub const ALL: [Capability; 4] =
        [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon, Capability::SysAdmin];

    /// The name as in capabilities(7).
    pub const fn name(self) -> &'static str {
        match self {
            Capability::NetAdmin => "CAP_NET_ADMIN",
            Capability::SysAdmin => "CAP_SYS_ADMIN",
            Capability::Perfmon => "CAP_PERFMON",
            Capability::Bpf => "CAP_BPF",
        }
    }
}

/// What loading and attaching want and this thread does not have. CAP_SYS_ADMIN
/// stands for all but CAP_NET_ADMIN (include/linux/capability.h, `bpf_capable`,
/// `perfmon_capable`). In a user namespace of one's own capabilities are shown that
/// the kernel does not honour.
pub fn missing_capabilities() -> Vec<Capability> {
    missing_of(&[Capability::Bpf, Capability::Perfmon, Capability::NetAdmin])
}

/// Of these what this thread does not have.
pub(crate) fn missing_of(needed: &[Capability]) -> Vec<Capability> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    missing(needed, &effective_capabilities(&status))
}

fn missing(needed: &[Capability], held: &[Capability]) -> Vec<Capability> {
    let all = held.contains(&Capability::SysAdmin);
    let is_held = |it: &Capability| held.contains(it) || (all && *it != Capability::NetAdmin);
    needed.iter().copied().filter(|it| !is_held(it)).collect()
}

/// What a machine can do. `None` and `false` also mean that it did not tell.
#[derive(Debug)]
pub struct Probe {
    /// Release of the kernel, such as `6.1.0-18-amd64`.
    pub kernel: Option<String>,
    /// Whether programs are compiled to machine code.
    pub jit: Option<bool>,
    /// The effective capabilities of this thread, usually those of the process.
    pub capabilities: Vec<Capability>,
    /// Whether the kernel tells its own types.
    pub btf: bool,
    /// Whether the BPF file system is mounted at `/sys/fs/bpf`.
    pub bpf_file_system: bool,
    /// Whether the smallest XDP program loads; the kernel's answer if not.
    pub load: io::Result<()>,
}

impl Probe {
    /// Examines this machine.
    pub fn new() -> Probe {
        Probe {
            kernel: line("/proc/sys/kernel/osrelease"),
            jit: line("/proc/sys/net/core/bpf_jit_enable").map(|value| value != "0"),
            capabilities: effective_capabilities(
                &fs::read_to_string("/proc/thread-self/status").unwrap_or_default(),
            ),
            btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            bpf_file_system: has_bpf_file_system(
                &fs::read_to_string("/proc/self/mountinfo").unwrap_or_default(),
            ),
            load: sys::load_trivial_program(),
        }
    }

    /// The kernel's version as (major, minor).
    pub fn kernel_version(&self) -> Option<(u32, u32)> {
        version_of(self.kernel.as_deref()?)
    }

    /// Whether the process may load and attach programs.
    pub fn can_load(&self) -> bool {
        self.load.is_ok()
    }
}

impl Default for Probe {
    fn default() -> Self {
        Probe::new()
    }
}

fn line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn version_of(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn effective_capabilities(status: &str) -> Vec<Capability> {
    let set = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    Capability::ALL.into_iter().filter(|&capability| set >> (capability as u32) & 1 == 1).collect()
}

/// Field 5 of a line is the mount point; the type follows a field that is only `-` (proc(5)).
fn has_bpf_file_system(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ');
        fields.nth(4) == Some("/sys/fs/bpf")
            && fields.skip_while(|field| *field != "-").nth(1) == Some("bpf")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(version_of("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version_of("5.10-rc1"), Some((5, 10)));
        assert_eq!(version_of("linux"), None);
    }

    #[test]
    fn reads_capabilities() {
        let status = "Name:\tx\nCapEff:\t000000c000001000\nCapBnd:\t0\n";
        let expect = [Capability::Bpf, Capability::NetAdmin, Capability::Perfmon];
        assert_eq!(effective_capabilities(status), expect);
        assert_eq!(effective_capabilities(""), []);
    }

    #[test]
    fn every_capability_but_one_is_part_of_sys_admin() {
        use Capability::{Bpf, NetAdmin, Perfmon, SysAdmin};
        let all = [Bpf, Perfmon, NetAdmin];
        assert_eq!(missing(&all, &[SysAdmin]), [NetAdmin]);
        assert_eq!(missing(&all, &[Bpf, NetAdmin]), [Perfmon]);
        assert_eq!(missing(&all, &[]), all);
        assert_eq!(missing(&all, &[Bpf, NetAdmin, Perfmon]), []);
        assert_eq!(missing(&[SysAdmin], &all), [SysAdmin]);
    }

    #[test]
    fn finds_the_bpf_file_system() {
        let mounted = "31 25 0:27 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700\n";
        let other = "31 25 0:27 / /sys/fs/bpf rw,nosuid - tmpfs bpf rw\n";
        assert!(has_bpf_file_system(mounted));
        assert!(!has_bpf_file_system(other));
    }
}
