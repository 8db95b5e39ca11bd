//! ONNX semantics against the integer module.
//!
//! Labels are judged against `float`. Where they differ, `real` decides: where it
//! gives the label of the integer module, the difference is noise of the model's
//! floats. If both labels are right up to what the analysis allows each side
//! ([`decider`]), the label changed where `real` decides against that of the integers
//! by more than the floats are off, and else it is a near-tie. Otherwise it is a mismatch.
//!
//! Scores are judged against `real` within [`skxc_ir::analysis::rounding`], on
//! every row of the caller and on a sample of the others: exact arithmetic is
//! slow. Of a score that is not a number over the reals either, as 0/0 is, nothing
//! is said but that: integers have no NaN.
//! A bound as large as the range of its score is no agreement, unless the score is a
//! whole number by construction ([`Whole`]), such as a class that is no label: it must
//! be equal. Where it is not, and its bound allows that, a decision behind it may
//! have been close, and nothing tells which number is right. Nor does anything where
//! the enclosure of exact arithmetic is wider than the bound.

mod decider;

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::analysis::whole::Whole;
use skxc_ir::interpret::{self, Enclosure, Outcome};
use skxc_ir::{ElementType, Int, Interval, Module, OutputKind, Real};

use super::BATCH_ROWS;
use super::float_error::{self, For};
use crate::decision::{cells, decides, label_texts, labels, spans, unit};
use crate::inputs::{Inputs, Kind, Options, Rows};
use crate::parallel::of_each;
use crate::report::{Report, Score, Tally};
use crate::shrink::shrink;
use crate::verdict::{Comparison, Counterexample, Part, Reason};
use decider::Deciders;
pub(super) use decider::Standing;

/// Of made-up rows, one in so many has its scores compared with `real`.
const EXACT_STRIDE: u64 = 16;
/// What a quick number may be off by, as a part of the error that it shows.
const NEAR_ENOUGH: f64 = 1.0 / 1024.0;

/// Compares on rows of the caller (`given`) and on those made from `int`,
/// which the passes made of `real`.
///
/// # Panics
/// If the two modules do not have the same columns and outputs.
#[must_use]
pub fn model(
    real: &Module<Real>,
    int: &Module<Int>,
    given: Rows,
    options: Options,
    progress: &mut dyn FnMut(u64),
) -> Report {
    assert_eq!(real.columns.len(), int.columns.len(), "passes keep the declared columns");
    assert_eq!(real.outputs.len(), int.outputs.len(), "passes keep the outputs");
    if !decides(real) {
        return Report::not_made(Comparison::Model, Reason::NoDecision);
    }
    let judge = Judge::new(real, int);
    let ranges: Vec<Interval> = int.columns.iter().map(|(_, column)| column.range).collect();
    let given_rows = given.len() as u64;
    let mut inputs = Inputs::new(int, given, options);
    let mut rows = Rows::new(int.columns.len());
    let mut tally = Tally::new(Comparison::Model);
    tally.scores.clone_from(&judge.scores);
    tally.margin_affected = judge.deciders.know_all_labels().then_some(0);
    while inputs.next_batch(&mut rows, BATCH_ROWS) {
        let first = tally.vectors;
        let judgements = of_each(rows.len(), |at| {
            let vector = first + at as u64;
            judge.row(rows.row(at), vector < given_rows || vector.is_multiple_of(EXACT_STRIDE))
        });
        for ((kind, row), judgement) in rows.iter().zip(judgements) {
            let index = (tally.vectors < given_rows).then_some(tally.vectors);
            tally.count(kind);
            for (score, error) in tally.scores.iter_mut().zip(&judgement.score_errors) {
                if let Some(error) = error {
                    score.rows += 1;
                    score.error_max = score.error_max.max(*error);
                }
            }
            tally.near_ties += u64::from(judgement.near_tie);
            tally.changed.add(kind, row, judgement.changed);
            tally.float_noise += u64::from(judgement.float_noise);
            tally.not_numbers += u64::from(judgement.not_a_number);
            tally.undecided += u64::from(judgement.undecided);
            tally.open_scores += u64::from(judgement.open_score);
            if let Some(affected) = &mut tally.margin_affected {
                *affected += u64::from(judgement.margin_affected);
            }
            if let Some(difference) = judgement.difference {
                tally.mismatch(|| judge.plainest(kind, row, &ranges, index, difference));
            }
        }
        progress(tally.vectors);
    }
    tally.coverage = Some(inputs.coverage());
    tally.report()
}

