//! clang, as tests of generated programs run it.

use std::path::{Path, PathBuf};
use std::process::Command;

use skxc_backend_bpf::Artifact;

const FOLDER: &str = "the folder of the test is writable";

/// The first clang there is; none only where it is not required.
pub(crate) fn find() -> Option<String> {
    let names = (14..=22).rev().map(|version| format!("clang-{version}"));
    let mut names = std::iter::once("clang".to_owned()).chain(names);
    let found = names.find(|name| Command::new(name).arg("--version").output().is_ok());
    let must = std::env::var("SKXC_REQUIRE_KERNEL").is_ok_and(|set| set == "1");
    assert!(found.is_some() || !must, "clang is required");
    found
}

/// Compiles a program, warnings as errors, in a folder of its own. The bytes of
/// stack that the function with the most of it takes.
///
/// # Panics
/// If clang refuses it.
pub(crate) fn compile(clang: &str, artifact: &Artifact, folder: &str) -> u64 {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    for (name, text) in &artifact.files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect(FOLDER);
        std::fs::write(path, text).expect(FOLDER);
    }
    let mut command = Command::new(clang);
    command.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-fstack-usage"]);
    command.args(["-Wall", "-Wextra", "-Wconversion", "-Wno-unused-function", "-Werror"]);
    // Where Debian keeps `asm/types.h`; elsewhere it is found without.
    let uapi = Path::new("/usr/include").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    command.arg("-I").arg(&dir).arg("-I").arg(uapi);
    let source = dir.join(&artifact.files[1].0);
    let compiled = command.arg("-c").arg(source).arg("-o").arg(dir.join("out.o")).output();
    let compiled = compiled.expect("clang starts");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{folder}: {said}");
    let usage = std::fs::read_to_string(dir.join("out.su")).expect("clang says what it took");
    std::fs::remove_dir_all(&dir).expect(FOLDER);
    // A line a function: place, bytes, kind.
    let bytes = usage.lines().map(|line| line.split('\t').nth(1).expect("a line has three words"));
    bytes.map(|bytes| bytes.parse().expect("a number of bytes")).max().unwrap_or(0)
}
