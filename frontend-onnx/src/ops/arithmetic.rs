//! Functions of two elements and more, with broadcasting: Add, Sub, Mul, Div
//! (ai.onnx 7 to 28), Pow (7), Min, Max, Sum, Mean (8), And, Or, Xor (7).
//!
//! Decisions:
//! - sums of several operands are added from the left, as ONNX Runtime does
//!   (element_wise_ops.cc, `Sum_8`), and the mean divides by their number last;
//! - Pow with the constant exponent 2 or 3 multiplies, as ONNX Runtime does
//!   (element_wise_ops.cc, `PowImpl`); otherwise an exponent of another type is
//!   cast to that of the base, and powers of integers are computed in `f64`.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, RealOp, Value};

use super::Operator;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Operand};
use crate::tensor::Data;

macro_rules! function {
    ($name:ident, $onnx:literal, $since:literal, $inputs:expr, $lower:expr) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: $onnx,
            since: $since,
            inputs: $inputs,
            attributes: &[],
            supported: "everything",
            lower: $lower,
        };
    };
}

function!(ADD, "Add", 7, 2..=2, |lowering, node| numbers(lowering, node, Binary::Add));
function!(SUB, "Sub", 7, 2..=2, |lowering, node| numbers(lowering, node, Binary::Subtract));
function!(MUL, "Mul", 7, 2..=2, |lowering, node| numbers(lowering, node, Binary::Multiply));
function!(DIV, "Div", 7, 2..=2, lower_div);
function!(POW, "Pow", 7, 2..=2, lower_pow);
function!(MIN, "Min", 8, 1..=usize::MAX, |lowering, node| numbers(lowering, node, Binary::Minimum));
function!(MAX, "Max", 8, 1..=usize::MAX, |lowering, node| numbers(lowering, node, Binary::Maximum));
function!(SUM, "Sum", 8, 1..=usize::MAX, |lowering, node| numbers(lowering, node, Binary::Add));
function!(MEAN, "Mean", 8, 1..=usize::MAX, lower_mean);
function!(AND, "And", 7, 2..=2, |lowering, node| logical(lowering, node, Binary::And));
function!(OR, "Or", 7, 2..=2, |lowering, node| logical(lowering, node, Binary::Or));
function!(XOR, "Xor", 7, 2..=2, |lowering, node| logical(lowering, node, Binary::Xor));

fn numbers(lowering: &mut Lowering<'_>, node: &Node<'_>, function: Binary) -> Lowered {
    Ok(vec![Operand::Value(joined(lowering, node, function)?)])
}

