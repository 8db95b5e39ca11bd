//! Leaves that name a sum more than once, and leaves that name none.
//!
//! ONNX Runtime has rules of its own for operators with a single result
//! (tree_ensemble_aggregator.h, `ProcessTreeNodePrediction1`): the first weight
//! of a leaf counts, and without one the `nodes_values` of the leaf.

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, BAD_NUMBER};
use skxc_ir::{ElementType, LeafWeight};

use super::aggregate::Aggregate;
use super::attributes::Trees;
use super::draft::{Draft, Frame, Kind};
use super::faults::Faults;
use crate::import::Importer;
use crate::listing::counted;
use crate::node::Node;

/// Keeps one weight a leaf and sum: what the weights add up to, rounded to the
/// type of the sums, or the least or the greatest of them; the first of them if
/// the operator has a single result.
pub(super) fn check(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    frame: Frame,
    draft: &mut Draft,
    faults: &mut Faults<'_, '_>,
) {
    let mut slot_of = vec![(0u32, 0u32); frame.targets as usize];
    let (mut dropped, mut without_weight) = (0, 0);
    for (id, leaf) in draft.nodes.iter_mut().enumerate() {
        let Kind::Leaf { first, count } = &mut leaf.kind else { continue };
        let (tree, node_id) = leaf.place;
        let number = u32::try_from(id).expect("the limits count nodes") + 1;
        let weights = &mut draft.weights[*first as usize..][..*count as usize];
        if weights.is_empty() && frame.is_single && trees.values.get(id) != 0.0 {
            without_weight += 1;
        }
        // Behind the weights that are kept come some that nobody reads.
        let mut kept = 0;
        for entry in 0..weights.len() {
            let LeafWeight { target, weight } = weights[entry];
            let (last, slot) = &mut slot_of[target as usize];
            if *last != number {
                (*last, *slot) = (number, kept);
                weights[kept as usize] = weights[entry];
                kept += 1;
            } else if frame.is_single {
                dropped += 1;
            } else {
                let before = weights[*slot as usize].weight;
                let sum = match frame.aggregate {
                    Aggregate::Sum | Aggregate::Average => round(before + weight, frame.elem),
                    Aggregate::Minimum => before.min(weight),
                    Aggregate::Maximum => before.max(weight),
                };
                weights[*slot as usize].weight = sum;
                if !sum.is_finite() {
                    faults.add(BAD_NUMBER, trees.leaves.weights.name, || {
                        format!("node {node_id} of tree {tree} adds {sum}")
                    });
                }
            }
        }
        *count = kept;
    }
    warn(importer, node, trees, dropped, without_weight);
}

fn warn(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    dropped: usize,
    without_weight: usize,
) {
    if without_weight > 0 {
        let message =
            format!("{} without a weight; they add nothing", counted(without_weight, "leaf node"));
        let warning = node.attribute_warning(trees.values.name, AMBIGUOUS_LABEL, message);
        importer.warn(warning.note("ONNX Runtime adds the threshold that is listed for them"));
    }
    if dropped > 0 {
        let message = format!("{} beside the first of its leaf", counted(dropped, "weight"));
        let warning = node.attribute_warning(trees.leaves.names.node_ids, AMBIGUOUS_LABEL, message);
        importer.warn(warning.note("dropped, as in ONNX Runtime; the specification adds them"));
    }
}

fn round(sum: f64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(sum as f32) } else { sum }
}
