//! Replaces the decision of a classifier by a threshold on one class: that class
//! iff its probability, or its score where the model has no probabilities, is
//! greater than a number. Otherwise it is the other class of two, or of more the
//! one with the greatest score among the others.
//!
//! Not part of the pipeline, since it changes what the model means; it runs
//! before, when the user asks for it.
//!
//! What must hold: the number that is compared is the very element of the scores
//! that the graph gives for the class. It is never computed from those of other
//! classes, because `1 - p` and the float that a model gives for the other class
//! need not be equal.

use skxc_diagnostics::{Diagnostic, codes};

use skxc_ir::analysis::score::class_of_score;
use skxc_ir::module::{Constant, Module, Output, OutputKind, Real, ScoreKind, Value};
use skxc_ir::ops::{RealOp, Relation, Unary};
use skxc_ir::origin::OriginId;
use skxc_ir::types::{ElementType, Type};

/// A class of a label, and the number that its score must exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassThreshold {
    /// Which of the labels, counted from 0 in the order of the outputs.
    pub label: usize,
    /// Index of the class in the table of the label.
    pub class: usize,
    /// The number: between 0 and 1 for a probability, else any finite number.
    pub above: f64,
}

/// Why a model has no such decision.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// The threshold of a probability is not between 0 and 1.
    #[error("the threshold {threshold} does not lie between 0 and 1")]
    OutOfRange {
        /// The threshold asked for.
        threshold: f64,
    },
    /// The threshold is infinite or not a number.
    #[error("the threshold {threshold} is not a finite number")]
    NotFinite {
        /// The threshold asked for.
        threshold: f64,
    },
    /// The model has no label.
    #[error("a threshold needs a classifier; this model gives a number, no class")]
    NoLabel,
    /// The model has one class.
    #[error("a threshold needs at least two classes; this model has one")]
    OneClass,
    /// No output holds a score for every class of the label.
    #[error("the model has no output with the probabilities or scores of its classes")]
    NoScores,
    /// The model gives one score, and it is that of the other class.
    #[error("the model gives a score for its other class alone")]
    OtherClass {
        /// Index of the class that the score is for.
        scored: usize,
    },
}

impl ThresholdError {
    /// What the user is told.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let problem = Diagnostic::error(codes::NO_THRESHOLD, self.to_string());
        match self {
            Self::OutOfRange { .. } => problem
                .note("the model gives probabilities")
                .help("give a number between 0 and 1, such as 0.9"),
            Self::NotFinite { .. } => problem.help("give a number such as 0.9"),
            Self::NoLabel => {
                problem.help("a prediction is divided into ranges: --action '0.5..=drop'")
            }
            Self::OneClass | Self::OtherClass { .. } => problem,
            Self::NoScores => {
                problem.help("export the model with its probabilities, or leave the threshold out")
            }
        }
    }
}

/// The numbers that a threshold is put on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scores {
    value: Value,
    kind: ScoreKind,
    /// The element that belongs to the class.
    element: u32,
}

/// Makes a label of `module` the class of `wanted` iff the score of that class is
/// greater than the threshold; says what the score is.
///
/// # Errors
/// If the model is not a classifier, or gives no score for the class, or if the
/// number is none that such a score can be compared with.
///
/// # Panics
/// If there is no such label or no such class.
pub fn set_threshold(
    module: &mut Module<Real>,
    wanted: ClassThreshold,
) -> Result<ScoreKind, ThresholdError> {
    let threshold = wanted.above;
    if !threshold.is_finite() {
        return Err(ThresholdError::NotFinite { threshold });
    }
    let labels: Vec<usize> = (0..module.outputs.len())
        .filter(|&at| module.outputs[at].kind == OutputKind::Label)
        .collect();
    let &at = labels.get(wanted.label).ok_or(ThresholdError::NoLabel)?;
    let label = module.outputs[at].value;
    let ElementType::Label(table) = module.ty(label).elem else {
        unreachable!("the type of a label output is label");
    };
    let classes = module.labels[table].len();
    assert!(wanted.class < classes, "the class is one of the label");
    if classes < 2 {
        return Err(ThresholdError::OneClass);
    }
    let scores = scores(module, labels.len(), wanted, classes)?;
    if scores.kind == ScoreKind::Probability && !(threshold > 0.0 && threshold < 1.0) {
        return Err(ThresholdError::OutOfRange { threshold });
    }
    let origin = module.node(label).origin;
    let exceeds = exceeds(module, scores, threshold, origin);
    let class = match (classes, wanted.class) {
        (2, 1) => exceeds,
        (2, _) => {
            let not = RealOp::Unary { function: Unary::Not, input: exceeds };
            module.push(not, Type::new(ElementType::Bool, &[1]), origin)
        }
        _ => class_or_best(module, exceeds, scores.value, wanted.class, classes),
    };
    let ty = Type::new(ElementType::Label(table), &[1]);
    module.outputs[at].value = module.push(RealOp::Label { table, class }, ty, origin);
    Ok(scores.kind)
}

