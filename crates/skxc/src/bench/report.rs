//! What was measured, as numbers and as text.
//!
//! What must hold: a net figure is that of the program less that of the empty
//! one in the same round, in user space less the loop around it; table, CSV and JSON show the same figures.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

use crate::bench::measure::{Amount, Series, Work};
use crate::bench::statistics::Spread;
use crate::bench::subjects::{Role, Size, Subject};
use crate::tables;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Name of the model's program.
    pub(crate) name: String,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Decisions or packets in a sample.
    pub(crate) repeat: u32,
    /// Samples of each program.
    pub(crate) rounds: u32,
    /// One for each work.
    pub(crate) sections: Vec<Section>,
    /// What the kernel made of each program.
    pub(crate) programs: Vec<Loading>,
}

/// One work, done by every program that can do it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    /// What was done.
    pub(crate) work: Work,
    /// On how many vectors or packets, one after another.
    pub(crate) inputs: usize,
    /// What these are.
    pub(crate) about_inputs: String,
    /// The programs, one a row.
    pub(crate) rows: Vec<Row>,
}

/// One program at one work; times in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What it is called.
    pub(crate) program: String,
    /// What it is there for.
    pub(crate) role: Role,
    /// On varying inputs, the test run's own time included.
    pub(crate) ns: Spread,
    /// The same less the empty program's.
    pub(crate) net_ns: Spread,
    /// Median on one input again and again, less the empty program's.
    pub(crate) warm_net_ns: f64,
    /// Net medians: this one over that of parsing alone.
    pub(crate) over_parse: Option<f64>,
    /// What the compiler predicted for `net_ns` of a decision.
    pub(crate) predicted_ns: Option<u64>,
}

/// A program in the kernel.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Loading {
    /// What it is called.
    pub(crate) program: String,
    /// What the kernel made of it.
    #[serde(flatten)]
    pub(crate) size: Size,
}

impl Report {
    /// Puts together what was measured. `about` says of each work how many
    /// inputs there were and what they are.
    pub(crate) fn new(
        name: &str,
        amount: Amount,
        subjects: &[Subject],
        series: &[Series],
        about: [(Work, usize, &str); 2],
    ) -> Self {
        let sections = about.into_iter().filter_map(|(work, inputs, about)| {
            let rows = rows(work, subjects, series);
            let about_inputs = about.to_owned();
            (!rows.is_empty()).then_some(Section { work, inputs, about_inputs, rows })
        });
        let programs = subjects.iter().filter_map(|subject| {
            Some(Loading { program: subject.name.clone(), size: subject.size? })
        });
        Self {
            name: name.to_owned(),
            kernel: skxc_bpf::Probe::new().kernel.unwrap_or_default(),
            repeat: amount.repeat,
            rounds: amount.rounds,
            sections: sections.collect(),
            programs: programs.collect(),
        }
    }

    /// Writes a table for people.
    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { name, kernel, rounds, repeat, .. } = self;
        writeln!(out, "{name} on Linux {kernel}: {rounds} rounds of {repeat}, all in turn")?;
        for section in &self.sections {
            writeln!(out, "\n{}", section.title(name))?;
            writeln!(out, "{}", section.table().trim_fmt())?;
        }
        writeln!(out, "\nThe programs")?;
        writeln!(out, "{}", self.programs_table().trim_fmt())?;
        writeln!(
            out,
            "\nns: median, with quartiles; net: less `empty` in the same round; warm: net, one input \
             again and again"
        )
    }

    /// One line a program and work.
    pub(crate) fn write_csv(&self, out: &mut impl Write) -> Result<(), csv::Error> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record([
            "work",
            "program",
            "role",
            "ns",
            "ns_lower_quartile",
            "ns_upper_quartile",
            "ns_min",
            "ns_max",
            "net_ns",
            "net_ns_lower_quartile",
            "net_ns_upper_quartile",
            "warm_net_ns",
            "over_parse",
            "predicted_ns",
            "verified_insns",
            "machine_code_bytes",
            "load_ms",
        ])?;
        for section in &self.sections {
            for row in &section.rows {
                csv.write_record(self.record(section.work, row))?;
            }
        }
        csv.flush()?;
        Ok(())
    }

    fn record(&self, work: Work, row: &Row) -> [String; 17] {
        let size = self.programs.iter().find(|it| it.program == row.program).map(|it| it.size);
        let of_size = |figure: fn(Size) -> String| size.map(figure).unwrap_or_default();
        let Row { ns, net_ns: net, .. } = row;
        [
            word(work).to_owned(),
            row.program.clone(),
            word(row.role),
            ns.median.to_string(),
            ns.lower_quartile.to_string(),
            ns.upper_quartile.to_string(),
            ns.min.to_string(),
            ns.max.to_string(),
            net.median.to_string(),
            net.lower_quartile.to_string(),
            net.upper_quartile.to_string(),
            row.warm_net_ns.to_string(),
            row.over_parse.map(|it| format!("{it:.3}")).unwrap_or_default(),
            row.predicted_ns.map(|it| it.to_string()).unwrap_or_default(),
            of_size(|size| size.verified_insns.to_string()),
            of_size(|size| size.machine_code_bytes.to_string()),
            of_size(|size| format!("{:.3}", size.load_ms)),
        ]
    }

    fn programs_table(&self) -> Table {
        let mut table =
            tables::plain(["PROGRAM", "VERIFIER INSNS", "LOAD MS", "MACHINE CODE BYTES"]);
        for Loading { program, size } in &self.programs {
            let verified = match size.verified_insns {
                0 => "not told".to_owned(),
                insns => insns.to_string(),
            };
            let load = format!("{:.1}", size.load_ms);
            table.add_row(cells([program, &verified, &load, &size.machine_code_bytes.to_string()]));
        }
        table
    }
}

