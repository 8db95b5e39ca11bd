//! `skxc status`: what attached programs decided.

use std::io::{self, Write};
use std::path::Path;

use comfy_table::CellAlignment;
use serde_json::{Value, json};
use skxc_bpf::{
    Attachment, AttachmentInfo, Counter, Error, PIN_ROOT, Running, Whereabouts, attachments,
    running,
};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_runtime::Reason;

use crate::attached::{self, Record};
use crate::cli::{Status, TableFormat};
use crate::kernel;
use crate::session::{Exit, Session, Stop, stdout};
use crate::tables;

/// One attached program.
#[derive(Debug)]
struct Attached {
    attachment: Attachment,
    info: AttachmentInfo,
    record: Option<Record>,
    counts: Vec<Count>,
}

/// A counter with what it counts.
#[derive(Debug)]
struct Count {
    /// Label, or reason.
    name: String,
    /// What happens to such packets, if it is known.
    action: String,
    counter: Counter,
}

/// Prints the counters of all programs of skxc. What cannot be looked at is said,
/// and makes the exit code 3.
pub(crate) fn run(session: &Session, args: &Status) -> Result<Exit, Stop> {
    let wanted = |name: &str| args.interface.as_ref().is_none_or(|wanted| wanted == name);
    let mut unseen = Vec::new();
    let found = attachments(Path::new(PIN_ROOT)).unwrap_or_else(|error| {
        unseen.extend(diagnostics(kernel::failure("look at pins", &error)));
        Vec::new()
    });
    let mut all = Vec::new();
    for attachment in found.into_iter().filter(|it| wanted(&it.interface)) {
        let (name, interface) = (attachment.name.clone(), attachment.interface.clone());
        match attached(attachment) {
            Ok(attached) => all.push(attached),
            // One that is being made or unmade, or of which that was cut short.
            Err(Error::Path { .. }) => unseen.push(
                Diagnostic::error(
                    codes::NOT_SEEN,
                    format!("pins of `{name}` on `{interface}` are missing"),
                )
                .note("it is being attached or detached now, or that was interrupted")
                .help("if it stays so: attach it again, or `skxc detach` what is left"),
            ),
            Err(error) => unseen.extend(diagnostics(kernel::failure("read counters", &error))),
        }
    }
    unseen.extend(without_pins(&all, wanted));
    write(args, &all)?;
    session.report(&unseen);
    if !unseen.is_empty() {
        return Ok(Exit::Environment);
    }
    if all.is_empty() {
        session.say(match &args.interface {
            Some(name) => format!("nothing is attached to {name}"),
            None => "nothing is attached".to_owned(),
        });
    }
    Ok(Exit::Done)
}

fn diagnostics(stop: Stop) -> Vec<Diagnostic> {
    match stop {
        Stop::Input(list) | Stop::Refuted(list) | Stop::Environment(list) => list,
        Stop::Output(_) => Vec::new(),
    }
}

/// Programs that run on an interface and have no pins that were found.
fn without_pins(all: &[Attached], wanted: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let found = match running() {
        Ok(found) => found,
        Err(error) => return diagnostics(kernel::failure("look at the interfaces", &error)),
    };
    let shown = |it: &Running| all.iter().any(|known| known.info.program.id == it.program_id);
    let unseen = found.iter().filter(|it| wanted(&it.interface.name) && !shown(it));
    unseen
        .filter_map(|it| {
            let (interface, id) = (escape_to_one_line(&it.interface.name), it.program_id);
            let diagnostic = match it.model() {
                Ok(None) => return None,
                Ok(Some(model)) => {
                    let model = escape_to_one_line(&model);
                    let message =
                        format!("`{model}` is attached to `{interface}` and has no pins here");
                    Diagnostic::error(codes::NOT_SEEN, message).note(
                        "it was attached where another BPF file system is mounted, or `skxc \
                         attach` or `detach` was interrupted",
                    )
                }
                Err(_) => {
                    let message = format!("cannot tell whose program {id} on `{interface}` is");
                    Diagnostic::error(codes::NOT_SEEN, message)
                        .note("looking at programs without pins needs CAP_SYS_ADMIN (or root)")
                }
            };
            Some(diagnostic.help(format!(
                "`skxc detach -i {interface}` as root takes it off if it is of skxc"
            )))
        })
        .collect()
}

