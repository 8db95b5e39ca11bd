//! Operators of ai.onnx, each with operands of the types that it takes.

use super::graph::{Graph, Known};
use super::write::{Attribute, Elem};

const UNARY: [&str; 16] = [
    "Neg",
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Abs",
    "Floor",
    "Ceil",
    "Round",
    "Sigmoid",
    "Tanh",
    "Erf",
    "Softplus",
    "Relu",
    "Sign",
    "Identity",
];
const BINARY: [&str; 8] = ["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mean"];
const COMPARE: [&str; 5] = ["Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual"];
const LOGICAL: [&str; 3] = ["And", "Or", "Xor"];
const REDUCE: [&str; 10] = [
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "ReduceMean",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
];

/// Adds a node of ai.onnx, if one of the chosen kind fits what there is.
pub(super) fn add(graph: &mut Graph<'_>) -> Option<Known> {
    match graph.choices.below(16) {
        0..3 => unary(graph),
        3..6 => binary(graph),
        6 => compare(graph),
        7 => logical(graph),
        8 => choose(graph),
        9 => reduce(graph),
        10 => move_axes(graph),
        11 => arrange(graph),
        12 => product(graph),
        13 => along_axis(graph),
        14 => shaped_function(graph),
        _ => {
            let elem = graph.choices.of(&[Elem::Integer, Elem::Bool, Elem::Float, Elem::Double]);
            graph.as_elem(elem)
        }
    }
}

fn unary(graph: &mut Graph<'_>) -> Option<Known> {
    let operator = graph.choices.of(&UNARY);
    let x = if graph.choices.one_in(8) {
        // Of a constant, which the front end computes.
        let elem = graph.choices.of(&[Elem::Float, Elem::Double]);
        graph.constant(elem, vec![1])
    } else {
        graph.floats()?
    };
    Some(graph.node("", operator, &[&x.name], &[], x.elem, x.shape.clone()))
}

fn binary(graph: &mut Graph<'_>) -> Option<Known> {
    let operator = graph.choices.of(&BINARY);
    let x = if graph.choices.one_in(5) { graph.as_elem(Elem::Integer)? } else { graph.floats()? };
    let y = graph.partner(&x);
    let order = if graph.choices.one_in(4) { [&y, &x] } else { [&x, &y] };
    let names = order.map(|it| it.name.as_str());
    Some(graph.node("", operator, &names, &[], x.elem, x.shape.clone()))
}

fn compare(graph: &mut Graph<'_>) -> Option<Known> {
    let x = if graph.choices.one_in(3) { graph.as_elem(Elem::Integer)? } else { graph.floats()? };
    if graph.choices.one_in(6) && x.elem != Elem::Integer {
        return Some(graph.node("", "IsNaN", &[&x.name], &[], Elem::Bool, x.shape.clone()));
    }
    let y = graph.partner(&x);
    let operator = graph.choices.of(&COMPARE);
    Some(graph.node("", operator, &[&x.name, &y.name], &[], Elem::Bool, x.shape.clone()))
}

fn logical(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.as_elem(Elem::Bool)?;
    if graph.choices.one_in(3) {
        return Some(graph.node("", "Not", &[&x.name], &[], Elem::Bool, x.shape.clone()));
    }
    let y = graph.partner(&x);
    let operator = graph.choices.of(&LOGICAL);
    Some(graph.node("", operator, &[&x.name, &y.name], &[], Elem::Bool, x.shape.clone()))
}

fn choose(graph: &mut Graph<'_>) -> Option<Known> {
    let condition = graph.as_elem(Elem::Bool)?;
    let elem = graph.choices.of(&[Elem::Float, Elem::Double, Elem::Integer]);
    let like = Known { elem, ..condition.clone() };
    let a = graph.partner(&like);
    let a = if a.name == like.name { graph.cast(&condition, elem)? } else { a };
    let b = graph.constant(elem, condition.shape.clone());
    let names = [condition.name.as_str(), &a.name, &b.name];
    Some(graph.node("", "Where", &names, &[], elem, condition.shape.clone()))
}

