//! Loops at once and step by step.

use crate::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto,
};
use crate::testing::{
    WithAttributes, graph, input, integers, model, node, numbers, operations, said,
};

fn body(inputs: &[&str], nodes: Vec<NodeProto>, outputs: &[&str]) -> AttributeProto {
    let value = |name: &&str| input(name, DataType::Float, &[]);
    let body = GraphProto {
        node: nodes,
        input: inputs.iter().map(value).collect(),
        output: outputs.iter().map(value).collect(),
        initializer: vec![TensorProto { name: "axes".to_owned(), ..integers(&[1]) }],
        ..Default::default()
    };
    AttributeProto {
        name: "body".to_owned(),
        r#type: AttributeType::Graph.into(),
        g: Some(body),
        ..Default::default()
    }
}

/// The model `Scan(X, P)` over the rows of `P`, `[3x2]`: 1 to 6.
fn over_points(width: i64, scan: NodeProto, others: Vec<NodeProto>) -> ModelProto {
    let nodes = [scan].into_iter().chain(others).collect();
    let mut model = model(width, nodes, &["Y"]);
    graph(&mut model).initializer.push(TensorProto {
        name: "P".to_owned(),
        dims: vec![3, 2],
        data_type: DataType::Float.into(),
        float_data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ..Default::default()
    });
    model
}

fn distances() -> NodeProto {
    let nodes = vec![
        node("Identity", &["state"], &["next"]),
        node("Sub", &["state", "point"], &["away"]),
        node("ReduceSumSquare", &["away", "axes"], &["sum"]).int("keepdims", 0),
        node("Identity", &["sum"], &["distance"]),
    ];
    node("Scan", &["X", "P"], &["unused", "D"])
        .with(body(&["state", "point"], nodes, &["next", "distance"]))
        .int("num_scan_inputs", 1)
}

#[test]
fn distances_are_computed_at_once() {
    let turn = node("Transpose", &["D"], &["Y"]);
    let model = over_points(2, distances(), vec![turn]);
    let expected = [
        "%1 = constant @w0 : f32[3x1x2]",
        "%2 = subtract %0, %1 : f32[3x1x2]",
        "%3 = multiply %2, %2 : f32[3x1x2]",
        "%4 = reduce_sum %3 : f32[3x1]",
        "%5 = reshape %4 : f32[1x3]",
    ];
    assert_eq!(operations(&model)[1..6], expected);
}

/// `s + p` of each step, which is the next state too.
fn running() -> NodeProto {
    let nodes =
        vec![node("Add", &["state", "point"], &["next"]), node("Identity", &["next"], &["now"])];
    node("Scan", &["X", "P"], &["Z", "Y"])
        .with(body(&["state", "point"], nodes, &["next", "now"]))
        .int("num_scan_inputs", 1)
}

#[test]
fn a_state_is_carried() {
    let found = numbers(&over_points(1, running(), Vec::new()), 2);
    assert_eq!(found[1], [2.0, 3.0, 5.0, 7.0, 10.0, 13.0]);
    let mut last = over_points(1, running(), Vec::new());
    graph(&mut last).output[0].name = "Z".to_owned();
    assert_eq!(numbers(&last, 2)[1], [10.0, 13.0]);
}

#[test]
fn axes_and_directions() {
    let columns = running().ints("scan_input_axes", &[-1]);
    let found = numbers(&over_points(1, columns, Vec::new()), 1);
    assert_eq!(found[0], [1.0, 3.0, 5.0, 3.0, 7.0, 11.0]);
    let backward = running().ints("scan_input_directions", &[1]);
    let found = numbers(&over_points(1, backward.clone(), Vec::new()), 1);
    assert_eq!(found[0], [5.0, 6.0, 8.0, 10.0, 9.0, 12.0]);
    let placed = backward.ints("scan_output_axes", &[2]).ints("scan_output_directions", &[1]);
    let found = numbers(&over_points(1, placed, Vec::new()), 1);
    assert_eq!(found[0], [9.0, 8.0, 5.0, 12.0, 10.0, 6.0]);
}

#[test]
fn the_body_fits() {
    let say = |scan| said(&over_points(1, scan, Vec::new()));
    assert_eq!(
        say(running().int("num_scan_inputs", 3)),
        ["SKX0104: `num_scan_inputs` must be 1 to 2, the number of inputs"]
    );
    let unknown = body(&["a", "b"], vec![node("Add", &["a", "c"], &["d"])], &["d", "d"]);
    assert_eq!(
        say(running().with(unknown)),
        ["SKX0006: value `c` is used in a body before it is made"]
    );
    let few = body(&["a"], Vec::new(), &["a"]);
    assert_eq!(
        say(running().with(few)),
        ["SKX0106: the body has 1 input and 1 output, for 2 operands and 1 state"]
    );
    let within = body(&["a", "b"], vec![running()], &["Z", "Y"]);
    assert_eq!(say(running().with(within)), ["SKX0108: `Scan` within a loop is not supported"]);
    let other = body(&["a", "b"], vec![node("Shrink", &["a"], &["c"])], &["a", "c"]);
    assert_eq!(say(running().with(other)), ["SKX0101: operator `Shrink` is not supported"]);
}

#[test]
fn steps_are_limited() {
    let mut model = over_points(1, running(), Vec::new());
    let points = &mut graph(&mut model).initializer[0];
    points.dims = vec![40_000, 1];
    points.float_data = vec![0.0; 40_000];
    assert_eq!(said(&model), ["SKX0002: 40000 steps of `Scan` come to 80000 nodes"]);
}
