//! Fixed point for leaf weights.
//!
//! All sums of a module share one format, the finest in which no sum can leave
//! 62 bits: weights are `f32` with 24 significant bits, or `f64` with 53, so
//! most are exact in it, and what is not is counted in
//! [`Forest::rounding_half_units`].

use crate::analysis::reach::Reach;
use crate::forest::{Forest, LeafWeight, NodeId, TreeNode};
use crate::module::{Int, Module, Real};
use crate::passes::quantize::predicate::{Predicate, Row, Step, Way};
use crate::passes::quantize::{QuantizeError, SUM_BITS};
use crate::types::ElementType;

/// Greatest number of fraction bits. Weights below 2^-64 are not told apart.
const FRAC_BITS_MAX: i32 = 126;

/// Fraction bits with which the sums of all forests fit, before any operation
/// on them.
///
/// # Errors
/// If the integer part of a sum alone is too wide.
pub(super) fn frac_bits_estimate(module: &Module<Real>) -> Result<u8, Vec<QuantizeError>> {
    let mut errors = Vec::new();
    let constants = module.constants.iter().flat_map(|(_, constant)| &constant.elements);
    let mut magnitude = constants.fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    for value in module.values() {
        let crate::ops::RealOp::TreeEnsemble { forest, .. } = module.node(value).op else {
            continue;
        };
        let bound = magnitude_bound(&module.forests[forest]);
        if integer_bits(bound) > i32::from(SUM_BITS) {
            let node = super::onnx_node(module, value);
            errors.push(QuantizeError::TooLarge { node, magnitude: bound });
        }
        magnitude = magnitude.max(bound);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let frac_bits = i32::from(SUM_BITS) - integer_bits(magnitude);
    Ok(frac_bits.min(FRAC_BITS_MAX) as u8)
}

/// The least `n` with `magnitude` below 2^n.
fn integer_bits(magnitude: f64) -> i32 {
    let mut bits = magnitude.log2().floor() as i32 + 1;
    // `log2` may be off by an ulp next to a power of two.
    while f64::exp2(bits.into()) <= magnitude {
        bits += 1;
    }
    bits
}

/// No sum of a subset of the trees is beyond it. Added upwards.
fn magnitude_bound(forest: &Forest<Real>) -> f64 {
    let mut reach = Reach::new(forest.nodes.len());
    let mut bound = forest.base.iter().fold(0.0, |bound: f64, base| bound.max(base.abs()));
    for &root in &forest.roots {
        let mut tree = 0.0_f64;
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            // Several weights of one leaf for one target add up.
            let weights = forest.leaf_weights(first, count);
            tree = tree.max(greatest_target(weights));
        });
        bound = (bound + tree).next_up();
    }
    bound
}

/// Greatest magnitude that a leaf adds to one sum.
fn greatest_target(weights: &[LeafWeight<Real>]) -> f64 {
    let distinct = weights.windows(2).all(|pair| pair[0].target < pair[1].target);
    let magnitudes = weights.iter().map(|weight| weight.weight.abs());
    if distinct { magnitudes.fold(0.0, f64::max) } else { magnitudes.sum() }
}

/// `x` in units of 2^-`frac_bits`, to nearest even. Exact scaling: the factor
/// is a power of two.
fn nearest(x: f64, frac_bits: u8) -> i64 {
    scaled(x, frac_bits).round_ties_even() as i64
}

/// The greatest integer not above `x` in units of 2^-`frac_bits`; saturates.
pub(super) fn floor(x: f64, frac_bits: u8) -> i64 {
    scaled(x, frac_bits).floor() as i64
}

/// `x` in units of 2^-`frac_bits`, if it is a whole number of them.
pub(super) fn exact(x: f64, frac_bits: u8) -> Option<i64> {
    let scaled = scaled(x, frac_bits);
    let fits = scaled.abs() < f64::exp2(SUM_BITS.into());
    (fits && scaled.fract() == 0.0).then_some(scaled as i64)
}

/// `x` times 2^`frac_bits`; without error unless it overflows.
pub(super) fn scaled(x: f64, frac_bits: u8) -> f64 {
    x * f64::exp2(frac_bits.into())
}

/// The integer forest: every test by its predicate, every weight rounded.
pub(super) fn quantize_forest(forest: &Forest<Real>, row: &Row<'_>, frac_bits: u8) -> Forest<Int> {
    // Leaves that no tree reaches have no part in the bound on the sums.
    let forest = &forest.reached();
    let elem = ElementType::Fixed { bits: SUM_BITS, frac_bits };
    let (mut nodes, place) = quantize_nodes(forest, row);
    let mut weights = Vec::with_capacity(forest.weights.len());
    for node in &mut nodes {
        if let TreeNode::Leaf { first, count, .. } = node {
            let start = weights.len();
            push_sums(&mut weights, forest.leaf_weights(*first, *count), frac_bits);
            (*first, *count) = (start as u32, (weights.len() - start) as u32);
        }
    }
    Forest {
        features: forest.features,
        targets: forest.targets,
        elem,
        base: forest.base.iter().map(|&base| nearest(base, frac_bits)).collect(),
        roots: forest.roots.iter().map(|&root| place[root as usize]).collect(),
        nodes,
        weights,
        rounding_half_units: rounding_half_units(forest, frac_bits),
    }
}

