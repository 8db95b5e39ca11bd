//! `skxc status`: what attached programs decided.
//!
//! What must hold: what runs, and what it does, is asked of the kernel; what cannot be
//! looked at is named, and makes the exit code 3.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use comfy_table::CellAlignment;
use serde_json::{Value, json};
use skxc_bpf::{
    Attachment, AttachmentInfo, Counter, Error, Interface, Mode, PIN_ROOT, Resident, Running,
    Whereabouts, attachments, running,
};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::attached::{Count, Description, by_number};
use crate::cli::{Status, TableFormat};
use crate::kernel;
use crate::session::{Exit, Session, Stop, stdout};
use crate::shell;
use crate::tables;

/// One attached program.
#[derive(Debug)]
struct Attached {
    interface: String,
    /// Name of the model.
    name: String,
    program_id: u32,
    /// How it runs; `None` if its interface is not in this network namespace.
    mode: Option<Mode>,
    /// How and where it runs, in words.
    place: String,
    pinned: bool,
    /// What the program says of itself; `None` if it may not be asked.
    description: Option<Description>,
    counts: Vec<Count>,
}

/// So often it is looked again where something cannot be seen, at this distance:
/// `attach` and `detach` may be on their way from one step to the next.
const LOOKS_MORE: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Prints the counters of all programs of skxc.
pub(crate) fn run(session: &Session, args: &Status) -> Result<Exit, Stop> {
    let missing = args.interface.as_deref().and_then(|name| Interface::find(name).err());
    let (mut all, mut unseen) = look(args.interface.as_deref());
    for _ in 0..LOOKS_MORE {
        if unseen.is_empty() {
            break;
        }
        std::thread::sleep(BETWEEN_LOOKS);
        (all, unseen) = look(args.interface.as_deref());
    }
    // Programs of an interface that left are found by the name that it had.
    if let (Some(error), true, true) = (missing, all.is_empty(), unseen.is_empty()) {
        return Err(kernel::failure("look at the interface", &error));
    }
    write(args, &all)?;
    session.report(&unseen);
    for it in all.iter().filter(|it| it.lacks_class_names()) {
        session.say(format_args!(
            "the object of {} holds no names of classes: an older skxc compiled it",
            it.name
        ));
    }
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

/// All programs of skxc, or those of an interface, by name or index, and what cannot be
/// looked at.
fn look(interface: Option<&str>) -> (Vec<Attached>, Vec<Diagnostic>) {
    let name = interface.map(|it| Interface::find(it).map_or_else(|_| it.to_owned(), |it| it.name));
    let wanted = |found: &str| name.as_ref().is_none_or(|name| name == found);
    let mut unseen = Vec::new();
    let found = attachments(Path::new(PIN_ROOT)).unwrap_or_else(|error| {
        unseen.extend(diagnostics(kernel::failure("look at pins", &error)));
        Vec::new()
    });
    let mut all = Vec::new();
    for attachment in found.into_iter().filter(|it| wanted(&it.interface)) {
        match Attached::by_pins(&attachment, &mut unseen) {
            Ok(attached) => all.push(attached),
            Err(Error::Path { .. }) => unseen.push(pins_missing(&attachment)),
            Err(error) => unseen.extend(diagnostics(kernel::failure("read counters", &error))),
        }
    }
    let running = running().unwrap_or_else(|error| {
        unseen.extend(diagnostics(kernel::failure("look at the interfaces", &error)));
        Vec::new()
    });
    for it in running.iter().filter(|it| wanted(&it.interface.name)) {
        if all.iter().all(|known: &Attached| known.program_id != it.program_id) {
            all.extend(without_pins(it, &mut unseen));
        }
    }
    (all, unseen)
}

fn diagnostics(stop: Stop) -> Vec<Diagnostic> {
    match stop {
        Stop::Input(list) | Stop::Refuted(list) | Stop::Environment(list) => list,
        Stop::Output(_) => Vec::new(),
    }
}

/// An attachment that is being made or unmade, or of which that was cut short.
fn pins_missing(attachment: &Attachment) -> Diagnostic {
    let (name, interface) = (&attachment.name, escape_to_one_line(&attachment.interface));
    Diagnostic::error(codes::NOT_SEEN, format!("pins of `{name}` on `{interface}` are missing"))
        .note("it is being attached or detached now, or that was interrupted")
        .help("if it stays so: attach it again, or `skxc detach` what is left")
}

impl Attached {
    fn by_pins(attachment: &Attachment, unseen: &mut Vec<Diagnostic>) -> Result<Self, Error> {
        let info = attachment.info()?;
        let name = attachment.name.clone();
        let mut attached = Self {
            interface: attachment.interface.clone(),
            name,
            program_id: info.program.id,
            mode: info.mode,
            place: place(attachment, &info),
            pinned: true,
            description: None,
            counts: Vec::new(),
        };
        match Resident::find(info.program.id) {
            Ok(Some(program)) => attached.describe(&program)?,
            Ok(None) => attached.counts = by_number(&attachment.counters("counters")?),
            Err(error) => {
                let what = format!("read labels, actions and shadow mode of `{}`", attached.name);
                unseen.extend(diagnostics(kernel::failure(&what, &error)));
                attached.counts = by_number(&attachment.counters("counters")?);
            }
        }
        Ok(attached)
    }

    fn describe(&mut self, program: &Resident) -> Result<(), Error> {
        let description = Description::of(program);
        self.counts = description.name(&program.counters()?);
        self.description = Some(description);
        Ok(())
    }

    fn lacks_class_names(&self) -> bool {
        self.description.as_ref().is_some_and(|it| it.classes.is_none())
    }
}

/// How and where a program runs.
fn place(attachment: &Attachment, info: &AttachmentInfo) -> String {
    let moved = match &attachment.moved_from {
        Some(from) => format!(", attached in network namespace {from} and moved here"),
        None => String::new(),
    };
    match (info.mode, info.whereabouts) {
        (Some(mode), _) => format!("{mode}{moved}"),
        (None, Whereabouts::Left(index)) => {
            format!("in another network namespace, as interface {index} there")
        }
        (None, Whereabouts::Here | Whereabouts::Gone) => "the interface is gone".to_owned(),
    }
}

/// A program that runs and has no pins that were found, if it is of skxc.
fn without_pins(running: &Running, unseen: &mut Vec<Diagnostic>) -> Option<Attached> {
    let (interface, id) = (escape_to_one_line(&running.interface.name), running.program_id);
    let mut attached = None;
    let diagnostic = match running.resident() {
        Ok(None) => return None,
        Ok(Some(program)) => {
            let model = escape_to_one_line(program.model());
            let mut it = Attached {
                interface: running.interface.name.clone(),
                name: program.model().to_owned(),
                program_id: id,
                mode: Some(running.mode),
                place: format!("{}, no pins here", running.mode),
                pinned: false,
                description: None,
                counts: Vec::new(),
            };
            if let Err(error) = it.describe(&program) {
                unseen.extend(diagnostics(kernel::failure("read counters", &error)));
            }
            attached = Some(it);
            let message = format!("`{model}` is attached to `{interface}` and has no pins here");
            Diagnostic::error(codes::NOT_SEEN, message).note(
                "it was attached where another BPF file system is mounted, or `skxc attach` or \
                 `detach` was interrupted",
            )
        }
        Err(_) => {
            let message = format!("cannot tell whose program {id} on `{interface}` is");
            Diagnostic::error(codes::NOT_SEEN, message)
                .note("looking at programs without pins needs CAP_SYS_ADMIN (or root)")
        }
    };
    let help = format!(
        "`skxc detach -i {}` as root, with the BPF file system mounted, takes it off if it is of \
         skxc",
        shell::word(&running.interface.name)
    );
    unseen.push(diagnostic.help(help));
    attached
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

fn write_text(out: &mut impl Write, attached: &Attached) -> io::Result<()> {
    let Attached { interface, name, place, description, counts, .. } = attached;
    let shadow = match description {
        Some(description) if description.shadow => ", shadow: the actions are not carried out",
        _ => "",
    };
    let (name, interface) = (escape_to_one_line(name), escape_to_one_line(interface));
    writeln!(out, "{name} on {interface} ({place}{shadow})")?;
    let mut table = tables::plain(["", "ACTION", "PACKETS", "BYTES"]);
    for count in counts {
        if count.is_unclassified && count.counter.packets == 0 {
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
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["interface", "program", "name", "action", "packets", "bytes"])?;
    for Attached { interface, name: program, counts, .. } in all {
        for count in counts {
            let Counter { packets, bytes } = count.counter;
            let (packets, bytes) = (packets.to_string(), bytes.to_string());
            let cells = [interface, program, &count.name, &count.action, &packets, &bytes];
            table.write_record(cells)?;
        }
    }
    table.flush()
}

fn json(attached: &Attached) -> Value {
    let Attached { description, counts, .. } = attached;
    let counts = counts.iter().map(|count| {
        json!({
            "name": count.name,
            "action": count.action,
            "packets": count.counter.packets,
            "bytes": count.counter.bytes,
        })
    });
    json!({
        "interface": attached.interface,
        "program": attached.name,
        "mode": attached.mode.map(|mode| mode.to_string()),
        "program_id": attached.program_id,
        "pinned": attached.pinned,
        "build_id": description.as_ref().map(|it| &it.build_id),
        "shadow": description.as_ref().map(|it| it.shadow),
        "counters": counts.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux takes any characters but `/` and white space in the name of an interface.
    #[test]
    fn names_cannot_break_the_table() {
        let count = Count {
            name: "a \"b\", c".to_owned(),
            action: "drop".to_owned(),
            is_unclassified: false,
            counter: Counter { packets: 1, bytes: 60 },
        };
        let attached = Attached {
            interface: "v,\"\u{1b}[31m".to_owned(),
            name: "tree".to_owned(),
            program_id: 1,
            mode: None,
            place: "native".to_owned(),
            pinned: true,
            description: None,
            counts: vec![count],
        };
        let mut text = Vec::new();
        write_text(&mut text, &attached).expect("a vector takes everything");
        assert!(!text.contains(&0x1b), "{}", String::from_utf8_lossy(&text));
        let mut table = Vec::new();
        write_csv(&mut table, &[attached]).expect("a vector takes everything");
        let mut rows = csv::Reader::from_reader(&table[..]);
        let cells = rows.records().next().expect("there is a row").expect("it is one");
        assert_eq!(
            cells.iter().collect::<Vec<_>>(),
            ["v,\"\u{1b}[31m", "tree", "a \"b\", c", "drop", "1", "60"]
        );
    }
}