/// What a row shows.
#[derive(Debug, Default)]
struct Judgement {
    difference: Option<Difference>,
    near_tie: bool,
    /// Labels that changed: which, from which class and to which.
    changed: Vec<(Part, String, String)>,
    /// Does exact arithmetic give the label of the integers where floats do not?
    float_noise: bool,
    /// Is a score not a number, neither in floats nor over the reals?
    not_a_number: bool,
    /// Do labels or whole numbers differ that no bound allows or forbids?
    undecided: bool,
    /// Is the enclosure of a score too wide to tell whether it is within its bound?
    open_score: bool,
    /// Could the rounding of scores to integers decide a label?
    margin_affected: bool,
    /// For each score its distance from exact arithmetic, if it was computed;
    /// empty where no scores were looked at.
    score_errors: Vec<Option<f64>>,
}

#[derive(Debug)]
struct Difference {
    part: Part,
    expected: String,
    got: String,
}

pub(crate) struct Judge<'m> {
    pub(super) real: &'m Module<Real>,
    int: &'m Module<Int>,
    pub(super) deciders: Deciders,
    /// What is known of each score before any row, in the order of the outputs.
    scores: Vec<Score>,
}

impl<'m> Judge<'m> {
    pub(crate) fn new(real: &'m Module<Real>, int: &'m Module<Int>) -> Self {
        let ranges = Ranges::of(int);
        let rounding = Rounding::of(int, &ranges);
        let deciders = Deciders::new(real, int, &rounding, &ranges);
        let whole = Whole::of(real);
        let outputs = int.outputs.iter().zip(&real.outputs);
        let outputs = outputs.filter(|(output, _)| output.kind != OutputKind::Label);
        let of_output = outputs.flat_map(|(output, of_model)| {
            let bounds = rounding.of_value(output.value).iter();
            let spans = spans(int, &ranges, output.value);
            let whole = whole.of_value(of_model.value).to_vec();
            let score =
                |((&bound, span), is_whole)| Score::new(output.name.clone(), bound, span, is_whole);
            bounds.zip(spans).zip(whole).map(score)
        });
        let scores = of_output.collect();
        Self { real, int, deciders, scores }
    }

    fn row(&self, row: &[i64], exact: bool) -> Judgement {
        let cells = cells(self.real, row);
        let float = interpret::float(self.real, &cells);
        let mut int = interpret::integer(self.deciders.whole(), &cells);
        let deciding = int.split_off(self.int.outputs.len());
        let margin_affected = self.deciders.are_affected(&deciding);
        let mut judgement = Judgement { margin_affected, ..Judgement::default() };
        let mut label = 0;
        for (output, (float, int)) in float.iter().zip(&int).enumerate() {
            let (Outcome::Label(float), Outcome::Label(int)) = (float, int) else { continue };
            if float != int {
                self.judge_label((output, label), row, (*float, *int), &mut judgement);
            }
            label += 1;
        }
        let looks = exact || float.iter().any(holds_nan) || self.has_other_whole(&float, &int);
        if looks && !self.scores.is_empty() {
            match self.near_errors(&int, &cells) {
                Some(errors) => judgement.score_errors = errors,
                None => {
                    let real = interpret::real(self.real, &cells);
                    self.judge_scores(&int, (&float, &real), &mut judgement);
                }
            }
        }
        judgement
    }

