//! What a label hangs on, and when two different labels are both right: scores
//! so close that rounding, which is bounded, may decide.
//!
//! What must hold:
//! - a label of the integer module is right only if its own scores are within
//!   their proven bound of exact arithmetic, and the label is theirs up to that
//!   bound and the tie margin;
//! - where scores have no bound, or one as large as their range, a label other than that of exact arithmetic is
//!   neither right nor wrong; nor is one where exact arithmetic leaves the scores
//!   open, as if two neighbours are equally near, and their bound the label;
//! - where the way from numbers to the label is not understood there is no
//!   decider, and labels must be equal.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::interpret::{self, Enclosure, Outcome};
use skxc_ir::{
    Int, IntBinary, IntOp, IntReduction, Module, Output, OutputKind, Real, RealOp, Reduction,
    Relation, ScoreKind, Value,
};

use crate::compare::float_error::{self, Element, For};
use crate::decision::{allows_everything, cells, spans, unit};

/// Reading an enclosure as two `f64` moves its ends by this much at most,
/// relative to the magnitude of the scores.
const READING_ERROR: f64 = 4.0 * f64::EPSILON;

/// The deciders of all labels of a model.
pub(in crate::compare) struct Deciders {
    /// The model without what stands between its sums and its labels, with the
    /// scores behind each label as its only outputs.
    real: Module<Real>,
    /// The integer module with the same scores as outputs behind its own.
    whole: Module<Int>,
    /// Number of its own outputs.
    own_outputs: usize,
    /// By output of the model; none for outputs that are no labels, and for
    /// labels that are not understood.
    of_output: Vec<Option<Decider>>,
}

/// What a label hangs on.
struct Decider {
    /// Which of the added outputs holds the scores.
    scores: usize,
    rule: Rule,
    /// How far a float score may be off, whatever the row.
    float_error: f64,
    /// Two scores are compared with each other, or one with a constant.
    sides: f64,
    /// How far from the rule a label is on purpose: what is nearer is a tie.
    tie: f64,
    /// How far the integer label may miss the rule.
    int_error: f64,
    /// For each score how far the integer one may be off.
    bounds: Vec<f64>,
    /// Integer scores that differ by no more are a tie.
    tie_stored: i64,
    /// What a stored 1 of the integer scores stands for.
    unit: f64,
}

/// How two different labels of a row stand to each other, that of the model's own
/// floats and that of the integer module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compare) enum Standing {
    /// Exact arithmetic gives that of the integers.
    FloatNoise,
    /// Either may be right.
    NearTie,
    /// Exact arithmetic decides against that of the integers, by more than the floats
    /// are off, and the integers are within their bound.
    Changed,
    /// No bound tells whether the integers may differ.
    Undecided {
        /// As of [`Standing::Changed`].
        is_changed: bool,
    },
    /// The integers are off by more than their bound.
    Differ,
}

/// How far scores are from giving another label, and what rounding to integers may
/// change in that, both in units of the scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::compare) struct Margin {
    pub(in crate::compare) distance: f64,
    pub(in crate::compare) bound: f64,
}

impl Margin {
    /// The distance in bounds: above 1 the label is safe.
    pub(in crate::compare) fn ratio(self) -> f64 {
        self.distance / self.bound
    }
}

/// How a label follows from scores.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// The greatest wins.
    Greatest,
    /// The least wins.
    Least,
    /// The number of cuts that one score is above, or if not `rising`, below.
    /// Cuts rise.
    Cuts { cuts: Vec<f64>, rising: bool },
}

/// Scores in exact arithmetic, or that they are not known.
type Exact = Result<Outcome<Enclosure>, interpret::Undecided>;

impl Deciders {
    /// Finds what the labels of `real` and of `int`, which the passes made of
    /// it, hang on.
    pub(super) fn new(
        real: &Module<Real>,
        int: &Module<Int>,
        rounding: &Rounding,
        ranges: &Ranges,
    ) -> Self {
        let mut plain = real.clone();
        skxc_passes::pipeline::simplify(&mut plain);
        let (mut of_real, mut of_int, mut of_output) = (Vec::new(), Vec::new(), Vec::new());
        for (real_output, int_output) in plain.outputs.iter().zip(&int.outputs) {
            let found = (real_output.kind == OutputKind::Label)
                .then(|| {
                    find((&plain, real_output.value), (int, int_output.value), (rounding, ranges))
                })
                .flatten();
            let decider = found.map(|(real_scores, int_scores, mut decider)| {
                decider.scores = of_real.len();
                of_real.push(scores_output(real_scores));
                of_int.push(scores_output(int_scores));
                decider
            });
            of_output.push(decider);
        }
        plain.outputs = of_real;
        let (mut whole, own_outputs) = (int.clone(), int.outputs.len());
        whole.outputs.extend(of_int);
        Self { real: plain, whole, own_outputs, of_output }
    }

