//! clang: finding it, and making an object of generated C.
//!
//! What must hold:
//! - the object depends on the C and on the version of clang alone: the
//!   compiler runs in a folder of its own, sees relative names, and whatever
//!   of that folder could end up in debug information is mapped away;
//! - only the headers of the generated program and the kernel's user API
//!   headers are included.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use skxc_diagnostics::{Diagnostic, codes};

use crate::interrupt::Scratch;
use crate::output::cannot_write;
use crate::session::Stop;

/// Oldest version whose BPF back end has what the output needs.
pub(crate) const OLDEST_MAJOR: u32 = 14;
/// Names to look for, newest versions first, after the one known best.
const VERSIONS: std::ops::RangeInclusive<u32> = OLDEST_MAJOR..=24;
/// Instruction set: 32-bit operations and jumps, known to every kernel from 5.1.
const CPU: &str = "v3";
/// Lines of the compiler that are shown.
const LINES_MAX: usize = 20;

/// What a program takes too much of for clang to make an object of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// The stack is too small.
    Stack,
    /// Instructions that one jump leads over.
    Jump,
}

/// Why there is no object.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The program takes too much of something; another plan may take less.
    Excess(Excess, Box<Diagnostic>),
    /// Any other reason to stop.
    Stop(Stop),
}

impl Excess {
    /// What clang says when it meets it, if that is it.
    fn of(said: &str) -> Option<Self> {
        match () {
            // LLVM, BPFRegisterInfo.cpp: "BPF stack limit of 512 bytes is exceeded", from
            // 19 on "Looks like the BPF stack limit is exceeded".
            () if said.contains("BPF stack limit") => Some(Self::Stack),
            // LLVM, BPFMIPeephole.cpp: "Branch target out of insn range".
            () if said.contains("out of insn range") => Some(Self::Jump),
            () => None,
        }
    }

    /// As a reader would say it: what the program takes.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Stack => "more than the 512 bytes of stack that a BPF program has",
            Self::Jump => "more instructions than a jump can lead over",
        }
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Excess(_, diagnostic) => Self::environment(*diagnostic),
            Refusal::Stop(stop) => stop,
        }
    }
}

/// A clang that can compile to BPF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clang {
    /// What to run.
    pub(crate) program: OsString,
    /// First number of its version.
    pub(crate) major: u32,
    /// The line that it says of itself.
    pub(crate) version: String,
}

/// Finds clang: `$SKXC_CLANG`, else `clang-19`, `clang`, then other versions.
pub(crate) fn find() -> Result<Clang, Stop> {
    let named = env::var_os("SKXC_CLANG").filter(|name| !name.is_empty());
    let candidates: Vec<OsString> = match &named {
        Some(name) => vec![name.clone()],
        None => ["clang-19".to_owned(), "clang".to_owned()]
            .into_iter()
            .chain(VERSIONS.rev().map(|version| format!("clang-{version}")))
            .map(OsString::from)
            .collect(),
    };
    let mut too_old = None;
    for program in candidates {
        match probe(program) {
            Some(clang) if clang.major >= OLDEST_MAJOR => return Ok(clang),
            Some(clang) => too_old = Some(clang),
            None => {}
        }
    }
    let mut diagnostic = Diagnostic::error(codes::NO_CLANG, "no usable clang was found");
    if let Some(name) = named {
        diagnostic = diagnostic.note(format!("SKXC_CLANG names `{}`", name.to_string_lossy()));
    }
    if let Some(clang) = too_old {
        diagnostic = diagnostic.note(format!("`{}` is older than {OLDEST_MAJOR}", clang.version));
    }
    Err(Stop::environment(
        diagnostic
            .help(format!("install clang {OLDEST_MAJOR} or newer, such as the package clang-19"))
            .help("without one: `--emit source,manifest` stops before the compiler"),
    ))
}

/// Asks a program whether it is clang.
fn probe(program: OsString) -> Option<Clang> {
    let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.contains("clang version "))?;
    let (_, number) = line.split_once("clang version ")?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    let major = digits.parse().ok()?;
    Some(Clang { program: from_anywhere(program), major, version: line.trim().to_owned() })
}

/// The compiler runs in a folder of its own, where `./clang` is another file.
fn from_anywhere(program: OsString) -> OsString {
    let path = Path::new(&program);
    if path.components().count() < 2 {
        return program;
    }
    std::path::absolute(path).map_or(program.clone(), PathBuf::into_os_string)
}

