//! Trees of every shape, right and wrong.

use crate::proto::NodeProto;
use crate::testing::{WithAttributes, imported, model, said, stump};
use skxc_ir::{Forest, Mode, Real, TreeNode};

fn forest(trees: NodeProto) -> Forest<Real> {
    let module = imported(&model(1, vec![trees], &["label"]));
    let (_, forest) = module.forests.iter().next().unwrap();
    forest.clone()
}

fn say(trees: NodeProto) -> Vec<String> {
    said(&model(1, vec![trees], &["label"]))
}

fn trees() -> NodeProto {
    stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)])
}

#[test]
fn nodes_may_come_in_any_order() {
    // Node 9 is the root, since it comes first; 4 holds and 7 does not.
    let trees = trees()
        .ints("nodes_nodeids", &[9, 4, 7])
        .ints("nodes_truenodeids", &[4, 0, 0])
        .ints("nodes_falsenodeids", &[7, 0, 0])
        .ints("class_nodeids", &[7, 4]);
    let forest = forest(trees);
    assert!(matches!(forest.nodes[0], TreeNode::Branch { yes: 1, no: 2, .. }));
    let weights: Vec<f64> = forest.weights.iter().map(|weight| weight.weight).collect();
    assert_eq!(weights, [0.75, 0.25]);
}

#[test]
fn all_modes_are_read() {
    let names = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
    for (name, mode) in names.into_iter().zip(Mode::ALL) {
        let trees = trees()
            .strings("nodes_modes", &[name, "LEAF", "LEAF"])
            .ints("nodes_missing_value_tracks_true", &[1, 0, 0]);
        let TreeNode::Branch { test, .. } = forest(trees).nodes[0] else { panic!("a branch") };
        assert_eq!((test.mode, test.missing_is_yes), (mode, true));
    }
    let two = trees().ints("nodes_missing_value_tracks_true", &[2, 0, 0]);
    let TreeNode::Branch { test, .. } = forest(two).nodes[0] else { panic!("a branch") };
    assert!(!test.missing_is_yes, "only 1 counts");
}

#[test]
fn an_infinite_threshold_is_always_or_never() {
    let trees = trees().floats("nodes_values", &[f32::NEG_INFINITY, 0.0, 0.0]);
    let TreeNode::Branch { test, .. } = forest(trees).nodes[0] else { panic!("a branch") };
    assert_eq!(test.threshold, f64::from(f32::MIN));
}

#[test]
fn what_is_no_tree_is_refused() {
    let faults = [
        (trees().ints("nodes_truenodeids", &[0, 0, 0]), "node 0 of tree 0 leads back to itself"),
        (
            trees().ints("nodes_falsenodeids", &[i64::MIN, 0, 0]),
            "node 0 of tree 0 leads to node -9223372036854775808, which the tree does not have",
        ),
        (trees().ints("nodes_nodeids", &[0, 1, 1]), "node 1 of tree 0 is there twice"),
        (trees().ints("nodes_treeids", &[0, 1, 0]), "the nodes of tree 0 do not stand together"),
        (
            trees().ints("class_nodeids", &[1, 5]),
            "a weight belongs to node 5 of tree 0, which is not there",
        ),
    ];
    for (trees, message) in faults {
        let said = say(trees);
        assert_eq!(said[0], format!("SKX0110: {message}"), "{said:?}");
    }
}

#[test]
fn branches_may_share_where_they_lead() {
    // 0 and 3 go to leaf 2, the others to leaf 3, as in ONNX Runtime.
    let shared = trees()
        .ints("nodes_treeids", &[0; 4])
        .ints("nodes_nodeids", &[0, 1, 2, 3])
        .ints("nodes_featureids", &[0; 4])
        .strings("nodes_modes", &["BRANCH_EQ", "BRANCH_EQ", "LEAF", "LEAF"])
        .floats("nodes_values", &[0.0, 3.0, 0.0, 0.0])
        .ints("nodes_truenodeids", &[2, 2, 0, 0])
        .ints("nodes_falsenodeids", &[1, 3, 0, 0])
        .ints("class_nodeids", &[2, 3]);
    let forest = forest(shared);
    let children = forest.nodes.iter().filter_map(|node| match *node {
        TreeNode::Branch { yes, no, .. } => Some((yes, no)),
        TreeNode::Leaf { .. } => None,
    });
    assert_eq!(children.collect::<Vec<_>>(), [(2, 1), (2, 3)]);
    assert_eq!(forest.nodes.len(), 4);
}

#[test]
fn a_leaf_may_name_a_sum_twice() {
    let twice = trees().ints("class_nodeids", &[1, 1]).floats("class_weights", &[0.25, 0.5]);
    let forest = forest(twice);
    let weights: Vec<f64> = forest.weights.iter().map(|weight| weight.weight).collect();
    assert_eq!(weights, [0.75]);
    let beyond = trees().ints("class_nodeids", &[1, 1]).floats("class_weights", &[f32::MAX; 2]);
    assert_eq!(say(beyond), ["SKX0111: node 1 of tree 0 adds inf"]);
}

#[test]
fn numbers_and_indices_are_checked() {
    assert_eq!(
        say(trees().ints("nodes_featureids", &[1, 0, 0])),
        ["SKX0112: node 0 of tree 0 asks for feature 1; the input has 1 feature"]
    );
    assert_eq!(
        say(trees().floats("nodes_values", &[f32::NAN, 0.0, 0.0])),
        ["SKX0111: node 0 of tree 0 compares with NaN"]
    );
    assert_eq!(
        say(trees().floats("class_weights", &[f32::INFINITY, f32::NAN])),
        ["SKX0111: node 1 of tree 0 adds inf"]
    );
    assert_eq!(
        say(trees().ints("class_ids", &[0, 2])),
        ["SKX0112: node 2 of tree 0 adds to class 2, which is not there"]
    );
    assert_eq!(
        say(trees().ints("nodes_nodeids", &[-1, 1, 2])),
        ["SKX0112: node -1 of tree 0 has an id outside 0 to 4294967295"]
    );
    assert_eq!(
        say(trees().floats("base_values", &[f32::NAN])),
        ["SKX0111: `base_values` holds NaN"]
    );
}

#[test]
fn what_no_walk_reaches_is_dropped() {
    let alone = trees().strings("nodes_modes", &["LEAF", "LEAF", "LEAF"]);
    assert_eq!(say(alone), ["SKX0117: 2 nodes in no tree"]);
}

#[test]
fn every_problem_is_told_in_one_run() {
    let numbers = trees()
        .ints("nodes_featureids", &[1, 0, 0])
        .floats("nodes_values", &[f32::NAN, 0.0, 0.0])
        .floats("class_weights", &[0.5, f32::INFINITY]);
    assert_eq!(say(numbers).len(), 3);
    let trees = trees()
        .ints("nodes_featureids", &[0, 0])
        .floats("class_weights", &[0.5])
        .strings("nodes_modes", &["LEAF"]);
    assert_eq!(say(trees).len(), 3);
}
