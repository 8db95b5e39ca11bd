//! `skxc doctor`: what this machine can do, and what to install.

use std::io::{self, Write};

use crate::clang;
use crate::cli::Doctor;
use crate::machine::{self, Capability};
use crate::session::{Exit, Session, Stop, stdout};

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    /// What.
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
    let running = running();
    let can_load = running.iter().take(2).all(|finding| finding.good);
    let can_attach = running.iter().all(|finding| finding.good || finding.what == "JIT");
    let mut out = stdout();
    for finding in compiling.iter().chain(&running).chain(&informative()) {
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
                Stop::Input(list) | Stop::Environment(list) => {
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

/// What loading and attaching need: the first two for loading.
fn running() -> Vec<Finding> {
    let mut missing = Vec::new();
    for (capability, name) in [
        (Capability::Bpf, "CAP_BPF"),
        (Capability::Perfmon, "CAP_PERFMON"),
        (Capability::NetAdmin, "CAP_NET_ADMIN"),
    ] {
        if !capability.is_held() {
            missing.push(name);
        }
    }
    let release = machine::kernel_release();
    vec![
        Finding {
            what: "kernel",
            good: crate::options::parse_kernel(&release).is_some_and(|it| it >= OLDEST_KERNEL),
            found: format!("Linux {release}"),
            help: "5.10 is the oldest that is supported",
        },
        Finding {
            what: "capabilities",
            good: missing.is_empty(),
            found: if missing.is_empty() {
                "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN".to_owned()
            } else {
                format!("missing: {}", missing.join(", "))
            },
            help: "use sudo, or setcap cap_bpf,cap_perfmon,cap_net_admin+ep on skxc",
        },
        Finding {
            what: "JIT",
            good: machine::has_jit(),
            found: if machine::has_jit() { "on" } else { "off: programs are interpreted" }
                .to_owned(),
            help: "sysctl net.core.bpf_jit_enable=1",
        },
        Finding {
            what: "bpffs",
            good: machine::has_bpffs(),
            found: if machine::has_bpffs() { "/sys/fs/bpf" } else { "not mounted" }.to_owned(),
            help: "mount -t bpf bpf /sys/fs/bpf; `ip netns exec` hides it, use nsenter --net=",
        },
    ]
}

const OLDEST_KERNEL: (u32, u32) = (5, 10);

/// What is worth knowing and needed by nothing.
fn informative() -> Vec<Finding> {
    let btf = machine::has_btf();
    vec![Finding {
        what: "kernel BTF",
        good: btf,
        found: if btf { "/sys/kernel/btf/vmlinux" } else { "none; nothing needs it" }.to_owned(),
        help: "",
    }]
}
