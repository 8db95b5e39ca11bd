//! TreeEnsembleRegressor (ai.onnx.ml 1 and 3, unchanged but deprecated in 5).
//!
//! Each target has a number; what the leaves of all trees add to it, by
//! `aggregate_function`, and then the base value. Decisions:
//!
//! - Features are compared as TreeEnsembleClassifier compares them. Sums of
//!   `double` features are `double`, whatever the type of the weights, and
//!   rounded to `float` last, as in ONNX Runtime (treeregressor.cc).
//! - `base_values` holds a number a target, one for all of them, or none.
//! - A leaf without a weight adds nothing. ONNX Runtime adds the `nodes_values`
//!   of the leaf where there is a single target; unless that is 0, there is a
//!   warning.

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;
use skxc_ir::ElementType;
use skxc_ir::limits::CLASSES_MAX;

use super::Operator;
use super::trees::{self, Aggregate, Frame, PostTransform, Trees};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

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
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let transform = PostTransform::by_name(node)?;
    let aggregate = Aggregate::by_name(node)?;
    let targets = targets(node)?;
    let given = importer.value(node, 0)?;
    let is_double = importer.module.ty(given).elem == ElementType::F64;
    let (input, features) = trees::features(importer, node)?;
    let trees = Trees::read(node, importer.module.ty(input).elem, trees::TARGET)?;
    let elem = if is_double { ElementType::F64 } else { ElementType::F32 };
    let frame = Frame { features, targets, elem, is_single: targets == 1, aggregate };
    let target = |id: i64| u32::try_from(id).ok().filter(|&id| id < targets);
    let forest = trees::build(importer, node, &trees, frame, &target)?;
    let base = trees.base.of_sums(node, targets as usize, "one for each target, or one for all")?;
    let sums = aggregate.import(importer, node, forest, base, input)?;
    let sums = importer.cast(sums, ElementType::F32, node.origin);
    Ok(vec![Operand::Value(transform.apply(importer, node, sums))])
}

/// `n_targets`, the number of sums.
pub(super) fn targets(node: &Node<'_>) -> Imported<u32> {
    let name = "n_targets";
    let count = node.int(name)?.ok_or_else(|| node.missing(name))?;
    let found = u32::try_from(count).ok().filter(|&n| n >= 1 && n as usize <= CLASSES_MAX);
    found.ok_or_else(|| {
        let message = format!("`{name}` is {count}; it must be between 1 and {CLASSES_MAX}");
        node.attribute_error(name, ATTRIBUTE_INVALID, message).into()
    })
}

#[cfg(test)]
mod tests {
    //! What ONNX Runtime 1.32 makes of the same models is in the comments.

    use crate::proto::{DataType, NodeProto};
    use crate::testing::{
        WithAttributes, doubles, graph, input, model, numbers, operations, regressor, said,
    };

    fn of(trees: NodeProto) -> Vec<Vec<f64>> {
        numbers(&model(1, vec![trees], &["Y"]), 2)
    }

    fn say(trees: NodeProto) -> Vec<String> {
        said(&model(1, vec![trees], &["Y"]))
    }

