//! Imputer (ai.onnx.ml 1): elements that equal a value, NaN say, are replaced.
//!
//! Integers have `imputed_value_int64s` and `replaced_value_int64`, floats the
//! other two. Decision: a list of another length than 1 or the number of
//! columns is refused (ONNX Runtime takes its first element, imputer.cc).

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, TYPE_MISMATCH};
use skxc_ir::{ElementType, Relation};

use super::Operator;
use super::scaler::check_columns;
use crate::build::INTEGER_MAX;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

const OF_FLOATS: (&str, &str) = ("imputed_value_floats", "replaced_value_float");
const OF_INTEGERS: (&str, &str) = ("imputed_value_int64s", "replaced_value_int64");

pub(super) static IMPUTER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "Imputer",
    since: 1,
    inputs: 1..=1,
    attributes: &[OF_FLOATS.0, OF_INTEGERS.0, OF_FLOATS.1, OF_INTEGERS.1],
    supported: "everything",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let ty = importer.module.ty(input).clone();
    let (name, imputed, replaced) = match ty.elem {
        ElementType::I64 => {
            let replaced = node.int(OF_INTEGERS.1)?.unwrap_or(0);
            let imputed = node.ints(OF_INTEGERS.0)?;
            (OF_INTEGERS.0, integers(node, imputed)?, integers(node, &[replaced])?[0])
        }
        ElementType::F32 | ElementType::F64 => {
            let replaced = f64::from(node.float(OF_FLOATS.1)?.unwrap_or(0.0));
            (OF_FLOATS.0, node.finite_floats(OF_FLOATS.0)?, replaced)
        }
        ElementType::Bool | ElementType::Label(_) | ElementType::Fixed { .. } => {
            let message = format!("`Imputer` needs numbers, not `{ty}`");
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
    };
    if imputed.is_empty() {
        let why = format!("its input is `{ty}`");
        return Err(node.missing(name).note(why).into());
    }
    check_columns(importer, node, input, name, imputed.len())?;
    let imputed = importer.list(imputed, ty.elem, node.origin);
    let value = if replaced.is_nan() {
        // NaN is what does not equal itself.
        let is_number = importer.compare(node, Relation::Equal, input, input)?;
        importer.select(node, is_number, input, imputed)?
    } else {
        let (relation, bound) = equals(replaced, ty.elem);
        let bound = importer.scalar(bound, ty.elem, node.origin);
        let is_replaced = importer.compare(node, relation, input, bound)?;
        importer.select(node, is_replaced, imputed, input)?
    };
    Ok(vec![Operand::Value(value)])
}

/// What holds of `number` and no other; a constant is never infinite, but the
/// infinities are what lies beyond all that is finite.
fn equals(number: f64, elem: ElementType) -> (Relation, f64) {
    let most = if elem == ElementType::F32 { f64::from(f32::MAX) } else { f64::MAX };
    match number {
        f64::INFINITY => (Relation::Greater, most),
        f64::NEG_INFINITY => (Relation::Less, -most),
        _ => (Relation::Equal, number),
    }
}

#[allow(clippy::cast_precision_loss, reason = "checked: every integer is exact")]
fn integers(node: &Node<'_>, values: &[i64]) -> Imported<Vec<f64>> {
    if let Some(value) = values.iter().find(|value| value.unsigned_abs() > INTEGER_MAX) {
        let message = format!("`Imputer` holds {value}, an integer beyond 2^53");
        return Err(node.error(ATTRIBUTE_INVALID, message).into());
    }
    Ok(values.iter().map(|&value| value as f64).collect())
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, NodeProto};
    use crate::testing::{WithAttributes, graph, input, model, node, numbers, operations, said};

    fn of_floats(imputed: &[f32], replaced: f32) -> NodeProto {
        node("Imputer", &["X"], &["Y"])
            .floats("imputed_value_floats", imputed)
            .float("replaced_value_float", replaced)
    }

    #[test]
    fn nan_is_replaced() {
        let expected = [
            "%1 = constant @w0 : f32[2]",
            "%2 = equal %0, %0 : bool[1x2]",
            "%3 = select %2, %0, %1 : f32[1x2]",
        ];
        let imputer = model(2, vec![of_floats(&[1.0, 2.0], f32::NAN)], &["Y"]);
        assert_eq!(operations(&imputer)[1..4], expected);
    }

    #[test]
    fn a_value_is_replaced() {
        let imputer = model(1, vec![of_floats(&[7.5], 1.0)], &["Y"]);
        assert_eq!(numbers(&imputer, 3), [[0.0], [7.5], [2.0]]);
        let integers = node("Imputer", &["X"], &["Y"]).ints("imputed_value_int64s", &[9]);
        let mut imputer = model(1, vec![integers], &["Y"]);
        graph(&mut imputer).input[0] = input("X", DataType::Int64, &[-1, 1]);
        assert_eq!(numbers(&imputer, 2), [[9.0], [1.0]]);
    }

    #[test]
    fn the_list_is_of_the_type_and_width_of_the_input() {
        let say = |imputer| said(&model(2, vec![imputer], &["Y"]));
        assert_eq!(
            say(of_floats(&[1.0, 2.0, 3.0], 0.0)),
            ["SKX0105: `imputed_value_floats` has 3 elements; 2 columns need 2"]
        );
        let integers = node("Imputer", &["X"], &["Y"]).ints("imputed_value_int64s", &[9]);
        assert_eq!(
            say(integers),
            ["SKX0103: `ai.onnx.ml.Imputer` lacks attribute `imputed_value_floats`"]
        );
    }

    #[test]
    fn an_infinity_is_replaced() {
        let nodes = vec![node("Reciprocal", &["X"], &["r"]), {
            let mut imputer = of_floats(&[7.5], f32::INFINITY);
            imputer.input[0] = "r".to_owned();
            imputer
        }];
        assert_eq!(numbers(&model(1, nodes, &["Y"]), 3), [[7.5], [1.0], [0.5]]);
    }
}
