//! CumSum (ai.onnx 11 to 28): running sums along an axis, from its end if
//! `reverse` is set, without the element itself if `exclusive` is.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, TYPE_MISMATCH};
use skxc_ir::{ElementType, RealOp, Type, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static CUM_SUM: Operator = Operator {
    domain: "ai.onnx",
    name: "CumSum",
    since: 11,
    inputs: 2..=2,
    attributes: &["exclusive", "reverse"],
    supported: "along a constant axis, not across rows",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let ty = importer.module.ty(input).clone();
    if ty.elem == ElementType::Bool {
        let message = "`CumSum` needs numbers, not truth values";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let &[axis] = node.constant_integers(1, "axis")? else {
        let message = "`CumSum` needs one axis";
        return Err(node.operand_error(1, ATTRIBUTE_INVALID, message).into());
    };
    let axis = node.axis(axis, ty.shape.0.len())?;
    importer.check_axis(node, &ty.shape.0, axis)?;
    let reverses = node.int("reverse")?.unwrap_or(0) != 0;
    let excludes = node.int("exclusive")?.unwrap_or(0) != 0;
    let mut rows = importer.axis_last(input, axis, node.origin);
    if reverses {
        rows = along_rows(importer, node, rows, |at, extent| extent - 1 - at);
    }
    let ty = importer.module.ty(rows).clone();
    rows = importer.module.push(RealOp::CumulativeSum { input: rows }, ty, node.origin);
    if excludes {
        rows = shifted(importer, node, rows)?;
    }
    if reverses {
        rows = along_rows(importer, node, rows, |at, extent| extent - 1 - at);
    }
    Ok(vec![Operand::Value(importer.axis_back(rows, axis, node.origin))])
}

/// Each row with its elements at the positions that `from` names.
fn along_rows(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    rows: Value,
    from: impl Fn(u32, u32) -> u32,
) -> Value {
    let shape = importer.module.shape(rows).0.clone();
    let extent = shape.last().copied().unwrap_or(1);
    let picked = (0..shape.iter().product()).map(|at| at - at % extent + from(at % extent, extent));
    importer.pick(rows, picked.collect(), &shape, node.origin)
}

/// Each row moved by one, with a 0 in front.
fn shifted(importer: &mut Importer<'_>, node: &Node<'_>, rows: Value) -> Imported<Value> {
    let ty = importer.module.ty(rows).clone();
    let count: u32 = ty.shape.0.iter().product();
    let extent = ty.shape.0.last().copied().unwrap_or(1);
    let flat = importer.reshape(rows, &[1, count], node.origin);
    let zero = importer.constant_of(vec![0.0], Type::new(ty.elem, &[1, 1]), node.origin);
    let inputs = vec![zero, flat];
    let joined = Type::new(ty.elem, &[1, count + 1]);
    let joined = importer.module.push(RealOp::Concat { inputs }, joined, node.origin);
    let picked = (0..count).map(|at| if at % extent == 0 { 0 } else { at }).collect();
    Ok(importer.pick(joined, picked, &ty.shape.0, node.origin))
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, with_integers};

    #[test]
    fn sums_run_along_the_axis() {
        let sums = |node| with_integers(model(3, vec![node], &["Y"]), "axis", &[1]);
        let plain = node("CumSum", &["X", "axis"], &["Y"]);
        assert_eq!(operations(&sums(plain.clone()))[1], "%1 = cumulative_sum %0 : f32[1x3]");
        let expected = [
            "%1 = gather %0 [2, 1, 0] : f32[1x3]",
            "%2 = cumulative_sum %1 : f32[1x3]",
            "%3 = constant @w0 : f32[1x1]",
            "%4 = concat [%3, %2] : f32[1x4]",
            "%5 = gather %4 [0, 1, 2] : f32[1x3]",
            "%6 = gather %5 [2, 1, 0] : f32[1x3]",
        ];
        let both = plain.int("exclusive", 1).int("reverse", 1);
        assert_eq!(operations(&sums(both))[1..7], expected);
    }
}
