//! SVMClassifier (ai.onnx.ml 1): a sum for each pair of classes, over the
//! support vectors of both, and a vote of each sum for one of them.
//!
//! `coefficients` holds a row of coefficients of all vectors for each class but
//! one; a vector of class `i` meets class `j` with that of row `j - 1`, or `j`
//! if `j < i`. Decisions, as ONNX Runtime has them (svmclassifier.cc) but for
//! the last:
//!
//! - The sums are computed in `double` and rounded to `float` as scores. A pair
//!   `(i, j)` votes for `i` if its sum is above 0; the label is the first class
//!   with the most votes, whatever the scores are.
//! - Without `prob_a` the scores are the sums of all pairs, for two classes
//!   `[-s, s]`, or `[1 - s, s]` if there is a post-transform, PROBIT excepted,
//!   which leaves one of them undefined: they are left out then.
//! - Without support vectors there is a sum of weighted features for each
//!   class, and the first element of `rho` is added to each. Of two classes the
//!   second wins if the greatest sum is above 0, or from 0.5 on if no
//!   coefficient is negative, unless there is `prob_a`.
//! - With `prob_a` the scores of two classes are where the walk of pairwise
//!   coupling stops ([`coupling`]) for the logistic function of the sum, brought
//!   within 1e-7 of 0 and 1.
//! - The probabilities of more classes are where such a walk ends. They are
//!   left out, with a warning.

mod coupling;
mod pairs;
#[cfg(test)]
mod tests;

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, CLASS_LABELS, LENGTHS_DIFFER, UNSUPPORTED_FORM};
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::{
    Binary, ElementType, LabelTable, RealOp, Reduction, Relation, ScoreKind, Type, Unary, Value,
};

use super::{Kernel, coefficients, products, rho, support_vectors};
use crate::import::{Importer, Scores};
use crate::node::{Imported, Node, Operand};
use crate::ops::Operator;
use crate::ops::linear::{pair, two_scores, warn_of_scores};
use crate::ops::tree_ensemble_classifier::labels;
use crate::ops::trees::PostTransform;

pub(in crate::ops) static SVM_CLASSIFIER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "SVMClassifier",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "classlabels_ints",
        "classlabels_strings",
        "coefficients",
        "kernel_params",
        "kernel_type",
        "post_transform",
        "prob_a",
        "prob_b",
        "rho",
        "support_vectors",
        "vectors_per_class",
    ],
    supported: "all kernels; probabilities of two classes",
    import,
};

/// What Platt's method found for each pair of classes.
struct Platt {
    a: Vec<f64>,
    b: Vec<f64>,
}

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let kernel = Kernel::read(node)?;
    let transform = PostTransform::by_name(node)?;
    let (row, width) = importer.feature_row(node)?;
    let (table, attribute) = labels::read_called(node, "classlabels_ints")?;
    let classes = table.len();
    if classes > CLASSES_MAX {
        let message = format!("there are {classes} classes; at most {CLASSES_MAX} are allowed");
        return Err(node.attribute_error(attribute, CLASS_LABELS, message).into());
    }
    let platt = platt(node, classes)?;
    let vectors = vectors_per_class(node, classes)?;
    if vectors.iter().all(|&count| count == 0) {
        return without_vectors(importer, node, row, table, platt.is_some(), transform);
    }
    if classes < 2 {
        let message = "`SVMClassifier` with support vectors needs two classes";
        return Err(node.attribute_error(attribute, CLASS_LABELS, message).into());
    }
    let count = vectors.iter().sum();
    let all = support_vectors(node, count, width)?;
    let kernels = kernel.of(importer, node, row, &all, count)?;
    let sums = pairs::sums(importer, node, kernels, &vectors)?;
    let class = pairs::winner(importer, node, sums, classes)?;
    let table = importer.module.labels.push(table);
    let label = Operand::Value(importer.label(table, class, node.origin));
    let sums = importer.cast(sums, ElementType::F32, node.origin);
    Ok(vec![label, scores(importer, node, sums, classes, platt.as_ref(), transform)?])
}

/// The scores, given the sums of all pairs as `f32`.
fn scores(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sums: Value,
    classes: usize,
    platt: Option<&Platt>,
    transform: PostTransform,
) -> Imported<Operand> {
    let none = PostTransform::None;
    if classes > 2 {
        if platt.is_some() {
            warn_of_coupling(importer, node, classes);
            return Ok(Operand::Refused);
        }
        return Ok(Operand::Value(transform.apply(importer, node, sums)));
    }
    let (scores, kind) = match platt {
        Some(platt) => {
            let row = probabilities(importer, node, sums, platt)?;
            let kind = if transform == none { ScoreKind::Probability } else { ScoreKind::Raw };
            (transform.apply(importer, node, row), kind)
        }
        None if transform == PostTransform::Probit => {
            warn_of_scores(importer, node);
            return Ok(Operand::Refused);
        }
        None if transform == none => {
            let negated = importer.unary(Unary::Negate, sums, node.origin);
            (pair(importer, node, negated, sums), ScoreKind::Raw)
        }
        None => (two_scores(importer, node, sums, transform)?, ScoreKind::Raw),
    };
    importer.scores.insert(scores, Scores { whole: scores, classes: vec![0, 1], kind });
    Ok(Operand::Value(scores))
}

