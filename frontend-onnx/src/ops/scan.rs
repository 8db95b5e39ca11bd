//! Scan (ai.onnx 9 to 28): a body that is computed once for each element along
//! an axis of some operands, which must be known; skl2onnx computes the distances
//! to all points of the training data with it.
//!
//! Of the operands the last `num_scan_inputs` are scanned, and the others are
//! the state before the first step. The body makes the next state and one
//! element of each scanned result.
//!
//! A body that keeps its state and computes element by element, or reduces
//! axes, is imported once, with the steps as one more axis ([`mapped`]). Any
//! other is imported once for each step, up to [`STEP_NODES_MAX`] nodes.

mod mapped;
mod steps;
#[cfg(test)]
mod tests;

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, OPERAND_COUNT, TYPE_MISMATCH};
use skxc_ir::Value;

use super::Operator;
use crate::body::Body;
use crate::import::{Importer, known};
use crate::listing::counted;
use crate::node::{Imported, Node, Operand};

#[cfg(doc)]
use crate::limits::STEP_NODES_MAX;

pub(super) static SCAN: Operator = Operator {
    domain: "ai.onnx",
    name: "Scan",
    since: 9,
    inputs: 1..=usize::MAX,
    attributes: &[
        "body",
        "num_scan_inputs",
        "scan_input_axes",
        "scan_input_directions",
        "scan_output_axes",
        "scan_output_directions",
    ],
    supported: "not within another; a limited number of steps",
    import,
};

/// A loop whose operands fit its body.
struct Loop<'b> {
    body: Body<'b>,
    /// The state before the first step.
    states: Vec<Operand>,
    /// What is scanned, in the order of the steps along the first axis.
    scanned: Vec<Operand>,
    /// The number of steps.
    steps: u32,
    /// Where the steps are in each scanned result.
    results: Vec<Along>,
}

/// How an operand or a result is passed along.
#[derive(Clone, Copy, Debug)]
struct Along {
    axis: i64,
    is_reversed: bool,
}

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let scan = read(importer, node)?;
    if mapped::is_mappable(&scan.body, scan.states.len()) {
        mapped::import(importer, node, &scan)
    } else {
        steps::import(importer, node, &scan)
    }
}

fn read<'b>(importer: &mut Importer<'_>, node: &Node<'b>) -> Imported<Loop<'b>> {
    let body = Body::read(importer, node, "body")?;
    let count = node.int("num_scan_inputs")?.ok_or_else(|| node.missing("num_scan_inputs"))?;
    let all = node.operands.len();
    let count = usize::try_from(count).ok().filter(|count| (1..=all).contains(count));
    let count = count.ok_or_else(|| {
        let message = format!("`num_scan_inputs` must be 1 to {all}, the number of inputs");
        node.attribute_error("num_scan_inputs", ATTRIBUTE_INVALID, message)
    })?;
    let states = all - count;
    let (inputs, outputs) = (body.graph.input.len(), body.graph.output.len());
    if inputs != all || outputs < states {
        let message = format!(
            "the body has {} and {}, for {} and {}",
            counted(inputs, "input"),
            counted(outputs, "output"),
            counted(all, "operand"),
            counted(states, "state"),
        );
        return Err(node.attribute_error("body", OPERAND_COUNT, message).into());
    }
    let operands = (0..all).map(|position| node.operand(position).cloned());
    let mut operands = operands.collect::<Imported<Vec<_>>>()?;
    let along = along(node, "scan_input_axes", "scan_input_directions", count)?;
    let results = along_results(node, outputs - states)?;
    let mut steps = None;
    let mut scanned = Vec::with_capacity(count);
    for (operand, along) in operands.drain(states..).zip(along) {
        let (operand, extent) = in_order(importer, node, operand, along)?;
        if *steps.get_or_insert(extent) != extent {
            let message = "`Scan` passes along axes of different extents";
            return Err(node.error(TYPE_MISMATCH, message).into());
        }
        scanned.push(operand);
    }
    let steps = steps
        .filter(|&steps| steps > 0)
        .ok_or_else(|| node.error(TYPE_MISMATCH, "`Scan` passes along an axis without elements"))?;
    Ok(Loop { body, states: operands, scanned, steps, results })
}