/// All operands joined from the left.
fn joined(lowering: &mut Lowering<'_>, node: &Node<'_>, function: Binary) -> Lowered<Value> {
    let mut value = lowering.numbers(node, 0)?;
    for position in 1..node.operands.len() {
        let next = lowering.numbers(node, position)?;
        if lowering.module.ty(next).elem == ElementType::Bool {
            let message = format!("`{}` needs numbers, not truth values", node.name());
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
        value = lowering.binary(node, function, value, next)?;
    }
    Ok(value)
}

fn logical(lowering: &mut Lowering<'_>, node: &Node<'_>, function: Binary) -> Lowered {
    let (a, b) = (lowering.value(node, 0)?, lowering.value(node, 1)?);
    for (position, value) in [a, b].into_iter().enumerate() {
        let ty = lowering.module.ty(value);
        if ty.elem != ElementType::Bool {
            let message = format!("`{}` needs truth values, not `{ty}`", node.name());
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
    }
    Ok(vec![Operand::Value(lowering.binary(node, function, a, b)?)])
}

/// A quotient of integers is whole, and a division by 0 has no result in ONNX:
/// it is refused if the divisor is not known.
fn lower_div(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    if let Operand::Constant(divisor) = node.operand(1)?
        && let Data::Integers(elements) = &divisor.data
        && elements.contains(&0)
    {
        let message = "`Div` of integers by 0";
        return Err(node.operand_error(1, TYPE_MISMATCH, message).into());
    }
    numbers(lowering, node, Binary::Divide)
}

fn lower_mean(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let sum = joined(lowering, node, Binary::Add)?;
    let elem = lowering.module.ty(sum).elem;
    if !elem.is_float() {
        let message = "`Mean` needs `float` or `double`";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let count = lowering.scalar(node.operands.len() as f64, elem, node.origin);
    Ok(vec![Operand::Value(lowering.binary(node, Binary::Divide, sum, count)?)])
}

fn lower_pow(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let base = lowering.numbers(node, 0)?;
    let elem = lowering.module.ty(base).elem;
    let exponent = lowering.numbers(node, 1)?;
    if let Some(factors) = small_power(lowering, exponent) {
        let mut power = base;
        for _ in 1..factors {
            power = lowering.binary(node, Binary::Multiply, power, base)?;
        }
        return Ok(vec![Operand::Value(power)]);
    }
    let working = if elem == ElementType::F32 { elem } else { ElementType::F64 };
    let base = lowering.cast(base, working, node.origin);
    let exponent = lowering.cast(exponent, working, node.origin);
    let power = lowering.binary(node, Binary::Power, base, exponent)?;
    Ok(vec![Operand::Value(lowering.cast(power, elem, node.origin))])
}

/// 2 or 3, if that is the exponent and does not change the shape.
fn small_power(lowering: &Lowering<'_>, exponent: Value) -> Option<u32> {
    let RealOp::Constant { constant } = lowering.module.node(exponent).op else { return None };
    let constant = &lowering.module.constants[constant];
    match constant.elements[..] {
        [2.0] if constant.ty.shape.0.len() <= 1 => Some(2),
        [3.0] if constant.ty.shape.0.len() <= 1 => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{
        WithAttributes, graph, input, model, node, operations, said, with_integers,
    };

    #[test]
    fn operands_are_joined_from_the_left() {
        let sum = node("Sum", &["X", "X", "X"], &["Y"]);
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = add %0, %0 : f32[1x1]",
            "%2 = add %1, %0 : f32[1x1]",
            "output \"Y\" value %2",
        ];
        assert_eq!(operations(&model(1, vec![sum], &["Y"])), expected);
        let mean = node("Mean", &["X", "X"], &["Y"]);
        let expected = ["%2 = constant @w0 : f32[]", "%3 = divide %1, %2 : f32[1x1]"];
        assert_eq!(operations(&model(1, vec![mean], &["Y"]))[2..4], expected);
    }

    #[test]
    fn shapes_broadcast() {
        let mut sum = model(3, vec![node("Sub", &["X", "Z"], &["Y"])], &["Y"]);
        graph(&mut sum).input.push(input("Z", crate::proto::DataType::Float, &[-1, 1]));
        assert_eq!(operations(&sum)[2], "%2 = subtract %0, %1 : f32[1x3]");
        graph(&mut sum).input[1] = input("Z", crate::proto::DataType::Float, &[-1, 2]);
        assert_eq!(said(&sum), ["SKX0107: `Sub` cannot join `f32[1x3]` and `f32[1x2]`"]);
    }

    #[test]
    fn squares_are_products() {
        let power = |exponent| {
            let model = model(1, vec![node("Pow", &["X", "e"], &["Y"])], &["Y"]);
            operations(&with_integers(model, "e", &[exponent]))
        };
        assert_eq!(power(2)[2], "%2 = multiply %0, %0 : f32[1x1]");
        assert_eq!(power(5)[3], "%3 = power %0, %2 : f32[1x1]");
    }

    #[test]
    fn integers_are_not_divided_by_zero() {
        let nodes =
            vec![node("Cast", &["X"], &["i"]).int("to", 7), node("Div", &["i", "zero"], &["Y"])];
        let model = with_integers(model(1, nodes, &["Y"]), "zero", &[0]);
        assert_eq!(said(&model), ["SKX0107: `Div` of integers by 0"]);
    }
}