    #[test]
    fn a_regressor_is_a_value() {
        let trees = regressor(1, &[(0, 0.25)], &[(0, 0.75)]);
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = tree_ensemble @t0, %0 : f32[1x1]",
            "output \"Y\" value %1",
        ];
        assert_eq!(operations(&model(1, vec![trees.clone()], &["Y"])), expected);
        // [[0.25], [0.75]]
        assert_eq!(of(trees), [[0.25], [0.75]]);
    }

    #[test]
    fn base_values_are_one_a_target() {
        let two = || regressor(2, &[(0, 0.25), (1, 1.0)], &[(0, 0.5), (1, 0.75)]);
        // [[1.25, 3], [1.5, 2.75]]
        let based = of(two().floats("base_values", &[1.0, 2.0]));
        assert_eq!(based, [[1.25, 3.0], [1.5, 2.75]]);
        // Both are refused.
        assert_eq!(of(two().floats("base_values", &[1.0])), [[1.25, 2.0], [1.5, 1.75]]);
        assert_eq!(
            say(two().floats("base_values", &[1.0; 3])),
            [
                "SKX0115: `base_values` has 3 numbers; there should be one for each target, or one for all"
            ]
        );
    }

    #[test]
    fn a_target_that_no_leaf_scores_has_no_base_value() {
        let trees = regressor(2, &[(0, 0.25)], &[(1, 0.75)]).floats("base_values", &[1.0, 2.0]);
        assert_eq!(
            say(trees.clone()),
            [
                "SKX0116: some leaves lack a weight for some target; it is 0 then, without its base value"
            ]
        );
        // [[1.25, 0], [0, 2.75]]
        assert_eq!(of(trees), [[1.25, 0.0], [0.0, 2.75]]);
        let never = regressor(2, &[(0, 0.25)], &[(0, 0.75)]).floats("base_values", &[1.0, 2.0]);
        // [[1.25, 0], [1.75, 0]]
        assert_eq!(of(never), [[1.25, 0.0], [1.75, 0.0]]);
    }

    #[test]
    fn a_leaf_without_a_weight_adds_nothing() {
        let trees = regressor(1, &[(0, 0.25)], &[]).floats("nodes_values", &[0.5, 7.0, 7.0]);
        assert_eq!(say(trees.clone()), ["SKX0116: 1 leaf node without a weight; they add nothing"]);
        // [[0.25], [7]]
        assert_eq!(of(trees), [[0.25], [0.0]]);
    }

    #[test]
    fn of_several_weights_of_a_leaf_the_first_counts_for_a_single_target() {
        let trees = |targets| regressor(targets, &[(0, 0.25), (0, 0.5)], &[(0, 0.75)]);
        assert_eq!(say(trees(1)), ["SKX0116: 1 weight beside the first of its leaf"]);
        // [[0.25], [0.75]]
        assert_eq!(of(trees(1)), [[0.25], [0.75]]);
        // [[0.75, 0], [0.75, 0]]
        assert_eq!(of(trees(2)), [[0.75, 0.0], [0.75, 0.0]]);
        // [[0.5, 0], [0.75, 0]]
        assert_eq!(of(trees(2).string("aggregate_function", "MAX")), [[0.5, 0.0], [0.75, 0.0]]);
    }

    #[test]
    fn sums_of_double_features_are_double() {
        let mut trees = regressor(1, &[(0, 0.1)], &[(0, 0.2)]);
        let mut floats = model(1, vec![trees.clone()], &["Y"]);
        graph(&mut floats).input[0] = input("X", DataType::Double, &[-1, 1]);
        let expected = [
            "%0 = input [c0] : f64[1x1]",
            "%1 = cast %0 : f32[1x1]",
            "%2 = tree_ensemble @t0, %1 : f64[1x1]",
            "%3 = cast %2 : f32[1x1]",
            "output \"Y\" value %3",
        ];
        assert_eq!(operations(&floats), expected);
        trees.attribute.retain(|a| a.name != "nodes_values" && a.name != "target_weights");
        let trees = trees
            .tensor("nodes_values_as_tensor", doubles(&[0.5, 0.0, 0.0]))
            .tensor("target_weights_as_tensor", doubles(&[0.1, 0.2]));
        let mut tensors = model(1, vec![trees], &["Y"]);
        graph(&mut tensors).input[0] = input("X", DataType::Double, &[-1, 1]);
        assert_eq!(operations(&tensors)[1], "%1 = tree_ensemble @t0, %0 : f64[1x1]");
        assert_eq!(numbers(&tensors, 2), [[f64::from(0.1_f32)], [f64::from(0.2_f32)]]);
    }

    #[test]
    fn attributes_are_checked() {
        let trees = || regressor(1, &[(0, 0.25)], &[(0, 0.75)]);
        assert_eq!(
            say(trees().int("n_targets", 0)),
            ["SKX0104: `n_targets` is 0; it must be between 1 and 1024"]
        );
        assert_eq!(
            say(trees().ints("target_ids", &[0, 1])),
            ["SKX0112: node 2 of tree 0 adds to target 1, which is not there"]
        );
        let mut unnumbered = trees();
        unnumbered.attribute.retain(|attribute| attribute.name != "n_targets");
        let name = "`ai.onnx.ml.TreeEnsembleRegressor`";
        assert_eq!(say(unnumbered), [format!("SKX0103: {name} lacks attribute `n_targets`")]);
        assert_eq!(
            say(trees().string("aggregate_function", "MEDIAN")),
            [format!(
                "SKX0104: `aggregate_function` MEDIAN of {name} is not one of the specification"
            )]
        );
    }
}