/// Appends what a leaf adds to each sum: one weight a target, in order.
fn push_sums(sums: &mut Vec<LeafWeight<Int>>, leaf: &[LeafWeight<Real>], frac_bits: u8) {
    let start = sums.len();
    sums.extend(leaf.iter().map(|weight| LeafWeight {
        target: weight.target,
        weight: nearest(weight.weight, frac_bits),
    }));
    sums[start..].sort_by_key(|sum| sum.target);
    let mut kept = start;
    for at in start..sums.len() {
        let sum = sums[at];
        if kept > start && sums[kept - 1].target == sum.target {
            sums[kept - 1].weight += sum.weight;
        } else {
            sums[kept] = sum;
            kept += 1;
        }
    }
    sums.truncate(kept);
}

/// A test can take several integer tests, or none: nodes move. Returns the new
/// nodes, and for each old node the place of the new node that stands for it.
fn quantize_nodes(forest: &Forest<Real>, row: &Row<'_>) -> (Vec<TreeNode<Int>>, Vec<NodeId>) {
    let decisions: Vec<Vec<Step>> =
        forest.nodes.iter().map(|node| decision_of(node, row)).collect();
    let mut place = Vec::with_capacity(forest.nodes.len());
    let mut next: NodeId = 0;
    for steps in &decisions {
        place.push(next);
        next += steps.len() as NodeId;
    }
    let mut nodes = Vec::with_capacity(next as usize);
    for (node, steps) in forest.nodes.iter().zip(&decisions) {
        match *node {
            TreeNode::Leaf { first, count, origin } => {
                nodes.push(TreeNode::Leaf { first, count, origin });
            }
            TreeNode::Branch { yes, no, origin, .. } => {
                for step in steps {
                    let following = nodes.len() as NodeId + 1;
                    let to = |way| match way {
                        Way::Next => following,
                        Way::Out { holds: true } => place[yes as usize],
                        Way::Out { holds: false } => place[no as usize],
                    };
                    let (yes, no) = (to(step.below), to(step.above));
                    nodes.push(TreeNode::Branch { test: step.test, yes, no, origin });
                }
            }
        }
    }
    (nodes, place)
}

/// The integer tests of a branch. A leaf has one entry too, to hold its place;
/// so has a test that no value of the column can change.
fn decision_of(node: &TreeNode<Real>, row: &Row<'_>) -> Vec<Step> {
    let TreeNode::Branch { test, .. } = node else { return vec![held_place(0, 0, true)] };
    let predicate = Predicate::of(test, row);
    if predicate.ends.is_empty() {
        let range = row.columns[test.feature as usize].range;
        return vec![held_place(test.feature, range.max, predicate.starts_inside)];
    }
    predicate.decision(test.feature)
}

/// A test that always goes the same way; the pass `prune-branches` removes it.
fn held_place(feature: u32, at_most: i64, holds: bool) -> Step {
    let way = Way::Out { holds };
    Step { test: crate::forest::IntTest { feature, at_most }, below: way, above: way }
}

/// For each sum, one half unit for every tree with a weight that is not exact,
/// and as many more as a leaf has such weights for one target.
fn rounding_half_units(forest: &Forest<Real>, frac_bits: u8) -> Vec<u64> {
    let inexact = |x: f64| u64::from(scaled(x, frac_bits).fract() != 0.0);
    let mut half_units: Vec<u64> = forest.base.iter().map(|&base| inexact(base)).collect();
    let mut reach = Reach::new(forest.nodes.len());
    let mut tree = vec![0; forest.targets as usize];
    for &root in &forest.roots {
        tree.fill(0);
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            let weights = forest.leaf_weights(first, count);
            for (at, weight) in weights.iter().enumerate() {
                let same = weights[..at].iter().filter(|other| other.target == weight.target);
                let halves =
                    inexact(weight.weight) + same.map(|other| inexact(other.weight)).sum::<u64>();
                let most = &mut tree[weight.target as usize];
                *most = halves.max(*most);
            }
        });
        for (sum, tree) in half_units.iter_mut().zip(&tree) {
            *sum += tree;
        }
    }
    half_units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_one_target_in_one_leaf_add_up() {
        let leaf = [(1, 0.5), (0, 0.25), (1, 0.125)];
        let leaf = leaf.map(|(target, weight)| LeafWeight { target, weight });
        let mut sums = vec![LeafWeight { target: 1, weight: 7 }];
        push_sums(&mut sums, &leaf, 4);
        let sums: Vec<_> = sums.iter().map(|sum| (sum.target, sum.weight)).collect();
        assert_eq!(sums, [(1, 7), (0, 4), (1, 10)]);
    }

    #[test]
    fn integer_bits_are_the_least_power_above() {
        for (magnitude, bits) in [(0.5, 0), (0.75, 0), (1.0, 1), (1.5, 1), (2.0, 2), (1e-3, -9)] {
            assert_eq!(integer_bits(magnitude), bits, "{magnitude}");
        }
    }

    #[test]
    fn the_floor_of_a_threshold_saturates() {
        assert_eq!(floor(0.3, 2), 1);
        assert_eq!(floor(-0.3, 2), -2);
        assert_eq!(floor(1e30, 61), i64::MAX);
        assert_eq!(exact(0.3, 2), None);
        assert_eq!(exact(0.25, 2), Some(1));
    }
}
