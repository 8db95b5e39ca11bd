//! LinearClassifier and LinearRegressor (ai.onnx.ml 1): a sum of weighted
//! features for each class or target.
//!
//! The sums are a product of matrices in `float`, whatever the features are,
//! to which the intercepts are added last. Decisions, of LinearClassifier all
//! as ONNX Runtime has them (linearclassifier.cc):
//!
//! - *Two rows of coefficients or more*: a sum for each class. The label is the
//!   first of the greatest sums, before the post-transform, which is applied to
//!   all sums together. `multi_class` changes nothing.
//! - *One row*: one sum `s`; class 1 wins if `s > 0`. With two labels LOGISTIC
//!   makes `[1 - p, p]` of `[-s, s]`, and the others leave `[1 - s, s]`, PROBIT
//!   excepted: it leaves one of them undefined there and is refused here, and
//!   the label compiles. Without labels they are 0 and 1, and the score is `s`.
//! - Without `intercepts`, from which ONNX Runtime counts the rows, the number
//!   of coefficients says how many there are.
//! - LinearRegressor transforms a single sum by PROBIT only.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, CLASS_LABELS, LENGTHS_DIFFER, POST_TRANSFORM};
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::{Binary, ElementType, LabelTable, RealOp, Relation, ScoreKind, Type, Unary, Value};

use super::Operator;
use super::tree_ensemble_classifier::labels;
use super::trees::{POST_TRANSFORM_NAME, PostTransform};
use crate::import::{Importer, Scores};
use crate::listing::counted;
use crate::node::{Imported, Node, Operand};

pub(super) static LINEAR_CLASSIFIER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "LinearClassifier",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "classlabels_ints",
        "classlabels_strings",
        "coefficients",
        "intercepts",
        "multi_class",
        "post_transform",
    ],
    supported: "all post-transforms",
    import: import_classifier,
};

pub(super) static LINEAR_REGRESSOR: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "LinearRegressor",
    since: 1,
    inputs: 1..=1,
    attributes: &["coefficients", "intercepts", "post_transform", "targets"],
    supported: "all post-transforms",
    import: import_regressor,
};

/// Weights of the features, a row for each sum, and what is added to the sums.
struct Weights {
    coefficients: Vec<f64>,
    /// As many as there are sums; none if nothing is added.
    intercepts: Vec<f64>,
    rows: usize,
}

fn import_classifier(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let transform = PostTransform::by_name(node)?;
    let (input, width) = importer.feature_row(node)?;
    let weights = of_classes(node, width)?;
    let labels = labels_of(node, weights.rows)?;
    let kind = score_kind(&weights, labels.are_given, transform);
    let is_single = weights.rows == 1;
    let sums = sums(importer, node, input, weights)?;
    let class = if is_single {
        let zero = importer.scalar(0.0, ElementType::F32, node.origin);
        let exceeds = importer.compare(node, Relation::Greater, sums, zero)?;
        importer.reshape(exceeds, &[1], node.origin)
    } else {
        let ty = Type::new(ElementType::I64, &[1]);
        importer.module.push(RealOp::ArgMax { input: sums }, ty, node.origin)
    };
    let table = importer.module.labels.push(labels.table);
    let label = Operand::Value(importer.label(table, class, node.origin));
    let has_two_scores = is_single && labels.are_given;
    if has_two_scores && transform == PostTransform::Probit {
        warn_of_scores(importer, node);
        return Ok(vec![label, Operand::Refused]);
    }
    let scores = if has_two_scores {
        two_scores(importer, node, sums, transform)?
    } else {
        transform.apply(importer, node, sums)
    };
    let count = importer.module.shape(scores).0[1];
    let all = Scores { whole: scores, classes: (0..count).collect(), kind };
    importer.scores.insert(scores, all);
    Ok(vec![label, Operand::Value(scores)])
}

fn import_regressor(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let transform = PostTransform::by_name(node)?;
    let (input, width) = importer.feature_row(node)?;
    let rows = targets(node)?;
    let coefficients = coefficients(node)?;
    let why = format!("{rows} targets of {width} features");
    node.check_length("coefficients", coefficients.len(), rows * width as usize, &why)?;
    let intercepts = node.finite_floats("intercepts")?;
    if !intercepts.is_empty() {
        node.check_length("intercepts", intercepts.len(), rows, &format!("{rows} targets"))?;
    }
    let sums = sums(importer, node, input, Weights { coefficients, intercepts, rows })?;
    Ok(vec![Operand::Value(transform.apply(importer, node, sums))])
}

