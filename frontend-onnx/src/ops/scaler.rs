//! Scaler (ai.onnx.ml 1): `(x - offset) * scale`, for each column or for all.
//!
//! Decision: `double` features are scaled as `double` and rounded last, all
//! others as `float`, as ONNX Runtime does (scaler.cc); the result is `float`.

use skxc_diagnostics::codes::{LENGTHS_DIFFER, TYPE_MISMATCH};
use skxc_ir::{Binary, ElementType, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static SCALER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "Scaler",
    since: 1,
    inputs: 1..=1,
    attributes: &["offset", "scale"],
    supported: "everything",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let elem = match importer.module.ty(input).elem {
        ElementType::F64 => ElementType::F64,
        _ => ElementType::F32,
    };
    let (offset, scale) = (node.finite_floats("offset")?, node.finite_floats("scale")?);
    if scale.is_empty() {
        return Err(node.missing("scale").into());
    }
    if offset.len() != scale.len() {
        let message = format!("`Scaler` has {} offsets and {} factors", offset.len(), scale.len());
        return Err(node.attribute_error("offset", LENGTHS_DIFFER, message).into());
    }
    check_columns(importer, node, input, "scale", scale.len())?;
    let input = importer.cast(input, elem, node.origin);
    let offset = importer.list(offset, elem, node.origin);
    let scale = importer.list(scale, elem, node.origin);
    let moved = importer.binary(node, Binary::Subtract, input, offset)?;
    let scaled = importer.binary(node, Binary::Multiply, moved, scale)?;
    Ok(vec![Operand::Value(importer.cast(scaled, ElementType::F32, node.origin))])
}

/// A list has an element for each column of the matrix, or one for all.
pub(super) fn check_columns(
    importer: &Importer<'_>,
    node: &Node<'_>,
    input: Value,
    name: &str,
    found: usize,
) -> Imported<()> {
    let ty = importer.module.ty(input);
    let (&[width] | &[_, width]) = &ty.shape.0[..] else {
        let message = format!("`{}` needs columns, not `{ty}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    if found == 1 {
        return Ok(());
    }
    node.check_length(name, found, width as usize, &format!("{width} columns"))
}

#[cfg(test)]
mod tests {
    use crate::proto::DataType;
    use crate::testing::{WithAttributes, graph, input, model, node, numbers, operations, said};

    #[test]
    fn columns_are_moved_and_scaled() {
        let scaler = node("Scaler", &["X"], &["Y"])
            .floats("offset", &[1.0, 2.0])
            .floats("scale", &[0.5, 4.0]);
        let expected = [
            "%1 = constant @w0 : f32[2]",
            "%2 = constant @w1 : f32[2]",
            "%3 = subtract %0, %1 : f32[1x2]",
            "%4 = multiply %3, %2 : f32[1x2]",
        ];
        assert_eq!(operations(&model(2, vec![scaler.clone()], &["Y"]))[1..5], expected);
        assert_eq!(
            said(&model(3, vec![scaler.clone()], &["Y"])),
            ["SKX0105: `scale` has 2 elements; 3 columns need 3"]
        );
        assert_eq!(
            said(&model(2, vec![scaler.floats("offset", &[1.0])], &["Y"])),
            ["SKX0105: `Scaler` has 1 offsets and 2 factors"]
        );
    }

    #[test]
    fn doubles_are_rounded_last() {
        let scaler =
            node("Scaler", &["X"], &["Y"]).floats("offset", &[0.1]).floats("scale", &[0.1]);
        let mut model = model(1, vec![scaler], &["Y"]);
        assert_eq!(numbers(&model, 2)[1], [f64::from((1.0 - 0.1f32) * 0.1f32)]);
        graph(&mut model).input[0] = input("X", DataType::Double, &[-1, 1]);
        let exact = (1.0 - f64::from(0.1f32)) * f64::from(0.1f32);
        assert_eq!(numbers(&model, 2)[1], [f64::from(exact as f32)]);
    }
}
