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
//! - `base_values` holds a number a class, or one for all of them. For one
//!   weight a leaf it holds one, or two of which the first counts; the scores of
//!   class id 0 are `[s, 0]` then, as in ONNX Runtime. With class id 1 ONNX Runtime adds them to the
//!   sum that is not looked at, or takes them for it; they are refused.
//! - The label is taken before the post-transform. LOGISTIC makes `[1 - p, p]` of
//!   `[-s, s]`, whatever the signs of the weights. PROBIT and SOFTMAX of one
//!   weight a leaf are refused, and the label compiles: ONNX Runtime writes one
//!   score and leaves the other as it was, or does nothing at all.

pub(super) mod labels;
#[cfg(test)]
mod tests;

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, POST_TRANSFORM};
use skxc_ir::{
    Binary, ElementType, Forest, LabelTable, Real, RealOp, Relation, ScoreKind, Type, Value,
};

use super::Operator;
use super::trees::{self, Aggregate, Frame, PostTransform, Trees, totals};
use crate::import::{Importer, Scores};
use crate::node::{Imported, Node, Operand};

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
    supported: "all modes and post-transforms",
    import,
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

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let transform = PostTransform::by_name(node)?;
    let (labels, _) = labels::read(node)?;
    let (input, width) = trees::features(importer, node)?;
    let elem = importer.module.ty(input).elem;
    let trees = Trees::read(node, elem, trees::CLASS)?;
    let rule = rule_of(&trees, labels.len());
    let forest = build(importer, node, &trees, width, &labels, rule)?;
    let kind = score_kind(&forest, rule, transform);
    if rule == Rule::TopClass {
        warn_if_ambiguous(importer, node, &forest, labels.len());
    }
    let targets = forest.targets;
    let forest = importer.module.forests.push(forest);
    let op = RealOp::TreeEnsemble { forest, input };
    let sums = importer.module.push(op, Type::new(elem, &[1, targets]), node.origin);
    let table = importer.module.labels.push(labels);
    let class = match rule {
        Rule::TopClass => {
            let ty = Type::new(ElementType::I64, &[1]);
            importer.module.push(RealOp::ArgMax { input: sums }, ty, node.origin)
        }
        Rule::OneWeight { positive, .. } => exceeds(importer, node, sums, positive),
    };
    let label = Operand::Value(importer.label(table, class, node.origin));
    if is_refused(rule, transform) {
        warn_of_scores(importer, node, transform);
        return Ok(vec![label, Operand::Refused]);
    }
    let scores = scores(importer, node, sums, rule, transform);
    let scores = transform.apply(importer, node, scores);
    let scores = importer.cast(scores, ElementType::F32, node.origin);
    let width = importer.module.shape(scores).0[1];
    let all = Scores { whole: scores, classes: (0..width).collect(), kind };
    importer.scores.insert(scores, all);
    Ok(vec![label, Operand::Value(scores)])
}

/// ONNX Runtime leaves out the second score of PROBIT, and SOFTMAX as if it were
/// NONE, where there is one weight a leaf.
fn is_refused(rule: Rule, transform: PostTransform) -> bool {
    let has_two_scores = matches!(transform, PostTransform::None | PostTransform::Logistic);
    matches!(rule, Rule::OneWeight { .. }) && !has_two_scores
}

