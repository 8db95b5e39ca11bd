//! GatherElements (ai.onnx 11 to 28): along an axis, each element of the result
//! is the one at the position that the second operand holds there.
//!
//! Decision: a computed position outside the axis, which is an error in ONNX
//! Runtime, counts as the nearest inside; a negative one counts from the end.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{RealOp, Type};

use super::Operator;
use super::gather::position;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static GATHER_ELEMENTS: Operator = Operator {
    domain: "ai.onnx",
    name: "GatherElements",
    since: 11,
    inputs: 2..=2,
    attributes: &["axis"],
    supported: "where the other axes of both operands agree, not across rows",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let data = importer.value(node, 0)?;
    let shape = importer.module.shape(data).0.clone();
    let axis = node.axis(node.int("axis")?.unwrap_or(0), shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    let indices = position(importer, node, 1, shape[axis])?;
    let mut expected = importer.module.shape(indices).0.clone();
    if let Some(extent) = expected.get_mut(axis) {
        *extent = shape[axis];
    }
    if expected != shape {
        let (a, b) = (importer.module.ty(data), importer.module.ty(indices));
        let message = format!("`GatherElements` of `{a}` at `{b}` is not supported");
        return Err(node.operand_error(1, TYPE_MISMATCH, message).into());
    }
    let rows = importer.axis_last(data, axis, node.origin);
    let indices = importer.axis_last(indices, axis, node.origin);
    let ty =
        Type { elem: importer.module.ty(rows).elem, shape: importer.module.shape(indices).clone() };
    let op = RealOp::TakeAlong { input: rows, indices };
    let taken = importer.module.push(op, ty, node.origin);
    Ok(vec![Operand::Value(importer.axis_back(taken, axis, node.origin))])
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said};

    #[test]
    fn elements_are_taken_along_the_axis() {
        let nodes = vec![
            node("ArgMax", &["X"], &["i"]).int("axis", 1),
            node("GatherElements", &["X", "i"], &["Y"]).int("axis", 1),
        ];
        assert_eq!(operations(&model(3, nodes, &["Y"]))[3], "%3 = take_along %0, %2 : f32[1x1]");
        let nodes = vec![
            node("ArgMax", &["X"], &["i"]).int("axis", 1).int("keepdims", 0),
            node("GatherElements", &["X", "i"], &["Y"]).int("axis", 1),
        ];
        assert_eq!(
            said(&model(3, nodes, &["Y"])),
            ["SKX0107: `GatherElements` of `f32[1x3]` at `i64[1]` is not supported"]
        );
    }
}
