//! What a comparison came to, for people and machines.

use std::collections::BTreeMap;

use crate::decision::allows_everything;
use crate::inputs::{Coverage, Kind};
use crate::verdict::{Comparison, Counterexample, Part, Reason, Verdict};

/// The outcome of one comparison with its figures.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// What was compared.
    pub comparison: Comparison,
    /// Outcome of the comparison.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Vectors tried, by kind.
    pub tried: BTreeMap<Kind, u64>,
    /// Vectors on which the two sides differ.
    pub mismatches: u64,
    /// Of these, vectors on which the ONNX file itself does not say what the trainer
    /// says, by more than floats are off.
    pub file_mismatches: u64,
    /// Vectors on which labels differ but scores are so close that a proven
    /// bound on rounding, or the tie margin, allows it. Not mismatches.
    pub near_ties: u64,
    /// Vectors on which the label changed: exact arithmetic decides against it, as the
    /// model does, if by less than a proven bound on rounding. Not mismatches.
    pub changed: Changed,
    /// Vectors on which the label is that of exact arithmetic, and the floats of
    /// the model decide otherwise. Not mismatches.
    pub float_noise: u64,
    /// Vectors on which a result of the model is not a number, so that nothing is
    /// said of it.
    pub not_numbers: u64,
    /// Vectors on which labels or whole numbers differ and no bound tells which is
    /// right: neither a mismatch nor allowed.
    pub undecided: u64,
    /// Vectors on which exact arithmetic does not tell how far a score is off.
    pub open_scores: u64,
    /// Vectors on which a label hangs on scores so close that rounding to
    /// integers, within its proven bound, could decide it; none where it is not
    /// understood what a label hangs on.
    pub margin_affected: Option<u64>,
    /// Each score against exact arithmetic, in the order of the outputs, where
    /// that was looked at.
    pub scores: Vec<Score>,
    /// What the vectors reached of the model, where they were made from it.
    pub coverage: Option<Coverage>,
}

/// Rows whose label integers changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    /// Of the rows and packets of the caller.
    pub given: u64,
    /// Of the rows that were made.
    pub made: u64,
    /// From which class to which.
    pub classes: Vec<ChangedClass>,
    /// The first of these rows: cells by declared column.
    pub example: Option<Vec<i64>>,
}

/// Rows whose label was one class and is another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ChangedClass {
    /// The label or score it counts.
    pub part: Part,
    /// The class that the model decides for.
    pub from: String,
    /// The class that the program decides for.
    pub to: String,
    /// Number of rows.
    pub rows: u64,
}

impl Changed {
    /// Counts a row with all the labels of it that changed.
    pub(crate) fn add(&mut self, kind: Kind, row: &[i64], labels: Vec<(Part, String, String)>) {
        if labels.is_empty() {
            return;
        }
        *(if kind.is_given() { &mut self.given } else { &mut self.made }) += 1;
        self.example.get_or_insert_with(|| row.to_vec());
        for (part, from, to) in labels {
            let same = |it: &&mut ChangedClass| (it.part, &it.from, &it.to) == (part, &from, &to);
            match self.classes.iter_mut().find(same) {
                Some(found) => found.rows += 1,
                None => self.classes.push(ChangedClass { part, from, to, rows: 1 }),
            }
        }
    }
}

/// How far a score was from exact arithmetic.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Score {
    /// Name of the output that it is an element of.
    pub output: String,
    /// Rows looked at.
    pub rows: u64,
    /// Largest distance seen, rounded up, in units of the score.
    pub error_max: f64,
    /// The proven bound on it.
    pub bound: f64,
    /// The difference of the greatest and the least number that the program can give.
    pub range: f64,
    /// Is it a whole number by construction?
    pub is_whole: bool,
}

impl Score {
    /// A score before any row.
    pub(crate) fn new(output: String, bound: f64, range: f64, is_whole: bool) -> Self {
        Self { output, rows: 0, error_max: 0.0, bound, range, is_whole }
    }

    /// Is the bound so large that any number within the range would be within it, and
    /// the number not one that must be equal?
    #[must_use]
    pub fn is_unbounded(&self) -> bool {
        !self.is_compared_by_equality() && allows_everything(self.bound, self.range)
    }

