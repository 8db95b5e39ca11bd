//! Cast (ai.onnx 6 to 28): elements of another type.
//!
//! Decisions:
//! - a cast of labels to the kind they have changes nothing: that is how
//!   skl2onnx ends a model with integer labels;
//! - narrow integers are kept in 64 bits where the value is known to fit.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, UNSUPPORTED_FORM};
use skxc_ir::{ElementType, LabelTable};

use super::Operator;
use crate::lower::{Lowering, known};
use crate::node::{Lowered, Node, Operand};
use crate::proto::{DataType, data_type_name};
use crate::tensor::{Data, Tensor};

pub(super) static CAST: Operator = Operator {
    domain: "ai.onnx",
    name: "Cast",
    since: 6,
    inputs: 1..=1,
    attributes: &["to", "saturate", "round_mode"],
    supported: "between float, double, int64, int32 and bool; labels to their own kind",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let to = node.int("to")?.ok_or_else(|| node.missing("to"))?;
    let number = i32::try_from(to).unwrap_or(-1);
    let Ok(to) = DataType::try_from(number) else {
        let message = format!("attribute `to` is {to}, which is no element type");
        return Err(node.attribute_error("to", ATTRIBUTE_INVALID, message).into());
    };
    let cast = match node.operand(0)? {
        Operand::Constant(tensor) => fold(tensor, to).map(known),
        Operand::Value(value) => match lowering.module.ty(*value).elem {
            ElementType::Label(table) => {
                keeps_labels(&lowering.module.labels[table], to).then_some(Operand::Value(*value))
            }
            from => {
                let is_small = from == ElementType::Bool || lowering.classes.contains_key(value);
                target(to, is_small)
                    .map(|elem| Operand::Value(lowering.cast(*value, elem, node.origin)))
            }
        },
        Operand::Map(_) | Operand::Refused => None,
    };
    let operand = cast.ok_or_else(|| {
        let message = format!("`Cast` to `{}` is not supported here", data_type_name(number));
        node.attribute_error("to", UNSUPPORTED_FORM, message)
            .note(format!("supported is a cast {}", CAST.supported))
    })?;
    Ok(vec![operand])
}

/// Do labels stay what they are?
fn keeps_labels(table: &LabelTable, to: DataType) -> bool {
    match table {
        LabelTable::Integers(labels) => match to {
            DataType::Int64 => true,
            DataType::Int32 => labels.iter().all(|&label| i32::try_from(label).is_ok()),
            _ => false,
        },
        LabelTable::Strings(_) => to == DataType::String,
    }
}

/// The type in the IR. An integer narrower than 64 bits could wrap.
fn target(to: DataType, is_small: bool) -> Option<ElementType> {
    match to {
        DataType::Float => Some(ElementType::F32),
        DataType::Double => Some(ElementType::F64),
        DataType::Int64 => Some(ElementType::I64),
        DataType::Int32 if is_small => Some(ElementType::I64),
        DataType::Bool => Some(ElementType::Bool),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "that is the cast")]
fn fold(tensor: &Tensor, to: DataType) -> Option<Tensor> {
    let integer_to_float = |values: &[i64], to_f32: bool| -> Vec<f64> {
        values.iter().map(|&x| if to_f32 { f64::from(x as f32) } else { x as f64 }).collect()
    };
    let data = match (&tensor.data, to) {
        (Data::F32(values), DataType::Float) => Data::F32(values.clone()),
        (Data::F32(values) | Data::F64(values), DataType::Double) => Data::F64(values.clone()),
        (Data::F64(values), DataType::Float) => {
            Data::F32(values.iter().map(|&x| f64::from(x as f32)).collect())
        }
        (Data::Integers(values) | Data::Bool(values), DataType::Float) => {
            Data::F32(integer_to_float(values, true))
        }
        (Data::Integers(values) | Data::Bool(values), DataType::Double) => {
            Data::F64(integer_to_float(values, false))
        }
        (Data::Integers(values) | Data::Bool(values), DataType::Int64) => {
            Data::Integers(values.clone())
        }
        (Data::Integers(values) | Data::Bool(values), DataType::Int32)
            if values.iter().all(|&x| i32::try_from(x).is_ok()) =>
        {
            Data::Integers(values.clone())
        }
        (Data::Integers(values) | Data::Bool(values), DataType::Bool) => {
            Data::Bool(values.iter().map(|&x| i64::from(x != 0)).collect())
        }
        (Data::Text(texts), DataType::String) => Data::Text(texts.clone()),
        _ => return None,
    };
    Some(Tensor { shape: tensor.shape.clone(), data, per_row: tensor.per_row })
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, NodeProto};
    use crate::testing::{WithAttributes, model, node, operations, said, stump};

    fn cast(from: &str, to: DataType) -> NodeProto {
        node("Cast", &[from], &["Y"]).int("to", i32::from(to).into())
    }

    #[test]
    fn numbers_change_their_type() {
        let doubles = model(1, vec![cast("X", DataType::Double)], &["Y"]);
        let expected =
            ["%0 = input [c0] : f32[1x1]", "%1 = cast %0 : f64[1x1]", "output \"Y\" value %1"];
        assert_eq!(operations(&doubles), expected);
        let same = model(1, vec![cast("X", DataType::Float)], &["Y"]);
        assert_eq!(operations(&same)[1], "output \"Y\" value %0");
        let narrow = model(1, vec![cast("X", DataType::Int8)], &["Y"]);
        assert_eq!(said(&narrow), ["SKX0108: `Cast` to `int8` is not supported here"]);
    }

    #[test]
    fn labels_stay_labels() {
        let trees = || stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)]);
        let same = model(1, vec![trees(), cast("label", DataType::Int64)], &["Y"]);
        assert_eq!(operations(&same).last().unwrap(), "output \"Y\" label %5");
        let text = model(1, vec![trees(), cast("label", DataType::String)], &["Y"]);
        assert_eq!(said(&text), ["SKX0108: `Cast` to `string` is not supported here"]);
    }
}
