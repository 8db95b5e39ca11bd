//! Each decision of `tree_ensemble_classifier.rs` in a minimal model. What
//! ONNX Runtime 1.32 makes of the same models is in the comments.

use crate::proto::{DataType, NodeProto};
use crate::testing::{
    WithAttributes, check_import, doubles, graph, imported, input, listed, model, operations, said,
    stump,
};
use prost::Message as _;
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Mode, Module, Real, TreeNode};

/// Label index and scores of the feature values 0 and 1.
fn decisions(trees: NodeProto) -> Vec<(usize, Vec<f64>)> {
    let bytes = model(1, vec![trees], &["label", "scores"]).encode_to_vec();
    decide(&check_import(&bytes).module.unwrap())
}

fn decide(module: &Module<Real>) -> Vec<(usize, Vec<f64>)> {
    let outcomes = [0, 1].map(|x| interpret::float(module, &[Some(x)]));
    let decisions = outcomes.into_iter().map(|outcomes| match &outcomes[..] {
        [Outcome::Label(label), Outcome::Numbers(scores)] => (*label, scores.clone()),
        other => panic!("a label and scores, not {other:?}"),
    });
    decisions.collect()
}

#[test]
fn one_weight_without_sign_decides_by_a_half() {
    // [10], [[0.75, 0.25]] and [20], [[0.25, 0.75]]
    assert_eq!(
        decisions(stump(&[10, 20], &[(0, 0.25)], &[(0, 0.75)])),
        [(0, vec![0.75, 0.25]), (1, vec![0.25, 0.75])]
    );
    // A half is not above a half.
    assert_eq!(decisions(stump(&[10, 20], &[(0, 0.5)], &[(0, 0.0)]))[0].0, 0);
}

#[test]
fn one_weight_with_a_sign_decides_by_zero() {
    // [10], [[0.25, -0.25]] and [20], [[-0.25, 0.25]]
    assert_eq!(
        decisions(stump(&[10, 20], &[(0, -0.25)], &[(0, 0.25)])),
        [(0, vec![0.25, -0.25]), (1, vec![-0.25, 0.25])]
    );
}

#[test]
fn one_weight_for_class_one_has_other_scores() {
    // [10], [[0, 0.25]] and [20], [[0, 0.75]]
    assert_eq!(
        decisions(stump(&[10, 20], &[(1, 0.25)], &[(1, 0.75)])),
        [(0, vec![0.0, 0.25]), (1, vec![0.0, 0.75])]
    );
}

#[test]
fn base_values_of_one_weight() {
    let trees = || stump(&[10, 20], &[(0, 0.25)], &[(0, 0.75)]);
    // [10], [[0.625, 0.375]] and [20], [[0.125, 0.875]]
    assert_eq!(
        decisions(trees().floats("base_values", &[0.125])),
        [(0, vec![0.625, 0.375]), (1, vec![0.125, 0.875])]
    );
    // [10], [[0.375, 0]] and [20], [[0.875, 0]]
    assert_eq!(
        decisions(trees().floats("base_values", &[0.125, 0.5])),
        [(0, vec![0.375, 0.0]), (1, vec![0.875, 0.0])]
    );
    let say = |trees: NodeProto| said(&model(1, vec![trees], &["label"]));
    assert_eq!(
        say(trees().floats("base_values", &[1.0, 2.0, 3.0])),
        ["SKX0115: `base_values` has 3 numbers; there should be one for the only sum"]
    );
    let second = stump(&[10, 20], &[(1, 0.25)], &[(1, 0.75)]).floats("base_values", &[0.5]);
    assert!(say(second)[0].starts_with("SKX0115"));
}

