//! ZipMap (ai.onnx.ml 1): from a row of scores to a map from label to score.
//!
//! The map is the row with names: as an output it is the row. Its labels must
//! be as many as the scores and name no class twice.

use skxc_diagnostics::codes::{CLASS_LABELS, TYPE_MISMATCH};
use skxc_ir::LabelTable;

use super::Operator;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Operand};

use super::tree_ensemble_classifier::labels;

/// skl2onnx ends a classifier in one unless told otherwise.
pub(super) static ZIP_MAP: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "ZipMap",
    since: 1,
    inputs: 1..=1,
    attributes: &["classlabels_int64s", "classlabels_strings"],
    supported: "as an output of the graph",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let (table, attribute) = labels::read(node)?;
    let scores = lowering.value(node, 0)?;
    let width = lowering.module.shape(scores).0.last().copied().unwrap_or(1);
    if table.len() != width as usize {
        let message = format!("`ZipMap` has {} labels for {width} scores", table.len());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    warn_if_others(lowering, node, &table, attribute);
    Ok(vec![Operand::Map(scores)])
}

/// The labels of the map and of the decision should be the same.
fn warn_if_others(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    table: &LabelTable,
    attribute: &str,
) {
    let decided: Vec<_> = lowering.module.labels.iter().map(|(_, table)| table).collect();
    if let [decided] = decided[..]
        && decided != table
    {
        let message = "`ZipMap` names the scores by other labels than the classifier has";
        let warning = node.attribute_warning(attribute, CLASS_LABELS, message);
        lowering
            .warn(warning.note("scores are named by position; the labels of the classifier count"));
    }
}
