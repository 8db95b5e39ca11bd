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
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};
use crate::tensor::Data;

macro_rules! function {
    ($name:ident, $onnx:literal, $since:literal, $inputs:expr, $import:expr) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: $onnx,
            since: $since,
            inputs: $inputs,
            attributes: &[],
            supported: "everything",
            import: $import,
        };
    };
}

function!(ADD, "Add", 7, 2..=2, |importer, node| numbers(importer, node, Binary::Add));
function!(SUB, "Sub", 7, 2..=2, |importer, node| numbers(importer, node, Binary::Subtract));
function!(MUL, "Mul", 7, 2..=2, |importer, node| numbers(importer, node, Binary::Multiply));
function!(DIV, "Div", 7, 2..=2, import_div);
function!(POW, "Pow", 7, 2..=2, import_pow);
function!(MIN, "Min", 8, 1..=usize::MAX, |importer, node| numbers(importer, node, Binary::Minimum));
function!(MAX, "Max", 8, 1..=usize::MAX, |importer, node| numbers(importer, node, Binary::Maximum));
function!(SUM, "Sum", 8, 1..=usize::MAX, |importer, node| numbers(importer, node, Binary::Add));
function!(MEAN, "Mean", 8, 1..=usize::MAX, import_mean);
function!(AND, "And", 7, 2..=2, |importer, node| logical(importer, node, Binary::And));
function!(OR, "Or", 7, 2..=2, |importer, node| logical(importer, node, Binary::Or));
function!(XOR, "Xor", 7, 2..=2, |importer, node| logical(importer, node, Binary::Xor));

fn numbers(importer: &mut Importer<'_>, node: &Node<'_>, function: Binary) -> Imported {
    Ok(vec![Operand::Value(joined(importer, node, function)?)])
}

/// All operands joined from the left.
fn joined(importer: &mut Importer<'_>, node: &Node<'_>, function: Binary) -> Imported<Value> {
    let mut value = importer.numbers(node, 0)?;
    for position in 1..node.operands.len() {
        let next = importer.numbers(node, position)?;
        if importer.module.ty(next).elem == ElementType::Bool {
            let message = format!("`{}` needs numbers, not truth values", node.name());
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
        value = importer.binary(node, function, value, next)?;
    }
    Ok(value)
}

fn logical(importer: &mut Importer<'_>, node: &Node<'_>, function: Binary) -> Imported {
    let (a, b) = (importer.value(node, 0)?, importer.value(node, 1)?);
    for (position, value) in [a, b].into_iter().enumerate() {
        let ty = importer.module.ty(value);
        if ty.elem != ElementType::Bool {
            let message = format!("`{}` needs truth values, not `{ty}`", node.name());
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
    }
    Ok(vec![Operand::Value(importer.binary(node, function, a, b)?)])
}

/// A quotient of integers is whole, and a division by 0 has no result in ONNX:
/// it is refused if the divisor is not known.
fn import_div(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    if let Operand::Constant(divisor) = node.operand(1)?
        && let Data::Integers(elements) = &divisor.data
        && elements.contains(&0)
    {
        let message = "`Div` of integers by 0";
        return Err(node.operand_error(1, TYPE_MISMATCH, message).into());
    }
    numbers(importer, node, Binary::Divide)
}

fn import_mean(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let sum = joined(importer, node, Binary::Add)?;
    let elem = importer.module.ty(sum).elem;
    if !elem.is_float() {
        let message = "`Mean` needs `float` or `double`";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let count = importer.scalar(node.operands.len() as f64, elem, node.origin);
    Ok(vec![Operand::Value(importer.binary(node, Binary::Divide, sum, count)?)])
}

fn import_pow(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let base = importer.numbers(node, 0)?;
    let elem = importer.module.ty(base).elem;
    let exponent = importer.numbers(node, 1)?;
    if let Some(factors) = small_power(importer, exponent) {
        let mut power = base;
        for _ in 1..factors {
            power = importer.binary(node, Binary::Multiply, power, base)?;
        }
        return Ok(vec![Operand::Value(power)]);
    }
    let working = if elem == ElementType::F32 { elem } else { ElementType::F64 };
    let base = importer.cast(base, working, node.origin);
    let exponent = importer.cast(exponent, working, node.origin);
    let power = importer.binary(node, Binary::Power, base, exponent)?;
    Ok(vec![Operand::Value(importer.cast(power, elem, node.origin))])
}

/// 2 or 3, if that is the exponent and does not change the shape.
fn small_power(importer: &Importer<'_>, exponent: Value) -> Option<u32> {
    let RealOp::Constant { constant } = importer.module.node(exponent).op else { return None };
    let constant = &importer.module.constants[constant];
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
