//! How many columns an input has whose type does not say it, as an export with
//! `FloatTensorType([None, None])` leaves it: told by the nodes that read it.
//!
//! What must hold: a number is told only where the node takes no other; nothing
//! is checked here, since the operators do that.

use std::collections::{HashMap, HashSet};

use crate::graph::Graph;
use crate::proto::{GraphProto, NodeProto, TensorProto};

/// What the readers of an input tell of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has as many.
    Exactly(u32),
    /// It has as many, or more.
    AtLeast(u32),
}

/// Operators that compute each column alone, whatever their number.
const ELEMENTWISE: [&str; 19] = [
    "Abs",
    "Binarizer",
    "Cast",
    "Ceil",
    "Clip",
    "Erf",
    "Exp",
    "Floor",
    "Identity",
    "IsNaN",
    "Log",
    "Neg",
    "Normalizer",
    "Not",
    "Relu",
    "Sigmoid",
    "Sign",
    "Sqrt",
    "Tanh",
];

/// Operators of two operands that broadcast.
const BROADCASTING: [&str; 10] =
    ["Add", "Div", "Equal", "Greater", "Less", "Max", "Min", "Mul", "Pow", "Sub"];

/// What the nodes of `graph` tell of the columns of `input`.
pub(super) fn told(graph: &Graph<'_>, input: &str) -> Told {
    let constants = constants(graph.proto);
    // Values with the columns of the input.
    let mut same = HashSet::from([input]);
    let mut least = 1;
    for &index in &graph.order {
        let node = &graph.proto.node[index];
        if !node.input.iter().any(|name| same.contains(name.as_str())) {
            continue;
        }
        match told_by(node, &same, &constants) {
            Some(Told::Exactly(columns)) => return Told::Exactly(columns),
            Some(Told::AtLeast(columns)) => least = least.max(columns),
            None => {}
        }
        if keeps_columns(node, &same, &constants) {
            same.extend(node.output.first().map(String::as_str));
        }
    }
    Told::AtLeast(least)
}

/// Extents of the constants of a graph: initializers, and what `Constant` makes.
type Constants<'a> = HashMap<&'a str, &'a TensorProto>;

fn constants(graph: &GraphProto) -> Constants<'_> {
    let initializers = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let made = graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(|node| {
        let value = node.attribute.iter().find(|attribute| attribute.name == "value")?;
        Some((node.output.first()?.as_str(), value.t.as_ref()?))
    });
    initializers.chain(made).collect()
}

/// The extent of a constant along the last axis; 1 of a scalar.
fn last_extent(tensor: &TensorProto) -> i64 {
    tensor.dims.last().copied().unwrap_or(1)
}

fn told_by(node: &NodeProto, same: &HashSet<&str>, constants: &Constants<'_>) -> Option<Told> {
    let is_first = node.input.first().is_some_and(|name| same.contains(name.as_str()));
    let other = || constants.get(node.input.get(1)?.as_str());
    let several = |count: usize| (count > 1).then_some(count);
    let columns = match node.op_type.as_str() {
        "MatMul" if is_first => extent(other()?, 0)?,
        "Gemm" if is_first && integer(node, "transA") == 0 => {
            extent(other()?, usize::from(integer(node, "transB") != 0))?
        }
        "Scaler" => several(floats(node, "offset").max(floats(node, "scale")))?,
        "Imputer" => several(
            floats(node, "imputed_value_floats").max(integers(node, "imputed_value_int64s")),
        )?,
        "LinearRegressor" => {
            floats(node, "coefficients").checked_div(integer(node, "targets").max(1) as usize)?
        }
        "LinearClassifier" => {
            floats(node, "coefficients").checked_div(floats(node, "intercepts"))?
        }
        "SVMRegressor" => {
            floats(node, "support_vectors").checked_div(integer(node, "n_supports") as usize)?
        }
        "SVMClassifier" => {
            let counts = attribute(node, "vectors_per_class")?;
            let vectors = counts.ints.iter().sum::<i64>();
            floats(node, "support_vectors").checked_div(usize::try_from(vectors).ok()?)?
        }
        "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble" => {
            let features = attribute(node, "nodes_featureids")?;
            let most = features.ints.iter().max()?;
            return u32::try_from(*most).ok()?.checked_add(1).map(Told::AtLeast);
        }
        op if BROADCASTING.contains(&op) => {
            let extents = node.input.iter().filter_map(|name| constants.get(name.as_str()));
            several(usize::try_from(extents.map(|tensor| last_extent(tensor)).max()?).ok()?)?
        }
        _ => return None,
    };
    u32::try_from(columns).ok().filter(|&columns| columns > 0).map(Told::Exactly)
}

