//! Shape (ai.onnx 1 to 28): the extents of its operand, which are all known.
//!
//! The batch axis has extent 1 here. What is made of it stands for "once a
//! row", and the constant remembers that.

use skxc_diagnostics::codes::TYPE_MISMATCH;

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::Tensor;

pub(super) static SHAPE: Operator = Operator {
    domain: "ai.onnx",
    name: "Shape",
    since: 1,
    inputs: 1..=1,
    attributes: &["start", "end"],
    supported: "everything",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let (shape, counts_rows) = match node.operand(0)? {
        Operand::Value(value) => (importer.module.shape(*value).0.clone(), true),
        Operand::Constant(tensor) => (tensor.shape.clone(), false),
        Operand::Results(_) | Operand::Refused => {
            let message = "`Shape` of a map is not supported";
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
    };
    let rank = shape.len() as i64;
    let clamp = |position: i64| {
        let counted = if position < 0 { position.saturating_add(rank) } else { position };
        counted.clamp(0, rank) as usize
    };
    let start = clamp(node.int("start")?.unwrap_or(0));
    let end = clamp(node.int("end")?.unwrap_or(rank)).max(start);
    let extents = shape[start..end].iter().map(|&extent| i64::from(extent)).collect();
    let per_row = counts_rows && start == 0 && end > 0;
    Ok(vec![known(Tensor { per_row, ..Tensor::integers(extents) })])
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations};

    #[test]
    fn a_model_of_one_class_is_made_of_the_number_of_rows() {
        let rows = node("Shape", &["X"], &["rows"]).int("start", 0).int("end", 1);
        let ones = node("ConstantOfShape", &["rows"], &["label"])
            .tensor("value", crate::testing::integers(&[7]));
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = constant @w0 : i64[1]",
            "%2 = label @l0, %1 : label(@l0)[1]",
            "output \"label\" label %2",
        ];
        assert_eq!(operations(&model(1, vec![rows, ones], &["label"])), expected);
    }
}
