//! LpNormalization (ai.onnx 1 to 28) and Normalizer (ai.onnx.ml 1): elements
//! divided by the norm of their row. A row whose norm is 0 stays 0.
//!
//! Decision: with MAX, Normalizer divides by the greatest element, not by the
//! greatest magnitude, and leaves a row alone where that is 0, as ONNX Runtime
//! does (normalizer.cc, `NormalizeMax`). Its result is `float` whatever its
//! operand is.

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;
use skxc_ir::{Binary, ElementType, Reduction, Relation, Unary, Value};

use super::Operator;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Operand};

pub(super) static LP_NORMALIZATION: Operator = Operator {
    domain: "ai.onnx",
    name: "LpNormalization",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis", "p"],
    supported: "along any axis, not across rows",
    lower,
};

pub(super) static NORMALIZER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "Normalizer",
    since: 1,
    inputs: 1..=1,
    attributes: &["norm"],
    supported: "everything",
    lower: lower_normalizer,
};

/// What a row is divided by.
#[derive(Clone, Copy, Debug)]
enum Norm {
    Greatest,
    Sum,
    Root,
}

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let input = lowering.floats(node, 0)?;
    let shape = lowering.module.shape(input).0.clone();
    let axis = node.axis(node.int("axis")?.unwrap_or(-1), shape.len())?;
    lowering.check_axis(node, &shape, axis)?;
    let norm = match node.int("p")?.unwrap_or(2) {
        1 => Norm::Sum,
        2 => Norm::Root,
        p => {
            let message = format!("`LpNormalization` knows the norms 1 and 2, not {p}");
            return Err(node.attribute_error("p", ATTRIBUTE_INVALID, message).into());
        }
    };
    let rows = lowering.axis_last(input, axis, node.origin);
    let rows = divided(lowering, node, rows, norm)?;
    Ok(vec![Operand::Value(lowering.axis_back(rows, axis, node.origin))])
}

fn lower_normalizer(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let input = lowering.numbers(node, 0)?;
    let norm = match node.string("norm")?.as_deref() {
        None | Some("MAX") => Norm::Greatest,
        Some("L1") => Norm::Sum,
        Some("L2") => Norm::Root,
        Some(_) => {
            let message = "`Normalizer` knows the norms MAX, L1 and L2";
            return Err(node.attribute_error("norm", ATTRIBUTE_INVALID, message).into());
        }
    };
    let input = lowering.cast(input, ElementType::F32, node.origin);
    Ok(vec![Operand::Value(divided(lowering, node, input, norm)?)])
}

/// Each row divided by its norm, or by 1 where that is 0.
fn divided(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    rows: Value,
    norm: Norm,
) -> Lowered<Value> {
    let origin = node.origin;
    let norm = match norm {
        Norm::Greatest => lowering.reduce(Reduction::Maximum, rows, origin),
        Norm::Sum => {
            let magnitudes = lowering.unary(Unary::Absolute, rows, origin);
            lowering.reduce(Reduction::Sum, magnitudes, origin)
        }
        Norm::Root => {
            let squares = lowering.binary(node, Binary::Multiply, rows, rows)?;
            let sum = lowering.reduce(Reduction::Sum, squares, origin);
            lowering.unary(Unary::SquareRoot, sum, origin)
        }
    };
    let mut column = lowering.module.shape(norm).0.clone();
    column.push(1);
    let norm = lowering.reshape(norm, &column, origin);
    let elem = lowering.module.ty(rows).elem;
    let zero = lowering.scalar(0.0, elem, origin);
    let one = lowering.scalar(1.0, elem, origin);
    let is_zero = lowering.compare(node, Relation::Equal, norm, zero)?;
    let divisor = lowering.select(node, is_zero, one, norm)?;
    lowering.binary(node, Binary::Divide, rows, divisor)
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said};

    #[test]
    fn rows_are_divided_by_their_norm() {
        let norm = node("LpNormalization", &["X"], &["Y"]).int("p", 1);
        let expected = [
            "%1 = absolute %0 : f32[1x3]",
            "%2 = reduce_sum %1 : f32[1]",
            "%3 = reshape %2 : f32[1x1]",
            "%4 = constant @w0 : f32[]",
            "%5 = constant @w1 : f32[]",
            "%6 = equal %3, %4 : bool[1x1]",
            "%7 = select %6, %5, %3 : f32[1x1]",
            "%8 = divide %0, %7 : f32[1x3]",
        ];
        assert_eq!(operations(&model(3, vec![norm], &["Y"]))[1..9], expected);
    }

    #[test]
    fn norms_are_named() {
        let greatest = node("Normalizer", &["X"], &["Y"]);
        assert_eq!(
            operations(&model(3, vec![greatest.clone()], &["Y"]))[1],
            "%1 = reduce_maximum %0 : f32[1]"
        );
        let other = greatest.string("norm", "L3");
        assert_eq!(
            said(&model(3, vec![other], &["Y"])),
            ["SKX0104: `Normalizer` knows the norms MAX, L1 and L2"]
        );
        let other = node("LpNormalization", &["X"], &["Y"]).int("p", 3);
        assert_eq!(
            said(&model(3, vec![other], &["Y"])),
            ["SKX0104: `LpNormalization` knows the norms 1 and 2, not 3"]
        );
    }
}