    /// How far the number of a trainer, with other roundings, may be from the one that
    /// the model's own floats give for an element of an output. Where no bound is known,
    /// going by what these are off on this row.
    pub(super) fn trainer_noise(&self, output: usize, element: usize, row: &[i64]) -> f64 {
        let (real, cells) = (self.real, cells(self.real, row));
        let value = real.outputs[output].value;
        let elements = float_error::of_value(real, value, For::Trainer(&cells));
        let noise = elements[element].error;
        if noise.is_finite() {
            return noise;
        }
        let (float, exact) = (interpret::float(real, &cells), interpret::real(real, &cells));
        match (&float[output], &exact[output]) {
            (Outcome::Numbers(floats), Ok(Outcome::Numbers(exact))) => {
                let (float, exact) = (floats[element], &exact[element]);
                let off = (float - exact.lower()).abs().max((float - exact.upper()).abs());
                // A noise without end would allow any number.
                if off.is_finite() { 2.0 * off } else { 0.0 }
            }
            _ => 0.0,
        }
    }

    /// Could floating-point arithmetic in any order give this label?
    #[cfg(feature = "oracle")]
    pub(crate) fn float_may_say(&self, row: &[i64], label: usize) -> bool {
        self.deciders.float_may_say(row, label)
    }

    /// Judges two labels that differ; `at` is their position among the labels.
    fn judge_label(
        &self,
        (output, at): (usize, usize),
        row: &[i64],
        (float, int): (usize, usize),
        judgement: &mut Judgement,
    ) {
        let standing = self.standing(output, row, float, int);
        let part = Part::label(at, labels(self.int).count());
        let texts = || label_texts(self.int, at, (float, int));
        match standing {
            Standing::FloatNoise => judgement.float_noise = true,
            Standing::NearTie => judgement.near_tie = true,
            Standing::Undecided { .. } => judgement.undecided = true,
            Standing::Changed => {}
            Standing::Differ => {
                let (expected, got) = texts();
                judgement.difference.get_or_insert(Difference { part, expected, got });
            }
        }
        if let Standing::Changed | Standing::Undecided { is_changed: true } = standing {
            let (from, to) = texts();
            judgement.changed.push((part, from, to));
        }
    }

    /// How two labels of an output that differ stand to each other.
    pub(super) fn standing(
        &self,
        output: usize,
        row: &[i64],
        float: usize,
        int: usize,
    ) -> Standing {
        if self.exact_label(output, &cells(self.real, row)) == Some(int) {
            return Standing::FloatNoise;
        }
        self.deciders.judge(output, row, float, int)
    }

    /// The label in exact arithmetic, unless it is left open.
    pub(super) fn exact_label(&self, output: usize, cells: &[Option<i64>]) -> Option<usize> {
        if let Ok(Outcome::Label(label)) = interpret::near(self.real, cells)[output] {
            return Some(label);
        }
        match interpret::real(self.real, cells)[output] {
            Ok(Outcome::Label(label)) => Some(label),
            Ok(Outcome::Numbers(_)) | Err(_) => None,
        }
    }

    /// The errors of all scores, where numbers that are quick to compute show that
    /// each is within its bound, and tell it closely enough.
    fn near_errors(&self, int: &[Outcome<i64>], cells: &[Option<i64>]) -> Option<Vec<Option<f64>>> {
        let mut errors = Vec::with_capacity(self.scores.len());
        let near = interpret::near(self.real, cells);
        for ((output, int), near) in self.int.outputs.iter().zip(int).zip(near) {
            let Outcome::Numbers(numbers) = int else { continue };
            let Ok(Outcome::Numbers(near)) = near else { return None };
            let frac_bits = frac_bits(self.int.ty(output.value).elem);
            for (&stored, near) in numbers.iter().zip(near) {
                let (error, radius) = near.distance(stored, frac_bits)?;
                let bound = self.scores[errors.len()].allowed();
                if error > bound || radius > NEAR_ENOUGH * error.max(bound * NEAR_ENOUGH) {
                    return None;
                }
                errors.push(Some(error));
            }
        }
        Some(errors)
    }

