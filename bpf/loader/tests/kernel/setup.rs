//! What the tests share: clang, privileges, a namespace.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use skxc_bpf::{Capability, Probe};

/// Compiles BPF C that may include the headers of skxc-runtime, or says why
/// the test cannot run. Objects are kept in the folder `SKXC_OBJECTS`, if that is
/// set, so that these tests can run where there is no compiler.
pub(crate) fn compile(source: &str, debug: bool) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("SKXC_OBJECTS") else { return compiled(source, debug) };
    let mut hasher = DefaultHasher::new();
    (source, debug).hash(&mut hasher);
    let kept = Path::new(&folder).join(format!("{:016x}.o", hasher.finish()));
    if let Ok(object) = std::fs::read(&kept) {
        return Some(object);
    }
    let object = compiled(source, debug)?;
    std::fs::write(&kept, &object).expect("the object is written");
    Some(object)
}

fn compiled(source: &str, debug: bool) -> Option<Vec<u8>> {
    let Some(clang) = clang() else { return skip("no clang") };
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in skxc_runtime::HEADERS {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a header is in a directory"))
            .and_then(|()| std::fs::write(&path, text))
            .expect("headers are written");
    }
    std::fs::write(dir.path().join("test.bpf.c"), source).expect("the source is written");
    let mut command = Command::new(clang);
    command.current_dir(dir.path());
    command.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror"]);
    command.arg("-I.");
    if let Some(directory) = multiarch() {
        command.arg("-idirafter").arg(directory);
    }
    command.args(["-c", "test.bpf.c", "-o", "test.bpf.o"]);
    let output = command.output().expect("clang runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let object = std::fs::read(dir.path().join("test.bpf.o")).expect("the object is there");
    Some(if debug { object } else { skxc_bpf::strip_debug(&object).expect("it can be stripped") })
}

/// The test bench of `bench.bpf.c`, with privileges to load it.
pub(crate) fn bench() -> Option<Vec<u8>> {
    privileged()?;
    compile(include_str!("bench.bpf.c"), false)
}

/// Says why the test cannot run, if programs cannot be loaded.
pub(crate) fn privileged() -> Option<()> {
    match Probe::new().load {
        Ok(()) => Some(()),
        Err(error) => skip(&format!("cannot load BPF programs: {error}")),
    }
}

/// Skips the test with a reason, or fails it where it must run.
pub(crate) fn skip<T>(reason: &str) -> Option<T> {
    let required = std::env::var_os("SKXC_REQUIRE_KERNEL").is_some_and(|value| value == "1");
    assert!(!required, "SKXC_REQUIRE_KERNEL=1, but {reason}");
    say(&format!("skipped: {reason}"));
    None
}

/// Tells whoever runs the tests with `--nocapture`.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn clang() -> Option<String> {
    let numbered = (14..=30).rev().map(|version| format!("clang-{version}"));
    std::iter::once("clang".to_owned()).chain(numbered).find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    })
}

/// Debian keeps `asm/types.h` where clang does not look for target bpf.
fn multiarch() -> Option<&'static Path> {
    ["/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.join("asm/types.h").exists())
}

/// Runs `test` in a fresh network namespace with only a loopback interface,
/// which is up. The namespace and all in it go when the thread ends, however
/// it ends.
pub(crate) fn in_namespace(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            unshare_network();
            ip(&["link", "set", "lo", "up"]);
            test();
        });
    });
}

#[allow(unsafe_code)]
fn unshare_network() {
    // SAFETY: changes the network namespace of this thread and no memory.
    let code = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(code, 0, "unshare: {}", std::io::Error::last_os_error());
}

/// Runs `test` in a thread with these capabilities alone. Only the thread loses others.
pub(crate) fn with_capabilities(held: &[Capability], test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            keep_capabilities(held);
            test();
        });
    });
}

#[allow(unsafe_code)]
fn keep_capabilities(held: &[Capability]) {
    let bits = held.iter().fold(0_u64, |bits, &held| bits | 1 << held as u64);
    let (low, high) = (bits as u32, (bits >> 32) as u32);
    // capset(2): version 3, this thread; then effective, permitted and
    // inheritable for the lower and the upper 32 capabilities.
    let header = [0x2008_0522_u32, 0];
    let sets = [low, low, 0, high, high, 0];
    // SAFETY: the kernel reads two words and six words, which are there.
    let code = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    assert_eq!(code, 0, "capset: {}", std::io::Error::last_os_error());
}

/// Runs ip(8) in the namespace of this thread.
pub(crate) fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {error}", arguments.join(" "));
}
