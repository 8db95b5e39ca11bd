//! SequenceConstruct (ai.onnx 11 to 28): several tensors as one result.
//!
//! skl2onnx ends a multi-output classifier in one: the scores of each output.
//! Nothing computes with a sequence; as an output of the graph it is its tensors.

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static SEQUENCE_CONSTRUCT: Operator = Operator {
    domain: "ai.onnx",
    name: "SequenceConstruct",
    since: 11,
    inputs: 1..=usize::MAX,
    attributes: &[],
    supported: "as an output of the graph",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let values: Imported<Vec<_>> =
        (0..node.operands.len()).map(|position| importer.value(node, position)).collect();
    Ok(vec![Operand::Results(values?)])
}

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations, said};

    #[test]
    fn the_tensors_are_results() {
        let nodes =
            vec![node("Neg", &["X"], &["a"]), node("SequenceConstruct", &["X", "a"], &["Y"])];
        let operations = operations(&model(1, nodes, &["Y"]));
        assert_eq!(operations[2..], ["output \"Y0\" value %0", "output \"Y1\" value %1"]);
    }

    #[test]
    fn nothing_reads_a_sequence() {
        let nodes =
            vec![node("SequenceConstruct", &["X", "X"], &["s"]), node("Neg", &["s"], &["Y"])];
        assert_eq!(
            said(&model(1, nodes, &["Y"])),
            ["SKX0107: `Neg` cannot read a map or a sequence"]
        );
    }
}
