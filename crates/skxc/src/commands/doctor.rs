//! `skxc doctor`: what this machine can do, and what to install.

use std::io::{self, Write};

use skxc_backend_bpf::KernelVersion;
use skxc_backend_bpf::kernel_features::{OLDEST, ROWS};
use skxc_bpf::{Probe, missing_capabilities};

use crate::clang;
use crate::cli::Doctor;
use crate::session::{Exit, Session, Stop, stdout};

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    /// The thing that was examined.
    what: &'static str,
    /// Is it there?
    good: bool,
    /// What was found.
    found: String,
    /// What to do if it is not.
    help: &'static str,
}

/// Looks at everything and says what works.
pub(crate) fn run(session: &Session, _args: &Doctor) -> Result<Exit, Stop> {
    let (compiling, can_compile) = compiling();
    let probe = Probe::new();
    let (running, attaching) = (running(&probe), attaching(&probe));
    let can_load = running.iter().all(|finding| finding.good);
    let can_attach = can_load && attaching.iter().all(|finding| finding.good);
    let mut out = stdout();
    let all = [compiling, running, attaching, informative(&probe)];
    for finding in all.iter().flatten() {
        write_finding(&mut out, finding)?;
    }
    writeln!(out)?;
    for (verbs, can) in [
        ("compile", can_compile),
        ("check, predict --engine kernel", can_load),
        ("attach, status, detach, run", can_attach),
        ("inspect, extract, predict, features, explain", true),
    ] {
        writeln!(out, "{:<46} {}", verbs, if can { "works" } else { "does not work here" })?;
    }
    out.flush()?;
    session.detail("`skxc doctor` changes nothing on this machine");
    Ok(if can_compile { Exit::Done } else { Exit::Environment })
}

fn write_finding(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let mark = if finding.good { "ok" } else { "--" };
    writeln!(out, "{mark}  {:<16} {}", finding.what, finding.found)?;
    if !finding.good && !finding.help.is_empty() {
        writeln!(out, "    {:<16} -> {}", "", finding.help)?;
    }
    Ok(())
}

/// What `compile` needs.
fn compiling() -> (Vec<Finding>, bool) {
    let help = "install clang 14 or newer: apt-get install clang-19, or set SKXC_CLANG";
    let (clang, headers) = match clang::find() {
        Err(_) => (Err("not found".to_owned()), Err("not looked for: no clang".to_owned())),
        Ok(clang) => {
            let headers = clang.probe_headers().map_err(|stop| match stop {
                Stop::Input(list) | Stop::Refuted(list) | Stop::Environment(list) => {
                    list.iter().flat_map(|it| it.notes.clone()).collect::<Vec<_>>().join("; ")
                }
                Stop::Output(error) => error.to_string(),
            });
            let name = clang.program.to_string_lossy().into_owned();
            (Ok(format!("{} ({name})", clang.version)), headers)
        }
    };
    let good = clang.is_ok() && headers.is_ok();
    let findings = vec![
        Finding {
            what: "clang",
            good: clang.is_ok(),
            found: clang.unwrap_or_else(|why| why),
            help,
        },
        Finding {
            what: "kernel headers",
            good: headers.is_ok(),
            found: headers.map_or_else(|why| why, |()| "linux/bpf.h compiles to BPF".to_owned()),
            help: "apt-get install linux-libc-dev",
        },
    ];
    (findings, good)
}

/// What loading and attaching need.
fn running(probe: &Probe) -> Vec<Finding> {
    let missing: Vec<&str> = missing_capabilities().iter().map(|it| it.name()).collect();
    let release = probe.kernel.clone().unwrap_or_default();
    vec![
        Finding {
            what: "kernel",
            good: release.parse::<KernelVersion>().is_ok_and(|it| it >= OLDEST),
            found: format!("Linux {release}{}", features(&release)),
            help: "5.10 is the oldest that is supported",
        },
        Finding {
            what: "capabilities",
            good: missing.is_empty(),
            found: match missing[..] {
                [] => "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN".to_owned(),
                _ => format!("missing: {}", missing.join(", ")),
            },
            help: "use sudo, or setcap cap_bpf,cap_perfmon,cap_net_admin+ep on skxc",
        },
        Finding {
            what: "loading",
            good: probe.can_load(),
            found: match &probe.load {
                Ok(()) => "the smallest XDP program loads".to_owned(),
                Err(error) => error.to_string(),
            },
            help: "see kernel.unprivileged_bpf_disabled and the capabilities above",
        },
    ]
}

/// What attaching needs beside.
fn attaching(probe: &Probe) -> Vec<Finding> {
    let mounted = probe.bpf_file_system;
    vec![Finding {
        what: "bpffs",
        good: mounted,
        found: if mounted { "/sys/fs/bpf" } else { "not mounted" }.to_owned(),
        help: "mount -t bpf bpf /sys/fs/bpf; `ip netns exec` hides it, use nsenter --net=",
    }]
}

/// What is worth knowing and stops nothing.
fn informative(probe: &Probe) -> Vec<Finding> {
    let (jit, btf) = (probe.jit != Some(false), probe.btf);
    vec![
        Finding {
            what: "JIT",
            good: jit,
            found: if jit { "on" } else { "off: programs are interpreted" }.to_owned(),
            help: "sysctl net.core.bpf_jit_enable=1",
        },
        Finding {
            what: "kernel BTF",
            good: btf,
            found: if btf { "/sys/kernel/btf/vmlinux" } else { "none; nothing needs it" }
                .to_owned(),
            help: "",
        },
    ]
}

/// What this kernel has of what not all have.
fn features(release: &str) -> String {
    let Ok(version) = release.parse::<KernelVersion>() else { return String::new() };
    let missing = ROWS.iter().filter(|row| !version.has(row.capability));
    let missing: Vec<&str> = missing.map(|row| row.title).collect();
    match missing[..] {
        [] => String::new(),
        _ => format!("; without {}", missing.join(", ")),
    }
}
