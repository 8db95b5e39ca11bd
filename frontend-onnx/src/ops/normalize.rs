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
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static LP_NORMALIZATION: Operator = Operator {
    domain: "ai.onnx",
    name: "LpNormalization",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis", "p"],
    supported: "along any axis, not across rows",
    import,
};

pub(super) static NORMALIZER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "Normalizer",
    since: 1,
    inputs: 1..=1,
    attributes: &["norm"],
    supported: "everything",
    import: import_normalizer,
};

/// What a row is divided by.
#[derive(Clone, Copy, Debug)]
enum Norm {
    Greatest,
    Sum,
    Root,
}

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let shape = importer.module.shape(input).0.clone();
    let axis = node.axis(node.int("axis")?.unwrap_or(-1), shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    let norm = match node.int("p")?.unwrap_or(2) {
        1 => Norm::Sum,
        2 => Norm::Root,
        p => {
            let message = format!("`LpNormalization` knows the norms 1 and 2, not {p}");
            return Err(node.attribute_error("p", ATTRIBUTE_INVALID, message).into());
        }
    };
    let rows = importer.axis_last(input, axis, node.origin);
    let rows = divided(importer, node, rows, norm)?;
    Ok(vec![Operand::Value(importer.axis_back(rows, axis, node.origin))])
}

fn import_normalizer(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let norm = match node.string("norm")?.as_deref() {
        None | Some("MAX") => Norm::Greatest,
        Some("L1") => Norm::Sum,
        Some("L2") => Norm::Root,
        Some(_) => {
            let message = "`Normalizer` knows the norms MAX, L1 and L2";
            return Err(node.attribute_error("norm", ATTRIBUTE_INVALID, message).into());
        }
    };
    let input = importer.cast(input, ElementType::F32, node.origin);
    Ok(vec![Operand::Value(divided(importer, node, input, norm)?)])
}

/// Each row divided by its norm, or by 1 where that is 0.
fn divided(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    rows: Value,
    norm: Norm,
) -> Imported<Value> {
    let origin = node.origin;
    let norm = match norm {
        Norm::Greatest => importer.reduce(Reduction::Maximum, rows, origin),
        Norm::Sum => {
            let magnitudes = importer.unary(Unary::Absolute, rows, origin);
            importer.reduce(Reduction::Sum, magnitudes, origin)
        }
        Norm::Root => {
            let squares = importer.binary(node, Binary::Multiply, rows, rows)?;
            let sum = importer.reduce(Reduction::Sum, squares, origin);
            importer.unary(Unary::SquareRoot, sum, origin)
        }
    };
    let mut column = importer.module.shape(norm).0.clone();
    column.push(1);
    let norm = importer.reshape(norm, &column, origin);
    let elem = importer.module.ty(rows).elem;
    let zero = importer.scalar(0.0, elem, origin);
    let one = importer.scalar(1.0, elem, origin);
    let is_zero = importer.compare(node, Relation::Equal, norm, zero)?;
    let divisor = importer.select(node, is_zero, one, norm)?;
    importer.binary(node, Binary::Divide, rows, divisor)
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
