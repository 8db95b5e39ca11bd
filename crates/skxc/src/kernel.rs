//! Objects in the kernel: loading them for comparisons, and what to say when
//! the kernel will not.

use skxc_bpf::{Batch, Capability, Error, Loader, Mode, ip_netns_exec, missing_capabilities};
use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::kernel::Entry;
use skxc_equivalence::machine::{Field, Layout};

use crate::cli::Hook;
use crate::manifest::Manifest;
use crate::session::Stop;
use crate::shell;

/// Lines of the verifier's log that are shown, from its end.
const LOG_LINES_MAX: usize = 12;
/// What to do about missing privileges.
const PRIVILEGES: &str = "use sudo; `skxc doctor` shows what this machine can do";
/// Vectors that the test bench holds at a time.
const BENCH_VECTORS: usize = 1 << 16;

/// Loads the test bench of an object.
pub(crate) fn bench(object: &[u8], manifest: &Manifest) -> Result<Batch, Error> {
    let batch = Batch::load(Loader::new(object)?, &manifest.name, BENCH_VECTORS)?;
    let (features, result) = (manifest.layout.features_bytes, manifest.layout.result_bytes);
    for (what, expected, found) in [
        ("features", features as usize, batch.features_bytes()),
        ("result", result as usize, batch.result_bytes()),
    ] {
        if expected != found {
            let name = format!("{}_{what}", manifest.name);
            return Err(Error::Size { name, expected, found });
        }
    }
    Ok(batch)
}

/// Loads the XDP program of an object, attached to nothing.
pub(crate) fn entry(object: &[u8], manifest: &Manifest) -> Result<Entry, Error> {
    Entry::load(object, &manifest.name, &xdp_program(&manifest.name))
}

/// Instructions that the verifier processes of the program at the hook, or, where
/// there is none, of the test bench; 0 if the kernel does not tell (before Linux 5.16).
pub(crate) fn verified_insns(object: &[u8], manifest: &Manifest) -> Result<u32, Error> {
    let program = match manifest.options.hook {
        Hook::Xdp => xdp_program(&manifest.name),
        Hook::None => format!("{}_batch", manifest.name),
    };
    let loaded = Loader::new(object)?.program(&program).load()?;
    Ok(loaded.program(&program)?.info()?.verified_insns)
}

/// Name of the program at the hook.
pub(crate) fn xdp_program(name: &str) -> String {
    format!("{name}_xdp")
}

/// Where the structs of a program hold what.
pub(crate) fn layout(manifest: &Manifest) -> Layout {
    let field = |offset_bytes: u32, size_bytes: u32, signed| Field {
        offset_bytes: offset_bytes as usize,
        size_bytes: size_bytes as usize,
        signed,
    };
    let features = manifest.columns.iter().map(|column| {
        let member = column.member.as_ref()?;
        Some(field(member.offset_bytes, member.size_bytes, member.signed))
    });
    let labels = (0..manifest.layout.labels).map(|index| field(4 * index, 4, false));
    let scores = (0..manifest.layout.scores)
        .map(|index| field(manifest.layout.scores_offset_bytes + 8 * index, 8, true));
    Layout {
        features_bytes: manifest.layout.features_bytes as usize,
        features: features.collect(),
        result_bytes: manifest.layout.result_bytes as usize,
        labels: labels.collect(),
        scores: scores.collect(),
    }
}

