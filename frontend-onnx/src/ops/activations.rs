//! Functions of one element that are made of others: LeakyRelu, Elu, Selu,
//! HardSigmoid (ai.onnx 6 to 28).
//!
//! The exponential of a positive number, which none of them uses, is not
//! computed: it would need more range than all the rest.

use skxc_ir::{Binary, Relation, Unary, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

macro_rules! function {
    ($name:ident, $onnx:literal, $attributes:expr, $import:expr) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: $onnx,
            since: 6,
            inputs: 1..=1,
            attributes: $attributes,
            supported: "everything",
            import: $import,
        };
    };
}

function!(LEAKY_RELU, "LeakyRelu", &["alpha", "consumed_inputs"], import_leaky_relu);
function!(ELU, "Elu", &["alpha", "consumed_inputs"], import_elu);
function!(SELU, "Selu", &["alpha", "consumed_inputs", "gamma"], import_selu);
function!(HARD_SIGMOID, "HardSigmoid", &["alpha", "beta", "consumed_inputs"], import_hard_sigmoid);

/// `alpha x` below 0, else `x`.
fn import_leaky_relu(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let alpha = number(node, "alpha", 0.01)?;
    let scaled = with(importer, node, Binary::Multiply, input, alpha)?;
    let value = at_zero(importer, node, input, scaled, input)?;
    Ok(vec![Operand::Value(value)])
}

/// `alpha (e^x - 1)` below 0, else `x`.
fn import_elu(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let alpha = number(node, "alpha", 1.0)?;
    let value = elu(importer, node, input, alpha)?;
    Ok(vec![Operand::Value(value)])
}

/// `gamma` times Elu.
fn import_selu(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let alpha = number(node, "alpha", 1.673_263_2)?;
    let gamma = number(node, "gamma", 1.050_701)?;
    let value = elu(importer, node, input, alpha)?;
    let value = with(importer, node, Binary::Multiply, value, gamma)?;
    Ok(vec![Operand::Value(value)])
}

/// `alpha x + beta`, brought between 0 and 1.
fn import_hard_sigmoid(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.floats(node, 0)?;
    let (alpha, beta) = (number(node, "alpha", 0.2)?, number(node, "beta", 0.5)?);
    let mut value = with(importer, node, Binary::Multiply, input, alpha)?;
    for (function, number) in [(Binary::Add, beta), (Binary::Minimum, 1.0), (Binary::Maximum, 0.0)]
    {
        value = with(importer, node, function, value, number)?;
    }
    Ok(vec![Operand::Value(value)])
}

fn elu(importer: &mut Importer<'_>, node: &Node<'_>, input: Value, alpha: f64) -> Imported<Value> {
    let negative = with(importer, node, Binary::Minimum, input, 0.0)?;
    let power = importer.unary(Unary::Exp, negative, node.origin);
    let less = with(importer, node, Binary::Subtract, power, 1.0)?;
    let scaled = with(importer, node, Binary::Multiply, less, alpha)?;
    at_zero(importer, node, input, scaled, input)
}

/// `below` where `input` is below 0, else `above`.
fn at_zero(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    input: Value,
    below: Value,
    above: Value,
) -> Imported<Value> {
    let elem = importer.module.ty(input).elem;
    let zero = importer.scalar(0.0, elem, node.origin);
    let is_below = importer.compare(node, Relation::Less, input, zero)?;
    importer.select(node, is_below, below, above)
}

/// A function of a value and a number.
fn with(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    function: Binary,
    value: Value,
    number: f64,
) -> Imported<Value> {
    let elem = importer.module.ty(value).elem;
    let number = importer.scalar(number, elem, node.origin);
    importer.binary(node, function, value, number)
}

fn number(node: &Node<'_>, name: &str, default: f32) -> Imported<f64> {
    Ok(node.finite_float(name)?.unwrap_or(default.into()))
}

#[cfg(test)]
mod tests {
    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, model, node, numbers, said};

    /// The values for -1, 0 and 1.
    fn of(function: NodeProto) -> Vec<f64> {
        let nodes = vec![node("Sub", &["X", "one"], &["x"]), function];
        let mut model = model(1, nodes, &["Y"]);
        let one =
            crate::proto::TensorProto { name: "one".to_owned(), ..crate::testing::floats(&[1.0]) };
        crate::testing::graph(&mut model).initializer.push(one);
        numbers(&model, 3).concat()
    }

    fn assert_near(function: NodeProto, expected: [f64; 3]) {
        let found = of(function);
        let is_near = |(a, b): (&f64, f64)| (a - b).abs() < 1e-6;
        assert!(found.iter().zip(expected).all(is_near), "{found:?}");
    }

    #[test]
    fn each_is_what_it_says() {
        assert_near(node("LeakyRelu", &["x"], &["Y"]), [-0.01, 0.0, 1.0]);
        assert_near(node("Elu", &["x"], &["Y"]).float("alpha", 2.0), [-1.264_241_1, 0.0, 1.0]);
        assert_near(node("Selu", &["x"], &["Y"]), [-1.111_330_7, 0.0, 1.050_701]);
        assert_near(node("HardSigmoid", &["x"], &["Y"]), [0.3, 0.5, 0.7]);
        let infinite = node("Elu", &["X"], &["Y"]).float("alpha", f32::NAN);
        assert_eq!(
            said(&model(1, vec![infinite], &["Y"])),
            ["SKX0111: attribute `alpha` holds NaN"]
        );
    }
}