/// The scores of a label: of several labels the scores in the same place among
/// the outputs, if there are as many; of one label the first with an element a
/// class, or else with one element in all.
fn scores(
    module: &Module<Real>,
    labels: usize,
    wanted: ClassThreshold,
    classes: usize,
) -> Result<Scores, ThresholdError> {
    let all: Vec<&Output> =
        module.outputs.iter().filter(|it| matches!(it.kind, OutputKind::Score(_))).collect();
    let candidates = match labels {
        1 => &all[..],
        _ if all.len() == labels => &all[wanted.label..=wanted.label],
        _ => &[],
    };
    let with = |elements: usize| {
        candidates.iter().find(|it| module.shape(it.value).elements() == elements)
    };
    let (output, element) = match (with(classes), with(1)) {
        (Some(output), _) => (output, wanted.class),
        (None, Some(output)) if classes == 2 => {
            let scored = class_of_score(module, output.value, wanted.label);
            match scored.ok_or(ThresholdError::NoScores)? {
                scored if scored == wanted.class => (output, 0),
                scored => return Err(ThresholdError::OtherClass { scored }),
            }
        }
        _ => return Err(ThresholdError::NoScores),
    };
    let OutputKind::Score(kind) = output.kind else { unreachable!("only scores were taken") };
    Ok(Scores { value: output.value, kind, element: element as u32 })
}

/// Is the score greater than the threshold? `bool[1]`.
fn exceeds(module: &mut Module<Real>, scores: Scores, threshold: f64, origin: OriginId) -> Value {
    let elem = module.ty(scores.value).elem;
    let one = Type::new(elem, &[1, 1]);
    let limit = constant(module, one.clone(), vec![rounded(threshold, elem)], origin);
    let row = row(module, scores.value, origin);
    let score = RealOp::Gather { input: row, indices: vec![scores.element] };
    let score = module.push(score, one, origin);
    let exceeds = RealOp::Compare { relation: Relation::Greater, a: score, b: limit };
    let exceeds = module.push(exceeds, Type::new(ElementType::Bool, &[1, 1]), origin);
    let flat = RealOp::Reshape { input: exceeds };
    module.push(flat, Type::new(ElementType::Bool, &[1]), origin)
}

/// `class` where the condition holds, else the one of the others with the
/// greatest score. `i64[1]`.
fn class_or_best(
    module: &mut Module<Real>,
    condition: Value,
    scores: Value,
    class: usize,
    classes: usize,
) -> Value {
    let origin = module.node(condition).origin;
    let elem = module.ty(scores).elem;
    let index = Type::new(ElementType::I64, &[1]);
    let others: Vec<u32> = (0..classes as u32).filter(|&it| it as usize != class).collect();
    let count = others.len() as u32;
    let numbers = others.iter().copied().map(f64::from).collect();
    let table = constant(module, Type::new(ElementType::I64, &[count]), numbers, origin);
    let row = row(module, scores, origin);
    let rest = RealOp::Gather { input: row, indices: others };
    let rest = module.push(rest, Type::new(elem, &[1, count]), origin);
    let best = module.push(RealOp::ArgMax { input: rest }, index.clone(), origin);
    let best = module.push(RealOp::Take { input: table, index: best }, index.clone(), origin);
    let class = constant(module, index.clone(), vec![class as f64], origin);
    module.push(RealOp::Select { condition, a: class, b: best }, index, origin)
}

