//! What can be said of the weights that any row collects.

use skxc_ir::analysis::reach::Reach;
use skxc_ir::{Forest, Real, TreeNode};

/// Least and greatest total of weights that a row can collect, over all sums;
/// the ways through a tree are taken apart from each other, so that not every
/// total between the two need occur.
pub(in crate::ops) fn range_of_totals(forest: &Forest<Real>) -> (f64, f64) {
    // Children come behind their parents.
    let mut of_node = vec![(0.0f64, 0.0f64); forest.nodes.len()];
    for (id, node) in forest.nodes.iter().enumerate().rev() {
        of_node[id] = match *node {
            TreeNode::Leaf { first, count, .. } => {
                let weights = forest.leaf_weights(first, count).iter();
                let total = weights.map(|weight| weight.weight).sum();
                (total, total)
            }
            TreeNode::Branch { yes, no, .. } => {
                let (yes, no): ((f64, f64), _) = (of_node[yes as usize], of_node[no as usize]);
                (yes.0.min(no.0), yes.1.max(no.1))
            }
        };
    }
    let roots = forest.roots.iter().map(|&root| of_node[root as usize]);
    roots.fold((0.0, 0.0), |(least, most), (low, high)| (least + low, most + high))
}

/// Are the sums probabilities: nothing negative, and a total of 1 for every
/// row but for the rounding of the weights?
pub(in crate::ops) fn add_up_to_one(forest: &Forest<Real>) -> bool {
    let (least, most) = range_of_totals(forest);
    is_vote(forest) && least >= 1.0 - TOLERANCE && most <= 1.0 + TOLERANCE
}

/// Do the sums start at 0, and is no weight negative?
pub(in crate::ops) fn is_vote(forest: &Forest<Real>) -> bool {
    forest.base.iter().all(|&base| base == 0.0)
        && !forest.weights.iter().any(|weight| weight.weight < 0.0)
}

/// What rounding of the weights may change in a total of 1.
pub(in crate::ops) const TOLERANCE: f64 = 1e-4;

/// Is the top class the same for ONNX Runtime, which looks only at classes
/// that had a weight? It is if each class has one in every leaf of some tree,
/// if all classes start from base values, or if every weight is above 0: then
/// so is the greatest sum.
pub(in crate::ops) fn every_class_is_scored(forest: &Forest<Real>) -> bool {
    let has_base = forest.base.iter().any(|&base| base != 0.0);
    has_base
        || forest.weights.iter().all(|weight| weight.weight > 0.0)
        || scored_in_some_tree(forest).iter().all(|&scored| scored)
}

/// For each target: has every leaf of some tree a weight for it?
pub(super) fn scored_in_some_tree(forest: &Forest<Real>) -> Vec<bool> {
    let mut scored = vec![false; forest.targets as usize];
    let mut leaves_with = vec![0usize; scored.len()];
    let mut last_leaf = vec![0usize; scored.len()];
    let mut reach = Reach::new(forest.nodes.len());
    let mut leaves_before = 0;
    for &root in &forest.roots {
        let mut leaves = 0;
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            leaves += 1;
            for weight in forest.leaf_weights(first, count) {
                let target = weight.target as usize;
                // A leaf may name a target twice.
                let leaf = leaves_before + leaves;
                if std::mem::replace(&mut last_leaf[target], leaf) != leaf {
                    leaves_with[target] += 1;
                }
            }
        });
        leaves_before += leaves;
        for (scored, leaves_with) in scored.iter_mut().zip(&mut leaves_with) {
            *scored |= *leaves_with == leaves;
            *leaves_with = 0;
        }
    }
    scored
}