    /// The integer module, with the scores that labels hang on as outputs behind
    /// its own.
    pub(in crate::compare) fn whole(&self) -> &Module<Int> {
        &self.whole
    }

    /// Is it understood what each label hangs on?
    pub(super) fn know_all_labels(&self) -> bool {
        let labels = self.whole.outputs.iter().filter(|output| output.kind == OutputKind::Label);
        labels.count() == self.of_output.iter().flatten().count()
    }

    /// Could another label stand, going by the scores behind the outputs of
    /// [`Self::whole`], which are off by at most their bounds?
    pub(super) fn are_affected(&self, scores: &[Outcome<i64>]) -> bool {
        self.of_output.iter().flatten().any(|decider| match &scores[decider.scores] {
            Outcome::Numbers(stored) => decider.is_affected(stored),
            Outcome::Label(_) => false,
        })
    }

    /// How far what decides each label, among the outputs of [`Self::whole`], is from
    /// giving another: the least beyond its bound. None if nothing that decides is rounded.
    pub(in crate::compare) fn margin(&self, scores: &[Outcome<i64>]) -> Option<Margin> {
        let of_label = |decider: &Decider| match &scores[decider.scores] {
            Outcome::Numbers(stored) => decider.margin(stored),
            Outcome::Label(_) => None,
        };
        let margins = self.of_output.iter().flatten().filter_map(of_label);
        margins.min_by(|a, b| a.ratio().total_cmp(&b.ratio()))
    }

    /// How the labels of `output` for this row stand to each other.
    pub(super) fn judge(&self, output: usize, row: &[i64], float: usize, int: usize) -> Standing {
        let Some(decider) = &self.of_output[output] else { return Standing::Differ };
        let cells = cells(&self.real, row);
        let exact = &interpret::real(&self.real, &cells)[decider.scores];
        let allowed = self.allow(decider, exact, row, (float, int));
        if allowed == Some(false) {
            return Standing::Differ;
        }
        let decided = of_exact(exact).zip(self.noise(decider, &cells, exact));
        let is_changed = decided
            .is_some_and(|(scores, noise)| !decider.stands(int, noise.max(decider.tie), &scores));
        match (allowed, is_changed) {
            (None, is_changed) => Standing::Undecided { is_changed },
            (Some(_), true) => Standing::Changed,
            (Some(_), false) => Standing::NearTie,
        }
    }

    /// May both labels stand? None if only a bound on the scores of the integer module
    /// could tell, and there is none, or only exact scores, and they are not known.
    fn allow(
        &self,
        decider: &Decider,
        exact: &Exact,
        row: &[i64],
        (float, int): (usize, usize),
    ) -> Option<bool> {
        let stands = |label, error| {
            of_exact(exact).is_some_and(|scores| decider.stands(label, error, &scores))
        };
        if !decider.int_error.is_finite() {
            return (stands(float, decider.float_error) && stands(int, 0.0)).then_some(true);
        }
        let outcomes = interpret::integer(&self.whole, &cells(&self.whole, row));
        let stored = &outcomes[self.own_outputs + decider.scores];
        let Outcome::Numbers(stored) = stored else { return Some(false) };
        if exact.is_err() && decider.is_affected(stored) {
            return None;
        }
        if exact.as_ref().is_ok_and(is_no_number) {
            return None;
        }
        Some(
            decider.is_close(stored, exact)
                && stands(float, decider.float_error)
                && stands(int, decider.int_error),
        )
    }

    /// Could floating-point arithmetic in any order give this label to the
    /// first output that is one?
    #[cfg(feature = "oracle")]
    pub(super) fn float_may_say(&self, row: &[i64], label: usize) -> bool {
        let Some(decider) = self.of_output.iter().flatten().next() else { return false };
        let exact = &interpret::real(&self.real, &cells(&self.real, row))[decider.scores];
        let scores = of_exact(exact);
        scores.is_some_and(|scores| decider.stands(label, decider.float_error, &scores))
    }

