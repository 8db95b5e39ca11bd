//! Constant (ai.onnx 1 to 28) and ConstantOfShape (9 to 28): tensors that are known.

use skxc_diagnostics::codes::{ATTRIBUTE_MISSING, TYPE_MISMATCH};

use super::Operator;
use crate::build::too_large;
use crate::import::{Importer, known};
use crate::limits::RESULT_ELEMENTS_MAX;
use crate::node::{Imported, Node, Operand, Problems};
use crate::proto::TensorProto;
use crate::tensor::{self, Data, Fault, Tensor};

pub(super) static CONSTANT: Operator = Operator {
    domain: "ai.onnx",
    name: "Constant",
    since: 1,
    inputs: 0..=0,
    attributes: &[
        "value",
        "value_float",
        "value_floats",
        "value_int",
        "value_ints",
        "value_string",
        "value_strings",
        "sparse_value",
    ],
    supported: "dense tensors",
    import,
};

pub(super) static CONSTANT_OF_SHAPE: Operator = Operator {
    domain: "ai.onnx",
    name: "ConstantOfShape",
    since: 9,
    inputs: 1..=1,
    attributes: &["value"],
    supported: "of a constant shape",
    import: import_of_shape,
};

fn import(_: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    if let Some(value) = node.tensor("value")? {
        let tensor = tensor::decode(value).map_err(|fault| bad(node, fault))?;
        return Ok(vec![Operand::Constant(tensor)]);
    }
    let scalar = |data| Tensor { shape: Vec::new(), data, per_row: false };
    let list = |count: usize, data| Tensor {
        shape: vec![u32::try_from(count).expect("the limits bound a list")],
        data,
        per_row: false,
    };
    let named = node.proto.attribute.first().map_or("", |attribute| attribute.name.as_str());
    let tensor = match named {
        "value_int" => scalar(Data::Integers(vec![node.int(named)?.unwrap_or(0)])),
        "value_ints" => Tensor::integers(node.ints(named)?.to_vec()),
        "value_float" => scalar(Data::F32(vec![node.float(named)?.unwrap_or(0.0).into()])),
        "value_floats" => {
            let values = node.floats(named)?;
            list(values.len(), Data::F32(values.iter().map(|&x| f64::from(x)).collect()))
        }
        "value_string" => scalar(Data::Text(vec![node.string(named)?.unwrap_or_default()])),
        "value_strings" => {
            let texts = node.strings(named)?;
            list(texts.len(), Data::Text(texts))
        }
        _ => {
            let message = "`Constant` has no value that skxc reads";
            return Err(node.error(ATTRIBUTE_MISSING, message).into());
        }
    };
    Ok(vec![known(tensor)])
}

fn import_of_shape(_: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let per_row = node.constant(0, "input")?.per_row;
    let extents = node.constant_integers(0, "input")?;
    let count = tensor::element_count(extents).map_err(|fault| {
        let message = format!("the shape of `ConstantOfShape` {}", fault.what);
        node.operand_error(0, fault.code, message)
    })?;
    if count > RESULT_ELEMENTS_MAX {
        return Err(too_large(node).into());
    }
    // Without `value` the elements are the float 0.
    let default =
        TensorProto { dims: vec![1], data_type: 1, float_data: vec![0.0], ..Default::default() };
    let value = node.tensor("value")?.unwrap_or(&default);
    let value = tensor::decode(value).map_err(|fault| bad(node, fault))?;
    if value.shape.iter().product::<u32>() != 1 {
        let message = "`ConstantOfShape` needs a `value` of one element";
        return Err(node.attribute_error("value", TYPE_MISMATCH, message).into());
    }
    let shape = extents.iter().map(|&extent| u32::try_from(extent));
    let shape = shape.collect::<Result<_, _>>().expect("`element_count` bounds every extent");
    Ok(vec![known(Tensor { per_row, ..value.pick(shape, &vec![0; count]) })])
}

fn bad(node: &Node<'_>, fault: Fault) -> Problems {
    let message = format!("attribute `value` {}", fault.what);
    node.attribute_error("value", fault.code, message).into()
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, doubles, integers, model, node, operations, said};

    #[test]
    fn a_constant_is_what_it_holds() {
        let value = node("Constant", &[], &["c"]).tensor("value", doubles(&[0.5, 2.0]));
        let double = node("Cast", &["X"], &["x"]).int("to", 11);
        let shape = node("Constant", &[], &["shape"]).ints("value_ints", &[1, 2]);
        let row = node("Reshape", &["c", "shape"], &["row"]);
        let join = node("Concat", &["x", "row"], &["Y"]).int("axis", 1);
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = cast %0 : f64[1x1]",
            "%2 = constant @w0 : f64[1x2]",
            "%3 = concat [%1, %2] : f64[1x3]",
            "output \"Y\" value %3",
        ];
        let model = model(1, vec![value, double, shape, row, join], &["Y"]);
        assert_eq!(operations(&model), expected);
    }

    #[test]
    fn a_constant_of_shape_is_bounded() {
        let shape = node("Constant", &[], &["shape"]).ints("value_ints", &[1 << 40, 0]);
        let zeros = node("ConstantOfShape", &["shape"], &["Y"]);
        let said_of_zeros = said(&model(1, vec![shape, zeros], &["Y"]));
        assert!(said_of_zeros[0].starts_with("SKX0002: the shape of"), "{said_of_zeros:?}");
        let shape = node("Constant", &[], &["shape"]).tensor("value", integers(&[2]));
        let two = node("ConstantOfShape", &["shape"], &["Y"]).tensor("value", integers(&[1, 2]));
        assert_eq!(
            said(&model(1, vec![shape, two], &["Y"])),
            ["SKX0107: `ConstantOfShape` needs a `value` of one element"]
        );
    }
}
