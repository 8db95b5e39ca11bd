//! A loop as its body with one more axis, the first, along which the steps lie.
//!
//! That is possible where no step needs another: each state is passed on as it
//! is, and the nodes compute element by element or reduce axes. Operands of an
//! elementwise node are aligned at their last axes, so one that has the steps
//! gets axes of extent 1 behind them, until it has as many as the others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;

use super::{Loop, pick, placed, shape_of};
use crate::body::{Body, define, import_node};
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::proto::{AttributeProto, AttributeType, NodeProto};
use crate::tensor::Tensor;

/// Operators that compute element by element.
const ELEMENTWISE: [&str; 22] = [
    "Abs",
    "Add",
    "Ceil",
    "Div",
    "Erf",
    "Exp",
    "Floor",
    "Identity",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Sign",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
];

/// Operators that reduce axes.
const REDUCTIONS: [&str; 7] = [
    "ReduceL1",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "ReduceSumSquare",
];

/// Can the body be imported once for all steps?
pub(super) fn is_mappable(body: &Body<'_>, states: usize) -> bool {
    let graph = body.graph;
    // What each name has by way of Identity, and whether it has the steps.
    let mut same: HashMap<&str, &str> = HashMap::new();
    let mut has_steps: HashMap<&str, bool> = HashMap::new();
    for (at, input) in graph.input.iter().enumerate() {
        has_steps.insert(&input.name, at >= states);
    }
    for node in &graph.node {
        let name = node.op_type.as_str();
        let is_own = node.domain.is_empty() || node.domain == "ai.onnx";
        let reduces = REDUCTIONS.contains(&name);
        if !is_own || !(reduces || ELEMENTWISE.contains(&name)) {
            return false;
        }
        if reduces && node.attribute.iter().any(|a| a.name == "noop_with_empty_axes") {
            return false;
        }
        let [output] = &node.output[..] else { return false };
        let steps = |name: &String| has_steps.get(name.as_str()).copied().unwrap_or(false);
        // The axes of a reduction are the same in each step.
        if reduces && node.input.iter().skip(1).any(steps) {
            return false;
        }
        let any = node.input.iter().any(steps);
        if name == "Identity"
            && let [input] = &node.input[..]
        {
            let origin = same.get(input.as_str()).copied().unwrap_or(input);
            same.insert(output, origin);
        }
        has_steps.insert(output, any);
    }
    let keeps = |at: usize| {
        let output = graph.output[at].name.as_str();
        same.get(output).copied().unwrap_or(output) == graph.input[at].name
    };
    let varies = |at: usize| has_steps.get(graph.output[at].name.as_str()) == Some(&true);
    (0..states).all(keeps) && (states..graph.output.len()).all(varies)
}

/// What a name of the body stands for.
#[derive(Clone)]
struct Part {
    operand: Operand,
    /// Are the steps along its first axis?
    has_steps: bool,
}

pub(super) fn import(importer: &mut Importer<'_>, node: &Node<'_>, scan: &Loop<'_>) -> Imported {
    let body = &scan.body;
    let mut names: HashMap<&str, Part> = HashMap::new();
    let states = scan.states.iter().map(|operand| (operand, false));
    let scanned = scan.scanned.iter().map(|operand| (operand, true));
    for (input, (operand, has_steps)) in body.graph.input.iter().zip(states.chain(scanned)) {
        names.insert(&input.name, Part { operand: operand.clone(), has_steps });
    }
    for (inner, &operator) in body.graph.node.iter().zip(&body.operators) {
        let mut parts = Vec::with_capacity(inner.input.len());
        for name in &inner.input {
            parts.push(match (name.as_str(), names.entry(name)) {
                ("", _) => None,
                (_, Entry::Occupied(part)) => Some(part.get().clone()),
                (name, Entry::Vacant(_)) => {
                    let operand = body.outer(importer, node, name)?;
                    Some(Part { operand, has_steps: false })
                }
            });
        }
        let has_steps = parts.iter().flatten().any(|part| part.has_steps);
        let results = if has_steps && REDUCTIONS.contains(&inner.op_type.as_str()) {
            let (inner, operands) = reduction(importer, node, inner, operator.1, parts)?;
            import_node(importer, node, &inner, operator, operands)?
        } else {
            let operands = aligned(importer, node, parts)?;
            import_node(importer, node, inner, operator, operands)?
        };
        for (name, operand) in inner.output.iter().zip(results) {
            define(node, &mut names, name, Part { operand, has_steps })?;
        }
    }
    let mut all = scan.states.clone();
    let outputs = body.graph.output.iter().skip(scan.states.len());
    for (output, &along) in outputs.zip(&scan.results) {
        let stacked = match names.get(output.name.as_str()).map(|part| &part.operand) {
            Some(Operand::Value(value)) => *value,
            Some(Operand::Constant(tensor)) => {
                tensor.to_value(&mut importer.module, node.origin).map_err(|fault| {
                    let message = format!("`{}` makes what {}", node.name(), fault.what);
                    node.error(fault.code, message)
                })?
            }
            Some(Operand::Results(_) | Operand::Refused) | None => return Ok(Vec::new()),
        };
        all.push(Operand::Value(placed(importer, node, stacked, along)?));
    }
    Ok(all)
}