/// Folders with `asm/types.h`, which Debian and its kin keep by architecture.
fn multiarch_folders() -> Vec<PathBuf> {
    let arch = match env::consts::ARCH {
        "powerpc64" if cfg!(target_endian = "little") => "powerpc64le",
        "x86" => "i386",
        other => other,
    };
    ["gnu", "gnueabihf", "gnuabi64", "musl"]
        .iter()
        .map(|abi| PathBuf::from(format!("/usr/include/{arch}-linux-{abi}")))
        .filter(|folder| folder.join("asm/types.h").exists())
        .collect()
}

impl Clang {
    /// Compiles `source`, one of `files` (name and text), to an object with
    /// debug information.
    pub(crate) fn compile(
        &self,
        files: &[(String, String)],
        source: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let folder = Scratch::new().map_err(|error| cannot_write(&env::temp_dir(), &error))?;
        for (name, text) in files {
            let path = folder.path().join(name);
            let parent = path.parent().expect("a file in a folder has a parent");
            let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
            written.map_err(|error| cannot_write(&path, &error))?;
        }
        let object = folder.path().join("out.o");
        let output = self
            .command(folder.path())
            .args(["-c", source, "-o", "out.o"])
            .output()
            .map_err(|error| self.failed(source, &error))?;
        if !output.status.success() {
            return Err(self.refused(source, &output));
        }
        fs::read(&object).map_err(|error| self.failed(source, &error).into())
    }

    /// Can a program with the kernel's headers be compiled?
    pub(crate) fn probe_headers(&self) -> Result<(), Stop> {
        let text = "#include <linux/bpf.h>\n#include <linux/if_ether.h>\nint x;\n".to_owned();
        self.compile(&[("probe.c".to_owned(), text)], "probe.c")?;
        Ok(())
    }

    /// The compiler with every option that shapes the object, run in `folder`.
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            // A path in these would reach the object, or change what is included.
            .env_remove("CPATH")
            .env_remove("C_INCLUDE_PATH")
            .env_remove("SOURCE_DATE_EPOCH")
            // So would options that a user or an administrator adds to all runs.
            .env_remove("CCC_OVERRIDE_OPTIONS")
            .env("CLANG_NO_DEFAULT_CONFIG", "1")
            .env("LC_ALL", "C")
            .args(["-target", "bpf", "-O2", "-g", "-std=gnu11"])
            .arg(format!("-mcpu={CPU}"))
            .args(["-fno-ident", "-fdebug-compilation-dir=."])
            .arg(format!("-ffile-prefix-map={}=.", folder.display()))
            .arg("-I.");
        for include in multiarch_folders() {
            command.arg("-idirafter").arg(include);
        }
        command
    }

    fn failed(&self, source: &str, error: &dyn fmt::Display) -> Stop {
        let name = self.program.to_string_lossy();
        let message = format!("cannot run `{name}` on `{source}`: {error}");
        Stop::environment(Diagnostic::error(codes::CLANG_REFUSED, message))
    }

    fn refused(&self, source: &str, output: &Output) -> Refusal {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("file not found") {
            let missing = said.lines().find(|line| line.contains("file not found")).unwrap_or("");
            return Refusal::Stop(Stop::environment(
                Diagnostic::error(codes::NO_HEADERS, "the kernel's headers were not found")
                    .note(missing.trim().to_owned())
                    .help("install the package linux-libc-dev, or kernel-headers on Fedora"),
            ));
        }
        let mut lines: Vec<&str> = said.lines().take(LINES_MAX).collect();
        if said.lines().count() > LINES_MAX {
            lines.push("...");
        }
        // Killed, it says nothing.
        let ended = format!("it ended with {}", output.status);
        let lines = if lines.is_empty() { ended } else { lines.join("\n") };
        let diagnostic =
            Diagnostic::error(codes::CLANG_REFUSED, format!("clang refused `{source}`"))
                .note(format!("{} said:\n{lines}", self.version))
                .help(
                    "try another version of clang by SKXC_CLANG; `skxc doctor` looks at this one",
                );
        match Excess::of(&said) {
            Some(excess) => Refusal::Excess(excess, Box::new(diagnostic)),
            None => Refusal::Stop(Stop::environment(diagnostic)),
        }
    }
}
