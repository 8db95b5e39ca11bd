//! TreeEnsembleClassifier (ai.onnx.ml 1 and 3, unchanged but deprecated in 5).
//!
//! Each class has a sum; a leaf adds its weights to the sums of its classes.
//! The specification says that the label is the top class. Decisions:
//!
//! - *One weight a leaf.* If a model of two classes gives weights to one class
//!   id only, there is one sum `s`. As in ONNX Runtime
//!   (tree_ensemble_aggregator.h, `binary_case_`), class 1 wins if `s > 0.5`
//!   where no weight is negative, and if `s > 0` otherwise. If the id is 0, as
//!   skl2onnx has it, the scores are `[1 - s, s]` or `[-s, s]`; if it is 1,
//!   they are `[0, s]`.
//! - *Otherwise* the label is the first of the greatest sums. ONNX Runtime
//!   decides by `sum[1] > 0` if two classes both have weights, and passes over
//!   a class that has had no weight on the way; where that can differ from the
//!   top class, there is a warning.
//! - Features are compared in the type of the thresholds: as `float`, whatever
//!   their own type, with `nodes_values`, since trainers and converters choose
//!   these for that comparison; as `double` with `nodes_values_as_tensor`, and
//!   scores rounded to `float` last. ONNX Runtime does the same for `int64`
//!   (tree_ensemble_classifier.cc), but compares `double` features with `float`
//!   thresholds as `double`, which is not what scikit-learn computes beyond 2^24.
//! - `base_values` holds a number a class. For one weight a leaf it holds one,
//!   or two of which the first counts; the scores of class id 0 are `[s, 0]`
//!   then, as in ONNX Runtime. With class id 1 ONNX Runtime adds them to the
//!   sum that is not looked at, or takes them for it; they are refused.
//! - The label is taken before the post-transform.

pub(super) mod labels;
#[cfg(test)]
mod tests;

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, BASE_VALUES, POST_TRANSFORM, TYPE_MISMATCH};
use skxc_ir::{
    Binary, ElementType, Forest, LabelTable, Real, RealOp, Relation, ScoreKind, Type, Value,
};

use super::Operator;
use super::trees::{self, Trees};
use crate::listing::counted;
use crate::lower::{Lowering, Scores};
use crate::node::{Lowered, Node, Operand};

pub(super) static TREE_ENSEMBLE_CLASSIFIER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "TreeEnsembleClassifier",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "base_values",
        "base_values_as_tensor",
        "class_ids",
        "class_nodeids",
        "class_treeids",
        "class_weights",
        "class_weights_as_tensor",
        "classlabels_int64s",
        "classlabels_strings",
        "nodes_falsenodeids",
        "nodes_featureids",
        "nodes_hitrates",
        "nodes_hitrates_as_tensor",
        "nodes_missing_value_tracks_true",
        "nodes_modes",
        "nodes_nodeids",
        "nodes_treeids",
        "nodes_truenodeids",
        "nodes_values",
        "nodes_values_as_tensor",
        "post_transform",
    ],
    supported: "all modes; post_transform NONE",
    lower,
};

/// How the sums of an ensemble become a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The first of the greatest sums.
    TopClass,
    /// One sum, against 0.5 if no weight is negative, against 0 otherwise.
    OneWeight {
        /// No weight is negative.
        positive: bool,
        /// How the scores are made of the sum.
        layout: Layout,
    },
}

/// The two scores of one sum `s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// `[1 - s, s]`, or `[-s, s]` if a weight is negative: class id 0.
    Complement,
    /// `[s, 0]`: class id 0 and two base values.
    First,
    /// `[0, s]`: class id 1.
    Second,
}

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    check_post_transform(node)?;
    let (labels, _) = labels::read(node)?;
    let input = features(lowering, node)?;
    let elem = lowering.module.ty(input).elem;
    let width = lowering.module.shape(input).0[1];
    let trees = Trees::read(node, elem)?;
    let rule = rule_of(&trees, labels.len());
    let forest = build(lowering, node, &trees, width, &labels, rule)?;
    let kind = score_kind(&forest, rule);
    if rule == Rule::TopClass {
        warn_if_ambiguous(lowering, node, &forest, labels.len());
    }
    let targets = forest.targets;
    let forest = lowering.module.forests.push(forest);
    let op = RealOp::TreeEnsemble { forest, input };
    let sums = lowering.module.push(op, Type::new(elem, &[1, targets]), node.origin);
    let table = lowering.module.labels.push(labels);
    let class = match rule {
        Rule::TopClass => {
            let ty = Type::new(ElementType::I64, &[1]);
            lowering.module.push(RealOp::ArgMax { input: sums }, ty, node.origin)
        }
        Rule::OneWeight { positive, .. } => exceeds(lowering, node, sums, positive),
    };
    let label = lowering.label(table, class, node.origin);
    let scores = scores(lowering, node, sums, rule);
    let scores = lowering.cast(scores, ElementType::F32, node.origin);
    let width = lowering.module.shape(scores).0[1];
    let all = Scores { whole: scores, classes: (0..width).collect(), kind };
    lowering.scores.insert(scores, all);
    Ok(vec![Operand::Value(label), Operand::Value(scores)])
}

