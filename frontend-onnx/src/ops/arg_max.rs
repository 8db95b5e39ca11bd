//! ArgMax and ArgMin (ai.onnx 1 to 28): the position of the greatest or the
//! least element along an axis.
//!
//! The first of equals wins, unless `select_last_index` is set; before operator
//! set 12 the specification left it open and ONNX Runtime took the first.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, Extreme, RealOp, Type};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static ARG_MAX: Operator = Operator {
    domain: "ai.onnx",
    name: "ArgMax",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis", "keepdims", "select_last_index"],
    supported: "along any axis, not across rows",
    import: |importer, node| import(importer, node, Extreme::Greatest),
};

pub(super) static ARG_MIN: Operator = Operator {
    domain: "ai.onnx",
    name: "ArgMin",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis", "keepdims", "select_last_index"],
    supported: "along any axis, not across rows",
    import: |importer, node| import(importer, node, Extreme::Least),
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>, end: Extreme) -> Imported {
    let input = importer.numbers(node, 0)?;
    let ty = importer.module.ty(input).clone();
    if ty.elem == ElementType::Bool || ty.shape.0.is_empty() || ty.shape.0.contains(&0) {
        let message = format!("`{}` needs numbers along an axis, not `{ty}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let mut shape = ty.shape.0;
    let axis = node.axis(node.int("axis")?.unwrap_or(0), shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    let mut rows = importer.axis_last(input, axis, node.origin);
    let extent = shape[axis];
    let takes_last = node.int("select_last_index")?.unwrap_or(0) != 0;
    if takes_last {
        rows = reversed(importer, node, rows);
    }
    let mut leading = importer.module.shape(rows).0.clone();
    leading.pop();
    let op = match end {
        Extreme::Greatest => RealOp::ArgMax { input: rows },
        Extreme::Least => RealOp::ArgMin { input: rows },
    };
    let index = Type::new(ElementType::I64, &leading);
    let mut index = importer.module.push(op, index, node.origin);
    if takes_last {
        let last = importer.scalar((extent - 1).into(), ElementType::I64, node.origin);
        index = importer.binary(node, Binary::Subtract, last, index)?;
    } else {
        importer.classes.insert(index, extent);
    }
    if node.int("keepdims")?.unwrap_or(1) != 0 {
        shape[axis] = 1;
        index = importer.reshape(index, &shape, node.origin);
    }
    Ok(vec![Operand::Value(index)])
}

/// Each row from its end.
fn reversed(importer: &mut Importer<'_>, node: &Node<'_>, rows: skxc_ir::Value) -> skxc_ir::Value {
    let shape = importer.module.shape(rows).0.clone();
    let extent = shape.last().copied().unwrap_or(1);
    let count = u32::try_from(importer.module.shape(rows).elements());
    let count = count.expect("the limits bound every extent");
    let picked = (0..count).map(|at| at - at % extent + (extent - 1 - at % extent)).collect();
    importer.pick(rows, picked, &shape, node.origin)
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said};

    #[test]
    fn the_index_is_a_label() {
        let best = node("ArgMax", &["X"], &["Y"]).int("axis", 1).int("keepdims", 0);
        let expected = [
            "%0 = input [c0, c1, c2] : f32[1x3]",
            "%1 = argmax %0 : i64[1]",
            "%2 = label @l0, %1 : label(@l0)[1]",
            "output \"Y\" label %2",
        ];
        assert_eq!(operations(&model(3, vec![best], &["Y"])), expected);
    }

    #[test]
    fn the_last_of_equals_is_the_first_from_the_end() {
        let best = node("ArgMin", &["X"], &["Y"])
            .int("axis", -1)
            .int("keepdims", 0)
            .int("select_last_index", 1);
        let expected = [
            "%1 = gather %0 [2, 1, 0] : f32[1x3]",
            "%2 = argmin %1 : i64[1]",
            "%3 = constant @w0 : i64[]",
            "%4 = subtract %3, %2 : i64[1]",
            "%5 = label @l0, %2 : label(@l0)[1]",
        ];
        assert_eq!(operations(&model(3, vec![best], &["Y"]))[1..6], expected);
    }

    #[test]
    fn rows_are_not_compared() {
        let rows = node("ArgMax", &["X"], &["Y"]);
        assert_eq!(
            said(&model(3, vec![rows], &["Y"])),
            ["SKX0108: `ArgMax` along axis 0 is not supported"]
        );
        let far = node("ArgMax", &["X"], &["Y"]).int("axis", i64::MIN);
        let said = said(&model(3, vec![far], &["Y"]));
        assert!(said[0].starts_with("SKX0104: axis -9223372036854775808 is not"), "{said:?}");
    }
}
