//! TreeEnsembleRegressor (ai.onnx.ml 1 and 3, unchanged but deprecated in 5).
//!
//! Each target has a number; what the leaves of all trees add to it, by
//! `aggregate_function`, and then the base value. Decisions:
//!
//! - Features are compared as TreeEnsembleClassifier compares them. Sums of
//!   `double` features are `double`, whatever the type of the weights, and
//!   rounded to `float` last, as in ONNX Runtime (treeregressor.cc).
//! - `base_values` holds a number a target, or none.
//! - A leaf without a weight adds nothing. ONNX Runtime adds the `nodes_values`
//!   of the leaf where there is a single target; unless that is 0, there is a
//!   warning.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, BASE_VALUES};
use skxc_ir::ElementType;
use skxc_ir::limits::CLASSES_MAX;

use super::Operator;
use super::trees::{self, Aggregate, Frame, PostTransform, Trees};
use crate::listing::counted;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Operand};

pub(super) static TREE_ENSEMBLE_REGRESSOR: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "TreeEnsembleRegressor",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "aggregate_function",
        "base_values",
        "base_values_as_tensor",
        "n_targets",
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
        "target_ids",
        "target_nodeids",
        "target_treeids",
        "target_weights",
        "target_weights_as_tensor",
    ],
    supported: "all modes, aggregates and post-transforms",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let transform = PostTransform::by_name(node)?;
    let aggregate = Aggregate::by_name(node)?;
    let targets = targets(node)?;
    let given = lowering.value(node, 0)?;
    let is_double = lowering.module.ty(given).elem == ElementType::F64;
    let (input, features) = trees::features(lowering, node)?;
    let trees = Trees::read(node, lowering.module.ty(input).elem, trees::TARGET)?;
    let elem = if is_double { ElementType::F64 } else { ElementType::F32 };
    let frame = Frame { features, targets, elem, is_single: targets == 1 };
    let target = |id: i64| u32::try_from(id).ok().filter(|&id| id < targets);
    let forest = trees::build(lowering, node, &trees, frame, &target)?;
    let base: Vec<f64> = trees.base.values.iter().collect();
    if !(base.is_empty() || base.len() == targets as usize) {
        let (name, numbers) = (trees.base.name, counted(base.len(), "number"));
        let message = format!("`{name}` has {numbers}; there should be one for each target");
        let error = node.attribute_error(name, BASE_VALUES, message);
        return Err(error.note("an empty list means that every sum starts from 0").into());
    }
    let sums = aggregate.lower(lowering, node, forest, base, input)?;
    let sums = lowering.cast(sums, ElementType::F32, node.origin);
    Ok(vec![Operand::Value(transform.apply(lowering, node, sums))])
}

/// `n_targets`, the number of sums.
pub(super) fn targets(node: &Node<'_>) -> Lowered<u32> {
    let name = "n_targets";
    let count = node.int(name)?.ok_or_else(|| node.missing(name))?;
    let found = u32::try_from(count).ok().filter(|&n| n >= 1 && n as usize <= CLASSES_MAX);
    found.ok_or_else(|| {
        let message = format!("`{name}` is {count}; it must be between 1 and {CLASSES_MAX}");
        node.attribute_error(name, ATTRIBUTE_INVALID, message).into()
    })
}
