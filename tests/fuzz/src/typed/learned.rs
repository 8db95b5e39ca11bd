//! Operators of ai.onnx.ml: preprocessing, look-ups and what was trained, with
//! attributes of which some are odd.

use super::graph::{Graph, Known};
use super::write::{Attribute, Elem};

const ML: &str = "ai.onnx.ml";
const MODES: [&str; 8] = [
    "BRANCH_LEQ",
    "BRANCH_LEQ",
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
];
const POST: [&str; 7] = ["NONE", "NONE", "NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"];
const WORDS: [&str; 4] = ["a", "b", "c", "benign"];

/// Adds a node of ai.onnx.ml, if one of the chosen kind fits what there is.
pub(super) fn add(graph: &mut Graph<'_>) -> Option<Known> {
    match graph.choices.below(9) {
        0..2 => label_encoder(graph),
        2 => prepared(graph),
        3 => one_hot(graph),
        4 => linear(graph),
        5 => support_vectors(graph),
        _ => trees(graph),
    }
}

/// Scaler, Imputer, Normalizer, Binarizer.
fn prepared(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.features()?;
    let width = x.elements() as usize;
    let count = if graph.choices.one_in(3) { 1 } else { width };
    let (operator, attributes) = match graph.choices.below(4) {
        0 => {
            let offset = Attribute::Floats(graph.choices.floats(count));
            let scale = Attribute::Floats(graph.choices.floats(count));
            ("Scaler", vec![("offset", offset), ("scale", scale)])
        }
        1 => {
            let filled = Attribute::Floats(graph.choices.floats(count));
            let replaced = if graph.choices.one_in(2) { f32::NAN } else { graph.choices.float() };
            let replaced = Attribute::Float(replaced);
            ("Imputer", vec![("imputed_value_floats", filled), ("replaced_value_float", replaced)])
        }
        2 => {
            let norm = graph.choices.of(&["MAX", "L1", "L2"]);
            ("Normalizer", vec![("norm", Attribute::Text(norm))])
        }
        _ => {
            let threshold = graph.choices.float();
            ("Binarizer", vec![("threshold", Attribute::Float(threshold))])
        }
    };
    Some(graph.node(ML, operator, &[&x.name], &attributes, Elem::Float, x.shape.clone()))
}

/// From integers, floats or text to any of these.
fn label_encoder(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.any();
    let x = match x.elem {
        Elem::Float | Elem::Integer | Elem::Text => x,
        Elem::Double | Elem::Bool => {
            let elem = graph.choices.of(&[Elem::Float, Elem::Integer]);
            graph.cast(&x, elem)?
        }
    };
    let count = 1 + graph.choices.below(4);
    let values = graph.choices.of(&[Elem::Float, Elem::Integer, Elem::Text]);
    let keys = match x.elem {
        Elem::Float => ("keys_floats", Attribute::Floats(graph.choices.floats(count))),
        Elem::Integer => ("keys_int64s", Attribute::Ints(graph.choices.integers(count))),
        _ => ("keys_strings", Attribute::Texts(texts(graph, count))),
    };
    let (values_list, default) = match values {
        Elem::Float => (
            ("values_floats", Attribute::Floats(graph.choices.floats(count))),
            ("default_float", Attribute::Float(graph.choices.float())),
        ),
        Elem::Integer => (
            ("values_int64s", Attribute::Ints(graph.choices.integers(count))),
            ("default_int64", Attribute::Int(graph.choices.integer())),
        ),
        _ => (
            ("values_strings", Attribute::Texts(texts(graph, count))),
            ("default_string", Attribute::Text(graph.choices.of(&WORDS))),
        ),
    };
    let mut attributes = vec![keys, values_list];
    if graph.choices.one_in(2) {
        attributes.push(default);
    }
    Some(graph.node(ML, "LabelEncoder", &[&x.name], &attributes, values, x.shape.clone()))
}

