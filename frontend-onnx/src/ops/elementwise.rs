//! Functions of one element: Neg, Abs, Exp, Log, Sqrt, Reciprocal, Floor, Ceil,
//! Sigmoid, Tanh, Relu (ai.onnx 6 to 28), Not (1), Softplus (1), Sign, Erf,
//! IsNaN (9), Round (11).
//!
//! Decisions:
//! - Sigmoid is computed as the logistic post-transform of trees is; ONNX
//!   Runtime uses a rational approximation for it, within some units of the
//!   last place (MLAS, logistic.cpp);
//! - functions of integers, where the specification has them, are Neg, Abs,
//!   Sign and Relu; Floor, Ceil and Round of them do not exist.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, Relation, Unary, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

macro_rules! function {
    ($name:ident, $onnx:literal, $since:literal, $import:expr) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: $onnx,
            since: $since,
            inputs: 1..=1,
            attributes: &["consumed_inputs"],
            supported: "everything",
            import: $import,
        };
    };
}

function!(NEG, "Neg", 6, |importer, node| numbers(importer, node, Unary::Negate));
function!(ABS, "Abs", 6, |importer, node| numbers(importer, node, Unary::Absolute));
function!(SIGN, "Sign", 9, |importer, node| numbers(importer, node, Unary::Sign));
function!(EXP, "Exp", 6, |importer, node| floats(importer, node, Unary::Exp));
function!(LOG, "Log", 6, |importer, node| floats(importer, node, Unary::Log));
function!(SQRT, "Sqrt", 6, |importer, node| floats(importer, node, Unary::SquareRoot));
function!(RECIPROCAL, "Reciprocal", 6, |importer, node| floats(importer, node, Unary::Reciprocal));
function!(FLOOR, "Floor", 6, |importer, node| floats(importer, node, Unary::Floor));
function!(CEIL, "Ceil", 6, |importer, node| floats(importer, node, Unary::Ceil));
function!(ROUND, "Round", 11, |importer, node| floats(importer, node, Unary::Round));
function!(SIGMOID, "Sigmoid", 6, |importer, node| floats(importer, node, Unary::Logistic));
function!(TANH, "Tanh", 6, |importer, node| floats(importer, node, Unary::Tanh));
function!(ERF, "Erf", 9, |importer, node| floats(importer, node, Unary::Erf));
function!(SOFTPLUS, "Softplus", 1, |importer, node| floats(importer, node, Unary::Softplus));
function!(RELU, "Relu", 6, import_relu);
function!(NOT, "Not", 1, import_not);
function!(IS_NAN, "IsNaN", 9, import_is_nan);

fn floats(importer: &mut Importer<'_>, node: &Node<'_>, function: Unary) -> Imported {
    let input = importer.floats(node, 0)?;
    Ok(vec![Operand::Value(importer.unary(function, input, node.origin))])
}

fn numbers(importer: &mut Importer<'_>, node: &Node<'_>, function: Unary) -> Imported {
    let input = importer.numbers(node, 0)?;
    refuse_bool(importer, node, input)?;
    Ok(vec![Operand::Value(importer.unary(function, input, node.origin))])
}

fn refuse_bool(importer: &Importer<'_>, node: &Node<'_>, input: Value) -> Imported<()> {
    let ty = importer.module.ty(input);
    if ty.elem != ElementType::Bool {
        return Ok(());
    }
    let message = format!("`{}` needs numbers, not `{ty}`", node.name());
    Err(node.operand_error(0, TYPE_MISMATCH, message).into())
}

fn import_relu(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    refuse_bool(importer, node, input)?;
    let value = if importer.module.ty(input).elem == ElementType::I64 {
        let zero = importer.scalar(0.0, ElementType::I64, node.origin);
        importer.binary(node, Binary::Maximum, input, zero)?
    } else {
        importer.unary(Unary::Relu, input, node.origin)
    };
    Ok(vec![Operand::Value(value)])
}

fn import_not(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.value(node, 0)?;
    let ty = importer.module.ty(input);
    if ty.elem != ElementType::Bool {
        let message = format!("`Not` needs truth values, not `{ty}`");
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    Ok(vec![Operand::Value(importer.unary(Unary::Not, input, node.origin))])
}

/// NaN is what does not equal itself.
fn import_is_nan(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let equal = importer.compare(node, Relation::Equal, input, input)?;
    Ok(vec![Operand::Value(importer.unary(Unary::Not, equal, node.origin))])
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said};

    #[test]
    fn each_is_a_function_of_the_element() {
        let nodes = vec![
            node("Neg", &["X"], &["a"]),
            node("Sigmoid", &["a"], &["b"]),
            node("Round", &["b"], &["Y"]),
        ];
        let expected = [
            "%0 = input [c0, c1] : f32[1x2]",
            "%1 = negate %0 : f32[1x2]",
            "%2 = logistic %1 : f32[1x2]",
            "%3 = round %2 : f32[1x2]",
            "output \"Y\" value %3",
        ];
        assert_eq!(operations(&model(2, nodes, &["Y"])), expected);
    }

    #[test]
    fn integers_have_few() {
        let integers = node("Cast", &["X"], &["i"]).int("to", 7);
        let relu = node("Relu", &["i"], &["Y"]);
        let model_of = |last| model(1, vec![integers.clone(), last], &["Y"]);
        assert_eq!(operations(&model_of(relu))[3], "%3 = maximum %1, %2 : i64[1x1]");
        let exp = node("Exp", &["i"], &["Y"]);
        assert_eq!(
            said(&model_of(exp)),
            ["SKX0107: `Exp` needs `float` or `double`, not `i64[1x1]`"]
        );
        let not = node("Not", &["i"], &["Y"]);
        assert_eq!(said(&model_of(not)), ["SKX0107: `Not` needs truth values, not `i64[1x1]`"]);
    }
}
