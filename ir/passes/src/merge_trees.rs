//! Merges equal trees: several that share a root become one with the weights
//! multiplied, and a tree that is a single leaf becomes part of the base values.
//!
//! Obligation: integer addition is exact in any order, so the sums are the
//! same; the validator proves again that they fit.

use std::collections::HashMap;

use crate::{Pass, PassContext};
use skxc_ir::forest::{Forest, LeafWeight, NodeId, TreeNode};
use skxc_ir::module::{Int, Module};

/// The pass. Wants equal subtrees merged before.
#[derive(Clone, Copy, Debug)]
pub struct MergeTrees;

impl Pass<Int> for MergeTrees {
    fn name(&self) -> &'static str {
        "merge-trees"
    }

    fn summary(&self) -> &'static str {
        "merge equal trees, fold constant trees into the base values"
    }

    fn run(&self, module: &mut Module<Int>, _: &mut PassContext<Int>) -> bool {
        let mut changed = false;
        for handle in module.forests.handles() {
            let forest = &mut module.forests[handle];
            let constant = fold_constant_trees(forest);
            let equal = merge_equal_trees(forest);
            if constant || equal {
                *forest = forest.reached();
                changed = true;
            }
        }
        changed
    }
}

fn fold_constant_trees(forest: &mut Forest<Int>) -> bool {
    let Forest { roots, nodes, weights, base, .. } = forest;
    let trees = roots.len();
    roots.retain(|&root| match nodes[root as usize] {
        TreeNode::Branch { .. } => true,
        TreeNode::Leaf { first, count, .. } => {
            for weight in &weights[first as usize..][..count as usize] {
                base[weight.target as usize] += weight.weight;
            }
            false
        }
    });
    roots.len() < trees
}

fn merge_equal_trees(forest: &mut Forest<Int>) -> bool {
    let mut times: HashMap<NodeId, i64> = HashMap::new();
    for &root in &forest.roots {
        *times.entry(root).or_default() += 1;
    }
    if times.len() == forest.roots.len() {
        return false;
    }
    let mut roots = Vec::with_capacity(times.len());
    for root in std::mem::take(&mut forest.roots) {
        match times.remove(&root) {
            Some(1) => roots.push(root),
            Some(times) => roots.push(copy_scaled(forest, root, times)),
            None => {}
        }
    }
    forest.roots = roots;
    true
}

/// A copy of the tree at `root`, at the end of the nodes, that adds `times`
/// what the original adds.
fn copy_scaled(forest: &mut Forest<Int>, root: NodeId, times: i64) -> NodeId {
    let mut reached = Vec::new();
    skxc_ir::analysis::reach::Reach::new(forest.nodes.len())
        .each(forest, root, |id, _| reached.push(id));
    // Ascending ids keep children behind parents.
    reached.sort_unstable();
    let start = forest.nodes.len() as NodeId;
    let copy_of: HashMap<_, _> = reached.iter().copied().zip(start..).collect();
    for &id in &reached {
        let copy = match forest.nodes[id as usize] {
            TreeNode::Branch { test, yes, no, origin } => {
                TreeNode::Branch { test, yes: copy_of[&yes], no: copy_of[&no], origin }
            }
            TreeNode::Leaf { first, count, origin } => {
                let scaled = forest.weights.len() as u32;
                for at in first..first + count {
                    let LeafWeight { target, weight } = forest.weights[at as usize];
                    forest.weights.push(LeafWeight { target, weight: weight * times });
                }
                TreeNode::Leaf { first: scaled, count, origin }
            }
        };
        forest.nodes.push(copy);
    }
    start
}
