//! What `check` and `run` compare on beside what they make up: rows and packets
//! of the caller, and the labels that a trainer gave to the rows.
//!
//! What must hold: each row of `--input` has its labels in `--expect`, in order.

use std::path::{Path, PathBuf};

use clap::Args;
use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::decision::{Place, count};
use skxc_equivalence::frames::Packet;
use skxc_equivalence::{self as equivalence, Kind};
use skxc_ir::{Column, Int, Module};
use skxc_runtime::{FEATURES, find, parse};

use crate::capture;
use crate::changed::{Limits, MaxChanged};
use crate::commands::compile::Build;
use crate::config::Project;
use crate::rows;
use crate::session::{Session, Stop};
use crate::trainer::Trainer;

/// Packets of captures that are held in memory.
pub(crate) const PACKETS_MAX: usize = 1 << 20;

/// What the caller gives to compare on.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// Rows to compare on, as CSV with a header
    #[arg(long, value_name = "ROWS.csv")]
    pub(crate) input: Vec<PathBuf>,
    /// Packets to compare on, as pcap or pcapng
    #[arg(long, value_name = "CAPTURE")]
    pub(crate) capture: Vec<PathBuf>,
    /// The trainer's own labels for the rows of --input: a CSV with a column `label`, or `label0`,
    /// `label1`, ...; of a regressor its predictions
    #[arg(long, value_name = "ROWS.csv", requires = "input")]
    pub(crate) expect: Option<PathBuf>,
    /// End with exit code 4 unless the trainer's labels are given (--expect): without them an ONNX
    /// file that was exported wrong passes
    #[arg(long)]
    pub(crate) require_expect: bool,
    /// Rows of --input and --capture whose labels may change from those of the model: a number, or a
    /// part such as 0.1%, which is for made rows as well where a precision was asked for
    /// [default: none; with a precision 0.1% of made rows, also beside a number]
    #[arg(long, value_name = "N|P%")]
    pub(crate) max_changed: Option<MaxChanged>,
}

/// What the comparisons work on.
#[derive(Debug)]
pub(crate) struct Material {
    /// Rows of the caller.
    pub(crate) rows: equivalence::Rows,
    /// The first of them come from CSV files; `--expect` is about these.
    pub(crate) csv_rows: usize,
    /// Frames of the caller.
    pub(crate) frames: Vec<Packet>,
    /// The trainer's labels, for each row.
    pub(crate) expected: Option<Vec<Vec<String>>>,
    /// What is said of them.
    pub(crate) trainer: Trainer,
    /// How many labels may change.
    pub(crate) limits: Limits,
    /// How much to try.
    pub(crate) options: equivalence::Options,
}

impl Material {
    /// Reads what the caller gives.
    pub(crate) fn read(
        session: &Session,
        (project, given): (&Project, &Given),
        model: &Path,
        build: &Build,
        options: equivalence::Options,
    ) -> Result<Self, Stop> {
        let columns: Vec<Column> =
            build.lowered.int.columns.iter().map(|(_, it)| it.clone()).collect();
        let mut rows = equivalence::Rows::new(columns.len());
        for path in &given.input {
            for row in rows::read(path, &columns)?.iter() {
                rows.push(Kind::Csv, row);
            }
        }
        let csv_rows = rows.len();
        let (frames, warnings) = capture::load(&given.capture, PACKETS_MAX)?;
        session.report(&warnings);
        push_packets(&mut rows, &columns, &frames);
        let expected = match &given.expect {
            None => None,
            Some(path) => Some(expected_labels(path, csv_rows, &build.lowered.int)?),
        };
        let trainer = Trainer::new(&session.invocation, project, given, model.to_owned(), build);
        let limits = Limits {
            most: given.max_changed.or(project.config.max_changed),
            precision: build.manifest.options.precision.is_some(),
        };
        Ok(Self { rows, csv_rows, frames, expected, trainer, limits, options })
    }
}

/// The rows that the parser makes of packets which can be classified.
pub(crate) fn push_packets(rows: &mut equivalence::Rows, columns: &[Column], frames: &[Packet]) {
    let features: Option<Vec<usize>> =
        columns.iter().map(|column| find(&column.name).map(|(index, _)| index)).collect();
    let Some(features) = features else { return };
    let table: Vec<_> = features.iter().map(|&index| &FEATURES[index]).collect();
    let needs = skxc_backend_bpf::needs(&table);
    for frame in frames {
        let parsed = parse(frame.frame(), needs);
        if parsed.reason.is_none() {
            let row: Vec<i64> = features.iter().map(|&at| parsed.values[at].into()).collect();
            rows.push(Kind::Capture, &row);
        }
    }
}

fn expected_labels(
    path: &Path,
    rows: usize,
    module: &Module<Int>,
) -> Result<Vec<Vec<String>>, Stop> {
    let labels = rows::read_labels(path, count(module, Place::Label))?;
    if labels.len() == rows {
        return Ok(labels);
    }
    let message = format!("`{}` has {} labels for {rows} rows", path.display(), labels.len());
    Err(Stop::input(Diagnostic::error(codes::EXPECTED_LABELS, message)))
}