#[test]
fn logistic_makes_one_of_two_scores() {
    let near = |trees: NodeProto, expected: [(usize, [f64; 2]); 2]| {
        for ((class, scores), (expected_class, expected)) in
            decisions(trees).into_iter().zip(expected)
        {
            let is_near = scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(class == expected_class && is_near, "{class} {scores:?}");
        }
    };
    let logistic = |trees: NodeProto| trees.string("post_transform", "LOGISTIC");
    // The numbers are those of ONNX Runtime; the label is that of the sum.
    let positive = logistic(stump(&[10, 20], &[(0, 0.25)], &[(0, 0.75)]));
    near(positive.clone(), [(0, [0.43782347, 0.5621765]), (1, [0.3208213, 0.6791787])]);
    let signed = logistic(stump(&[10, 20], &[(0, -0.25)], &[(0, 0.75)]));
    near(signed, [(0, [0.5621765, 0.43782347]), (1, [0.3208213, 0.6791787])]);
    let second = logistic(stump(&[10, 20], &[(1, -0.25)], &[(1, 0.75)]));
    near(second, [(0, [0.5, 0.43782347]), (1, [0.5, 0.6791787])]);
    let based = positive.floats("base_values", &[0.125, 0.5]);
    near(based, [(0, [0.5926666, 0.5]), (1, [0.70578504, 0.5])]);
}

#[test]
fn scores_without_meaning_are_left_out() {
    for name in ["PROBIT", "SOFTMAX", "SOFTMAX_ZERO"] {
        let trees = stump(&[10, 20], &[(0, 0.25)], &[(0, 0.75)]).string("post_transform", name);
        let model = model(1, vec![trees], &["label", "scores"]);
        let what = "has no meaning for two classes with one weight a leaf; the scores are left out";
        assert_eq!(said(&model), [format!("SKX0113: `post_transform` {name} {what}")]);
        let module = check_import(&model.encode_to_vec()).module.unwrap();
        assert_eq!(listed(&module).last().unwrap(), "output \"label\" label %5");
    }
    let more =
        stump(&[7, 8, 9], &[(0, 0.25), (1, 0.5), (2, 0.25)], &[(0, 0.0), (1, 0.0), (2, 1.0)]);
    let decisions = decisions(more.string("post_transform", "PROBIT"));
    assert_eq!((decisions[0].0, decisions[1].0), (1, 2));
}

#[test]
fn more_classes_decide_by_the_top_class() {
    let trees = stump(&[7, 8, 9], &[(0, 0.25), (1, 0.5), (2, 0.25)], &[(2, 1.0)]);
    let bases = trees.clone().floats("base_values", &[2.0, 0.0, 0.0]);
    // [8], [[0.25, 0.5, 0.25]] and [9], [[0, 0, 1]]
    assert_eq!(decisions(trees.clone()), [(1, vec![0.25, 0.5, 0.25]), (2, vec![0.0, 0.0, 1.0])]);
    assert_eq!(decisions(bases)[1], (0, vec![2.0, 0.0, 1.0]));
    // Refused.
    let one = decisions(trees.clone().floats("base_values", &[0.5]));
    assert_eq!(one[1], (2, vec![0.5, 0.5, 1.5]));
    let two = model(1, vec![trees.floats("base_values", &[0.5, 0.5])], &["label"]);
    assert_eq!(
        said(&two),
        [
            "SKX0115: `base_values` has 2 numbers; there should be one for each class, or one for all"
        ]
    );
}

#[test]
fn onnx_runtime_may_decide_otherwise() {
    let say = |trees: NodeProto| said(&model(1, vec![trees], &["label"]));
    let both = stump(&[0, 1], &[(0, 0.75), (1, 0.25)], &[(0, 0.25), (1, 0.75)]);
    // ONNX Runtime says 1 in both cases.
    assert_eq!(
        say(both.clone()),
        ["SKX0116: both classes have weights; the label is the class with the greater sum"]
    );
    assert_eq!(decisions(both), [(0, vec![0.75, 0.25]), (1, vec![0.25, 0.75])]);
    // ONNX Runtime takes class 1, since it is the only one with a weight.
    let sparse = stump(&[0, 1, 2], &[(1, -0.5)], &[(2, 0.5)]);
    assert_eq!(
        say(sparse.clone()),
        ["SKX0116: some leaves lack a weight for some class; it counts as 0"]
    );
    assert_eq!(decisions(sparse)[0].0, 0);
}

