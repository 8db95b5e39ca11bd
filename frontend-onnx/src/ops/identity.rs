//! Identity (ai.onnx 1 to 28) and Dropout (7 to 28), which drops nothing outside
//! of training: the result is the operand.

use skxc_diagnostics::codes::UNSUPPORTED_FORM;

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::{Data, Tensor};

/// skl2onnx ends a model with string labels in one.
pub(super) static IDENTITY: Operator = Operator {
    domain: "ai.onnx",
    name: "Identity",
    since: 1,
    inputs: 1..=1,
    attributes: &[],
    supported: "everything",
    import: |_, node| Ok(vec![node.operand(0)?.clone()]),
};

pub(super) static DROPOUT: Operator = Operator {
    domain: "ai.onnx",
    name: "Dropout",
    since: 7,
    inputs: 1..=3,
    attributes: &["ratio", "seed"],
    supported: "outside of training",
    import: import_dropout,
};

/// The second result says what is kept: all of it.
fn import_dropout(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    if node.optional(2).is_some() {
        let trains = match &node.constant(2, "training_mode")?.data {
            Data::Bool(values) => values.contains(&1),
            _ => true,
        };
        if trains {
            let message = "`Dropout` in training is not supported";
            return Err(node.operand_error(2, UNSUPPORTED_FORM, message).into());
        }
    }
    let shape = match node.operand(0)? {
        Operand::Constant(tensor) => tensor.shape.clone(),
        _ => {
            let value = importer.value(node, 0)?;
            importer.module.shape(value).0.clone()
        }
    };
    let count = shape.iter().map(|&extent| extent as usize).product();
    let kept = Tensor { shape, data: Data::Bool(vec![1; count]), per_row: false };
    Ok(vec![node.operand(0)?.clone(), known(kept)])
}

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations};

    #[test]
    fn nothing_is_dropped() {
        let model = model(2, vec![node("Dropout", &["X"], &["Y"])], &["Y"]);
        assert_eq!(operations(&model)[1], "output \"Y\" value %0");
    }

    #[test]
    fn the_result_is_the_operand() {
        let model = model(2, vec![node("Identity", &["X"], &["Y"])], &["Y"]);
        let expected = ["%0 = input [c0, c1] : f32[1x2]", "output \"Y\" value %0"];
        assert_eq!(operations(&model), expected);
    }
}
