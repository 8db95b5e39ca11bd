//! Where the BPF file system is mounted, and how long it stays.
//!
//! What must hold: nothing is concluded from what cannot be read. Mounts of a process
//! are readable by all (`/proc/PID/mountinfo`), its namespaces are not.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Does the file system at `path` end with this mount namespace? It does if process 1
/// has another mount namespace and has not mounted the file system: pins then stay
/// only as long as a process of this mount namespace.
pub fn ends_with_mount_namespace(path: &Path) -> bool {
    let exists = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    let Ok(metadata) = fs::metadata(exists) else { return false };
    let device = format!("{}:{}", libc::major(metadata.dev()), libc::minor(metadata.dev()));
    match fs::read_to_string("/proc/1/mountinfo") {
        Ok(mounts) if !mounts.is_empty() => !has_device(&mounts, &device),
        // Processes of others are hidden.
        Ok(_) | Err(_) => ip_netns_exec().is_some(),
    }
}

/// The name of the network namespace if this process was started by `ip netns exec
/// NAME`, which mounts a new /sys, without the BPF file system, for its command alone.
pub fn ip_netns_exec() -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let name = source_of_sys(&mounts)?;
    let inode = |path: &Path| fs::metadata(path).map(|file| file.ino()).ok();
    let named = inode(&Path::new("/run/netns").join(name))?;
    (inode(Path::new("/proc/thread-self/ns/net"))? == named).then(|| name.to_owned())
}

/// Field 3 of a line is the device (proc(5)).
fn has_device(mounts: &str, device: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(2) == Some(device))
}

/// The source of the topmost mount at /sys, which `ip netns exec` calls after the
/// namespace (iproute2, lib/namespace.c). Field 5 of a line is the mount point; type and
/// source follow a field that is only `-`.
fn source_of_sys(mounts: &str) -> Option<&str> {
    let at_sys = |line: &&str| line.split(' ').nth(4) == Some("/sys");
    let line = mounts.lines().rfind(at_sys)?;
    let mut fields = line.split(' ').skip_while(|field| *field != "-");
    let (kind, source) = (fields.nth(1)?, fields.next()?);
    (kind == "sysfs").then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
23 27 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw
42 23 0:39 / /sys/fs/bpf rw,relatime shared:9 - bpf bpf rw
";
    const IP_NETNS_EXEC: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
90 27 0:55 / /sys rw,relatime - sysfs blue rw
91 90 0:56 / /sys/fs/bpf rw,relatime - bpf bpf rw
";

    #[test]
    fn a_new_sys_is_called_after_the_network_namespace() {
        assert_eq!(source_of_sys(SHELL), Some("sysfs"));
        assert_eq!(source_of_sys(IP_NETNS_EXEC), Some("blue"));
        assert_eq!(source_of_sys(&SHELL.replace("- sysfs sysfs", "- tmpfs none")), None);
        assert_eq!(source_of_sys(""), None);
    }

    #[test]
    fn a_file_system_is_known_by_its_device() {
        assert!(has_device(SHELL, "0:39"));
        assert!(!has_device(SHELL, "0:56"));
        assert!(!has_device(SHELL, "0:3"));
    }
}