fn along_results(node: &Node<'_>, count: usize) -> Imported<Vec<Along>> {
    along(node, "scan_output_axes", "scan_output_directions", count)
}

/// The axes and directions of `count` operands or results; by default the first
/// axis, forward.
fn along(node: &Node<'_>, axes: &str, directions: &str, count: usize) -> Imported<Vec<Along>> {
    let lists = [(axes, node.ints(axes)?), (directions, node.ints(directions)?)];
    for (name, list) in lists {
        if !list.is_empty() {
            let why = counted(count, "scanned value");
            node.check_length(name, list.len(), count, &why)?;
        }
    }
    let [(_, axes), (_, directions)] = lists;
    let along = |at: usize| Along {
        axis: axes.get(at).copied().unwrap_or(0),
        is_reversed: directions.get(at).copied().unwrap_or(0) != 0,
    };
    Ok((0..count).map(along).collect())
}

/// An operand with the steps along its first axis, and their number.
fn in_order(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    operand: Operand,
    along: Along,
) -> Imported<(Operand, u32)> {
    let shape = shape_of(importer, node, &operand)?;
    let axis = node.axis(along.axis, shape.len())?;
    let inner: u32 = shape[axis + 1..].iter().product();
    let (outer, extent): (u32, u32) = (shape[..axis].iter().product(), shape[axis]);
    let rest = shape[..axis].iter().chain(&shape[axis + 1..]);
    let to: Vec<u32> = [extent].iter().chain(rest).copied().collect();
    if axis == 0 && !along.is_reversed {
        return Ok((operand, extent));
    }
    let picked = (0..extent).flat_map(|step| {
        let step = if along.is_reversed { extent - 1 - step } else { step };
        (0..outer).flat_map(move |outer| {
            let start = (outer * extent + step) * inner;
            start..start + inner
        })
    });
    Ok((pick(importer, node, &operand, picked.collect(), to), extent))
}

/// The elements of an operand at `picked`, of the shape `shape`.
fn pick(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    operand: &Operand,
    picked: Vec<u32>,
    shape: Vec<u32>,
) -> Operand {
    match operand {
        Operand::Constant(tensor) => {
            let picked: Vec<usize> = picked.into_iter().map(|at| at as usize).collect();
            known(tensor.pick(shape, &picked))
        }
        Operand::Value(value) => Operand::Value(importer.pick(*value, picked, &shape, node.origin)),
        Operand::Results(_) | Operand::Refused => operand.clone(),
    }
}

fn shape_of(importer: &Importer<'_>, node: &Node<'_>, operand: &Operand) -> Imported<Vec<u32>> {
    match operand {
        Operand::Value(value) => Ok(importer.module.shape(*value).0.clone()),
        Operand::Constant(tensor) => Ok(tensor.shape.clone()),
        Operand::Results(_) | Operand::Refused => {
            let message = format!("`{}` cannot read a map or a sequence", node.name());
            Err(node.error(TYPE_MISMATCH, message).into())
        }
    }
}

/// A scanned result, given the values of all steps along its first axis.
fn placed(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    stacked: Value,
    along: Along,
) -> Imported<Value> {
    let shape = importer.module.shape(stacked).0.clone();
    let axis = node.axis(along.axis, shape.len())?;
    let stacked = if along.is_reversed {
        let inner: u32 = shape[1..].iter().product();
        let picked = (0..shape[0]).rev().flat_map(|step| step * inner..(step + 1) * inner);
        importer.pick(stacked, picked.collect(), &shape, node.origin)
    } else {
        stacked
    };
    let order: Vec<usize> = (1..=axis).chain([0]).chain(axis + 1..shape.len()).collect();
    Ok(importer.permute(stacked, &order, node.origin))
}
