//! Softmax, LogSoftmax and Hardmax (ai.onnx 1 to 28).
//!
//! Before operator set 13 the operand counts as a matrix: the axes before
//! `axis` (1 by default) are its rows, the others its columns, and a row is
//! normalised as a whole. Since then `axis` (the last by default) is normalised.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, RealOp, Reduction, Type, Unary, Value};

use super::Operator;
use super::one_hot::is_at;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static SOFTMAX: Operator = Operator {
    domain: "ai.onnx",
    name: "Softmax",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis"],
    supported: "along any axis, not across rows",
    import: |importer, node| along_axis(importer, node, softmax),
};

pub(super) static LOG_SOFTMAX: Operator = Operator {
    domain: "ai.onnx",
    name: "LogSoftmax",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis"],
    supported: "along any axis, not across rows",
    import: |importer, node| along_axis(importer, node, log_softmax),
};

pub(super) static HARDMAX: Operator = Operator {
    domain: "ai.onnx",
    name: "Hardmax",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis"],
    supported: "along any axis, not across rows",
    import: |importer, node| along_axis(importer, node, hardmax),
};

/// A function of each row along the last axis.
type OfRows = fn(&mut Importer<'_>, &Node<'_>, Value) -> Imported<Value>;

fn along_axis(importer: &mut Importer<'_>, node: &Node<'_>, function: OfRows) -> Imported {
    let input = importer.floats(node, 0)?;
    let shape = importer.module.shape(input).0.clone();
    let default = if node.version < 13 { 1 } else { -1 };
    let axis = node.int("axis")?.unwrap_or(default);
    if node.version < 13 {
        let axis =
            if axis == shape.len() as i64 { shape.len() } else { node.axis(axis, shape.len())? };
        let matrix = [shape[..axis].iter().product(), shape[axis..].iter().product()];
        let rows = importer.reshape(input, &matrix, node.origin);
        let rows = function(importer, node, rows)?;
        let value = importer.reshape(rows, &shape, node.origin);
        return Ok(vec![Operand::Value(value)]);
    }
    let axis = node.axis(axis, shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    let rows = importer.axis_last(input, axis, node.origin);
    let rows = function(importer, node, rows)?;
    Ok(vec![Operand::Value(importer.axis_back(rows, axis, node.origin))])
}

fn softmax(importer: &mut Importer<'_>, node: &Node<'_>, input: Value) -> Imported<Value> {
    let ty = importer.module.ty(input).clone();
    Ok(importer.module.push(RealOp::Softmax { input }, ty, node.origin))
}

/// `(x - m) - ln(sum of e^(x - m))` with `m` the greatest element.
fn log_softmax(importer: &mut Importer<'_>, node: &Node<'_>, input: Value) -> Imported<Value> {
    let mut column = importer.module.shape(input).0.clone();
    if let Some(last) = column.last_mut() {
        *last = 1;
    }
    let greatest = importer.reduce(Reduction::Maximum, input, node.origin);
    let greatest = importer.reshape(greatest, &column, node.origin);
    let below = importer.binary(node, Binary::Subtract, input, greatest)?;
    let powers = importer.unary(Unary::Exp, below, node.origin);
    let sum = importer.reduce(Reduction::Sum, powers, node.origin);
    let log = importer.unary(Unary::Log, sum, node.origin);
    let log = importer.reshape(log, &column, node.origin);
    importer.binary(node, Binary::Subtract, below, log)
}

/// 1 at the first of the greatest elements, else 0.
fn hardmax(importer: &mut Importer<'_>, node: &Node<'_>, input: Value) -> Imported<Value> {
    let ty = importer.module.ty(input).clone();
    let Some((&extent, leading)) = ty.shape.0.split_last() else {
        let message = "`Hardmax` of a number, not of an axis";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let index = Type::new(ElementType::I64, leading);
    let index = importer.module.push(RealOp::ArgMax { input }, index, node.origin);
    let column: Vec<u32> = leading.iter().copied().chain([1]).collect();
    let index = importer.reshape(index, &column, node.origin);
    let is_greatest = is_at(importer, node, index, leading.len(), extent)?;
    Ok(importer.cast(is_greatest, ty.elem, node.origin))
}

#[cfg(test)]
mod tests {
    use crate::proto::ModelProto;
    use crate::testing::{WithAttributes, model, node, operations, said, with_integers};

    fn of_cube(axis: i64) -> ModelProto {
        let nodes = vec![
            node("Reshape", &["X", "shape"], &["m"]),
            node("Softmax", &["m"], &["Y"]).int("axis", axis),
        ];
        with_integers(model(6, nodes, &["Y"]), "shape", &[1, 2, 3])
    }

    #[test]
    fn one_axis_is_normalised_since_operator_set_13() {
        assert_eq!(operations(&of_cube(2))[2], "%2 = softmax %1 : f32[1x2x3]");
        assert_eq!(operations(&of_cube(1))[5], "%5 = softmax %4 : f32[1x3x2]");
        let rows = node("Softmax", &["X"], &["Y"]).int("axis", 0);
        assert_eq!(
            said(&model(3, vec![rows], &["Y"])),
            ["SKX0108: `Softmax` along axis 0 is not supported"]
        );
    }

    #[test]
    fn all_axes_behind_are_normalised_before() {
        let mut old = of_cube(1);
        old.opset_import[0].version = 12;
        let expected = [
            "%2 = reshape %1 : f32[1x6]",
            "%3 = softmax %2 : f32[1x6]",
            "%4 = reshape %3 : f32[1x2x3]",
        ];
        assert_eq!(operations(&old)[2..5], expected);
    }
}