    /// May a trainer, who computes as the model but with roundings of their own and with
    /// weights of which those of the model are roundings, give this label to the row?
    pub(in crate::compare) fn trainer_may_say(
        &self,
        output: usize,
        row: &[i64],
        label: usize,
    ) -> bool {
        let Some(decider) = &self.of_output[output] else { return false };
        let cells = cells(&self.real, row);
        let noise = self.bound(decider, For::Trainer(&cells));
        if noise == 0.0 {
            // Nothing rounds, so that a tie is one for the trainer as well.
            return false;
        }
        if noise.is_finite() {
            let allowed = TRAINER_TOO * noise;
            let floats = &interpret::float(&self.real, &cells)[decider.scores];
            return decider.stands(label, allowed, &of_float(floats));
        }
        let exact = &interpret::real(&self.real, &cells)[decider.scores];
        let (Some(spans), Some(noise)) = (of_exact(exact), self.noise(decider, &cells, exact))
        else {
            return false;
        };
        decider.stands(label, UNKNOWN_ROUNDINGS * noise, &spans)
    }

    /// Do the floats of the scores behind the label give this label? If the model's label
    /// is another, its floats make a tie, or saturate in what is behind the scores, and
    /// every runtime takes the first.
    pub(in crate::compare) fn ties_in_floats(
        &self,
        output: usize,
        row: &[i64],
        label: usize,
    ) -> bool {
        let Some(decider) = &self.of_output[output] else { return false };
        let floats = interpret::float(&self.real, &cells(&self.real, row));
        decider.stands(label, 0.0, &of_float(&floats[decider.scores]))
    }

    /// A bound on what roundings of floats change in what decides.
    fn bound(&self, decider: &Decider, of_what: For<'_>) -> f64 {
        let scores = self.real.outputs[decider.scores].value;
        let elements = float_error::of_value(&self.real, scores, of_what);
        decider.sides * elements.iter().map(|element| element.error).fold(0.0, f64::max)
    }

    /// How far the floats of the model may be off in what decides on this row, or if no
    /// bound is known, how far they are; none where a score is not a number.
    fn noise(&self, decider: &Decider, cells: &[Option<i64>], exact: &Exact) -> Option<f64> {
        let floats = of_float(&interpret::float(&self.real, cells)[decider.scores]);
        let off = floats
            .iter()
            .zip(of_exact(exact)?)
            .map(|(&(float, _), (lower, upper))| (float - lower).abs().max((float - upper).abs()));
        let noise = decider.sides * off.fold(0.0, |most, off| if off > most { off } else { most });
        let bound = self.bound(decider, For::Row(cells));
        let noise = if bound.is_finite() { bound } else { noise };
        let is_known = noise.is_finite() && floats.iter().all(|(float, _)| float.is_finite());
        is_known.then_some(noise)
    }
}

/// A trainer may compute in floats that are as coarse as those of the model.
const TRAINER_TOO: f64 = 2.0;
/// Where no bound on what floats are off is known: by how much more than on this row.
const UNKNOWN_ROUNDINGS: f64 = 16.0;

/// Ends of what each score may be.
type Spans = Vec<(f64, f64)>;

/// Those of exact scores, if they are known numbers.
fn of_exact(exact: &Exact) -> Option<Spans> {
    let Ok(Outcome::Numbers(scores)) = exact else { return None };
    Some(scores.iter().map(|score| (score.lower(), score.upper())).collect())
}

/// Those of scores as floats.
fn of_float(scores: &Outcome<f64>) -> Spans {
    match scores {
        Outcome::Numbers(scores) => scores.iter().map(|&score| (score, score)).collect(),
        Outcome::Label(_) => Vec::new(),
    }
}

impl Decider {
    /// Are the integer scores as near to the exact ones as was proven?
    fn is_close(&self, stored: &[i64], exact: &Exact) -> bool {
        let Ok(Outcome::Numbers(exact)) = exact else { return false };
        let mut pairs = stored.iter().zip(exact).zip(&self.bounds);
        pairs.all(|((&stored, exact), bound)| {
            let stored = stored as f64 * self.unit;
            let reading = READING_ERROR * stored.abs();
            let error = (stored - exact.lower()).abs().max((stored - exact.upper()).abs());
            error <= bound + reading
        })
    }

    /// Could exact scores within the bounds of these give another label?
    fn is_affected(&self, stored: &[i64]) -> bool {
        self.margin(stored).is_some_and(|margin| margin.distance <= margin.bound)
    }

