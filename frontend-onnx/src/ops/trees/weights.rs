//! Brings the weights of the leaves into the order of the leaves.

use skxc_diagnostics::codes::{BAD_NUMBER, INDEX_OUT_OF_RANGE, TREE_STRUCTURE};
use skxc_ir::{LeafWeight, Mode, Real};

use super::attributes::Trees;
use super::faults::Faults;
use super::order::{Index, Order, Run, UNREACHED};

/// The weights of all leaves, those of a leaf together.
pub(super) struct Grouped {
    pub(super) weights: Vec<LeafWeight<Real>>,
    /// Where the weights of each node end; they start where those before end.
    ends: Vec<u32>,
    /// Weights of nodes that are no leaves of a tree.
    pub(super) ignored: usize,
}

impl Grouped {
    /// First and number of the weights of node `id`.
    pub(super) fn run(&self, id: usize) -> (u32, u32) {
        let first = if id == 0 { 0 } else { self.ends[id - 1] };
        (first, self.ends[id] - first)
    }
}

/// Groups the weights by leaf (counting sort), and reports those that belong
/// to no node or to no sum.
pub(super) fn group(
    trees: &Trees<'_>,
    index: &Index,
    modes: &[Option<Mode>],
    order: &Order,
    target: &dyn Fn(i64) -> Option<u32>,
    faults: &mut Faults<'_, '_>,
) -> Grouped {
    let leaves = &trees.leaves;
    let names = leaves.names;
    let mut ids = Vec::with_capacity(leaves.node_ids.len());
    let mut ends = vec![0u32; order.positions.len()];
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
        let id = position.map_or(UNREACHED, |position| order.ids[position]);
        match position {
            None => faults.add(TREE_STRUCTURE, names.node_ids, || {
                format!("a weight belongs to node {node} of tree {tree}, which is not there")
            }),
            Some(position) if modes[position].is_some() || id == UNREACHED => ignored += 1,
            Some(_) => {
                ends[id as usize] += 1;
                ids.push(id);
                continue;
            }
        }
        ids.push(UNREACHED);
    }
    let mut next = Vec::with_capacity(ends.len());
    let mut total = 0;
    for end in &mut ends {
        next.push(total);
        total += *end;
        *end = total;
    }
    let mut weights = vec![LeafWeight { target: 0, weight: 0.0 }; total as usize];
    for (entry, &id) in ids.iter().enumerate() {
        if id == UNREACHED {
            continue;
        }
        let slot = &mut next[id as usize];
        weights[*slot as usize] = weight(trees, entry, target, faults);
        *slot += 1;
    }
    let grouped = Grouped { weights, ends, ignored };
    report_repeated(trees, order, &grouped, faults);
    grouped
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
            format!("{} adds to class {id}, which is not there", place())
        });
        0
    });
    LeafWeight { target, weight }
}

/// Reports leaves that add to one sum twice.
fn report_repeated(
    trees: &Trees<'_>,
    order: &Order,
    grouped: &Grouped,
    faults: &mut Faults<'_, '_>,
) {
    let targets = grouped.weights.iter().map(|weight| weight.target as usize + 1).max();
    let mut last_leaf = vec![UNREACHED; targets.unwrap_or(0)];
    for id in 0..order.positions.len() {
        let (first, count) = grouped.run(id);
        for weight in &grouped.weights[first as usize..][..count as usize] {
            let last = &mut last_leaf[weight.target as usize];
            if std::mem::replace(last, id as u32) == id as u32 {
                faults.add(TREE_STRUCTURE, trees.leaves.names.ids, || {
                    let place = trees.describe(order.positions[id] as usize);
                    format!("{place} has two weights for one class")
                });
            }
        }
    }
}
