//! Merges equal leaves and equal subtrees, and removes a branch whose sides
//! are the same.
//!
//! Hash-consing from the leaves up: nodes are equal when their tests and their
//! merged children are. The result is a directed acyclic graph, shared within
//! a tree and between trees.
//!
//! Obligation: a node is replaced only by one that adds the same weights for
//! every row.

use std::collections::HashMap;

use crate::{Pass, PassContext};
use skxc_ir::forest::{Forest, IntTest, LeafWeight, NodeId, TreeNode};
use skxc_ir::module::{Int, Module};
use skxc_ir::origin::Origins;

/// Merges equal subtrees of a forest.
#[derive(Clone, Copy, Debug)]
pub struct MergeSubtrees;

impl Pass<Int> for MergeSubtrees {
    fn name(&self) -> &'static str {
        "merge-subtrees"
    }

    fn summary(&self) -> &'static str {
        "merge equal leaves and equal subtrees"
    }

    fn run(&self, module: &mut Module<Int>, _: &mut PassContext<Int>) -> bool {
        let mut changed = false;
        let Module { forests, origins, .. } = module;
        for handle in forests.handles() {
            changed |= merge(&mut forests[handle], origins);
        }
        changed
    }
}

/// What makes two nodes equal.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Branch(IntTest, NodeId, NodeId),
    Leaf(Vec<(u32, i64)>),
}

fn merge(forest: &mut Forest<Int>, origins: &mut Origins) -> bool {
    let mut canonical: HashMap<Key, NodeId> = HashMap::new();
    let mut replaced: Vec<NodeId> = (0..forest.nodes.len() as NodeId).collect();
    // Children follow parents, so from the end every child is merged already,
    // and the first of its kind to be met has the greatest id: a parent still
    // precedes whatever replaces its child.
    for id in (0..forest.nodes.len()).rev() {
        let key = match forest.nodes[id] {
            TreeNode::Branch { test, yes, no, .. } => {
                Key::Branch(test, replaced[yes as usize], replaced[no as usize])
            }
            TreeNode::Leaf { first, count, .. } => {
                Key::Leaf(sorted_weights(forest.leaf_weights(first, count)))
            }
        };
        let by = match key {
            Key::Branch(_, yes, no) if yes == no => yes,
            key => *canonical.entry(key).or_insert(id as NodeId),
        };
        if by as usize != id {
            let origin =
                origins.union(forest.nodes[id].origin(), forest.nodes[by as usize].origin());
            forest.nodes[by as usize].set_origin(origin);
            replaced[id] = by;
        }
    }
    let changed = replaced.iter().enumerate().any(|(id, &by)| by as usize != id);
    forest.replace_nodes(&mut replaced);
    changed
}

/// One entry a target, in order; a weight of 0 adds nothing.
fn sorted_weights(weights: &[LeafWeight<Int>]) -> Vec<(u32, i64)> {
    let mut sorted: Vec<_> = weights.iter().map(|weight| (weight.target, weight.weight)).collect();
    sorted.retain(|&(_, weight)| weight != 0);
    sorted.sort_unstable();
    sorted
}
