//! Brings the weights of the leaves into the order of the nodes, for
//! TreeEnsembleClassifier and TreeEnsembleRegressor.

use skxc_diagnostics::codes::{BAD_NUMBER, INDEX_OUT_OF_RANGE, TREE_STRUCTURE};
use skxc_ir::{LeafWeight, Real};

use super::attributes::Trees;
use super::draft::{Draft, Kind};
use super::faults::Faults;
use super::node_lists::{Index, Run};

/// Stands for no leaf.
const NONE: u32 = u32::MAX;

/// Groups the weights by leaf (counting sort), in the order of the model, and
/// reports those that belong to no node or to no sum. Returns the number of
/// those that belong to a branch.
pub(super) fn group(
    trees: &Trees<'_>,
    index: &Index,
    target: &dyn Fn(i64) -> Option<u32>,
    draft: &mut Draft,
    faults: &mut Faults<'_, '_>,
) -> usize {
    let (leaf_of, ignored) = leaves_of(trees, index, draft, faults);
    for &position in leaf_of.iter().filter(|&&position| position != NONE) {
        if let Kind::Leaf { count, .. } = &mut draft.nodes[position as usize].kind {
            *count += 1;
        }
    }
    let mut total = 0;
    for node in &mut draft.nodes {
        if let Kind::Leaf { first, count } = &mut node.kind {
            // Counted again while the weights come in.
            *first = total;
            total += std::mem::take(count);
        }
    }
    draft.weights = vec![LeafWeight { target: 0, weight: 0.0 }; total as usize];
    for (entry, &position) in leaf_of.iter().enumerate() {
        if position == NONE {
            continue;
        }
        let weight = weight(trees, entry, target, faults);
        if let Kind::Leaf { first, count } = &mut draft.nodes[position as usize].kind {
            draft.weights[(*first + *count) as usize] = weight;
            *count += 1;
        }
    }
    ignored
}

/// The position of the leaf of each weight, and the number of those that
/// belong to a branch.
fn leaves_of(
    trees: &Trees<'_>,
    index: &Index,
    draft: &Draft,
    faults: &mut Faults<'_, '_>,
) -> (Vec<u32>, usize) {
    let leaves = &trees.leaves;
    let mut leaf_of = Vec::with_capacity(leaves.node_ids.len());
    let mut ignored = 0;
    let mut last: Option<(i64, Option<&Run>)> = None;
    for (&tree, &node) in leaves.tree_ids.iter().zip(leaves.node_ids) {
        // Entries of a tree mostly stand together.
        let run = match last {
            Some((same, run)) if same == tree => run,
            Some(_) | None => index.run(tree),
        };
        last = Some((tree, run));
        let position = run.and_then(|run| run.find(trees, node));
        leaf_of.push(match position.map(|position| (position, draft.nodes[position].kind)) {
            Some((position, Kind::Leaf { .. })) => {
                u32::try_from(position).expect("the limits count nodes")
            }
            Some((_, Kind::Branch { .. })) => {
                ignored += 1;
                NONE
            }
            None => {
                faults.add(TREE_STRUCTURE, leaves.names.node_ids, || {
                    format!("a weight belongs to node {node} of tree {tree}, which is not there")
                });
                NONE
            }
        });
    }
    (leaf_of, ignored)
}

fn weight(
    trees: &Trees<'_>,
    entry: usize,
    target: &dyn Fn(i64) -> Option<u32>,
    faults: &mut Faults<'_, '_>,
) -> LeafWeight<Real> {
    let leaves = &trees.leaves;
    let (id, weight) = (leaves.ids[entry], leaves.weights.get(entry));
    let place = || format!("node {} of tree {}", leaves.node_ids[entry], leaves.tree_ids[entry]);
    if !weight.is_finite() {
        faults.add(BAD_NUMBER, leaves.weights.name, || format!("{} adds {weight}", place()));
    }
    let target = target(id).unwrap_or_else(|| {
        faults.add(INDEX_OUT_OF_RANGE, leaves.names.ids, || {
            format!("{} adds to {} {id}, which is not there", place(), leaves.names.sum)
        });
        0
    });
    LeafWeight { target, weight }
}
