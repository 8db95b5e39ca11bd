//! ZipMap (ai.onnx.ml 1): from a row of scores to a map from label to score.
//!
//! The map is the row with names: as an output it is the row. Its labels must
//! be as many as the scores and name no class twice.

use skxc_diagnostics::codes::{CLASS_LABELS, TYPE_MISMATCH};
use skxc_ir::LabelTable;

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

use super::tree_ensemble_classifier::labels;

/// skl2onnx ends a classifier in one unless told otherwise.
pub(super) static ZIP_MAP: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "ZipMap",
    since: 1,
    inputs: 1..=1,
    attributes: &["classlabels_int64s", "classlabels_strings"],
    supported: "as an output of the graph",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let (table, attribute) = labels::read(node)?;
    let scores = importer.value(node, 0)?;
    let width = importer.module.shape(scores).0.last().copied().unwrap_or(1);
    if table.len() != width as usize {
        let message = format!("`{}` has {} labels for {width} scores", node.name(), table.len());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    warn_if_others(importer, node, &table, attribute);
    Ok(vec![Operand::Results(vec![scores])])
}

/// The labels of the map and of the decision should be the same.
fn warn_if_others(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    table: &LabelTable,
    attribute: &str,
) {
    let decided: Vec<_> = importer.module.labels.iter().map(|(_, table)| table).collect();
    if let [decided] = decided[..]
        && decided != table
    {
        let message =
            format!("`{}` names the scores by other labels than the classifier has", node.name());
        let warning = node.attribute_warning(attribute, CLASS_LABELS, message);
        importer
            .warn(warning.note("scores are named by position; the labels of the classifier count"));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said, stump};

    fn with_map(labels: &[i64]) -> crate::proto::ModelProto {
        let trees = stump(&[3, 5], &[(0, 0.25)], &[(0, 0.75)]);
        let map = node("ZipMap", &["scores"], &["map"]).ints("classlabels_int64s", labels);
        model(1, vec![trees, map], &["label", "map"])
    }

    #[test]
    fn the_map_is_the_row_of_scores() {
        let operations = operations(&with_map(&[3, 5]));
        assert_eq!(operations.last().unwrap(), "output \"map\" score probability %8");
    }

    #[test]
    fn labels_are_as_many_as_scores_and_those_of_the_classifier() {
        assert_eq!(
            said(&with_map(&[3, 5, 7])),
            ["SKX0107: `ai.onnx.ml.ZipMap` has 3 labels for 2 scores"]
        );
        assert_eq!(
            said(&with_map(&[3, 4])),
            [
                "SKX0114: `ai.onnx.ml.ZipMap` names the scores by other labels than the classifier has"
            ]
        );
        assert_eq!(said(&with_map(&[3, 3])), ["SKX0114: two classes have the label `3`"]);
    }
}