    /// Must the number be equal to that of exact arithmetic, whatever its bound says? A
    /// whole number that is wrong is so because of a decision behind it.
    #[must_use]
    pub fn is_compared_by_equality(&self) -> bool {
        self.is_whole && self.bound >= 0.5
    }

    /// By so much it may be off without a word.
    pub(crate) fn allowed(&self) -> f64 {
        if self.is_compared_by_equality() { 0.0 } else { self.bound }
    }
}

impl Report {
    /// The report of a comparison that was not made.
    #[must_use]
    pub fn not_made(comparison: Comparison, reason: Reason) -> Self {
        Tally::new(comparison).report_as(Verdict::Inconclusive { reason })
    }

    /// Vectors tried, of all kinds.
    #[must_use]
    pub fn vectors(&self) -> u64 {
        self.tried.values().sum()
    }

    /// Vectors tried that are of the caller.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.tried.iter().filter(|(kind, _)| kind.is_given()).map(|(_, count)| count).sum()
    }
}

/// Counts while a comparison runs.
#[derive(Debug)]
pub(crate) struct Tally {
    comparison: Comparison,
    tried: BTreeMap<Kind, u64>,
    pub(crate) vectors: u64,
    pub(crate) mismatches: u64,
    pub(crate) file_mismatches: u64,
    pub(crate) near_ties: u64,
    pub(crate) changed: Changed,
    pub(crate) float_noise: u64,
    pub(crate) not_numbers: u64,
    pub(crate) undecided: u64,
    pub(crate) open_scores: u64,
    pub(crate) margin_affected: Option<u64>,
    pub(crate) scores: Vec<Score>,
    pub(crate) coverage: Option<Coverage>,
    pub(crate) counterexample: Option<Counterexample>,
}

impl Tally {
    pub(crate) fn new(comparison: Comparison) -> Self {
        Self {
            comparison,
            tried: BTreeMap::new(),
            vectors: 0,
            mismatches: 0,
            file_mismatches: 0,
            near_ties: 0,
            changed: Changed::default(),
            float_noise: 0,
            not_numbers: 0,
            undecided: 0,
            open_scores: 0,
            margin_affected: None,
            scores: Vec::new(),
            coverage: None,
            counterexample: None,
        }
    }

    pub(crate) fn count(&mut self, kind: Kind) {
        *self.tried.entry(kind).or_default() += 1;
        self.vectors += 1;
    }

    /// Counts a mismatch and keeps the first counterexample.
    pub(crate) fn mismatch(&mut self, make: impl FnOnce() -> Counterexample) {
        self.mismatches += 1;
        self.counterexample.get_or_insert_with(make);
    }

    pub(crate) fn report(mut self) -> Report {
        let exhaustive = self.coverage.is_some_and(|coverage| coverage.exhaustive);
        // These are differences, if allowed ones: nothing is proven.
        let changed = self.changed.given + self.changed.made;
        let allowed = self.near_ties + changed + self.float_noise + self.not_numbers;
        let proven = exhaustive && allowed == 0;
        // A score that is a number in no row that was looked at was not compared.
        let never = self.not_numbers > 0 && self.scores.iter().any(|score| score.rows == 0);
        let verdict = match Verdict::of(self.vectors, proven, self.counterexample.take()) {
            verdict if verdict.passed() && self.undecided > 0 => {
                Verdict::Inconclusive { reason: Reason::NoBound }
            }
            verdict if verdict.passed() && self.open_scores > 0 => {
                Verdict::Inconclusive { reason: Reason::WideEnclosure }
            }
            verdict if verdict.passed() && never => {
                Verdict::Inconclusive { reason: Reason::NotANumber }
            }
            verdict if verdict.passed() && self.scores.iter().any(Score::is_unbounded) => {
                Verdict::Inconclusive { reason: Reason::WideBound }
            }
            verdict => verdict,
        };
        self.report_as(verdict)
    }

    fn report_as(self, verdict: Verdict) -> Report {
        Report {
            comparison: self.comparison,
            verdict,
            tried: self.tried,
            mismatches: self.mismatches,
            file_mismatches: self.file_mismatches,
            near_ties: self.near_ties,
            changed: self.changed,
            float_noise: self.float_noise,
            not_numbers: self.not_numbers,
            undecided: self.undecided,
            open_scores: self.open_scores,
            margin_affected: self.margin_affected,
            scores: self.scores,
            coverage: self.coverage,
        }
    }
}