fn warn_of_scores(importer: &mut Importer<'_>, node: &Node<'_>, transform: PostTransform) {
    let name = trees::POST_TRANSFORM_NAME;
    let message = format!(
        "`{name}` {} has no meaning for two classes with one weight a leaf; the scores are left out",
        transform.name()
    );
    let warning = node.attribute_warning(name, POST_TRANSFORM, message);
    let warning = warning.note("the label, which is decided before, is not concerned");
    importer.warn(warning.help("export with `options={'raw_scores': True}` for the sums"));
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
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    width: u32,
    labels: &LabelTable,
    rule: Rule,
) -> Imported<Forest<Real>> {
    let classes = labels.len();
    let class_count = u32::try_from(classes).expect("the limits bound the classes");
    let target = |id: i64| match rule {
        Rule::OneWeight { .. } => Some(0),
        Rule::TopClass => u32::try_from(id).ok().filter(|&id| id < class_count),
    };
    let targets = if rule == Rule::TopClass { class_count } else { 1 };
    let is_single = classes == 1;
    let (elem, aggregate) = (trees.elem(), Aggregate::Sum);
    let frame = Frame { features: width, targets, elem, is_single, aggregate };
    let built = trees::build(importer, node, trees, frame, &target);
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
) -> Imported<Vec<f64>> {
    let (allowed, why) = match rule {
        Rule::TopClass => {
            return trees.base.of_sums(node, classes, "one for each class, or one for all");
        }
        Rule::OneWeight { layout: Layout::Complement, .. } => (1, "one for the only sum"),
        Rule::OneWeight { layout: Layout::First, .. } => (2, "two, of which the first counts"),
        Rule::OneWeight { layout: Layout::Second, .. } => {
            (0, "none, since nobody agrees to which class they belong")
        }
    };
    let mut values: Vec<f64> = trees.base.values.iter().collect();
    if !(values.is_empty() || values.len() == allowed) {
        return Err(trees.base.error(node, why).into());
    }
    values.truncate(1);
    Ok(values)
}

/// Is the only sum above its threshold? `bool[1]`, the index of the class.
fn exceeds(importer: &mut Importer<'_>, node: &Node<'_>, sums: Value, positive: bool) -> Value {
    let origin = node.origin;
    let elem = importer.module.ty(sums).elem;
    let a = importer.reshape(sums, &[1], origin);
    let threshold = if positive { 0.5 } else { 0.0 };
    let b = importer.constant(threshold, Type::new(elem, &[1]), origin);
    let ty = Type::new(ElementType::Bool, &[1]);
    importer.module.push(RealOp::Compare { relation: Relation::Greater, a, b }, ty, origin)
}

/// The scores, `elem[1xclasses]`, before any post-transform.
fn scores(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sums: Value,
    rule: Rule,
    transform: PostTransform,
) -> Value {
    let Rule::OneWeight { positive, layout } = rule else { return sums };
    let origin = node.origin;
    let elem = importer.module.ty(sums).elem;
    let single = Type::new(elem, &[1, 1]);
    // Under LOGISTIC the two become 1 - p and p.
    let adds_up = positive && transform == PostTransform::None;
    let number = if layout == Layout::Complement && adds_up { 1.0 } else { 0.0 };
    let constant = importer.constant(number, single.clone(), origin);
    let inputs = match layout {
        Layout::Complement => {
            let op = RealOp::Binary { function: Binary::Subtract, a: constant, b: sums };
            vec![importer.module.push(op, single, origin), sums]
        }
        Layout::First => vec![sums, constant],
        Layout::Second => vec![constant, sums],
    };
    importer.module.push(RealOp::Concat { inputs }, Type::new(elem, &[1, 2]), origin)
}

/// Sums of leaves are probabilities if nothing is negative and, whatever the
/// row, they add up to 1 but for the rounding of the weights; LOGISTIC makes
/// some of `[-s, s]`, SOFTMAX of any row.
fn score_kind(forest: &Forest<Real>, rule: Rule, transform: PostTransform) -> ScoreKind {
    let is_probability = match (transform, rule) {
        (PostTransform::None, Rule::TopClass) => totals::add_up_to_one(forest),
        // `1 - s` makes up for what is missing.
        (PostTransform::None, Rule::OneWeight { layout: Layout::Complement, .. }) => {
            let (_, most) = totals::range_of_totals(forest);
            totals::is_vote(forest) && most <= 1.0 + totals::TOLERANCE
        }
        (PostTransform::Logistic, Rule::OneWeight { layout, .. }) => layout == Layout::Complement,
        (PostTransform::Softmax, Rule::TopClass) => forest.targets > 1,
        _ => false,
    };
    if is_probability { ScoreKind::Probability } else { ScoreKind::Raw }
}

/// Warns where ONNX Runtime may not take the top class.
fn warn_if_ambiguous(
    importer: &mut Importer<'_>,
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
        _ if totals::every_class_is_scored(forest) => return,
        _ => (
            "some leaves lack a weight for some class; it counts as 0",
            "ONNX Runtime passes over a class that had no weight, even if its 0 is the greatest sum",
        ),
    };
    let warning = node.attribute_warning(name, AMBIGUOUS_LABEL, what);
    importer.warn(warning.note(why));
}