    /// How far what decides is from giving another label, where it is least beyond its
    /// bound; none if nothing is rounded.
    fn margin(&self, stored: &[i64]) -> Option<Margin> {
        let margins: Vec<Margin> = match &self.rule {
            Rule::Greatest | Rule::Least => {
                let sign = if self.rule == Rule::Least { -1 } else { 1 };
                let scores = || stored.iter().map(move |score| sign * score).zip(&self.bounds);
                let greatest = scores().enumerate();
                let (first, (most, of_most)) =
                    greatest.max_by_key(|(at, (score, _))| (*score, std::cmp::Reverse(*at)))?;
                let others = scores().enumerate().filter(|(at, _)| *at != first);
                let margin = |(_, (other, of_other)): (usize, (i64, &f64))| {
                    let past = i128::from(most) - i128::from(other) - i128::from(self.tie_stored);
                    let distance = past.unsigned_abs() as f64 * self.unit;
                    Margin { distance, bound: of_most + of_other }
                };
                others.map(margin).collect()
            }
            Rule::Cuts { cuts, .. } => {
                let (score, bound) = (*stored.first()? as f64 * self.unit, *self.bounds.first()?);
                let reading = READING_ERROR * score.abs();
                let distance = |cut: &f64| ((score - cut).abs() - reading).max(0.0);
                cuts.iter().map(|cut| Margin { distance: distance(cut), bound }).collect()
            }
        };
        let rounded = margins.into_iter().filter(|margin| margin.bound > 0.0);
        rounded.min_by(|a, b| a.ratio().total_cmp(&b.ratio()))
    }

    /// Is the label that of the scores, if what decides may be off by `error`?
    fn stands(&self, label: usize, error: f64, scores: &[(f64, f64)]) -> bool {
        match &self.rule {
            Rule::Greatest => {
                let greatest = scores.iter().map(|score| score.1).fold(f64::NEG_INFINITY, f64::max);
                scores.get(label).is_some_and(|score| score.0 >= greatest - error)
            }
            Rule::Least => {
                let least = scores.iter().map(|score| score.0).fold(f64::INFINITY, f64::min);
                scores.get(label).is_some_and(|score| score.1 <= least + error)
            }
            Rule::Cuts { cuts, rising } => {
                let Some(&(lower, upper)) = scores.first() else { return false };
                let below = if *rising { Some(label) } else { cuts.len().checked_sub(label) };
                let Some(below) = below.filter(|&below| below <= cuts.len()) else { return false };
                let above_last =
                    below.checked_sub(1).is_none_or(|last| upper >= cuts[last] - error);
                let below_next = cuts.get(below).is_none_or(|next| lower <= next + error);
                above_last && below_next
            }
        }
    }
}

/// Is one of the scores not a number?
fn is_no_number(scores: &Outcome<Enclosure>) -> bool {
    match scores {
        Outcome::Label(_) => false,
        Outcome::Numbers(scores) => scores.iter().any(|score| !score.is_finite()),
    }
}

fn scores_output(value: Value) -> Output {
    Output { name: String::new(), kind: OutputKind::Score(ScoreKind::Raw), value }
}

/// The scores of both modules behind a label, and the rule.
fn find(
    (real, real_label): (&Module<Real>, Value),
    (int, int_label): (&Module<Int>, Value),
    (rounding, ranges): (&Rounding, &Ranges),
) -> Option<(Value, Value, Decider)> {
    let (real_scores, rule) = real_rule(real, real_label)?;
    let (int_scores, int_rule, margin) = int_rule(int, int_label)?;
    let unit = unit(int.ty(int_scores).elem);
    let slack = match (&rule, &int_rule) {
        (Rule::Greatest, Rule::Greatest) | (Rule::Least, Rule::Least) => margin as f64 * unit,
        (Rule::Cuts { cuts: a, rising: up }, Rule::Cuts { cuts: b, rising })
            if a.len() == b.len() && up == rising =>
        {
            let moved = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            moved + unit
        }
        (Rule::Greatest | Rule::Least | Rule::Cuts { .. }, _) => return None,
    };
    let bounds = rounding.of_value(int_scores).to_vec();
    if bounds.len() != real.shape(real_scores).elements() {
        return None;
    }
    let elements = float_error::of_value(real, real_scores, For::EveryRow);
    let most = |of: fn(&Element) -> f64| elements.iter().map(of).fold(0.0, f64::max);
    let reading = READING_ERROR * most(|element| element.magnitude);
    let spans = spans(int, ranges, int_scores);
    // What allows any score bounds none.
    let bounds_of_scores = bounds
        .iter()
        .zip(spans)
        .map(|(&bound, span)| if allows_everything(bound, span) { f64::INFINITY } else { bound });
    let rounded = bounds_of_scores.fold(0.0, f64::max);
    let sides = if matches!(rule, Rule::Cuts { .. }) { 1.0 } else { 2.0 };
    let decider = Decider {
        scores: 0,
        rule,
        float_error: sides * most(|element| element.error) + reading,
        sides,
        tie: slack,
        int_error: slack + sides * rounded + if reading.is_finite() { reading } else { 0.0 },
        bounds,
        tie_stored: margin,
        unit,
    };
    Some((real_scores, int_scores, decider))
}

