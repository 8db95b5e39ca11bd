//! What `--precision` costs: the bound on each score with it and without, and the
//! rows whose label it may change.

use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::compare::{Margins, margins};
use skxc_equivalence::{Inputs, Kind, Rows};
use skxc_ir::{Int, Module};

use crate::bounds::score_name;
use crate::manifest::{Manifest, OutputEntry};
use crate::options::Options;
use crate::pipeline::{self, Model};
use crate::reports::small;
use crate::session::Stop;

/// A line for each score, or one if there is nothing to tell; none without the
/// option.
pub(crate) fn lines(model: &Model, manifest: &Manifest) -> Result<Vec<String>, Stop> {
    let options = &manifest.options;
    let Some(bits) = options.precision else { return Ok(Vec::new()) };
    let free = Options { precision: None, ..options.clone() };
    let free = pipeline::lower(model, &free, &mut |_, _, _| {})?.int;
    let rounding = free.rounding();
    let with = &manifest.outputs;
    let pairs = with.iter().zip(&free.outputs).flat_map(|(with, without)| {
        let without = rounding.of_value(without.value);
        with.error_max.iter().zip(without).enumerate().map(move |it| (with, it))
    });
    let line =
        |(output, (index, (with, without))): (&OutputEntry, (usize, (&Option<f64>, &f64)))| {
            let (with, without) = (small(with.unwrap_or(f64::INFINITY)), small(*without));
            let name = score_name(output, index);
            format!("precision {bits}: {name} is within {with}; {without} without")
        };
    if pairs.clone().next().is_none() && !free.matrices.is_empty() {
        return Ok(vec![format!(
            "precision {bits}: no score is there to say what it costs; `skxc check` finds labels \
             that change"
        )]);
    }
    if pairs.clone().all(|(_, (_, (with, &without)))| *with == Some(without)) {
        return Ok(vec![format!("precision {bits}: costs nothing")]);
    }
    Ok(pairs.map(line).collect())
}

/// Rows that are made to see how far rows are from a class boundary.
const MADE_ROWS: u64 = 4096;
/// The part of the rows that may be within the bound without a word.
const SHARE_MAX: f64 = 0.001;
/// Bits of the greatest precision.
const BITS_MAX: u8 = 62;

/// Warns if a precision was asked for, and the label of more rows than a few could
/// change by it: rows of `traffic`, or made ones if there are none.
pub(crate) fn warning(
    model: &Model,
    int: &Module<Int>,
    manifest: &Manifest,
    traffic: &Rows,
) -> Option<Diagnostic> {
    let bits = manifest.options.precision?;
    let made = if traffic.is_empty() { Some(made(int)) } else { None };
    let some = made.is_none().then(|| some_of(traffic));
    let rows = made.as_ref().or(some.as_ref()).unwrap_or(traffic);
    let found = margins(&model.real, int, rows);
    let found = found.filter(|found| found.share_within(0) > SHARE_MAX)?;
    let (share, kind) = (
        100.0 * found.share_within(0),
        if made.is_some() { "made rows" } else { "rows of the profile" },
    );
    let message = format!(
        "with {bits} bits, {share:.1}% of {kind} are near enough to a class boundary to change"
    );
    let (bound, median) = (small(found.bound), small(found.median));
    let note = format!(
        "what decides may be off by {bound}; the median distance from a boundary is {median}, in \
         {} rows",
        found.rows()
    );
    let help = match enough(model, manifest, rows, &found, bits) {
        Some(bits) => format!("`--precision {bits}` leaves at most 0.1% of them that near"),
        None => "leave `--precision` out: as many bits are used as fit".to_owned(),
    };
    let diagnostic = Diagnostic::warning(codes::COARSE_PRECISION, message).note(note).help(help);
    Some(
        diagnostic.help(
            "`skxc check MODEL.onnx OBJECT --input ROWS.csv` counts the labels that do change",
        ),
    )
}

/// Rows at equal distances, no more than are made.
fn some_of(traffic: &Rows) -> Rows {
    let mut rows = Rows::new(traffic.columns());
    let every = traffic.len().div_ceil(MADE_ROWS as usize).max(1);
    traffic.iter().step_by(every).for_each(|(kind, row)| rows.push(kind, row));
    rows
}

/// Random rows, always the same.
fn made(int: &Module<Int>) -> Rows {
    let options = skxc_equivalence::Options {
        random_rows: MADE_ROWS,
        tree_rows_max: 0,
        exhaustive_rows_max: 0,
        ..skxc_equivalence::Options::default()
    };
    let columns = int.columns.len();
    let mut inputs = Inputs::new(int, Rows::new(columns), options);
    let (mut batch, mut rows) = (Rows::new(columns), Rows::new(columns));
    while inputs.next_batch(&mut batch, MADE_ROWS as usize) {
        for (kind, row) in batch.iter().filter(|(kind, _)| *kind == Kind::Random) {
            rows.push(kind, row);
        }
    }
    rows
}

/// The fewest bits with which no more rows than a few are near a boundary, if there are
/// such: each bit halves the bound, about.
fn enough(
    model: &Model,
    manifest: &Manifest,
    rows: &Rows,
    found: &Margins,
    bits: u8,
) -> Option<u8> {
    let more = (1..BITS_MAX).find(|&more| found.share_within(more) <= SHARE_MAX);
    let first = bits.saturating_add(more.unwrap_or(BITS_MAX));
    for bits in first..=BITS_MAX {
        let options = Options { precision: Some(bits), ..manifest.options.clone() };
        // Bits that the model cannot be compiled with are no advice.
        let Ok(lowered) = pipeline::lower(model, &options, &mut |_, _, _| {}) else { continue };
        let found = margins(&model.real, &lowered.int, rows);
        if found.map_or(0.0, |found| found.share_within(0)) <= SHARE_MAX {
            return Some(bits);
        }
    }
    None
}
