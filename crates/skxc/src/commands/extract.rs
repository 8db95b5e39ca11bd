//! `skxc extract`: packets to feature rows, by the parser that runs in the kernel.

use std::io::{self, Write};

use skxc_diagnostics::{Diagnostic, codes};
use skxc_runtime::{FEATURES, Needs, Parsed, parse};

use crate::binding::unknown_feature;
use crate::capture;
use crate::cli::Extract;
use crate::files::open_regular;
use crate::output::Sink;
use crate::progress::Progress;
use crate::session::{Exit, Session, Stop};

/// Packets between two looks at the progress line.
const PACKETS_A_STEP: u64 = 1 << 14;

/// Writes one row a packet. A row takes constant memory.
pub(crate) fn run(session: &Session, args: &Extract) -> Result<Exit, Stop> {
    let features = chosen(&args.features)?;
    let needs = features.iter().fold(Needs::NOTHING, |sum, &i| sum.union(FEATURES[i].needs));
    // Nothing is printed if one of them is not there.
    for path in &args.captures {
        open_regular(path)?;
    }
    let mut sink = Sink::open(args.out.as_deref())?;
    let mut counts = Counts::default();
    sink.write(|out| write_header(out, &features, args.only_classifiable))?;
    let progress = Progress::start(session, "reading packets");
    for path in &args.captures {
        let warnings = capture::for_each(path, |frame| {
            counts.packets += 1;
            if counts.packets % PACKETS_A_STEP == 0 {
                progress.set(format!("{} packets", counts.packets));
            }
            let parsed = parse(frame, needs);
            if args.only_classifiable && parsed.reason.is_some() {
                return Ok(());
            }
            counts.rows += 1;
            sink.write(|out| write_row(out, &features, &parsed, args.only_classifiable))
        })?;
        session.report(&warnings);
    }
    drop(progress);
    sink.finish()?;
    session.detail(format_args!("{} packets, {} rows", counts.packets, counts.rows));
    Ok(Exit::Done)
}

#[derive(Debug, Default)]
struct Counts {
    packets: u64,
    rows: u64,
}

/// Positions of the features in the table.
fn chosen(names: &[String]) -> Result<Vec<usize>, Stop> {
    if names.is_empty() {
        return Ok((0..FEATURES.len()).collect());
    }
    let mut chosen = Vec::new();
    let mut problems = Vec::new();
    for name in names {
        match skxc_runtime::find(name) {
            Some((index, _)) if !chosen.contains(&index) => chosen.push(index),
            Some((_, feature)) => problems.push(Diagnostic::error(
                codes::FEATURE_TWICE,
                format!("`{}` is asked for twice", feature.name),
            )),
            None => problems.push(unknown_feature(name, None)),
        }
    }
    if problems.is_empty() { Ok(chosen) } else { Err(Stop::Input(problems)) }
}

fn write_header(out: &mut impl Write, features: &[usize], only_values: bool) -> io::Result<()> {
    for (position, &index) in features.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        write!(out, "{separator}{}", FEATURES[index].name)?;
    }
    out.write_all(if only_values { b"\n" } else { b",reason\n" })
}

fn write_row(
    out: &mut impl Write,
    features: &[usize],
    parsed: &Parsed,
    only_values: bool,
) -> io::Result<()> {
    for (position, &index) in features.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        write!(out, "{separator}{}", parsed.values[index])?;
    }
    if !only_values {
        write!(out, ",{}", parsed.reason.map_or("", |reason| reason.name()))?;
    }
    out.write_all(b"\n")
}
