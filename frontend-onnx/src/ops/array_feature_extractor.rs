//! ArrayFeatureExtractor (ai.onnx.ml 1): elements of the last axis.
//!
//! skl2onnx uses it in two ways: to pick columns of the data by constant
//! positions, and to look up the label of a class by a computed position. The
//! result of a list of labels is a matrix with one row, as ONNX Runtime has it
//! (array_feature_extractor.cc: a vector counts as a matrix with one row).

use skxc_diagnostics::codes::{INDEX_OUT_OF_RANGE, UNSUPPORTED_FORM};

use super::Operator;
use super::gather::{at_computed, look_up_label, position};
use crate::build::{is_bounded, too_large};
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::Tensor;

pub(super) static ARRAY_FEATURE_EXTRACTOR: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "ArrayFeatureExtractor",
    since: 1,
    inputs: 2..=2,
    attributes: &[],
    supported: "along the last axis; labels by the index of a class",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    if let (Operand::Constant(tensor), Operand::Constant(_)) = (node.operand(0)?, node.operand(1)?)
    {
        let tensor = tensor.clone();
        return fold(node, &tensor);
    }
    if let Some(label) = look_up_label(importer, node)? {
        let count = importer.module.shape(label).elements();
        let count = u32::try_from(count).expect("the limits bound every extent");
        return Ok(vec![Operand::Value(importer.reshape(label, &[1, count], node.origin))]);
    }
    let is_value = matches!(node.operand(0)?, Operand::Value(_));
    let data = importer.value(node, 0)?;
    let mut shape = importer.module.shape(data).0.clone();
    if shape.len() < 2 && is_value {
        let message = "`ArrayFeatureExtractor` of a vector would pick rows";
        return Err(node.operand_error(0, UNSUPPORTED_FORM, message).into());
    }
    let width = shape.last().copied().unwrap_or(1);
    let matrix = if shape.len() < 2 { vec![1, width] } else { shape.clone() };
    let data = importer.reshape(data, &matrix, node.origin);
    shape = matrix;
    let axis = shape.len() - 1;
    if let Operand::Constant(_) = node.operand(1)? {
        let indices = indices(node, width)?;
        shape[axis] = u32::try_from(indices.len()).expect("the limits bound every extent");
        if !is_bounded(&shape) {
            return Err(too_large(node).into());
        }
        let rows: u32 = shape[..axis].iter().product();
        if rows == 1 {
            return Ok(vec![Operand::Value(importer.gather(data, indices, node.origin))]);
        }
        let picked = (0..rows).flat_map(|row| indices.iter().map(move |at| row * width + at));
        let picked = picked.collect();
        return Ok(vec![Operand::Value(importer.pick(data, picked, &shape, node.origin))]);
    }
    let index = position(importer, node, 1, width)?;
    let count = u32::try_from(importer.module.shape(index).elements());
    let count = count.expect("the limits bound every extent");
    let index = importer.reshape(index, &[count], node.origin);
    Ok(vec![Operand::Value(at_computed(importer, node, data, axis, index)?)])
}

fn fold(node: &Node<'_>, tensor: &Tensor) -> Imported {
    let width = tensor.shape.last().copied().unwrap_or(1);
    let indices = indices(node, width)?;
    let rows = tensor.shape.iter().rev().skip(1).product::<u32>();
    let mut shape = tensor.shape.clone();
    shape.pop();
    if shape.is_empty() {
        shape.push(1);
    }
    shape.push(u32::try_from(indices.len()).expect("the limits bound every extent"));
    if !is_bounded(&shape) {
        return Err(too_large(node).into());
    }
    let picked: Vec<usize> = (0..rows)
        .flat_map(|row| indices.iter().map(move |&index| (row * width + index) as usize))
        .collect();
    Ok(vec![known(tensor.pick(shape, &picked))])
}

/// The constant positions, each below `width`.
fn indices(node: &Node<'_>, width: u32) -> Imported<Vec<u32>> {
    let positions = node.constant_integers(1, "Y")?;
    if positions.len() > skxc_ir::limits::COLUMNS_MAX {
        let most = skxc_ir::limits::COLUMNS_MAX;
        let message = format!("{} columns are picked; at most {most} are allowed", positions.len());
        return Err(node.operand_error(1, skxc_diagnostics::codes::LIMIT_EXCEEDED, message).into());
    }
    let index = |&position: &i64| {
        u32::try_from(position).ok().filter(|&index| index < width).ok_or_else(|| {
            let message = format!("position {position} is not one of the {width} columns");
            node.operand_error(1, INDEX_OUT_OF_RANGE, message).into()
        })
    };
    positions.iter().map(index).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, graph, model, node, operations, said, with_integers};

    #[test]
    fn columns_are_picked() {
        let pick = node("ArrayFeatureExtractor", &["X", "at"], &["Y"]);
        let pick = model(3, vec![pick], &["Y"]);
        let expected = [
            "%0 = input [c0, c1, c2] : f32[1x3]",
            "%1 = gather %0 [2, 0] : f32[1x2]",
            "output \"Y\" value %1",
        ];
        assert_eq!(operations(&with_integers(pick.clone(), "at", &[2, 0])), expected);
        assert_eq!(
            said(&with_integers(pick, "at", &[3])),
            ["SKX0112: position 3 is not one of the 3 columns"]
        );
    }

    #[test]
    fn labels_are_looked_up() {
        let nodes = vec![
            node("ArgMax", &["X"], &["best"]).int("axis", 1),
            node("ArrayFeatureExtractor", &["labels", "best"], &["Y"]),
        ];
        let model = model(2, nodes, &["Y"]);
        let expected = [
            "%0 = input [c0, c1] : f32[1x2]",
            "%1 = argmax %0 : i64[1]",
            "%2 = reshape %1 : i64[1x1]",
            "%3 = label @l0, %2 : label(@l0)[1x1]",
            "output \"Y\" label %3",
        ];
        assert_eq!(operations(&with_integers(model.clone(), "labels", &[5, -1])), expected);
        let more = operations(&with_integers(model, "labels", &[5, -1, 0]));
        assert_eq!(more.last().unwrap(), "output \"Y\" label %9");
    }

    #[test]
    fn text_is_found_by_the_index_of_a_class() {
        let nodes = vec![
            node("Cast", &["X"], &["at"]).int("to", 7),
            node("ArrayFeatureExtractor", &["labels", "at"], &["Y"]),
        ];
        let mut model = with_integers(model(1, nodes, &["Y"]), "labels", &[4, 5]);
        let last = operations(&model).len() - 2;
        assert_eq!(operations(&model)[last], "%12 = reshape %11 : i64[1x1]");
        let text = node("Constant", &[], &["labels"]).strings("value_strings", &["a", "b"]);
        graph(&mut model).initializer.clear();
        graph(&mut model).node.insert(0, text);
        assert_eq!(
            said(&model),
            ["SKX0107: the position is computed, but it is not the index of a class"]
        );
    }
}
