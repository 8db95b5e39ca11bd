//! What ONNX Runtime makes of the same models is in the comments.

use prost::Message as _;
use skxc_ir::interpret::{self, Outcome};

use crate::proto::NodeProto;
use crate::testing::{WithAttributes, check_import, model, node, said};

fn machine(labels: &[i64], vectors: &[i64], coefficients: &[f32], rho: &[f32]) -> NodeProto {
    let count = vectors.iter().sum::<i64>();
    let points: Vec<f32> = (0..count).map(|at| at as f32).collect();
    node("SVMClassifier", &["X"], &["label", "scores"])
        .string("kernel_type", "RBF")
        .floats("kernel_params", &[0.5, 0.0, 3.0])
        .floats("support_vectors", &points)
        .ints("vectors_per_class", vectors)
        .floats("coefficients", coefficients)
        .floats("rho", rho)
        .ints("classlabels_ints", labels)
}

fn two() -> NodeProto {
    machine(&[0, 1], &[1, 1], &[1.0, -1.0], &[0.125])
}

fn three() -> NodeProto {
    let coefficients = [1.0, 0.5, -1.0, -0.5, 0.75, 0.5, -0.25, -1.0];
    machine(&[7, 8, 9], &[1, 2, 1], &coefficients, &[0.1, -0.1, 0.2])
}

/// The class and the scores for the feature values 0 and 2.
fn decide(machine: NodeProto, outputs: &[&str]) -> Vec<(usize, Vec<f64>)> {
    let model = model(1, vec![machine], outputs);
    let module = check_import(&model.encode_to_vec()).module.unwrap();
    let outcomes = [0, 2].map(|x| interpret::float(&module, &[Some(x)]));
    let decided = outcomes.map(|outcomes| match &outcomes[..] {
        [Outcome::Label(class), Outcome::Numbers(scores)] => (*class, scores.clone()),
        [Outcome::Label(class)] => (*class, Vec::new()),
        other => panic!("a label and scores, not {other:?}"),
    });
    decided.to_vec()
}

fn assert_near(machine: NodeProto, expected: &[(usize, &[f64])]) {
    let found = decide(machine, &["label", "scores"]);
    for ((class, scores), (expected_class, expected)) in found.iter().zip(expected) {
        assert_eq!(class, expected_class, "{found:?}");
        assert_eq!(scores.len(), expected.len(), "{found:?}");
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6;
        assert!(scores.iter().zip(*expected).all(is_near), "{found:?}");
    }
}

#[test]
fn two_classes_have_one_sum() {
    assert_near(two(), &[(0, &[-0.518_469_33, 0.518_469_33]), (1, &[0.346_195_4, -0.346_195_4])]);
    let logistic = two().string("post_transform", "LOGISTIC");
    assert_near(
        logistic.clone(),
        &[(0, &[0.373_210_25, 0.626_789_75]), (1, &[0.585_694_7, 0.414_305_33])],
    );
    assert_near(
        logistic.string("post_transform", "SOFTMAX"),
        &[(0, &[0.481_530_67, 0.518_469_33]), (1, &[1.346_195_5, -0.346_195_4])],
    );
    let probit = model(1, vec![two().string("post_transform", "PROBIT")], &["label"]);
    assert_eq!(
        said(&probit),
        [
            "SKX0113: `post_transform` PROBIT has no meaning for two classes with one sum; the scores are left out"
        ]
    );
}

#[test]
fn pairs_of_more_classes_vote() {
    assert_near(
        three(),
        &[
            (0, &[1.267_930_0, 0.644_445_5, 0.458_322_53]),
            (2, &[-0.461_399_38, -0.301_763_86, -0.353_265_35]),
        ],
    );
}

#[test]
fn probabilities_of_two_classes() {
    // As ONNX Runtime, whose walk stops before the pairwise probabilities.
    let machine = two().floats("prob_a", &[-3.0]).floats("prob_b", &[0.5]);
    assert_near(machine, &[(0, &[0.741_811_9, 0.258_188]), (1, &[0.176_673_4, 0.823_326_6])]);
    let three = three().floats("prob_a", &[-1.0; 3]).floats("prob_b", &[0.0; 3]);
    assert_eq!(
        said(&model(1, vec![three.clone()], &["label", "scores"])),
        ["SKX0108: the probabilities of 3 classes are left out"]
    );
    assert_eq!(decide(three, &["label"]), [(0, vec![]), (2, vec![])]);
}

#[test]
fn without_vectors_the_second_class_wins_above_a_bound() {
    let machine = |coefficients: &[f32]| {
        node("SVMClassifier", &["X"], &["label", "scores"])
            .floats("coefficients", coefficients)
            .floats("rho", &[0.125])
            .ints("classlabels_ints", &[0, 1])
    };
    assert_near(machine(&[0.5, -0.5]), &[(1, &[0.125, 0.125]), (1, &[1.125, -0.875])]);
    assert_near(machine(&[0.5, 0.25]), &[(0, &[0.125, 0.125]), (1, &[1.125, 0.625])]);
}

#[test]
fn lists_fit() {
    let say = |machine| said(&model(1, vec![machine], &["label"]));
    assert_eq!(
        say(two().floats("rho", &[1.0, 2.0])),
        ["SKX0105: `rho` has 2 elements; 2 classes need 1"]
    );
    assert_eq!(
        say(two().ints("vectors_per_class", &[1, -1])),
        ["SKX0104: `vectors_per_class` holds -1; `support_vectors` has 2 elements"]
    );
    assert_eq!(
        say(two().floats("coefficients", &[1.0])),
        ["SKX0105: `coefficients` has 1 element; 2 support vectors and 2 classes need 2"]
    );
    assert_eq!(
        say(two().floats("prob_a", &[1.0])),
        ["SKX0105: `prob_a` has 1 elements and `prob_b` 0"]
    );
    let prob = two().floats("prob_a", &[1.0, 2.0]).floats("prob_b", &[1.0, 2.0]);
    assert_eq!(say(prob), ["SKX0105: `prob_a` has 2 elements; 2 classes need 1"]);
}
