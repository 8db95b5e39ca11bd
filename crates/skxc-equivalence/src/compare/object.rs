//! The integer module against the object, bit for bit: label and every score.

use skxc_ir::{Int, Interval, Module};

use super::BATCH_ROWS;
use crate::decision::{Decision, decide, decides, label_texts};
use crate::inputs::{Inputs, Kind, Options, Rows};
use crate::machine::{BatchRunner, Layout};
use crate::parallel::of_each;
use crate::report::{Report, Tally};
use crate::shrink::shrink_within;
use crate::verdict::{Comparison, Counterexample, Part, Reason};

/// Runs of the object spent on making a counterexample plain.
const SHRINK_RUNS_MAX: u32 = 500;

/// Compares on rows of the caller (`given`) and on those made from the module.
///
/// # Errors
/// If the object cannot be run.
///
/// # Panics
/// If `layout` is not of `module`, or `runner` gives fewer results than it got
/// vectors.
pub fn object<R: BatchRunner>(
    module: &Module<Int>,
    layout: &Layout,
    runner: &mut R,
    given: Rows,
    options: Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, R::Error> {
    if !decides(module) {
        return Ok(Report::not_made(Comparison::Object, Reason::NoDecision));
    }
    assert_eq!(layout.features.len(), module.columns.len(), "a layout has the module's columns");
    let mut side = Object { module, layout, runner };
    let given_rows = given.len() as u64;
    let mut inputs = Inputs::new(module, given, options);
    let mut rows = Rows::new(module.columns.len());
    let mut tally = Tally::new(Comparison::Object);
    while inputs.next_batch(&mut rows, BATCH_ROWS) {
        let got = side.run(&rows)?;
        assert_eq!(got.len(), rows.len(), "each vector has a result");
        let expected = of_each(rows.len(), |at| decide(module, rows.row(at)));
        for (((kind, row), got), expected) in rows.iter().zip(got).zip(expected) {
            let index = (tally.vectors < given_rows).then_some(tally.vectors);
            tally.count(kind);
            if expected == got {
                continue;
            }
            let found = if tally.counterexample.is_none() {
                side.plainest(kind, row)?
            } else {
                row.to_vec()
            };
            let shown = side.counterexample(kind, found, index)?;
            // A difference that does not repeat is still one: shown as met.
            tally.mismatch(|| {
                shown.unwrap_or_else(|| {
                    differing(module, kind, row.to_vec(), &expected, &got, index)
                })
            });
        }
        progress(tally.vectors);
    }
    tally.coverage = Some(inputs.coverage());
    Ok(tally.report())
}

struct Object<'a, R> {
    module: &'a Module<Int>,
    layout: &'a Layout,
    runner: &'a mut R,
}

impl<R: BatchRunner> Object<'_, R> {
    fn run(&mut self, rows: &Rows) -> Result<Vec<Decision>, R::Error> {
        let mut features = Vec::with_capacity(rows.len() * self.layout.features_bytes);
        for (_, row) in rows.iter() {
            self.layout.pack(row, &mut features);
        }
        let results = self.runner.run(rows.len(), &features)?;
        Ok(self.layout.decisions(&results).collect())
    }

    fn run_one(&mut self, kind: Kind, row: &[i64]) -> Result<Decision, R::Error> {
        let mut rows = Rows::new(row.len());
        rows.push(kind, row);
        Ok(self.run(&rows)?.remove(0))
    }

    fn plainest(&mut self, kind: Kind, row: &[i64]) -> Result<Vec<i64>, R::Error> {
        let ranges: Vec<Interval> =
            self.module.columns.iter().map(|(_, column)| column.range).collect();
        let mut failure = None;
        let plain =
            shrink_within(SHRINK_RUNS_MAX, row, &ranges, |row| match self.run_one(kind, row) {
                Ok(got) => got != decide(self.module, row),
                Err(error) => {
                    failure = Some(error);
                    false
                }
            });
        failure.map_or(Ok(plain), Err)
    }

    fn counterexample(
        &mut self,
        kind: Kind,
        row: Vec<i64>,
        index: Option<u64>,
    ) -> Result<Option<Counterexample>, R::Error> {
        let got = self.run_one(kind, &row)?;
        let expected = decide(self.module, &row);
        let differs = got != expected;
        Ok(differs.then(|| differing(self.module, kind, row, &expected, &got, index)))
    }
}

fn differing(
    module: &Module<Int>,
    kind: Kind,
    row: Vec<i64>,
    expected: &Decision,
    got: &Decision,
    index: Option<u64>,
) -> Counterexample {
    let label = expected.labels.iter().zip(&got.labels).position(|(a, b)| a != b);
    let score = expected.scores.iter().zip(&got.scores).position(|(a, b)| a != b);
    let part = match (label, score) {
        (None, Some(at)) => Part::Score(at as u32),
        (at, _) => Part::label(at.unwrap_or(0), expected.labels.len()),
    };
    let (expected, got) = match (label, score) {
        (Some(at), _) => {
            let classes = (expected.labels[at] as usize, got.labels[at] as usize);
            label_texts(module, at, classes)
        }
        (None, Some(at)) => (expected.scores[at].to_string(), got.scores[at].to_string()),
        (None, None) => (String::new(), String::new()),
    };
    Counterexample {
        comparison: Comparison::Object,
        kind,
        row,
        frame: None,
        index,
        part,
        expected,
        got,
    }
}
