//! TreeEnsemble (ai.onnx.ml 5): classifier and regressor in one, with branches
//! and leaves in arrays of their own and tests for membership of a set.
//!
//! As TreeEnsembleRegressor, with these differences:
//!
//! - every number is of the type of the features, `float` or `double`, and so
//!   is the result; there are no base values;
//! - what it makes is a row of scores for an ArgMax, or of predictions.

use skxc_diagnostics::codes::TYPE_MISMATCH;

use super::Operator;
use super::tree_ensemble_regressor::targets;
use super::trees::{self, Aggregate, Frame, PostTransform};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

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
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let transform = PostTransform::by_number(importer, node)?;
    let aggregate = Aggregate::by_number(node)?;
    let targets = targets(node)?;
    let input = importer.value(node, 0)?;
    let (elem, features) = trees::row(importer, node, input)?;
    if !elem.is_float() {
        let message = format!("`{}` cannot compare `{elem}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let frame = Frame { features, targets, elem, is_single: targets == 1, aggregate };
    let forest = trees::build_from_arrays(importer, node, frame)?;
    let sums = aggregate.import(importer, node, forest, Vec::new(), input)?;
    Ok(vec![Operand::Value(transform.apply(importer, node, sums))])
}

#[cfg(test)]
mod tests {
    //! What ONNX Runtime 1.32 makes of the same models is in the comments.

    use crate::proto::{DataType, ModelProto, NodeProto};
    use crate::testing::{
        WithAttributes, arrays, bytes, doubles, floats, graph, input, integers, model, numbers,
        operations, said, with_ml_opset,
    };

    fn of(trees: NodeProto) -> ModelProto {
        with_ml_opset(model(1, vec![trees], &["Y"]), 5)
    }

    /// The first sum of the feature values 0, 1, ...
    fn sums(trees: NodeProto, rows: i64) -> Vec<f64> {
        numbers(&of(trees), rows).into_iter().map(|row| row[0]).collect()
    }

    #[test]
    fn modes_are_numbers() {
        let holds = |mode| sums(arrays(mode, 1.0), 3).into_iter().map(|sum| sum == 0.25);
        let rows = [
            [true, true, false],
            [true, false, false],
            [false, true, true],
            [false, false, true],
            [false, true, false],
            [true, false, true],
        ];
        for (mode, expected) in (0..).zip(rows) {
            assert!(holds(mode).eq(expected), "mode {mode}");
        }
    }

    /// A few kilobytes, of which each root would become a module of its own.
    #[test]
    fn the_trees_of_a_minimum_are_counted_apart() {
        let set: Vec<f32> = (0..300).map(|x| x as f32).chain([f32::NAN]).collect();
        let trees = arrays(6, f32::NAN)
            .tensor("membership_values", floats(&set))
            .int("aggregate_function", 2)
            .ints("tree_roots", &[0; 4_000]);
        let said = said(&of(trees));
        assert!(said[0].starts_with("SKX0002: "), "{said:?}");
        assert!(said[0].contains("tree nodes of MIN or MAX"), "{said:?}");
    }

    #[test]
    fn a_set_is_a_chain_of_tests() {
        let of_set = |set: &[f32]| arrays(6, f32::NAN).tensor("membership_values", floats(set));
        let held = |set: &[f32]| -> Vec<usize> {
            let sums = sums(of_set(set), 8).into_iter().enumerate();
            sums.filter(|(_, sum)| *sum == 0.25).map(|(x, _)| x).collect()
        };
        // The same, but for the empty set, which it does not take.
        assert_eq!(held(&[1.0, 3.0, 5.0]), [1, 3, 5]);
        assert_eq!(held(&[1.0, 3.0, 5.0, f32::NAN]), [1, 3, 5]);
        assert_eq!(held(&[7.0, -2.0, 2.5, 300.0]), [7]);
        assert!(held(&[f32::NAN]).is_empty());
        // Two nodes of sets: [[3], [1], [1], [2], [3]]
        let two = of_set(&[1.0, 2.0, f32::NAN, 2.0, 3.0])
            .ints("nodes_featureids", &[0, 0])
            .tensor("nodes_modes", bytes(&[6, 6]))
            .tensor("nodes_splits", floats(&[0.0, 0.0]))
            .ints("nodes_truenodeids", &[0, 1])
            .ints("nodes_trueleafs", &[1, 1])
            .ints("nodes_falsenodeids", &[1, 2])
            .ints("nodes_falseleafs", &[0, 1])
            .ints("leaf_targetids", &[0, 0, 0])
            .tensor("leaf_weights", floats(&[1.0, 2.0, 3.0]));
        assert_eq!(sums(two.clone(), 5), [3.0, 1.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            said(&of(two.tensor("membership_values", floats(&[1.0])))),
            ["SKX0105: `membership_values` holds 1 set for 2 nodes of the mode BRANCH_MEMBER"]
        );
    }

    #[test]
    fn leaves_and_trees_may_be_shared() {
        // [[4], [4]]: a tree of one leaf.
        let leaf = arrays(0, 0.5)
            .ints("nodes_falsenodeids", &[0])
            .ints("leaf_targetids", &[0])
            .tensor("leaf_weights", floats(&[4.0]));
        assert_eq!(sums(leaf, 2), [4.0, 4.0]);
        // [[0.5], [1.5]]
        assert_eq!(sums(arrays(0, 0.5).ints("tree_roots", &[0, 0]), 2), [0.5, 1.5]);
    }

    #[test]
    fn numbers_of_post_transforms_are_those_of_the_specification() {
        let two = |number| {
            arrays(0, 0.5)
                .int("n_targets", 2)
                .ints("leaf_targetids", &[0, 1])
                .int("post_transform", number)
        };
        assert_eq!(
            said(&of(two(1))),
            ["SKX0116: `post_transform` 1 is SOFTMAX, as the specification says"]
        );
        // [0.5621765, 0.5], which is LOGISTIC, and [0.5621765, 0.4378235]
        assert!((numbers(&of(two(1)), 1)[0][1] - 0.437_823_5).abs() < 1e-6);
        assert!((numbers(&of(two(2)), 1)[0][1] - 0.5).abs() < 1e-6);
        let name = "`ai.onnx.ml.TreeEnsemble`";
        assert_eq!(
            said(&of(two(5))),
            [format!("SKX0113: `post_transform` 5 of {name} is not one of the specification")]
        );
    }

    #[test]
    fn every_number_is_of_the_type_of_the_features() {
        let double = arrays(0, 0.5)
            .tensor("nodes_splits", doubles(&[0.5]))
            .tensor("leaf_weights", doubles(&[0.1, 0.2]));
        let mut model = of(double.clone());
        graph(&mut model).input[0] = input("X", DataType::Double, &[-1, 1]);
        assert_eq!(operations(&model)[1], "%1 = tree_ensemble @t0, %0 : f64[1x1]");
        assert_eq!(numbers(&model, 2), [[0.1], [0.2]]);
        assert_eq!(
            said(&of(double)),
            ["SKX0107: `nodes_splits` is not of the type of the features, `f32`"]
        );
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let faults = [
            (
                arrays(0, 0.5).ints("tree_roots", &[1]),
                "SKX0112: a tree starts at node 1, which is not there",
            ),
            (
                arrays(0, 0.5).ints("tree_roots", &[]),
                "SKX0110: `ai.onnx.ml.TreeEnsemble` has no tree",
            ),
            (
                arrays(0, 0.5).ints("nodes_falsenodeids", &[2]),
                "SKX0110: node 0 leads to leaf 2; there are 2",
            ),
            (
                arrays(0, 0.5).ints("nodes_trueleafs", &[0]),
                "SKX0110: node 0 of tree 0 leads back to itself",
            ),
            (arrays(7, 0.5), "SKX0104: node 0 has the mode 7"),
            (arrays(0, f32::NAN), "SKX0111: node 0 compares with NaN"),
            (
                arrays(0, 0.5).tensor("leaf_weights", floats(&[0.25, f32::INFINITY])),
                "SKX0111: leaf 1 adds inf",
            ),
            (
                arrays(0, 0.5).ints("leaf_targetids", &[0, -1]),
                "SKX0112: leaf 1 adds to target -1, which is not there",
            ),
            (
                arrays(0, 0.5).ints("leaf_targetids", &[0]),
                "SKX0105: `leaf_targetids` has length 1, but `leaf_weights` has length 2",
            ),
            (
                arrays(0, 0.5).tensor("nodes_modes", floats(&[0.0])),
                "SKX0107: `nodes_modes` does not hold integers",
            ),
            (
                arrays(0, 0.5).tensor("nodes_splits", integers(&[0])),
                "SKX0107: `nodes_splits` is not of the type of the features, `f32`",
            ),
        ];
        for (trees, message) in faults {
            assert_eq!(said(&of(trees)), [message]);
        }
    }
}