fn write(args: &Status, all: &[Attached]) -> io::Result<()> {
    let mut out = stdout();
    match args.format {
        TableFormat::Text => all.iter().try_for_each(|it| write_text(&mut out, it))?,
        TableFormat::Csv => write_csv(&mut out, all)?,
        TableFormat::Json => {
            let all: Vec<Value> = all.iter().map(json).collect();
            writeln!(out, "{:#}", Value::from(all))?;
        }
    }
    out.flush()
}

fn attached(attachment: Attachment) -> Result<Attached, Error> {
    let info = attachment.info()?;
    let counters = attachment.counters("counters")?;
    let record = attached::recall(&attachment);
    let counts = name_counters(&counters, record.as_ref());
    Ok(Attached { attachment, info, record, counts })
}

/// Classes first, by index, then reasons, from number 0, which is never counted.
fn name_counters(counters: &[Counter], record: Option<&Record>) -> Vec<Count> {
    let classes = counters.len().saturating_sub(Reason::COUNT as usize);
    let of_class = |index: usize| match record.and_then(|record| record.classes.get(index)) {
        Some(class) => (class.name(), class.action.to_string()),
        None => (format!("class {index}"), String::new()),
    };
    let fallback = |reason| record.map(|record| record.fallback.of(reason).to_string());
    let mut counts = Vec::new();
    for (index, &counter) in counters.iter().enumerate() {
        let (name, action) = match index.checked_sub(classes) {
            None => of_class(index),
            Some(number) => match Reason::from_number(number as u32) {
                Some(reason) => {
                    (format!("cannot classify: {reason}"), fallback(reason).unwrap_or_default())
                }
                None => continue,
            },
        };
        counts.push(Count { name, action, counter });
    }
    counts
}

fn write_text(out: &mut impl Write, attached: &Attached) -> io::Result<()> {
    let Attached { attachment, info, record, counts } = attached;
    let mode = match (info.mode, info.whereabouts) {
        (Some(mode), _) => mode.to_string(),
        (None, Whereabouts::Left(index)) => {
            format!("in another network namespace, as interface {index} there")
        }
        (None, Whereabouts::Here | Whereabouts::Gone) => "the interface is gone".to_owned(),
    };
    let shadow = match record {
        Some(record) if record.shadow => ", shadow: the actions are not carried out",
        _ => "",
    };
    writeln!(out, "{} on {} ({mode}{shadow})", attachment.name, attachment.interface)?;
    let mut table = tables::plain(["", "ACTION", "PACKETS", "BYTES"]);
    for count in counts {
        if count.name.starts_with("cannot classify") && count.counter.packets == 0 {
            continue;
        }
        let (packets, bytes) = (count.counter.packets.to_string(), count.counter.bytes.to_string());
        table.add_row([&escape_to_one_line(&count.name), &count.action, &packets, &bytes]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{}", table.trim_fmt())
}

fn write_csv(out: &mut impl Write, all: &[Attached]) -> io::Result<()> {
    writeln!(out, "interface,program,name,action,packets,bytes")?;
    for Attached { attachment, counts, .. } in all {
        for count in counts {
            let name = count.name.replace('"', "\"\"");
            let Counter { packets, bytes } = count.counter;
            let (interface, program) = (&attachment.interface, &attachment.name);
            writeln!(out, "{interface},{program},\"{name}\",{},{packets},{bytes}", count.action)?;
        }
    }
    Ok(())
}

fn json(attached: &Attached) -> Value {
    let Attached { attachment, info, record, counts } = attached;
    let counts = counts.iter().map(|count| {
        json!({
            "name": count.name,
            "action": count.action,
            "packets": count.counter.packets,
            "bytes": count.counter.bytes,
        })
    });
    json!({
        "interface": attachment.interface,
        "program": attachment.name,
        "mode": info.mode.map(|mode| mode.to_string()),
        "program_id": info.program.id,
        "build_id": record.as_ref().map(|record| &record.build_id),
        "shadow": record.as_ref().map(|record| record.shadow),
        "counters": counts.collect::<Vec<_>>(),
    })
}