/// Says to a person why something does not work: `what` is what was tried, such
/// as "run `scan.bpf.o`".
pub(crate) fn failure(what: &str, error: &Error) -> Stop {
    let chain = chain(error);
    let diagnostic = match error {
        Error::Privileges { .. } => {
            Diagnostic::error(codes::NO_PRIVILEGE, format!("cannot {what}: {chain}"))
                .note(match &error.missing_capabilities()[..] {
                    [] => "the capabilities are held, but not in the first user namespace, or a \
                           file or a security module is in the way"
                        .to_owned(),
                    missing => {
                        let names: Vec<_> = missing.iter().map(|it| it.name()).collect();
                        format!("missing here: {}", names.join(", "))
                    }
                })
                .help(PRIVILEGES)
        }
        Error::Perfmon { line, .. } => {
            Diagnostic::error(codes::NO_PRIVILEGE, format!("cannot {what}: {chain}"))
                .note("missing here: CAP_PERFMON")
                .note(format!("without it the verifier refuses: {line}"))
                .help(PRIVILEGES)
        }
        Error::Refused { program, log, .. } => return Stop::input(refused(program, log)),
        Error::NoInterface { .. } => {
            let diagnostic = Diagnostic::error(codes::NO_INTERFACE, chain);
            return Stop::input(
                diagnostic.help("`ip link` lists the interfaces, `skxc status` what is attached"),
            );
        }
        Error::Pinned { path } => {
            let message =
                format!("`{}` is there: this program is attached already", path.display());
            Diagnostic::error(codes::ATTACH, message)
                .help("take it off with `skxc detach -i INTERFACE` first")
        }
        Error::Busy { .. } | Error::Swapped { .. } => Diagnostic::error(codes::ATTACH, chain)
            .help("`skxc status` and `bpftool net` show what is attached"),
        Error::MtuTooLarge { interface, .. } => {
            Diagnostic::error(codes::ATTACH, chain).help(format!(
                "lower it (`ip link set {} mtu 1500`; drivers allow about 3,500), or use \
                 `--mode generic`",
                shell::word(interface)
            ))
        }
        Error::NoBpfFileSystem { .. } => {
            let diagnostic =
                Diagnostic::error(codes::CANNOT_RUN, format!("cannot {what}: {chain}"));
            match ip_netns_exec() {
                Some(namespace) => instead_of_ip_netns_exec(diagnostic, &namespace),
                None => diagnostic.help("`mount -t bpf bpf /sys/fs/bpf` mounts it"),
            }
        }
        Error::Mode { mode: Mode::Native, .. } => Diagnostic::error(codes::ATTACH, chain)
            .help("`--mode generic` works on every interface"),
        Error::Mode { mode: Mode::Generic, .. } => Diagnostic::error(codes::ATTACH, chain),
        Error::Elf { .. }
        | Error::Open { .. }
        | Error::NoProgram { .. }
        | Error::NoMap { .. }
        | Error::NoVariable { .. }
        | Error::NoType { .. }
        | Error::Size { .. } => {
            let message = format!("cannot {what}: {chain}");
            return Stop::input(Diagnostic::error(codes::CANNOT_RUN, message));
        }
        _ => Diagnostic::error(codes::CANNOT_RUN, format!("cannot {what}: {chain}")),
    };
    Stop::environment(diagnostic)
}

fn refused(program: &str, log: &str) -> Diagnostic {
    let lines: Vec<&str> = log.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LOG_LINES_MAX)..];
    let diagnostic =
        Diagnostic::error(codes::KERNEL_REFUSED, format!("the kernel refused `{program}`"))
            .note(format!("the verifier's log ends with:\n{}", tail.join("\n")));
    let diagnostic = match missing_capabilities().contains(&Capability::Perfmon) {
        true => {
            diagnostic.note("CAP_PERFMON is missing here; the verifier permits some more with it")
        }
        false => diagnostic,
    };
    diagnostic.help("compile for this kernel, or as tables: --kernel VERSION, --lowering walk")
}

/// Says how to work in a network namespace so that pins stay.
pub(crate) fn instead_of_ip_netns_exec(diagnostic: Diagnostic, namespace: &str) -> Diagnostic {
    let namespace = shell::word(&format!("/run/netns/{namespace}"));
    diagnostic
        .note("`ip netns exec` hides the BPF file system, and one that is mounted there ends with the command")
        .help(format!("enter the network namespace alone: `nsenter --net={namespace} skxc ...`"))
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