/// The elements of a value as one row, `elem[1xn]`.
fn row(module: &mut Module<Real>, value: Value, origin: OriginId) -> Value {
    let ty = module.ty(value);
    let flat = Type::new(ty.elem, &[1, ty.shape.elements() as u32]);
    if *ty == flat { value } else { module.push(RealOp::Reshape { input: value }, flat, origin) }
}

fn constant(module: &mut Module<Real>, ty: Type, elements: Vec<f64>, origin: OriginId) -> Value {
    let constant = module.constants.push(Constant { ty: ty.clone(), elements });
    module.push(RealOp::Constant { constant }, ty, origin)
}

/// The threshold as the scores are stored. Beyond the greatest finite number
/// there are no scores.
fn rounded(threshold: f64, elem: ElementType) -> f64 {
    if elem != ElementType::F32 {
        return threshold;
    }
    f64::from((threshold as f32).clamp(f32::MIN, f32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{self, Options};
    use skxc_ir::interpret::{Outcome, float, integer};
    use skxc_ir::text::parse;

    /// Shares of two classes. Those of a leaf need not add up to 1: for the cell 1
    /// each is 0.5, for the cell 2 the model gives 0.75 beside 0.125.
    const TWO: &str = "real two
@c0 = column size [0, 2]
@l0 = labels [\"attack\", \"benign\"]
@t0 = forest f32, 1 features, 2 targets
  roots [n0]
  n0 = if x0 <= 0.5 then n1 else n2
  n1 = leaf [0: 0.25, 1: 0.75]
  n2 = if x0 <= 1.5 then n3 else n4
  n3 = leaf [0: 0.5, 1: 0.5]
  n4 = leaf [0: 0.75, 1: 0.125]
end
%0 = input [size] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = argmax %1 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
output \"label\" label %3
output \"p\" score probability %1
";

    /// Logits of three classes.
    const THREE: &str = "real three
@c0 = column size [0, 9]
@c1 = column kind [0, 1]
@l0 = labels [3, 5, 7]
@w0 = constant f32[2x3] [-1.0, 0.25, 0.5, 0.0, 0.0, 0.125]
@w1 = constant f32[1x3] [1.0, 0.5, 0.0]
%0 = input [size, kind] : f32[1x2]
%1 = constant @w0 : f32[2x3]
%2 = matmul %0, %1 : f32[1x3]
%3 = constant @w1 : f32[1x3]
%4 = add %2, %3 : f32[1x3]
%5 = softmax %4 : f32[1x3]
%6 = argmax %4 : i64[1]
%7 = label @l0, %6 : label(@l0)[1]
output \"label\" label %7
output \"p\" score probability %5
";

    /// One score, which is great for class 0.
    const ONE_SCORE: &str = "real one
@c0 = column size [0, 9]
@l0 = labels [\"in\", \"out\"]
@w0 = constant f32[1x1] [4.5]
%0 = input [size] : f32[1x1]
%1 = constant @w0 : f32[1x1]
%2 = subtract %0, %1 : f32[1x1]
%3 = constant @w0 : f32[1x1]
%4 = less %0, %3 : bool[1x1]
%5 = subtract %2, %2 : f32[1x1]
%6 = less %2, %5 : bool[1x1]
%7 = reshape %6 : bool[1]
%8 = label @l0, %7 : label(@l0)[1]
output \"label\" label %8
output \"score\" score raw %2
";

    /// The logits of two classes, of which the graph gives one probability.
    const ONE_OF_TWO: &str = "real column
@c0 = column size [0, 9]
@l0 = labels [\"in\", \"out\"]
@w0 = constant f32[1x2] [1.0, -1.0]
@w1 = constant f32[1x2] [-4.5, 4.5]
%0 = input [size] : f32[1x1]
%1 = constant @w0 : f32[1x2]
%2 = matmul %0, %1 : f32[1x2]
%3 = constant @w1 : f32[1x2]
%4 = add %2, %3 : f32[1x2]
%5 = softmax %4 : f32[1x2]
%6 = argmax %4 : i64[1]
%7 = label @l0, %6 : label(@l0)[1]
%8 = gather %5 [0] : f32[1x1]
output \"label\" label %7
output \"p\" score probability %8
";

    /// The labels of all cells of the first column, which the integers must decide as the floats do.
    fn labels(text: &str, class: usize, above: f64) -> Result<String, ThresholdError> {
        let mut module = parse::<Real>(text).expect("the text is a module");
        set_threshold(&mut module, ClassThreshold { label: 0, class, above })?;
        let watched = Options { watch: true, ..Options::default() };
        let int = pipeline::run(module.clone(), &watched, &mut |_, _, _| {});
        let int = int.expect("it has an integer form");
        let (_, column) = module.columns.iter().next().expect("there is a column");
        let class = |cell: i64| {
            // Other columns are 0.
            let mut row = vec![Some(0); module.columns.len()];
            row[0] = Some(cell);
            let Outcome::Label(class) = float(&module, &row)[0] else {
                panic!("the first output is the label")
            };
            assert_eq!(integer(&int, &row)[0], Outcome::Label(class), "cell {cell}");
            class.to_string()
        };
        Ok((column.range.min..=column.range.max).map(class).collect())
    }

    #[test]
    fn a_class_is_decided_for_iff_its_own_score_is_greater() {
        for (class, above, expect) in [
            (0, 0.25, "100"),
            (0, 0.5, "110"),
            (0, 0.8, "111"),
            (1, 0.1, "111"),
            (1, 0.125, "110"),
            (1, 0.2, "110"),
            (1, 0.5, "100"),
        ] {
            assert_eq!(labels(TWO, class, above).as_deref(), Ok(expect), "{class} > {above}");
        }
    }

    #[test]
    fn of_several_classes_the_best_of_the_others_is_decided_for() {
        assert_eq!(labels(THREE, 1, 0.999).as_deref(), Ok("0222222222"));
        assert_eq!(labels(THREE, 2, 0.999).as_deref(), Ok("0111111111"));
        assert_eq!(labels(THREE, 0, 0.3).as_deref(), Ok("0112222222"));
    }

    #[test]
    fn a_score_that_is_no_probability_takes_any_number() {
        assert_eq!(labels(ONE_SCORE, 0, 2.0).as_deref(), Ok("1111111000"));
        assert_eq!(labels(ONE_SCORE, 0, -2.5).as_deref(), Ok("1110000000"));
        let other = Err(ThresholdError::OtherClass { scored: 0 });
        assert_eq!(labels(ONE_SCORE, 1, 0.5), other);
    }

    #[test]
    fn one_probability_is_for_the_class_that_its_logits_decide_for() {
        assert_eq!(labels(ONE_OF_TWO, 0, 0.9).as_deref(), Ok("1111110000"));
        let other = Err(ThresholdError::OtherClass { scored: 0 });
        assert_eq!(labels(ONE_OF_TWO, 1, 0.9), other);
        let second = ONE_OF_TWO.replace("gather %5 [0]", "gather %5 [1]");
        assert_eq!(labels(&second, 1, 0.9).as_deref(), Ok("1111000000"));
        let other = Err(ThresholdError::OtherClass { scored: 1 });
        assert_eq!(labels(&second, 0, 0.9), other);
        // A score of other numbers says nothing of the label.
        let apart = ONE_OF_TWO.replace("gather %5 [0]", "add %0, %0");
        assert_eq!(labels(&apart, 0, 0.9), Err(ThresholdError::NoScores));
    }

    #[test]
    fn what_takes_no_threshold() {
        let without_scores = TWO.replace("output \"p\" score probability %1\n", "");
        assert_eq!(labels(&without_scores, 1, 0.5), Err(ThresholdError::NoScores));
        let above = ThresholdError::OutOfRange { threshold: 1.0 };
        assert_eq!(labels(TWO, 1, 1.0), Err(above));
        let infinite = ThresholdError::NotFinite { threshold: f64::INFINITY };
        assert_eq!(labels(ONE_SCORE, 0, f64::INFINITY), Err(infinite));
    }
}