/// Has the first result of the node the columns of the input that it reads?
fn keeps_columns(node: &NodeProto, same: &HashSet<&str>, constants: &Constants<'_>) -> bool {
    let op = node.op_type.as_str();
    let fits = |name: &String| {
        let name = name.as_str();
        same.contains(name) || constants.get(name).is_some_and(|tensor| last_extent(tensor) == 1)
    };
    // With as many numbers as columns they would have told it.
    ELEMENTWISE.contains(&op)
        || ["Scaler", "Imputer"].contains(&op)
        || BROADCASTING.contains(&op) && node.input.iter().all(fits)
}

fn extent(tensor: &TensorProto, axis: usize) -> Option<usize> {
    usize::try_from(*tensor.dims.get(axis)?).ok()
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a crate::proto::AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn floats(node: &NodeProto, name: &str) -> usize {
    attribute(node, name).map_or(0, |attribute| attribute.floats.len())
}

fn integers(node: &NodeProto, name: &str) -> usize {
    attribute(node, name).map_or(0, |attribute| attribute.ints.len())
}

/// An integer attribute that is not negative; 0 where there is none.
fn integer(node: &NodeProto, name: &str) -> i64 {
    attribute(node, name).map_or(0, |attribute| attribute.i.max(0))
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, NodeProto, TensorProto};
    use crate::testing::{WithAttributes as _, floats, graph, input, model, node, said, stump};

    fn matrix(name: &str, rows: i64, columns: i64) -> TensorProto {
        let values = vec![0.5; (rows * columns) as usize];
        TensorProto { name: name.to_owned(), dims: vec![rows, columns], ..floats(&values) }
    }

    /// The columns of an input that leaves them open, read by `nodes`.
    #[track_caller]
    fn check(nodes: Vec<NodeProto>, constants: Vec<TensorProto>, expect: &str) {
        let mut model = model(1, nodes, &["Y"]);
        graph(&mut model).input[0] = input("X", DataType::Float, &[-1, -1]);
        graph(&mut model).initializer = constants;
        let inputs = crate::testing::inputs(&model);
        let input = &inputs.tensors[0];
        let found = match input.width {
            Some(width) => format!("{width}"),
            None => format!("{} or more", input.least),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn coefficients_tell_the_number_of_columns() {
        let linear = node("LinearRegressor", &["X"], &["Y"]);
        check(vec![linear.floats("coefficients", &[0.5; 3])], vec![], "3");
        let linear = node("LinearClassifier", &["X"], &["Y", "scores"]);
        let linear = linear.floats("coefficients", &[0.5; 6]).floats("intercepts", &[0.0; 2]);
        check(vec![linear], vec![], "3");
        let product = node("MatMul", &["X", "b"], &["Y"]);
        check(vec![product], vec![matrix("b", 4, 1)], "4");
        let product = node("Gemm", &["X", "b"], &["Y"]).int("transB", 1);
        check(vec![product], vec![matrix("b", 1, 5)], "5");
        let vectors = node("SVMRegressor", &["X"], &["Y"]).int("n_supports", 2);
        check(vec![vectors.floats("support_vectors", &[0.5; 6])], vec![], "3");
    }

    #[test]
    fn what_computes_each_column_alone_is_passed() {
        let scaler = node("Scaler", &["X"], &["A"]).floats("offset", &[0.0]);
        let scaler = scaler.floats("scale", &[0.5]);
        let absolute = node("Abs", &["A"], &["B"]);
        let sum = node("Sub", &["B", "b"], &["Y"]);
        let nodes = vec![scaler, absolute, sum];
        check(nodes.clone(), vec![matrix("b", 1, 3)], "3");
        check(nodes, vec![matrix("b", 1, 1)], "1 or more");
        let scaler = node("Scaler", &["X"], &["Y"]).floats("offset", &[0.0; 2]);
        check(vec![scaler.floats("scale", &[0.5; 2])], vec![], "2");
        // Behind a sum over the columns nothing is told of them.
        let sum = node("ReduceSum", &["X"], &["A"]);
        let product = node("MatMul", &["A", "b"], &["Y"]);
        check(vec![sum, product], vec![matrix("b", 4, 1)], "1 or more");
    }

    #[test]
    fn trees_read_some_columns() {
        let trees = stump(&[0, 1], &[(1, 1.0)], &[(0, 1.0)]).ints("nodes_featureids", &[2, 0, 0]);
        let named = node("Identity", &["label"], &["Y"]);
        check(vec![trees, named], vec![], "3 or more");
    }

    #[test]
    fn two_inputs_cannot_both_be_open() {
        let sum = node("Add", &["X", "Z"], &["Y"]);
        let mut model = model(1, vec![sum], &["Y"]);
        graph(&mut model).input =
            vec![input("X", DataType::Float, &[-1, -1]), input("Z", DataType::Float, &[-1, -1])];
        assert_eq!(
            said(&model),
            ["SKX0008: inputs `X` and `Z` do not say how many columns they have"]
        );
    }
}
