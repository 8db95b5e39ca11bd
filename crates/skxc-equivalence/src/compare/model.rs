//! ONNX semantics against the integer module.
//!
//! Labels are judged against `float`. Where they differ, `real` decides: the
//! difference is a near-tie only if both labels are as good as the greatest
//! score up to what the analysis allows each side: the float label up to the
//! proven rounding error of floating-point sums, the integer label up to the
//! tie margin and the rounding of the weights. Otherwise it is a mismatch.
//!
//! Scores are judged against `real` within [`skxc_ir::analysis::rounding`], on
//! every row of the caller and on a sample of the others: exact arithmetic is
//! slow.

use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::interpret::{self, Enclosure, Outcome};
use skxc_ir::{
    ElementType, Int, IntOp, Interval, Module, Output, OutputKind, Real, RealOp, Relation,
    ScoreKind, Value,
};

use super::BATCH_ROWS;
use super::float_error::{self, Element};
use crate::decision::{cells, decides, label_text};
use crate::inputs::{Inputs, Kind, Options, Rows};
use crate::report::{Report, Scores, Tally};
use crate::shrink::shrink;
use crate::verdict::{Comparison, Counterexample, Part, Reason};

/// Of made-up rows, one in so many has its scores compared with `real`.
const EXACT_STRIDE: u64 = 16;
/// Reading an enclosure as two `f64` moves its ends by this much at most,
/// relative to the magnitude of the scores.
const READING_ERROR: f64 = 4.0 * f64::EPSILON;

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
    let mut scores = Scores { rows: 0, error_max: 0.0, bound: judge.bound() };
    while inputs.next_batch(&mut rows, BATCH_ROWS) {
        for (kind, row) in rows.iter() {
            let index = (tally.vectors < given_rows).then_some(tally.vectors);
            let exact = index.is_some() || tally.vectors.is_multiple_of(EXACT_STRIDE);
            tally.count(kind);
            let judgement = judge.row(row, exact);
            scores.rows += u64::from(judgement.score_error.is_some());
            scores.error_max = scores.error_max.max(judgement.score_error.unwrap_or(0.0));
            tally.near_ties += u64::from(judgement.near_tie);
            if let Some(difference) = judgement.difference {
                tally.mismatch(|| judge.plainest(kind, row, &ranges, index, difference));
            }
        }
        progress(tally.vectors);
    }
    tally.coverage = Some(inputs.coverage());
    tally.scores = (scores.rows > 0).then_some(scores);
    tally.report()
}

/// What a row shows.
#[derive(Debug, Default)]
struct Judgement {
    difference: Option<Difference>,
    near_tie: bool,
    /// Largest distance of a score from exact arithmetic, if it was computed.
    score_error: Option<f64>,
}

#[derive(Debug)]
struct Difference {
    part: Part,
    expected: String,
    got: String,
}

pub(crate) struct Judge<'m> {
    real: &'m Module<Real>,
    int: &'m Module<Int>,
    /// `real` with what its labels are decided by as further outputs.
    probe: Module<Real>,
    /// By output; none for outputs that are not labels, or that no row changes.
    deciders: Vec<Option<Decider>>,
    /// Bound on the error of each element, by output; empty for labels.
    bounds: Vec<Vec<f64>>,
}

/// What a label hangs on.
struct Decider {
    /// Output of the probe that holds the scores.
    output: usize,
    /// The label is `score > threshold`; none where the greatest score wins.
    threshold: Option<f64>,
    /// How far a float score may be off.
    float_error: f64,
    /// How far below the greatest score the integer label may be.
    int_error: f64,
}

impl<'m> Judge<'m> {
    pub(crate) fn new(real: &'m Module<Real>, int: &'m Module<Int>) -> Self {
        let rounding = Rounding::of(int);
        let mut probe = real.clone();
        let mut deciders = Vec::new();
        let mut bounds = Vec::new();
        for (of_real, of_int) in real.outputs.iter().zip(&int.outputs) {
            match of_real.kind {
                OutputKind::Label => {
                    deciders.push(Decider::find(real, of_real, int, of_int, &rounding, &mut probe));
                    bounds.push(Vec::new());
                }
                OutputKind::Score(_) | OutputKind::Value => {
                    deciders.push(None);
                    bounds.push(rounding.of_value(of_int.value).to_vec());
                }
            }
        }
        Self { real, int, probe, deciders, bounds }
    }

