//! Identity (ai.onnx 1 to 28): its result is its operand.

use super::Operator;

/// skl2onnx ends a model with string labels in one.
pub(super) static IDENTITY: Operator = Operator {
    domain: "ai.onnx",
    name: "Identity",
    since: 1,
    inputs: 1..=1,
    attributes: &[],
    supported: "everything",
    lower: |_, node| Ok(vec![node.operand(0)?.clone()]),
};

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations};

    #[test]
    fn the_result_is_the_operand() {
        let model = model(2, vec![node("Identity", &["X"], &["Y"])], &["Y"]);
        let expected = ["%0 = input [c0, c1] : f32[1x2]", "output \"Y\" value %0"];
        assert_eq!(operations(&model), expected);
    }
}
