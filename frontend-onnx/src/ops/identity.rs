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