    fn judge_scores(
        &self,
        int: &[Outcome<i64>],
        (float, real): (&[Outcome<f64>], &[RealOutcome]),
        judgement: &mut Judgement,
    ) {
        let sides = int.iter().zip(float).zip(real);
        for (output, ((int, float), real)) in self.int.outputs.iter().zip(sides) {
            let Outcome::Numbers(numbers) = int else { continue };
            let (Ok(Outcome::Numbers(exact)), Outcome::Numbers(floats)) = (real, float) else {
                judgement.score_errors.extend(numbers.iter().map(|_| None));
                continue;
            };
            let elem = self.int.ty(output.value).elem;
            for ((&stored, exact), float) in numbers.iter().zip(exact).zip(floats) {
                let at = judgement.score_errors.len();
                if !exact.is_finite() && !float.is_finite() {
                    judgement.not_a_number = true;
                    judgement.score_errors.push(None);
                    continue;
                }
                let (score, frac_bits) = (&self.scores[at], frac_bits(elem));
                let error = exact.distance_max(stored, frac_bits);
                let is_of_floats =
                    score.is_compared_by_equality() && stored as f64 * unit(elem) == *float;
                let is_allowed = match exact.is_within(score.allowed(), stored, frac_bits) {
                    Some(false) if is_of_floats => Some(true),
                    is_within => is_within,
                };
                judgement.score_errors.push(is_allowed.map(|_| error));
                match is_allowed {
                    Some(true) => continue,
                    // A decision behind the number may have been close.
                    Some(false) if error <= score.bound => {
                        judgement.undecided = true;
                        continue;
                    }
                    Some(false) => {}
                    None => {
                        judgement.open_score = true;
                        continue;
                    }
                }
                judgement.difference.get_or_insert_with(|| Difference {
                    part: Part::Score(at as u32),
                    expected: exact.lower().to_string(),
                    got: (stored as f64 * unit(elem)).to_string(),
                });
            }
        }
    }

    /// Do floats give another whole number than the program, where its bound allows any?
    fn has_other_whole(&self, floats: &[Outcome<f64>], int: &[Outcome<i64>]) -> bool {
        let mut at = 0;
        let mut differs = false;
        for ((output, int), float) in self.int.outputs.iter().zip(int).zip(floats) {
            let (Outcome::Numbers(int), Outcome::Numbers(float)) = (int, float) else { continue };
            let unit = unit(self.int.ty(output.value).elem);
            for (stored, float) in int.iter().zip(float) {
                differs |=
                    self.scores[at].is_compared_by_equality() && *stored as f64 * unit != *float;
                at += 1;
            }
        }
        differs
    }

    fn plainest(
        &self,
        kind: Kind,
        row: &[i64],
        ranges: &[Interval],
        index: Option<u64>,
        difference: Difference,
    ) -> Counterexample {
        let fails = |row: &[i64]| {
            let found = self.row(row, true).difference;
            found.is_some_and(|found| found.part == difference.part)
        };
        let plain = shrink(row, ranges, fails);
        let shown = self.row(&plain, true).difference.unwrap_or(difference);
        Counterexample {
            comparison: Comparison::Model,
            kind,
            row: plain,
            frame: None,
            index,
            part: shown.part,
            expected: shown.expected,
            got: shown.got,
        }
    }
}

fn holds_nan(outcome: &Outcome<f64>) -> bool {
    match outcome {
        Outcome::Label(_) => false,
        Outcome::Numbers(numbers) => numbers.iter().any(|x| x.is_nan()),
    }
}

type RealOutcome = Result<Outcome<Enclosure>, interpret::Undecided>;

/// Fraction bits of a stored number.
fn frac_bits(elem: ElementType) -> u8 {
    match elem {
        ElementType::Fixed { frac_bits, .. } => frac_bits,
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_) => 0,
    }
}