#[test]
fn probabilities_are_derived() {
    let kind = |trees: NodeProto| {
        let module = check_import(&model(1, vec![trees], &["label", "scores"]).encode_to_vec());
        listed(&module.module.unwrap()).pop().unwrap()
    };
    let is_probability = |trees| kind(trees).contains("score probability");
    assert!(is_probability(stump(&[0, 1], &[(0, 0.0)], &[(0, 1.0)])));
    assert!(!is_probability(stump(&[0, 1], &[(0, 0.0)], &[(0, 2.0)])));
    assert!(!is_probability(stump(&[0, 1], &[(0, -0.5)], &[(0, 0.5)])));
    assert!(!is_probability(stump(&[0, 1], &[(1, 0.0)], &[(1, 1.0)])));
    assert!(is_probability(stump(&[0, 1, 2], &[(0, 0.5), (1, 0.5)], &[(2, 1.0)])));
    assert!(!is_probability(stump(&[0, 1, 2], &[(0, 0.5), (1, 0.25)], &[(2, 1.0)])));
    let transformed = |name, trees: NodeProto| is_probability(trees.string("post_transform", name));
    let signed = || stump(&[0, 1], &[(0, -0.5)], &[(0, 0.5)]);
    let three =
        || stump(&[0, 1, 2], &[(0, 0.5), (1, 0.5), (2, 2.0)], &[(0, 1.0), (1, 1.0), (2, 1.0)]);
    assert!(transformed("LOGISTIC", signed()));
    assert!(!transformed("LOGISTIC", three()));
    assert!(transformed("SOFTMAX", three()));
    assert!(!transformed("SOFTMAX_ZERO", three()));
    let shifted = stump(&[0, 1], &[(0, 0.0)], &[(0, 0.5)]).floats("base_values", &[0.25]);
    assert!(!is_probability(shifted));
}

#[test]
fn the_type_of_the_features_is_that_of_the_comparison() {
    let trees = || stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)]);
    let of_type = |trees, elem| {
        let mut model = model(1, vec![trees], &["label", "scores"]);
        graph(&mut model).input[0] = input("X", elem, &[-1, 1]);
        model
    };
    let integers = operations(&of_type(trees(), DataType::Int64));
    assert_eq!(integers[1], "%1 = cast %0 : f32[1x1]");
    assert_eq!(integers[2], "%2 = tree_ensemble @t0, %1 : f32[1x1]");
    let double = operations(&of_type(trees(), DataType::Double));
    assert_eq!(double[1], "%1 = cast %0 : f32[1x1]");
    assert_eq!(double[2], "%2 = tree_ensemble @t0, %1 : f32[1x1]");
    let mut tensor = trees();
    tensor.attribute.retain(|attribute| attribute.name != "nodes_values");
    let tensor = tensor.tensor("nodes_values_as_tensor", doubles(&[0.1, 0.0, 0.0]));
    let tensors = operations(&of_type(tensor.clone(), DataType::Double));
    assert_eq!(tensors[1], "%1 = tree_ensemble @t0, %0 : f64[1x1]");
    assert_eq!(tensors[9], "%9 = cast %8 : f32[1x2]");
    let module = imported(&of_type(tensor.clone(), DataType::Double));
    let (_, forest) = module.forests.iter().next().unwrap();
    let TreeNode::Branch { test, .. } = forest.nodes[0] else { panic!("the root is a branch") };
    assert_eq!((test.mode, test.threshold), (Mode::LessOrEqual, 0.1));
    assert_eq!(
        said(&of_type(tensor, DataType::Float)),
        ["SKX0107: `nodes_values_as_tensor` is `double`, but the features are `float`"]
    );
}

#[test]
fn labels_and_transforms_are_checked() {
    let trees = || stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)]);
    let say = |trees: NodeProto| said(&model(1, vec![trees], &["label"]));
    let name = "`ai.onnx.ml.TreeEnsembleClassifier`";
    assert_eq!(
        say(trees().string("post_transform", "TANH")),
        [format!("SKX0113: `post_transform` TANH of {name} is not one of the specification")]
    );
    assert_eq!(
        say(trees().strings("classlabels_strings", &["a", "b"])),
        [format!("SKX0114: {name} has both `classlabels_int64s` and `classlabels_strings`")]
    );
    assert_eq!(
        say(trees().ints("classlabels_int64s", &[])),
        [format!("SKX0103: {name} has no class labels")]
    );
    assert_eq!(
        say(trees().ints("tree_count", &[1])),
        [format!("SKX0104: {name} has no attribute `tree_count`")]
    );
    assert_eq!(
        say(trees().int("nodes_nodeids", 1)),
        ["SKX0104: attribute `nodes_nodeids` is of type `int`, not `ints`"]
    );
}