/// What a label of a model is decided by.
fn real_rule(module: &Module<Real>, label: Value) -> Option<(Value, Rule)> {
    let mut value = label;
    loop {
        let op = &module.node(value).op;
        if let RealOp::Label { class: next, .. }
        | RealOp::Cast { input: next }
        | RealOp::Reshape { input: next }
        | RealOp::Reduce { function: Reduction::Sum, input: next } = op
        {
            value = *next;
            continue;
        }
        let comparison = |value: Value| {
            let RealOp::Compare { relation, a, b } = module.node(value).op else { return None };
            let RealOp::Constant { constant } = module.node(b).op else { return None };
            Some((a, relation, module.constants[constant].elements.clone()))
        };
        return match op {
            RealOp::ArgMax { input } => Some((*input, Rule::Greatest)),
            RealOp::ArgMin { input } => Some((*input, Rule::Least)),
            RealOp::Concat { inputs } => cuts(inputs.iter().map(|&input| comparison(input))),
            _ => cuts(std::iter::once(comparison(value))),
        };
    }
}

/// What a label of an integer module is decided by, and the tie margin.
fn int_rule(module: &Module<Int>, label: Value) -> Option<(Value, Rule, i64)> {
    let mut value = label;
    loop {
        let op = &module.node(value).op;
        if let IntOp::Label { class: next, .. }
        | IntOp::Rescale { input: next, .. }
        | IntOp::Reshape { input: next }
        | IntOp::Reduce { function: IntReduction::Sum, input: next } = op
        {
            value = *next;
            continue;
        }
        let comparison = |value: Value| {
            let (value, is_negated) = match module.node(value).op {
                IntOp::Not { input } => (input, true),
                _ => (value, false),
            };
            let (scores, relation, stored) = match module.node(value).op {
                IntOp::Greater { a, threshold } => (a, Relation::Greater, vec![threshold]),
                IntOp::Compare { relation, a, b } => {
                    let IntOp::Constant { constant } = module.node(b).op else { return None };
                    (a, relation, module.constants[constant].elements.clone())
                }
                _ => return None,
            };
            let relation = if is_negated { relation.negated()? } else { relation };
            let unit = unit(module.ty(scores).elem);
            let stored = stored.into_iter().map(|cut| cut as f64 * unit).collect();
            Some((scores, relation, stored))
        };
        let ruled = |(scores, rule)| (scores, rule, 0);
        return match op {
            IntOp::ArgMax { input, margin } => Some(match negated(module, *input) {
                Some(scores) => (scores, Rule::Least, *margin),
                None => (*input, Rule::Greatest, *margin),
            }),
            IntOp::Concat { inputs } => {
                cuts(inputs.iter().map(|&input| comparison(input))).map(ruled)
            }
            _ => cuts(std::iter::once(comparison(value))).map(ruled),
        };
    }
}

/// What a value is the negative of.
fn negated(module: &Module<Int>, value: Value) -> Option<Value> {
    let IntOp::Binary { function: IntBinary::Subtract, a, b } = module.node(value).op else {
        return None;
    };
    let IntOp::Constant { constant } = module.node(a).op else { return None };
    module.constants[constant].elements.iter().all(|&x| x == 0).then_some(b)
}

/// A comparison with constants: of what, how, with which.
type Compared = (Value, Relation, Vec<f64>);

/// The rule of comparisons of one value with constants.
fn cuts(comparisons: impl Iterator<Item = Option<Compared>>) -> Option<(Value, Rule)> {
    let mut found: Option<(Value, bool)> = None;
    let mut cuts = Vec::new();
    for comparison in comparisons {
        let (value, relation, constants) = comparison?;
        let rising = match relation {
            Relation::Greater | Relation::GreaterOrEqual => true,
            Relation::Less | Relation::LessOrEqual => false,
            Relation::Equal => return None,
        };
        if *found.get_or_insert((value, rising)) != (value, rising) {
            return None;
        }
        cuts.extend(constants);
    }
    cuts.sort_by(f64::total_cmp);
    found.map(|(value, rising)| (value, Rule::Cuts { cuts, rising }))
}