    fn bound(&self) -> f64 {
        self.bounds.iter().flatten().copied().fold(0.0, f64::max)
    }

    fn row(&self, row: &[i64], exact: bool) -> Judgement {
        let cells = cells(self.real, row);
        let float = interpret::float(self.real, &cells);
        let int = interpret::integer(self.int, &cells);
        let labels_differ = float.iter().zip(&int).any(|pair| match pair {
            (Outcome::Label(float), Outcome::Label(int)) => float != int,
            _ => false,
        });
        if !exact && !labels_differ {
            return Judgement::default();
        }
        let real = interpret::real(&self.probe, &cells);
        let mut judgement = Judgement::default();
        for (output, (float, int)) in float.iter().zip(&int).enumerate() {
            match (float, int) {
                (Outcome::Label(float), Outcome::Label(int)) => {
                    self.judge_label(output, *float, *int, &real, &mut judgement);
                }
                (_, Outcome::Numbers(numbers)) => {
                    self.judge_scores(output, numbers, &real, &mut judgement);
                }
                (_, Outcome::Label(_)) => {
                    unreachable!("outputs keep their kind through the passes")
                }
            }
        }
        judgement
    }

    /// Could floating-point arithmetic in any order give this label?
    #[cfg(feature = "oracle")]
    pub(crate) fn float_may_say(&self, row: &[i64], label: usize) -> bool {
        let real = interpret::real(&self.probe, &cells(self.real, row));
        let decider = self.deciders.iter().flatten().next();
        let stands = decider.and_then(|it| it.stands(label, it.float_error, &real));
        stands.unwrap_or(false)
    }

    fn judge_label(
        &self,
        output: usize,
        float: usize,
        int: usize,
        real: &[RealOutcome],
        judgement: &mut Judgement,
    ) {
        let allowed =
            self.deciders[output].as_ref().map(|decider| decider.allows(float, int, real));
        if allowed.unwrap_or(float == int) {
            judgement.near_tie |= float != int;
            return;
        }
        judgement.difference.get_or_insert_with(|| Difference {
            part: Part::Label,
            expected: label_text(self.real, float),
            got: label_text(self.int, int),
        });
    }