/// A word of the report, as JSON has it.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("a word is a value");
    value.as_str().unwrap_or_default().to_owned()
}

fn rows(work: Work, subjects: &[Subject], series: &[Series]) -> Vec<Row> {
    let samples = |subject: usize, warm: bool| {
        let of_it = |it: &&Series| it.subject == subject && it.work == work && it.warm == warm;
        series.iter().find(of_it).map(|it| it.samples.as_slice())
    };
    let place = |role| subjects.iter().position(|subject| subject.role == role);
    let empty = |warm| place(Role::Empty).and_then(|index| samples(index, warm));
    let (Some(empty), Some(empty_warm)) = (empty(false), empty(true)) else { return Vec::new() };
    let net = |index| samples(index, false).map(|it| Spread::of_differences(it, empty));
    // In user space there is no test run around a decision.
    let less = |role, samples: &[f64], empty: &[f64]| match role {
        Role::Native => Spread::of(samples.iter().copied()),
        Role::Empty | Role::Parse | Role::Model | Role::Other => {
            Spread::of_differences(samples, empty)
        }
    };
    let parse = place(Role::Parse).and_then(net).map(|it| it.median).filter(|&it| it > 0.0);
    let row = |(index, subject): (usize, &Subject)| {
        let (vary, warm) = (samples(index, false)?, samples(index, true)?);
        let net_ns = less(subject.role, vary, empty);
        Some(Row {
            program: subject.name.clone(),
            role: subject.role,
            ns: Spread::of(vary.iter().copied()),
            net_ns,
            warm_net_ns: less(subject.role, warm, empty_warm).median,
            over_parse: parse
                .filter(|_| subject.role != Role::Empty)
                .map(|parse| net_ns.median / parse),
            predicted_ns: subject.predicted_ns.filter(|_| work == Work::Decision),
        })
    };
    subjects.iter().enumerate().filter_map(row).collect()
}

impl Section {
    /// A line that says what was done on what.
    pub(crate) fn title(&self, name: &str) -> String {
        let Self { inputs, about_inputs, .. } = self;
        match self.work {
            Work::Decision => {
                format!("A decision: {name}_predict on {inputs} vectors, {about_inputs}")
            }
            Work::Packet => {
                format!("A packet: the whole program on {inputs} packets, {about_inputs}")
            }
        }
    }

    fn table(&self) -> Table {
        let last = match self.work {
            Work::Decision => "PREDICTED",
            Work::Packet => "NET / PARSE",
        };
        let mut table = tables::plain(["PROGRAM", "NS", "QUARTILES", "NET", "WARM", last]);
        for row in &self.rows {
            let Spread { median, lower_quartile, upper_quartile, .. } = row.ns;
            let quartiles = format!("{}..{}", short(lower_quartile), short(upper_quartile));
            let (net, warm) = match row.role {
                Role::Empty => (String::new(), String::new()),
                Role::Parse | Role::Model | Role::Other | Role::Native => {
                    (short(row.net_ns.median), short(row.warm_net_ns))
                }
            };
            let last = match self.work {
                Work::Decision => row.predicted_ns.map(|it| it.to_string()),
                Work::Packet => row.over_parse.map(|it| format!("{it:.1}")),
            };
            let last = last.unwrap_or_default();
            table.add_row(cells([&row.program, &short(median), &quartiles, &net, &warm, &last]));
        }
        table
    }
}

/// A name on the left and figures on the right.
fn cells<const N: usize>(texts: [&str; N]) -> impl Iterator<Item = Cell> {
    texts.into_iter().enumerate().map(|(column, text)| {
        let side = if column == 0 { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(side)
    })
}

/// Nanoseconds to a half below a hundred, whole above: the kernel tells whole
/// ones, and a median may lie between two.
pub(crate) fn short(ns: f64) -> String {
    if ns.abs() < 100.0 && ns.fract() != 0.0 { format!("{ns:.1}") } else { format!("{ns:.0}") }
}