fn targets(node: &Node<'_>) -> Imported<usize> {
    let count = node.int("targets")?.unwrap_or(1);
    let found = usize::try_from(count).ok().filter(|count| (1..=CLASSES_MAX).contains(count));
    found.ok_or_else(|| {
        let message = format!("`targets` is {count}; it must be between 1 and {CLASSES_MAX}");
        node.attribute_error("targets", ATTRIBUTE_INVALID, message).into()
    })
}

fn coefficients(node: &Node<'_>) -> Imported<Vec<f64>> {
    let coefficients = node.finite_floats("coefficients")?;
    if coefficients.is_empty() {
        Err(node.missing("coefficients").into())
    } else {
        Ok(coefficients)
    }
}

/// The weights of LinearClassifier.
fn of_classes(node: &Node<'_>, width: u32) -> Imported<Weights> {
    let coefficients = coefficients(node)?;
    let intercepts = node.finite_floats("intercepts")?;
    let width = width as usize;
    let rows = if intercepts.is_empty() { coefficients.len() / width } else { intercepts.len() };
    if !(1..=CLASSES_MAX).contains(&rows) || coefficients.len() != rows * width {
        let message = format!(
            "`coefficients` has {} elements and `intercepts` {}, for {width} features",
            coefficients.len(),
            intercepts.len()
        );
        let error = node.attribute_error("coefficients", LENGTHS_DIFFER, message);
        let why = format!("a class has a coefficient a feature; 1 to {CLASSES_MAX} classes");
        return Err(error.note(why).into());
    }
    Ok(Weights { coefficients, intercepts, rows })
}

/// The labels of a classifier.
struct Labels {
    table: LabelTable,
    /// Are they those of the model?
    are_given: bool,
}

/// The labels for `rows` sums. A single sum without labels decides between 0
/// and 1.
fn labels_of(node: &Node<'_>, rows: usize) -> Imported<Labels> {
    const INTEGERS: &str = "classlabels_ints";
    let has_text = !node.byte_strings("classlabels_strings")?.is_empty();
    if rows == 1 && !has_text && node.ints(INTEGERS)?.is_empty() {
        return Ok(Labels { table: LabelTable::Integers(vec![0, 1]), are_given: false });
    }
    let (table, attribute) = labels::read_called(node, INTEGERS)?;
    let expected = if rows == 1 { 2 } else { rows };
    if table.len() == expected {
        return Ok(Labels { table, are_given: true });
    }
    let (found, sums) = (counted(table.len(), "label"), counted(rows, "sum"));
    let message = format!("there are {found} for {sums}");
    Err(node.attribute_error(attribute, CLASS_LABELS, message).into())
}

/// `f32[1xrows]`: the product of the features and the transposed coefficients,
/// and the intercepts.
fn sums(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    input: Value,
    weights: Weights,
) -> Imported<Value> {
    let Weights { coefficients, intercepts, rows } = weights;
    let width = coefficients.len() / rows;
    let columns = transposed(&coefficients, rows);
    let extent = |count: usize| u32::try_from(count).expect("the limits bound every list");
    let ty = Type::new(ElementType::F32, &[extent(width), extent(rows)]);
    let columns = importer.constant_of(columns, ty, node.origin);
    let sums = importer.matmul(node, input, columns)?;
    if intercepts.is_empty() {
        return Ok(sums);
    }
    let intercepts = importer.list(intercepts, ElementType::F32, node.origin);
    importer.binary(node, Binary::Add, sums, intercepts)
}

/// A matrix of `rows` rows, by columns.
pub(super) fn transposed(matrix: &[f64], rows: usize) -> Vec<f64> {
    let width = matrix.len() / rows;
    let column = |at: usize| matrix.iter().skip(at).step_by(width).copied();
    (0..width).flat_map(column).collect()
}