    fn judge_scores(
        &self,
        output: usize,
        numbers: &[i64],
        real: &[RealOutcome],
        judgement: &mut Judgement,
    ) {
        let Ok(Outcome::Numbers(exact)) = &real[output] else { return };
        let frac_bits = match self.int.ty(self.int.outputs[output].value).elem {
            ElementType::Fixed { frac_bits, .. } => frac_bits,
            ElementType::F32
            | ElementType::F64
            | ElementType::I64
            | ElementType::Bool
            | ElementType::Label(_) => 0,
        };
        for (at, (&stored, exact)) in numbers.iter().zip(exact).enumerate() {
            let error = exact.distance_max(stored, frac_bits);
            let largest = judgement.score_error.get_or_insert(0.0);
            *largest = largest.max(error);
            // Not `>`: a distance that is not a number is no agreement.
            if error <= self.bounds[output][at] {
                continue;
            }
            judgement.difference.get_or_insert_with(|| Difference {
                part: Part::Score(at as u32),
                expected: exact.lower().to_string(),
                got: (stored as f64 * f64::exp2(-f64::from(frac_bits))).to_string(),
            });
        }
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

type RealOutcome = Result<Outcome<Enclosure>, interpret::Undecided>;

impl Decider {
    /// What the label `of_real` hangs on; adds it to the outputs of `probe`.
    fn find(
        real: &Module<Real>,
        of_real: &Output,
        int: &Module<Int>,
        of_int: &Output,
        rounding: &Rounding,
        probe: &mut Module<Real>,
    ) -> Option<Self> {
        let (scores, threshold) = real_decider(real, of_real.value)?;
        let (int_scores, slack) = int_decider(int, of_int.value, threshold)?;
        let elements = float_error::of_value(real, scores);
        let most = |of: fn(&Element) -> f64| elements.iter().map(of).fold(0.0, f64::max);
        let reading = READING_ERROR * most(|element| element.magnitude);
        let rounded = rounding.of_value(int_scores).iter().copied().fold(0.0, f64::max);
        // Two scores are compared with each other, or one with a constant.
        let sides = if threshold.is_some() { 1.0 } else { 2.0 };
        probe.outputs.push(Output {
            name: String::new(),
            kind: OutputKind::Score(ScoreKind::Raw),
            value: scores,
        });
        Some(Self {
            output: probe.outputs.len() - 1,
            threshold,
            float_error: sides * most(|element| element.error) + reading,
            int_error: slack + sides * rounded + reading,
        })
    }

    /// May both labels stand for these exact scores?
    fn allows(&self, float: usize, int: usize, real: &[RealOutcome]) -> bool {
        let float_stands = self.stands(float, self.float_error, real);
        let int_stands = self.stands(int, self.int_error, real);
        match (float_stands, int_stands) {
            (Some(float), Some(int)) => float && int,
            _ => float == int,
        }
    }

    /// Is the label that of the exact scores, if each may be off by `error`?
    /// None if the exact scores are not known.
    fn stands(&self, label: usize, error: f64, real: &[RealOutcome]) -> Option<bool> {
        let Ok(Outcome::Numbers(scores)) = &real[self.output] else { return None };
        match (self.threshold, &scores[..]) {
            (Some(threshold), [score]) if label == 0 => Some(score.upper() <= threshold + error),
            (Some(threshold), [score]) => Some(score.lower() > threshold - error),
            (Some(_), _) => None,
            (None, scores) => {
                let greatest =
                    scores.iter().map(Enclosure::upper).fold(f64::NEG_INFINITY, f64::max);
                let score = scores.get(label);
                Some(score.is_some_and(|score| score.lower() >= greatest - error))
            }
        }
    }
}

/// The scores behind a label, and the threshold if there is one.
fn real_decider(module: &Module<Real>, label: Value) -> Option<(Value, Option<f64>)> {
    let mut value = label;
    loop {
        match &module.node(value).op {
            RealOp::Label { class: next, .. }
            | RealOp::Cast { input: next }
            | RealOp::Reshape { input: next } => value = *next,
            RealOp::ArgMax { input } => return Some((*input, None)),
            RealOp::Compare { relation: Relation::Greater, a, b } => {
                let RealOp::Constant { constant } = module.node(*b).op else { return None };
                let threshold = module.constants[constant].elements.first().copied()?;
                return Some((*a, Some(threshold)));
            }
            RealOp::Input { .. }
            | RealOp::Constant { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Unary { .. }
            | RealOp::Binary { .. }
            | RealOp::Compare { .. }
            | RealOp::Select { .. }
            | RealOp::Reduce { .. }
            | RealOp::Softmax { .. }
            | RealOp::CumulativeSum { .. }
            | RealOp::ArgSort { .. }
            | RealOp::Take { .. }
            | RealOp::TakeAlong { .. }
            | RealOp::Lookup { .. }
            | RealOp::ArgMin { .. }
            | RealOp::TreeEnsemble { .. } => return None,
        }
    }
}

/// The scores behind a label, and by how much they may miss the decision that
/// exact arithmetic takes: the tie margin.
fn int_decider(
    module: &Module<Int>,
    label: Value,
    real_threshold: Option<f64>,
) -> Option<(Value, f64)> {
    let unit = |value: Value| match module.ty(value).elem {
        ElementType::Fixed { frac_bits, .. } => f64::exp2(-f64::from(frac_bits)),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_) => 1.0,
    };
    let mut value = label;
    loop {
        match &module.node(value).op {
            IntOp::Label { class: next, .. } | IntOp::Reshape { input: next } => value = *next,
            IntOp::ArgMax { input, margin } => {
                return Some((*input, *margin as f64 * unit(*input)));
            }
            IntOp::Greater { a, threshold } => {
                let at = *threshold as f64 * unit(*a);
                let moved = real_threshold.map_or(0.0, |real| (at - real).abs());
                return Some((*a, moved + unit(*a)));
            }
            IntOp::Input { .. }
            | IntOp::Constant { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::Subtract { .. }
            | IntOp::TreeEnsemble { .. } => return None,
        }
    }
}
