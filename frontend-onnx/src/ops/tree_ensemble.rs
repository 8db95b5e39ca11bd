//! TreeEnsemble (ai.onnx.ml 5): classifier and regressor in one, with branches
//! and leaves in arrays of their own and tests for membership of a set.
//!
//! As TreeEnsembleRegressor, with these differences:
//!
//! - every number is of the type of the features, `float` or `double`, and so
//!   is the result; there are no base values;
//! - what it makes is a row of scores for an ArgMax, or of predictions. It
//!   holds probabilities if there are several sums, none negative, whose total
//!   is 1 for every row, or by SOFTMAX.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{ElementType, ScoreKind};

use super::Operator;
use super::tree_ensemble_regressor::targets;
use super::trees::{self, Aggregate, Frame, PostTransform, totals};
use crate::lower::{Lowering, Scores};
use crate::node::{Lowered, Node, Operand};

pub(super) static TREE_ENSEMBLE: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "TreeEnsemble",
    since: 5,
    inputs: 1..=1,
    attributes: &[
        "aggregate_function",
        "leaf_targetids",
        "leaf_weights",
        "membership_values",
        "n_targets",
        "nodes_falseleafs",
        "nodes_falsenodeids",
        "nodes_featureids",
        "nodes_hitrates",
        "nodes_missing_value_tracks_true",
        "nodes_modes",
        "nodes_splits",
        "nodes_trueleafs",
        "nodes_truenodeids",
        "post_transform",
        "tree_roots",
    ],
    supported: "all modes, aggregates and post-transforms; float and double",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let transform = PostTransform::by_number(node)?;
    let aggregate = Aggregate::by_number(node)?;
    let targets = targets(node)?;
    let input = lowering.value(node, 0)?;
    let (elem, features) = trees::row(lowering, node, input)?;
    if !matches!(elem, ElementType::F32 | ElementType::F64) {
        let message = format!("`{}` cannot compare `{elem}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let frame = Frame { features, targets, elem, is_single: targets == 1 };
    let forest = trees::build_from_arrays(lowering, node, frame)?;
    let adds_up = targets > 1
        && match transform {
            PostTransform::None => aggregate == Aggregate::Sum && totals::add_up_to_one(&forest),
            other => other == PostTransform::Softmax,
        };
    let sums = aggregate.lower(lowering, node, forest, Vec::new(), input)?;
    let result = transform.apply(lowering, node, sums);
    if adds_up {
        let classes = (0..targets).collect();
        let kind = ScoreKind::Probability;
        lowering.scores.insert(result, Scores { whole: result, classes, kind });
    }
    Ok(vec![Operand::Value(result)])
}
