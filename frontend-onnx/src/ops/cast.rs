//! Cast (ai.onnx 6 to 28): elements of another type.
//!
//! Decisions:
//! - a cast of labels to the kind they have changes nothing: that is how
//!   skl2onnx ends a model with integer labels;
//! - narrow integers are kept in 64 bits and do not wrap: what lies beyond the
//!   narrow type is undefined in ONNX for floats, and no exporter means it.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, UNSUPPORTED_FORM};
use skxc_ir::{ElementType, LabelTable, RealOp, Value};

use super::Operator;
use crate::build::INTEGER_MAX;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::proto::{DataType, data_type_name};
use crate::tensor::{Data, Tensor};

pub(super) static CAST: Operator = Operator {
    domain: "ai.onnx",
    name: "Cast",
    since: 6,
    inputs: 1..=1,
    attributes: &["to", "saturate", "round_mode"],
    supported: "between float, double, integers and bool; labels to text",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let to = node.int("to")?.ok_or_else(|| node.missing("to"))?;
    let number = i32::try_from(to).unwrap_or(-1);
    let Ok(to) = DataType::try_from(number) else {
        let message = format!("attribute `to` is {to}, which is no element type");
        return Err(node.attribute_error("to", ATTRIBUTE_INVALID, message).into());
    };
    let cast = match node.operand(0)? {
        Operand::Constant(tensor) => fold(tensor, to).map(known),
        Operand::Value(value) => {
            let value = *value;
            let cast = match importer.module.ty(value).elem {
                ElementType::Label(table) => {
                    let labels = importer.module.labels[table].clone();
                    cast_labels(importer, node, value, &labels, to)
                }
                _ => target(to).map(|elem| importer.cast(value, elem, node.origin)),
            };
            cast.map(Operand::Value)
        }
        Operand::Results(_) | Operand::Refused => None,
    };
    let operand = cast.ok_or_else(|| {
        let message = format!("`Cast` to `{}` is not supported here", data_type_name(number));
        node.attribute_error("to", UNSUPPORTED_FORM, message)
            .note(format!("supported is a cast {}", CAST.supported))
    })?;
    Ok(vec![operand])
}

/// Labels as integers or as text stay labels; as floats and truth values they
/// are numbers.
fn cast_labels(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    value: Value,
    labels: &LabelTable,
    to: DataType,
) -> Option<Value> {
    let integers = match labels {
        LabelTable::Strings(_) => return (to == DataType::String).then_some(value),
        LabelTable::Integers(labels) => labels,
    };
    if to == DataType::String {
        let RealOp::Label { class, .. } = importer.module.node(value).op else { return None };
        let texts = integers.iter().map(i64::to_string).collect();
        let table = importer.module.labels.push(LabelTable::Strings(texts));
        return Some(importer.label(table, class, node.origin));
    }
    match target(to)? {
        ElementType::I64 => Some(value),
        elem => {
            if integers.iter().any(|label| label.unsigned_abs() > INTEGER_MAX) {
                return None;
            }
            let numbers = integers.iter().map(|&label| match elem {
                ElementType::Bool => f64::from(u8::from(label != 0)),
                ElementType::F32 => f64::from(label as f32),
                _ => label as f64,
            });
            Some(importer.table(numbers.collect(), elem, value, node.origin))
        }
    }
}

/// The type in the IR.
fn target(to: DataType) -> Option<ElementType> {
    match to {
        DataType::Float => Some(ElementType::F32),
        DataType::Double => Some(ElementType::F64),
        DataType::Bool => Some(ElementType::Bool),
        DataType::Int64
        | DataType::Int32
        | DataType::Int16
        | DataType::Int8
        | DataType::Uint64
        | DataType::Uint32
        | DataType::Uint16
        | DataType::Uint8 => Some(ElementType::I64),
        DataType::Undefined
        | DataType::String
        | DataType::Float16
        | DataType::Bfloat16
        | DataType::Complex64
        | DataType::Complex128 => None,
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "that is the cast")]
fn fold(tensor: &Tensor, to: DataType) -> Option<Tensor> {
    let data = match (&tensor.data, target(to)) {
        (Data::Text(texts), _) if to == DataType::String => Data::Text(texts.clone()),
        (Data::Text(_), _) | (_, None) => return None,
        (Data::F32(values) | Data::F64(values), Some(ElementType::F32)) => {
            Data::F32(values.iter().map(|&x| f64::from(x as f32)).collect())
        }
        (Data::F32(values) | Data::F64(values), Some(ElementType::F64)) => {
            Data::F64(values.clone())
        }
        (Data::F32(values) | Data::F64(values), Some(ElementType::Bool)) => {
            Data::Bool(values.iter().map(|&x| i64::from(x != 0.0)).collect())
        }
        (Data::F32(values) | Data::F64(values), Some(_)) => {
            let is_inside = |x: &f64| x.abs() < f64::exp2(63.0);
            if !values.iter().all(is_inside) {
                return None;
            }
            Data::Integers(values.iter().map(|&x| x as i64).collect())
        }
        (Data::Integers(values) | Data::Bool(values), Some(ElementType::F32)) => {
            Data::F32(values.iter().map(|&x| f64::from(x as f32)).collect())
        }
        (Data::Integers(values) | Data::Bool(values), Some(ElementType::F64)) => {
            Data::F64(values.iter().map(|&x| x as f64).collect())
        }
        (Data::Integers(values) | Data::Bool(values), Some(ElementType::Bool)) => {
            Data::Bool(values.iter().map(|&x| i64::from(x != 0)).collect())
        }
        (Data::Integers(values) | Data::Bool(values), Some(_)) => Data::Integers(values.clone()),
    };
    Some(Tensor { shape: tensor.shape.clone(), data, per_row: tensor.per_row })
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, NodeProto};
    use crate::testing::{WithAttributes, imported, model, node, operations, said, stump};
    use skxc_ir::LabelTable;

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
        assert_eq!(operations(&narrow)[1], "%1 = cast %0 : i64[1x1]");
        let half = model(1, vec![cast("X", DataType::Float16)], &["Y"]);
        assert_eq!(said(&half), ["SKX0108: `Cast` to `float16` is not supported here"]);
    }

    #[test]
    fn labels_stay_labels() {
        let trees = || stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)]);
        let same = model(1, vec![trees(), cast("label", DataType::Int64)], &["Y"]);
        assert_eq!(operations(&same).last().unwrap(), "output \"Y\" label %5");
        let text = model(1, vec![trees(), cast("label", DataType::String)], &["Y"]);
        let module = imported(&text);
        let (_, texts) = module.labels.iter().last().unwrap();
        assert_eq!(*texts, LabelTable::Strings(vec!["0".to_owned(), "1".to_owned()]));
        let float = model(1, vec![trees(), cast("label", DataType::Float)], &["Y"]);
        let takes = |line: &String| line.contains("= take") && line.contains("f32[1]");
        assert!(operations(&float).iter().any(takes));
    }
}