/// What a post-transform does to the sums would go between `scores` and the result.
fn check_post_transform(node: &Node<'_>) -> Lowered<()> {
    let name = "post_transform";
    let transform = node.string(name)?.unwrap_or_else(|| "NONE".to_owned());
    let known = ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"].contains(&transform.as_str());
    if transform == "NONE" {
        return Ok(());
    }
    let transform = crate::listing::short(&transform);
    let what = if known { "is not supported" } else { "is not one of the specification" };
    let message = format!("`post_transform` {transform} of `{}` {what}", node.name());
    let error = node.attribute_error(name, POST_TRANSFORM, message);
    Err(error
        .note("only NONE is: the scores are the sums of the leaves")
        .help("export with `options={'raw_scores': True}` where the estimator has it")
        .into())
}

/// The row of features, in the type in which thresholds are compared.
fn features(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered<Value> {
    let input = lowering.value(node, 0)?;
    let ty = lowering.module.ty(input).clone();
    let [1, _] = ty.shape.0[..] else {
        let message = format!("`{}` needs a row of features, not `{ty}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let has_double_thresholds = node.tensor("nodes_values_as_tensor")?.is_some();
    match ty.elem {
        ElementType::F32 => Ok(input),
        ElementType::F64 if has_double_thresholds => Ok(input),
        ElementType::F64 | ElementType::I64 => {
            Ok(lowering.cast(input, ElementType::F32, node.origin))
        }
        ElementType::Bool | ElementType::Label(_) | ElementType::Fixed { .. } => {
            let message = format!("`{}` cannot compare `{ty}`", node.name());
            Err(node.operand_error(0, TYPE_MISMATCH, message).into())
        }
    }
}

fn rule_of(trees: &Trees<'_>, classes: usize) -> Rule {
    let ids = trees.leaves.ids;
    match ids.first() {
        Some(&id @ (0 | 1)) if classes == 2 && ids.iter().all(|&other| other == id) => {
            let weights = &trees.leaves.weights;
            let positive = !weights.iter().any(|weight| weight < 0.0);
            let layout = match (id, trees.base.values.iter().count()) {
                (0, 2) => Layout::First,
                (0, _) => Layout::Complement,
                _ => Layout::Second,
            };
            Rule::OneWeight { positive, layout }
        }
        _ => Rule::TopClass,
    }
}

fn build(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    width: u32,
    labels: &LabelTable,
    rule: Rule,
) -> Lowered<Forest<Real>> {
    let classes = labels.len();
    let class_count = u32::try_from(classes).expect("the limits bound the classes");
    let target = |id: i64| match rule {
        Rule::OneWeight { .. } => Some(0),
        Rule::TopClass => u32::try_from(id).ok().filter(|&id| id < class_count),
    };
    let targets = if rule == Rule::TopClass { class_count } else { 1 };
    let built = trees::build(lowering, node, trees, width, targets, &target);
    let base = base_values(node, trees, classes, rule);
    let (mut forest, base) = match (built, base) {
        (Ok(forest), Ok(base)) => (forest, base),
        (Err(mut problems), Err(others)) => {
            problems.0.extend(others.0);
            return Err(problems);
        }
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => return Err(problems),
    };
    if !base.is_empty() {
        forest.base = base;
    }
    Ok(forest)
}

/// The base value of each sum; none if all are 0.
fn base_values(
    node: &Node<'_>,
    trees: &Trees<'_>,
    classes: usize,
    rule: Rule,
) -> Lowered<Vec<f64>> {
    let (name, mut values) = (trees.base.name, trees.base.values.iter().collect::<Vec<_>>());
    let (allowed, why) = match rule {
        Rule::TopClass => (classes, "one for each class"),
        Rule::OneWeight { layout: Layout::Complement, .. } => (1, "one for the only sum"),
        Rule::OneWeight { layout: Layout::First, .. } => (2, "two, of which the first counts"),
        Rule::OneWeight { layout: Layout::Second, .. } => {
            (0, "none, since nobody agrees to which class they belong")
        }
    };
    if !(values.is_empty() || values.len() == allowed) {
        let numbers = counted(values.len(), "number");
        let message = format!("`{name}` has {numbers}; there should be {why}");
        let error = node.attribute_error(name, BASE_VALUES, message);
        return Err(error.note("an empty list means that every sum starts from 0").into());
    }
    if rule != Rule::TopClass {
        values.truncate(1);
    }
    Ok(values)
}

/// Is the only sum above its threshold? `bool[1]`, the index of the class.
fn exceeds(lowering: &mut Lowering<'_>, node: &Node<'_>, sums: Value, positive: bool) -> Value {
    let origin = node.origin;
    let elem = lowering.module.ty(sums).elem;
    let a = lowering.reshape(sums, &[1], origin);
    let threshold = if positive { 0.5 } else { 0.0 };
    let b = lowering.constant(threshold, Type::new(elem, &[1]), origin);
    let ty = Type::new(ElementType::Bool, &[1]);
    lowering.module.push(RealOp::Compare { relation: Relation::Greater, a, b }, ty, origin)
}

/// The scores, `elem[1xclasses]`, before any post-transform.
fn scores(lowering: &mut Lowering<'_>, node: &Node<'_>, sums: Value, rule: Rule) -> Value {
    let Rule::OneWeight { positive, layout } = rule else { return sums };
    let origin = node.origin;
    let elem = lowering.module.ty(sums).elem;
    let single = Type::new(elem, &[1, 1]);
    let number = if layout == Layout::Complement && positive { 1.0 } else { 0.0 };
    let constant = lowering.constant(number, single.clone(), origin);
    let inputs = match layout {
        Layout::Complement => {
            let op = RealOp::Binary { function: Binary::Subtract, a: constant, b: sums };
            vec![lowering.module.push(op, single, origin), sums]
        }
        Layout::First => vec![sums, constant],
        Layout::Second => vec![constant, sums],
    };
    lowering.module.push(RealOp::Concat { inputs }, Type::new(elem, &[1, 2]), origin)
}

/// Sums of leaves are probabilities if nothing is negative and, whatever the
/// row, they add up to 1 but for the rounding of the weights.
fn score_kind(forest: &Forest<Real>, rule: Rule) -> ScoreKind {
    let tolerance = 1e-4;
    let starts_at_zero = forest.base.iter().all(|&base| base == 0.0);
    let is_negative = forest.weights.iter().any(|weight| weight.weight < 0.0);
    let (least, most) = trees::range_of_totals(forest);
    let adds_up = match rule {
        Rule::TopClass => least >= 1.0 - tolerance && most <= 1.0 + tolerance,
        // `1 - s` makes up for what is missing.
        Rule::OneWeight { layout: Layout::Complement, .. } => most <= 1.0 + tolerance,
        Rule::OneWeight { .. } => false,
    };
    if starts_at_zero && !is_negative && adds_up { ScoreKind::Probability } else { ScoreKind::Raw }
}

/// Warns where ONNX Runtime may not take the top class.
fn warn_if_ambiguous(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    forest: &Forest<Real>,
    classes: usize,
) {
    let name =
        if forest.base.iter().any(|&base| base != 0.0) { "base_values" } else { "class_ids" };
    let (what, why) = match classes {
        // One class always wins.
        0 | 1 => return,
        2 => (
            "both classes have weights; the label is the class with the greater sum",
            "ONNX Runtime takes class 1 whenever its sum is above 0",
        ),
        _ if trees::every_class_is_scored(forest) => return,
        _ => (
            "some leaves lack a weight for some class; it counts as 0",
            "ONNX Runtime passes over a class that had no weight, even if its 0 is the greatest sum",
        ),
    };
    let warning = node.attribute_warning(name, AMBIGUOUS_LABEL, what);
    lowering.warn(warning.note(why));
}