/// The shares of two classes, given their sum.
fn probabilities(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sum: Value,
    platt: &Platt,
) -> Imported<Value> {
    const NEAR_ZERO: f32 = 1e-7;
    let elem = ElementType::F32;
    let a = importer.scalar(platt.a[0], elem, node.origin);
    let b = importer.scalar(platt.b[0], elem, node.origin);
    let scaled = importer.binary(node, Binary::Multiply, sum, a)?;
    let moved = importer.binary(node, Binary::Add, scaled, b)?;
    let other = importer.unary(Unary::Logistic, moved, node.origin);
    let one = importer.scalar(1.0, elem, node.origin);
    let p = importer.binary(node, Binary::Subtract, one, other)?;
    let least = importer.scalar(NEAR_ZERO.into(), elem, node.origin);
    let most = importer.scalar((1.0 - NEAR_ZERO).into(), elem, node.origin);
    let p = importer.binary(node, Binary::Maximum, p, least)?;
    let p = importer.binary(node, Binary::Minimum, p, most)?;
    let p = importer.cast(p, ElementType::F64, node.origin);
    let first = coupling::share(importer, node, p)?;
    let first = importer.cast(first, elem, node.origin);
    let second = importer.binary(node, Binary::Subtract, one, first)?;
    Ok(pair(importer, node, first, second))
}

/// A sum of weighted features for each class.
fn without_vectors(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    row: Value,
    table: LabelTable,
    has_probabilities: bool,
    transform: PostTransform,
) -> Imported {
    let (coefficients, rho) = (coefficients(node)?, rho(node)?);
    let classes = table.len();
    let width = importer.module.shape(row).0[1] as usize;
    let why = format!("{classes} classes of {width} features");
    node.check_length("coefficients", coefficients.len(), classes * width, &why)?;
    let sums = products(importer, node, row, &coefficients, classes)?;
    let rho = importer.scalar(rho[0], ElementType::F32, node.origin);
    let sums = importer.binary(node, Binary::Add, sums, rho)?;
    let class = if classes == 2 && !has_probabilities {
        let positive = coefficients.iter().all(|&coefficient| coefficient >= 0.0);
        second_of_two(importer, node, sums, positive)?
    } else {
        let ty = Type::new(ElementType::I64, &[1]);
        importer.module.push(RealOp::ArgMax { input: sums }, ty, node.origin)
    };
    let table = importer.module.labels.push(table);
    let label = importer.label(table, class, node.origin);
    let scores = transform.apply(importer, node, sums);
    Ok(vec![Operand::Value(label), Operand::Value(scores)])
}

/// Does the second of two classes win?
fn second_of_two(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sums: Value,
    positive: bool,
) -> Imported<Value> {
    let most = importer.reduce(Reduction::Maximum, sums, node.origin);
    let (bound, relation) =
        if positive { (0.5, Relation::GreaterOrEqual) } else { (0.0, Relation::Greater) };
    let bound = importer.scalar(bound, ElementType::F32, node.origin);
    let exceeds = importer.compare(node, relation, most, bound)?;
    let first = importer.pick(sums, vec![0], &[1], node.origin);
    let second = importer.pick(sums, vec![1], &[1], node.origin);
    let is_greater = importer.compare(node, Relation::Greater, second, first)?;
    importer.binary(node, Binary::Or, exceeds, is_greater)
}

/// `vectors_per_class`; empty without support vectors.
fn vectors_per_class(node: &Node<'_>, classes: usize) -> Imported<Vec<usize>> {
    const NAME: &str = "vectors_per_class";
    let listed = node.ints(NAME)?;
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    node.check_length(NAME, listed.len(), classes, &format!("{classes} classes"))?;
    let most = node.floats("support_vectors")?.len();
    let count = |&count: &i64| {
        usize::try_from(count).ok().filter(|&count| count <= most).ok_or_else(|| {
            let message = format!("`{NAME}` holds {count}; `support_vectors` has {most} elements");
            node.attribute_error(NAME, ATTRIBUTE_INVALID, message).into()
        })
    };
    listed.iter().map(count).collect()
}

fn platt(node: &Node<'_>, classes: usize) -> Imported<Option<Platt>> {
    let (a, b) = (node.finite_floats("prob_a")?, node.finite_floats("prob_b")?);
    if a.len() != b.len() {
        let message = format!("`prob_a` has {} elements and `prob_b` {}", a.len(), b.len());
        return Err(node.attribute_error("prob_b", LENGTHS_DIFFER, message).into());
    }
    if a.is_empty() {
        return Ok(None);
    }
    let pairs = classes * (classes - 1) / 2;
    node.check_length("prob_a", a.len(), pairs, &format!("{classes} classes"))?;
    Ok(Some(Platt { a, b }))
}

fn warn_of_coupling(importer: &mut Importer<'_>, node: &Node<'_>, classes: usize) {
    let message = format!("the probabilities of {classes} classes are left out");
    let warning = node.attribute_warning("prob_a", UNSUPPORTED_FORM, message);
    let warning = warning.note("they are the end of a walk of up to 100 steps");
    importer.warn(warning.note("the label, which is voted for, is not concerned"));
}