/// The scores of one sum and two labels.
pub(super) fn two_scores(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sum: Value,
    transform: PostTransform,
) -> Imported<Value> {
    if transform == PostTransform::Logistic {
        let negated = importer.unary(Unary::Negate, sum, node.origin);
        let row = pair(importer, node, negated, sum);
        return Ok(transform.apply(importer, node, row));
    }
    if transform != PostTransform::None {
        transform.warn_of_single(importer, node);
    }
    let one = importer.scalar(1.0, ElementType::F32, node.origin);
    let other = importer.binary(node, Binary::Subtract, one, sum)?;
    Ok(pair(importer, node, other, sum))
}

/// Two `f32[1x1]` as one row.
pub(super) fn pair(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    first: Value,
    second: Value,
) -> Value {
    let ty = Type::new(ElementType::F32, &[1, 2]);
    importer.module.push(RealOp::Concat { inputs: vec![first, second] }, ty, node.origin)
}

/// SOFTMAX makes probabilities, and so does LOGISTIC of a sum and its negative.
fn score_kind(weights: &Weights, has_two_labels: bool, transform: PostTransform) -> ScoreKind {
    let opposite = |list: &[f64]| {
        let (first, second) = list.split_at(list.len() / 2);
        first.iter().zip(second).all(|(a, b)| *a == -b)
    };
    let is_probability = match transform {
        PostTransform::Softmax => weights.rows > 1,
        PostTransform::Logistic => {
            weights.rows == 1 && has_two_labels
                || weights.rows == 2
                    && opposite(&weights.coefficients)
                    && opposite(&weights.intercepts)
        }
        PostTransform::None | PostTransform::SoftmaxZero | PostTransform::Probit => false,
    };
    if is_probability { ScoreKind::Probability } else { ScoreKind::Raw }
}

/// ONNX Runtime leaves the second score of PROBIT undefined.
pub(super) fn warn_of_scores(importer: &mut Importer<'_>, node: &Node<'_>) {
    let message = format!(
        "`{POST_TRANSFORM_NAME}` PROBIT has no meaning for two classes with one sum; the scores are left out"
    );
    let warning = node.attribute_warning(POST_TRANSFORM_NAME, POST_TRANSFORM, message);
    importer.warn(warning.note("the label, which is decided before, is not concerned"));
}

#[cfg(test)]
mod tests {
    //! What ONNX Runtime makes of the same models is in the comments.

    use prost::Message as _;
    use skxc_ir::interpret::{self, Outcome};

    use crate::proto::NodeProto;
    use crate::testing::{
        WithAttributes, check_import, input, model, node, numbers, operations, said,
    };

    fn classifier(coefficients: &[f32], intercepts: &[f32], labels: &[i64]) -> NodeProto {
        node("LinearClassifier", &["X"], &["label", "scores"])
            .floats("coefficients", coefficients)
            .floats("intercepts", intercepts)
            .ints("classlabels_ints", labels)
    }

    /// The class and the scores for the feature values 0 and 2.
    fn decide(classifier: NodeProto) -> Vec<(usize, Vec<f64>)> {
        let model = model(1, vec![classifier], &["label", "scores"]);
        let module = check_import(&model.encode_to_vec()).module.unwrap();
        let outcomes = [0, 2].map(|x| interpret::float(&module, &[Some(x)]));
        let decided = outcomes.map(|outcomes| match &outcomes[..] {
            [Outcome::Label(class), Outcome::Numbers(scores)] => (*class, scores.clone()),
            other => panic!("a label and scores, not {other:?}"),
        });
        decided.to_vec()
    }

    fn assert_near(found: &[(usize, Vec<f64>)], expected: &[(usize, &[f64])]) {
        for ((class, scores), (expected_class, expected)) in found.iter().zip(expected) {
            assert_eq!(class, expected_class, "{found:?}");
            assert_eq!(scores.len(), expected.len(), "{found:?}");
            let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6;
            assert!(scores.iter().zip(*expected).all(is_near), "{found:?}");
        }
    }

    #[test]
    fn two_rows_are_two_sums() {
        let rows = |transform| {
            classifier(&[-0.5, 0.5], &[0.25, -0.25], &[7, 8]).string("post_transform", transform)
        };
        assert_near(&decide(rows("NONE")), &[(0, &[0.25, -0.25]), (1, &[-0.75, 0.75])]);
        let logistic: [(usize, &[f64]); 2] =
            [(0, &[0.562_176_5, 0.437_823_5]), (1, &[0.320_821_3, 0.679_178_7])];
        assert_near(&decide(rows("LOGISTIC")), &logistic);
        let softmax: [(usize, &[f64]); 2] =
            [(0, &[0.622_459_35, 0.377_540_67]), (1, &[0.182_425_53, 0.817_574_5])];
        assert_near(&decide(rows("SOFTMAX")), &softmax);
    }

