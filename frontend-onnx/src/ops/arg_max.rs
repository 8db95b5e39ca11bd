//! ArgMax (ai.onnx 1 to 28) along the scores of a row.
//!
//! The result is the index of a class. The first of equals wins, which is
//! `select_last_index` = 0 and the default since operator set 12; before, the
//! specification left it open and ONNX Runtime took the first.

use skxc_diagnostics::codes::{TYPE_MISMATCH, UNSUPPORTED_FORM};
use skxc_ir::{ElementType, RealOp, Type};

use super::Operator;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Operand};

pub(super) static ARG_MAX: Operator = Operator {
    domain: "ai.onnx",
    name: "ArgMax",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis", "keepdims", "select_last_index"],
    supported: "along axis 1 of a matrix, first of equals",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let input = lowering.value(node, 0)?;
    let ty = lowering.module.ty(input).clone();
    let [1, width] = ty.shape.0[..] else {
        let message = format!("`ArgMax` needs a row of scores, not `{ty}`");
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let axis = node.axis(node.int("axis")?.unwrap_or(0), 2)?;
    if axis == 0 {
        let message = "`ArgMax` along axis 0 compares rows, and skxc sees one row at a time";
        return Err(node.attribute_error("axis", UNSUPPORTED_FORM, message).into());
    }
    if node.int("select_last_index")?.unwrap_or(0) != 0 {
        let message = "`ArgMax` with `select_last_index` is not supported";
        return Err(node.attribute_error("select_last_index", UNSUPPORTED_FORM, message).into());
    }
    if matches!(ty.elem, ElementType::Label(_)) {
        let message = "`ArgMax` cannot compare labels";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let index = Type::new(ElementType::I64, &[1]);
    let mut index = lowering.module.push(RealOp::ArgMax { input }, index, node.origin);
    lowering.classes.insert(index, width);
    if node.int("keepdims")?.unwrap_or(1) != 0 {
        index = lowering.reshape(index, &[1, 1], node.origin);
    }
    Ok(vec![Operand::Value(index)])
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
    fn other_forms_are_refused() {
        let rows = node("ArgMax", &["X"], &["Y"]);
        assert_eq!(
            said(&model(3, vec![rows.clone()], &["Y"])),
            ["SKX0108: `ArgMax` along axis 0 compares rows, and skxc sees one row at a time"]
        );
        let last = rows.int("axis", -1).int("select_last_index", 1);
        assert_eq!(
            said(&model(3, vec![last], &["Y"])),
            ["SKX0108: `ArgMax` with `select_last_index` is not supported"]
        );
        let far = node("ArgMax", &["X"], &["Y"]).int("axis", i64::MIN);
        let said = said(&model(3, vec![far], &["Y"]));
        assert!(said[0].starts_with("SKX0104: axis -9223372036854775808 is not"), "{said:?}");
    }
}