fn reduce(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.floats()?;
    let (axis, written) = graph.axis(&x)?;
    let keeps = graph.choices.below(2) as i64;
    let mut attributes = vec![("keepdims", Attribute::Int(1 - keeps))];
    let mut shape = x.shape.clone();
    if keeps == 0 {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    if graph.choices.one_in(4) {
        let operator = graph.choices.of(&["ArgMax", "ArgMin"]);
        attributes.push(("axis", Attribute::Int(written)));
        return Some(graph.node("", operator, &[&x.name], &attributes, Elem::Integer, shape));
    }
    let operator = graph.choices.of(&REDUCE);
    // Axes are an input of ReduceSum since 13 and of the others since 18.
    let as_input = graph.version == 18 || graph.version == 13 && operator == "ReduceSum";
    if as_input {
        let axes = graph.integers(&[written]);
        return Some(graph.node("", operator, &[&x.name, &axes], &attributes, x.elem, shape));
    }
    attributes.push(("axes", Attribute::Ints(vec![written])));
    Some(graph.node("", operator, &[&x.name], &attributes, x.elem, shape))
}

/// Reshape, Flatten, Transpose, Squeeze, Unsqueeze.
fn move_axes(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.any();
    let count = x.elements();
    match graph.choices.below(5) {
        0 => {
            let mut shapes = vec![vec![count], vec![1, count], vec![count, 1], vec![1, 1, count]];
            if count % 2 == 0 {
                shapes.push(vec![2, count / 2]);
                shapes.push(vec![1, count / 2, 2]);
            }
            let at = graph.choices.below(shapes.len());
            let shape = shapes.swap_remove(at);
            Some(graph.reshape(&x, shape))
        }
        1 => {
            let axis = graph.choices.below(x.shape.len() + 1);
            let halves = [x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
            let attributes = [("axis", Attribute::Int(axis as i64))];
            Some(graph.node("", "Flatten", &[&x.name], &attributes, x.elem, halves.to_vec()))
        }
        2 => {
            let mut order: Vec<usize> = (0..x.shape.len()).collect();
            let turned = graph.choices.below(order.len() + 1);
            if turned == order.len() {
                order.reverse()
            } else {
                order.rotate_left(turned)
            }
            let perm = order.iter().map(|&axis| axis as i64).collect();
            let shape = order.iter().map(|&axis| x.shape[axis]).collect();
            let attributes = [("perm", Attribute::Ints(perm))];
            Some(graph.node("", "Transpose", &[&x.name], &attributes, x.elem, shape))
        }
        kind => {
            let squeezes = kind == 3;
            let mut shape = x.shape.clone();
            let axis = if squeezes {
                let (axis, _) = graph.axis(&x).filter(|&(axis, _)| x.shape[axis] == 1)?;
                shape.remove(axis);
                axis
            } else {
                let axis = graph.choices.below(x.shape.len() + 1);
                shape.insert(axis, 1);
                axis
            };
            let operator = if squeezes { "Squeeze" } else { "Unsqueeze" };
            if graph.version < 13 {
                let attributes = [("axes", Attribute::Ints(vec![axis as i64]))];
                return Some(graph.node("", operator, &[&x.name], &attributes, x.elem, shape));
            }
            let axes = graph.integers(&[axis as i64]);
            Some(graph.node("", operator, &[&x.name, &axes], &[], x.elem, shape))
        }
    }
}

/// Concat, Gather, Slice, Expand, Tile.
fn arrange(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.any();
    let (axis, written) = graph.axis(&x)?;
    let mut shape = x.shape.clone();
    let along = [("axis", Attribute::Int(written))];
    match graph.choices.below(4) {
        0 => {
            let y = if x.elem == Elem::Text { x.clone() } else { graph.partner(&x) };
            if y.shape.len() != x.shape.len() {
                return None;
            }
            shape[axis] += y.shape[axis];
            Some(graph.node("", "Concat", &[&x.name, &y.name], &along, x.elem, shape))
        }
        1 => {
            let extent = shape[axis] as usize;
            let count = 1 + graph.choices.below(3);
            let picked: Vec<i64> = (0..count).map(|_| graph.choices.below(extent) as i64).collect();
            shape[axis] = count as i64;
            let picked = graph.integers(&picked);
            Some(graph.node("", "Gather", &[&x.name, &picked], &along, x.elem, shape))
        }
        2 => {
            let start = graph.choices.below(shape[axis] as usize) as i64;
            let lists = [[start], [shape[axis]], [written]].map(|list| graph.integers(&list));
            shape[axis] -= start;
            let names = [x.name.as_str(), &lists[0], &lists[1], &lists[2]];
            Some(graph.node("", "Slice", &names, &[], x.elem, shape))
        }
        _ => {
            shape.insert(0, 1 + graph.choices.below(2) as i64);
            let to = graph.integers(&shape);
            Some(graph.node("", "Expand", &[&x.name, &to], &[], x.elem, shape))
        }
    }
}

/// MatMul and Gemm with a constant.
fn product(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.floats()?;
    let &[rows, inner] = x.shape.as_slice() else { return None };
    let width = 1 + graph.choices.below(3) as i64;
    let b = graph.constant(x.elem, vec![inner, width]);
    if graph.choices.below(2) == 0 {
        return Some(graph.node("", "MatMul", &[&x.name, &b.name], &[], x.elem, vec![rows, width]));
    }
    let c = graph.constant(x.elem, vec![width]);
    let (alpha, beta) = (graph.choices.float(), graph.choices.float());
    let attributes = [("alpha", Attribute::Float(alpha)), ("beta", Attribute::Float(beta))];
    let names = [x.name.as_str(), &b.name, &c.name];
    Some(graph.node("", "Gemm", &names, &attributes, x.elem, vec![rows, width]))
}

/// Softmax, LogSoftmax, Hardmax, LpNormalization, CumSum.
fn along_axis(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.floats()?;
    let (_, written) = graph.axis(&x)?;
    let operators = ["Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "CumSum"];
    let operator = graph.choices.of(&operators);
    if operator == "CumSum" {
        let axis = graph.integers(&[written]);
        return Some(graph.node("", operator, &[&x.name, &axis], &[], x.elem, x.shape.clone()));
    }
    let mut attributes = vec![("axis", Attribute::Int(written))];
    if operator == "LpNormalization" {
        attributes.push(("p", Attribute::Int(1 + graph.choices.below(2) as i64)));
    }
    Some(graph.node("", operator, &[&x.name], &attributes, x.elem, x.shape.clone()))
}

/// LeakyRelu, Elu, HardSigmoid, Selu, Clip.
fn shaped_function(graph: &mut Graph<'_>) -> Option<Known> {
    let x = graph.floats()?;
    let operator = graph.choices.of(&["LeakyRelu", "Elu", "HardSigmoid", "Selu", "Clip"]);
    let second = match operator {
        "HardSigmoid" => Some("beta"),
        "Selu" => Some("gamma"),
        _ => None,
    };
    if operator == "Clip" {
        let (least, most) = (graph.constant(x.elem, vec![]), graph.constant(x.elem, vec![]));
        let names = [x.name.as_str(), &least.name, &most.name];
        return Some(graph.node("", operator, &names, &[], x.elem, x.shape.clone()));
    }
    let mut attributes = vec![("alpha", Attribute::Float(graph.choices.float()))];
    attributes.extend(second.map(|name| (name, Attribute::Float(graph.choices.float()))));
    Some(graph.node("", operator, &[&x.name], &attributes, x.elem, x.shape.clone()))
}