/// The operands of an elementwise node, those with steps brought to one number
/// of axes.
fn aligned(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    parts: Vec<Option<Part>>,
) -> Imported<Vec<Option<Operand>>> {
    let mut rank = 0;
    for part in parts.iter().flatten() {
        let axes = shape_of(importer, node, &part.operand)?.len();
        rank = rank.max(axes - usize::from(part.has_steps));
    }
    let mut operands = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(part) = part else {
            operands.push(None);
            continue;
        };
        if !part.has_steps {
            operands.push(Some(part.operand));
            continue;
        }
        let shape = shape_of(importer, node, &part.operand)?;
        let mut to = vec![1; rank + 1];
        to[0] = shape[0];
        to[rank + 2 - shape.len()..].copy_from_slice(&shape[1..]);
        let count = shape.iter().product();
        operands.push(Some(pick(importer, node, &part.operand, (0..count).collect(), to)));
    }
    Ok(operands)
}

/// A reduction of the same axes behind the steps, and its operands.
fn reduction(
    importer: &Importer<'_>,
    node: &Node<'_>,
    inner: &NodeProto,
    version: u32,
    parts: Vec<Option<Part>>,
) -> Imported<(NodeProto, Vec<Option<Operand>>)> {
    let mut inner = inner.clone();
    let mut operands = parts.into_iter().map(|part| part.map(|part| part.operand));
    let Some(data) = operands.next().flatten() else {
        return Err(node.error(ATTRIBUTE_INVALID, "a reduction of nothing").into());
    };
    let rank = shape_of(importer, node, &data)?.len() as i64 - 1;
    let listed = match operands.next().flatten() {
        Some(Operand::Constant(tensor)) => tensor.as_integers().map(<[i64]>::to_vec),
        Some(_) => None,
        None => {
            let attribute = inner.attribute.iter().find(|attribute| attribute.name == "axes");
            Some(attribute.map(|attribute| attribute.ints.clone()).unwrap_or_default())
        }
    };
    let listed = match listed {
        Some(axes) if axes.is_empty() => Some((0..rank).collect()),
        listed => listed,
    };
    let behind = |axis: i64| {
        let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
        (0..rank).contains(&axis).then_some(axis + 1)
    };
    let axes: Option<Vec<i64>> = listed.and_then(|axes| axes.into_iter().map(behind).collect());
    let axes = axes.ok_or_else(|| {
        let message = format!("`{}` in the body reduces axes that are not known", inner.op_type);
        node.attribute_error("body", ATTRIBUTE_INVALID, message)
    })?;
    if axes.is_empty() {
        // Nothing to reduce but the number itself, which is an axis then.
        let message = format!("`{}` in the body reduces a number", inner.op_type);
        return Err(node.attribute_error("body", ATTRIBUTE_INVALID, message).into());
    }
    inner.attribute.retain(|attribute| attribute.name != "axes");
    let since_input = if inner.op_type == "ReduceSum" { 13 } else { 18 };
    if version >= since_input {
        return Ok((inner, vec![Some(data), Some(known(Tensor::integers(axes)))]));
    }
    inner.attribute.push(AttributeProto {
        name: "axes".to_owned(),
        r#type: AttributeType::Ints.into(),
        ints: axes,
        ..Default::default()
    });
    Ok((inner, vec![Some(data)]))
}