    #[test]
    fn one_row_is_complemented() {
        let row =
            |transform| classifier(&[0.5], &[-0.25], &[7, 8]).string("post_transform", transform);
        let expected: [(usize, &[f64]); 2] = [(0, &[1.25, -0.25]), (1, &[0.25, 0.75])];
        assert_near(&decide(row("NONE")), &expected);
        // [[0.5621765, 0.4378235], [0.32082132, 0.6791787]]
        let logistic: [(usize, &[f64]); 2] =
            [(0, &[0.562_176_5, 0.437_823_5]), (1, &[0.320_821_3, 0.679_178_7])];
        assert_near(&decide(row("LOGISTIC")), &logistic);
        // [[1.25, -0.25], [0.25, 0.75]]
        let softmax = model(1, vec![row("SOFTMAX")], &["label", "scores"]);
        assert_near(&decide(row("SOFTMAX")), &expected);
        assert_eq!(
            said(&softmax),
            ["SKX0116: `post_transform` SOFTMAX has no effect on a single sum"]
        );
        let model = model(1, vec![row("PROBIT")], &["label"]);
        assert_eq!(
            said(&model),
            [
                "SKX0113: `post_transform` PROBIT has no meaning for two classes with one sum; the scores are left out"
            ]
        );
    }

    #[test]
    fn labels_default_to_zero_and_one() {
        let bare = classifier(&[0.5], &[-0.25], &[]);
        assert_near(&decide(bare), &[(0, &[-0.25]), (1, &[0.75])]);
        let one = model(1, vec![classifier(&[0.5], &[-0.25], &[7])], &["label"]);
        assert_eq!(said(&one), ["SKX0114: there are 1 label for 1 sum"]);
        let three = model(1, vec![classifier(&[0.5, 1.0], &[0.0, 0.0], &[1, 2, 3])], &["label"]);
        assert_eq!(said(&three), ["SKX0114: there are 3 labels for 2 sums"]);
    }

    #[test]
    fn the_lists_fit_the_features() {
        let wide = model(2, vec![classifier(&[1.0, 2.0, 3.0], &[0.0], &[0, 1])], &["label"]);
        assert_eq!(
            said(&wide),
            ["SKX0105: `coefficients` has 3 elements and `intercepts` 1, for 2 features"]
        );
        let infinite = model(1, vec![classifier(&[f32::NAN], &[0.0], &[0, 1])], &["label"]);
        assert_eq!(said(&infinite), ["SKX0111: attribute `coefficients` holds NaN"]);
        let regressor = node("LinearRegressor", &["X"], &["Y"])
            .floats("coefficients", &[1.0, 2.0])
            .int("targets", 3);
        assert_eq!(
            said(&model(1, vec![regressor.clone()], &["Y"])),
            ["SKX0105: `coefficients` has 2 elements; 3 targets of 1 features need 3"]
        );
        assert_eq!(
            said(&model(1, vec![regressor.int("targets", -1)], &["Y"])),
            ["SKX0104: `targets` is -1; it must be between 1 and 1024"]
        );
    }

    #[test]
    fn targets_are_sums() {
        let regressor = node("LinearRegressor", &["X"], &["Y"])
            .floats("coefficients", &[1.0, 2.0])
            .floats("intercepts", &[0.5, -0.5])
            .int("targets", 2);
        assert_eq!(
            numbers(&model(1, vec![regressor], &["Y"]), 2),
            [vec![0.5, -0.5], vec![1.5, 1.5]]
        );
    }

    #[test]
    fn features_become_floats() {
        let regressor = node("LinearRegressor", &["X"], &["Y"]).floats("coefficients", &[1.0, 2.0]);
        let mut model = model(2, vec![regressor], &["Y"]);
        crate::testing::graph(&mut model).input[0] =
            input("X", crate::proto::DataType::Int64, &[-1, 2]);
        let expected = [
            "%1 = cast %0 : f32[1x2]",
            "%2 = constant @w0 : f32[2x1]",
            "%3 = matmul %1, %2 : f32[1x1]",
        ];
        assert_eq!(operations(&model)[1..4], expected);
    }
}