fn texts(graph: &mut Graph<'_>, count: usize) -> Vec<&'static str> {
    (0..count).map(|_| graph.choices.of(&WORDS)).collect()
}

fn one_hot(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.any();
    let count = 1 + graph.choices.below(4);
    let categories = match x.elem {
        Elem::Text => ("cats_strings", Attribute::Texts(texts(graph, count))),
        _ => ("cats_int64s", Attribute::Ints(graph.choices.integers(count))),
    };
    let zeros = Attribute::Int(1 - graph.choices.below(2) as i64);
    let mut shape = x.shape.clone();
    shape.push(count as i64);
    let attributes = [categories, ("zeros", zeros)];
    Some(graph.node(ML, "OneHotEncoder", &[&x.name], &attributes, Elem::Float, shape))
}

/// LinearRegressor and LinearClassifier.
fn linear(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.features()?;
    let width = x.elements() as usize;
    let targets = 1 + graph.choices.below(3);
    let weights = Attribute::Floats(graph.choices.floats(targets * width));
    let intercepts = Attribute::Floats(graph.choices.floats(targets));
    let post = ("post_transform", Attribute::Text(graph.choices.of(&POST)));
    let mut attributes = vec![("coefficients", weights), ("intercepts", intercepts), post];
    if graph.choices.one_in(2) {
        let classes = targets.max(2);
        return Some(classifier(graph, "LinearClassifier", &x, classes, attributes));
    }
    attributes.push(("targets", Attribute::Int(targets as i64)));
    let shape = vec![1, targets as i64];
    Some(graph.node(ML, "LinearRegressor", &[&x.name], &attributes, Elem::Float, shape))
}

/// A classifier of labels that are integers or text; its scores go on.
fn classifier(
    graph: &mut Graph<'_>,
    operator: &str,
    x: &Known,
    classes: usize,
    mut attributes: Vec<(&str, Attribute)>,
) -> Known {
    let (elem, integers, strings) = match operator {
        "LinearClassifier" => (Elem::Integer, "classlabels_ints", "classlabels_strings"),
        _ => (Elem::Integer, "classlabels_int64s", "classlabels_strings"),
    };
    let elem = if graph.choices.one_in(2) { Elem::Text } else { elem };
    attributes.push(match elem {
        Elem::Text => (strings, Attribute::Texts(WORDS[..classes].to_vec())),
        _ => (integers, Attribute::Ints((0..classes as i64).collect())),
    });
    let [label, scores] = [graph.name(), graph.name()];
    graph.writer.node(ML, operator, (&[&x.name], &[&label, &scores]), &attributes);
    graph.result(Known { name: label, elem, shape: vec![1] });
    graph.result(Known { name: scores, elem: Elem::Float, shape: vec![1, classes as i64] })
}

fn support_vectors(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.features()?;
    let width = x.elements() as usize;
    let kernel = graph.choices.of(&["LINEAR", "RBF", "POLY", "SIGMOID"]);
    let vectors = 1 + graph.choices.below(3);
    let mut attributes = vec![
        ("kernel_type", Attribute::Text(kernel)),
        ("kernel_params", Attribute::Floats(graph.choices.floats(3))),
        ("support_vectors", Attribute::Floats(graph.choices.floats(vectors * width))),
        ("coefficients", Attribute::Floats(graph.choices.floats(vectors))),
        ("rho", Attribute::Floats(graph.choices.floats(1))),
    ];
    if graph.choices.one_in(2) {
        let first = 1.max(vectors / 2) as i64;
        let per_class = vec![first, vectors as i64 - first];
        attributes.push(("vectors_per_class", Attribute::Ints(per_class)));
        return Some(classifier(graph, "SVMClassifier", &x, 2, attributes));
    }
    attributes.push(("n_supports", Attribute::Int(vectors as i64)));
    if graph.choices.one_in(3) {
        attributes.push(("one_class", Attribute::Int(1)));
    }
    Some(graph.node(ML, "SVMRegressor", &[&x.name], &attributes, Elem::Float, vec![1, 1]))
}

/// Nodes of trees, as the attributes list them.
#[derive(Debug, Default)]
struct Nodes {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    thresholds: Vec<f32>,
    modes: Vec<&'static str>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing: Vec<i64>,
    leaves: Vec<(i64, i64)>,
}

impl Nodes {
    fn push(&mut self, tree: i64, id: i64, mode: &'static str) {
        self.trees.push(tree);
        self.ids.push(id);
        self.modes.push(mode);
    }

    /// A leaf, or a branch to the nodes `2 id + 1` and `2 id + 2`.
    fn add(&mut self, graph: &mut Graph<'_>, tree: i64, id: i64, width: usize) {
        let is_leaf = id >= 3 || id > 0 && graph.choices.one_in(2);
        if is_leaf {
            self.push(tree, id, "LEAF");
            self.leaves.push((tree, id));
            self.features.push(0);
            self.thresholds.push(0.0);
            self.yes.push(0);
            self.no.push(0);
            self.missing.push(0);
            return;
        }
        self.push(tree, id, graph.choices.of(&MODES));
        self.features.push(graph.choices.below(width) as i64);
        self.thresholds.push(graph.choices.float());
        self.yes.push(2 * id + 1);
        self.no.push(2 * id + 2);
        self.missing.push(graph.choices.below(2) as i64);
    }
}

/// TreeEnsembleRegressor and TreeEnsembleClassifier.
fn trees(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.features()?;
    let width = x.elements() as usize;
    let mut nodes = Nodes::default();
    for tree in 0..=graph.choices.below(3) as i64 {
        let mut reached = vec![0];
        while let Some(id) = reached.pop() {
            nodes.add(graph, tree, id, width);
            if nodes.modes.last() != Some(&"LEAF") {
                reached.extend([2 * id + 1, 2 * id + 2]);
            }
        }
    }
    let classes = 1 + graph.choices.below(3);
    let is_classifier = graph.choices.one_in(2);
    let mut attributes = vec![
        ("nodes_treeids", Attribute::Ints(nodes.trees)),
        ("nodes_nodeids", Attribute::Ints(nodes.ids)),
        ("nodes_featureids", Attribute::Ints(nodes.features)),
        ("nodes_values", Attribute::Floats(nodes.thresholds)),
        ("nodes_modes", Attribute::Texts(nodes.modes)),
        ("nodes_truenodeids", Attribute::Ints(nodes.yes)),
        ("nodes_falsenodeids", Attribute::Ints(nodes.no)),
        ("nodes_missing_value_tracks_true", Attribute::Ints(nodes.missing)),
        ("post_transform", Attribute::Text(graph.choices.of(&POST))),
    ];
    let leaves = nodes.leaves.len();
    let to: Vec<i64> = (0..leaves).map(|_| graph.choices.below(classes) as i64).collect();
    let weights = graph.choices.floats(leaves);
    let names = if is_classifier {
        ["class_treeids", "class_nodeids", "class_ids", "class_weights"]
    } else {
        ["target_treeids", "target_nodeids", "target_ids", "target_weights"]
    };
    let (trees, ids) = nodes.leaves.into_iter().unzip();
    let lists = [trees, ids, to].map(Attribute::Ints).into_iter();
    attributes.extend(names.into_iter().zip(lists.chain([Attribute::Floats(weights)])));
    if graph.choices.one_in(3) {
        attributes.push(("base_values", Attribute::Floats(graph.choices.floats(classes))));
    }
    if is_classifier {
        return Some(classifier(graph, "TreeEnsembleClassifier", &x, classes.max(2), attributes));
    }
    let aggregate = graph.choices.of(&["SUM", "SUM", "AVERAGE", "MIN", "MAX"]);
    attributes.push(("aggregate_function", Attribute::Text(aggregate)));
    attributes.push(("n_targets", Attribute::Int(classes as i64)));
    let shape = vec![1, classes as i64];
    Some(graph.node(ML, "TreeEnsembleRegressor", &[&x.name], &attributes, Elem::Float, shape))
}
