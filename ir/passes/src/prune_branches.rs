//! Removes branches whose test is decided by the ranges of the columns and by
//! the tests above it.
//!
//! One pass over the nodes, parents before children, carries to each node the
//! box of feature values that can reach it; where several ways lead to a
//! shared node, the box is their hull.
//!
//! Obligation: a branch is replaced by one of its sides only when every row
//! within the column ranges that reaches it goes that way.

use std::collections::BTreeMap;

use crate::{Pass, PassContext};
use skxc_ir::forest::{Forest, IntTest, NodeId, TreeNode};
use skxc_ir::module::{Int, Interval, Module};
use skxc_ir::ops::IntOp;

/// Removes branches that no row reaches.
#[derive(Clone, Copy, Debug)]
pub struct PruneBranches;

impl Pass<Int> for PruneBranches {
    fn name(&self) -> &'static str {
        "prune-branches"
    }

    fn summary(&self) -> &'static str {
        "remove branches that ranges and earlier tests decide"
    }

    fn run(&self, module: &mut Module<Int>, context: &mut PassContext<Int>) -> bool {
        let ranges = context.ranges(module);
        let mut changed = false;
        for value in module.values() {
            let IntOp::TreeEnsemble { forest, input } = module.node(value).op else { continue };
            let row = ranges.of_value(input).iter().map(|bounds| {
                let narrow = |x: i128| i64::try_from(x).expect("features fit 63 bits");
                Interval::new(narrow(bounds.min), narrow(bounds.max))
            });
            changed |= prune(&mut module.forests[forest], &row.collect::<Vec<_>>());
        }
        changed
    }
}

/// Feature values that can reach a node. A feature that no test above has
/// narrowed is absent.
type Narrowed = BTreeMap<u32, Interval>;

fn prune(forest: &mut Forest<Int>, row: &[Interval]) -> bool {
    let mut reaching: Vec<Option<Narrowed>> = vec![None; forest.nodes.len()];
    for &root in &forest.roots {
        reaching[root as usize] = Some(Narrowed::new());
    }
    let mut replaced: Vec<NodeId> = (0..forest.nodes.len() as NodeId).collect();
    for id in 0..forest.nodes.len() {
        let Some(narrowed) = reaching[id].take() else { continue };
        let TreeNode::Branch { test, yes, no, .. } = forest.nodes[id] else { continue };
        let range = *narrowed.get(&test.feature).unwrap_or(&row[test.feature as usize]);
        match test.decided(range) {
            Some(holds) => {
                let taken = if holds { yes } else { no };
                replaced[id] = taken;
                arrive(&mut reaching[taken as usize], narrowed);
            }
            None => {
                let (below, above) = split(range, test);
                arrive(&mut reaching[no as usize], with(narrowed.clone(), test.feature, above));
                arrive(&mut reaching[yes as usize], with(narrowed, test.feature, below));
            }
        }
    }
    let changed = replaced.iter().enumerate().any(|(id, &by)| by as usize != id);
    forest.replace_nodes(&mut replaced);
    changed
}

/// Both sides of an undecided test.
fn split(range: Interval, test: IntTest) -> (Interval, Interval) {
    (Interval::new(range.min, test.at_most), Interval::new(test.at_most + 1, range.max))
}

fn with(mut narrowed: Narrowed, feature: u32, range: Interval) -> Narrowed {
    narrowed.insert(feature, range);
    narrowed
}

/// One more way to a node: its box becomes the hull.
fn arrive(reaching: &mut Option<Narrowed>, narrowed: Narrowed) {
    match reaching {
        None => *reaching = Some(narrowed),
        Some(known) => known.retain(|feature, range| match narrowed.get(feature) {
            Some(&other) => {
                *range = range.union(other);
                true
            }
            None => false,
        }),
    }
}
