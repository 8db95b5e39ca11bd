//! Fixed point for sums over trees.
//!
//! The sums of a group share one format, the finest in which no sum can leave
//! 62 bits: weights are `f32` with 24 significant bits, or `f64` with 53, so
//! most are exact in it, and what is not is counted in
//! [`Forest::rounding_half_units`].

use std::collections::HashMap;

use skxc_ir::analysis::affine::{Atom, Form};
use skxc_ir::analysis::predicate::{Predicate, Source, Step, Way};
use skxc_ir::analysis::reach::Reach;
use skxc_ir::analysis::univariate::{Budget, NotTabled};
use skxc_ir::forest::{Forest, IntTest, LeafWeight, NodeId, TreeNode};
use skxc_ir::module::{Int, Real, Value};
use skxc_ir::ratio::Scale;
use skxc_ir::types::ElementType;

/// Magnitude bits of a sum: one less than an `i64` has, so that a difference
/// of two sums still fits.
pub(super) const SUM_BITS: u8 = 62;

/// Greatest number of fraction bits. Weights below 2^-64 are not told apart.
pub(super) const FRAC_BITS_MAX: i32 = 126;

/// What the forms may exceed their bound by, relatively, once their weights are
/// rounded: half a unit of 2^-62 for each of at most 2^24 weights.
const ROUNDING_SLACK: f64 = 1.0 + 1.0 / (1u64 << 36) as f64;

/// An ensemble of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ensemble<'m> {
    /// The value of its sums.
    pub(super) value: Value,
    /// The forest of its trees.
    pub(super) forest: &'m Forest<Real>,
}

/// Where a sum of an ensemble goes: for each of its targets, the forms that it
/// is part of.
struct Uses<T> {
    of_ensemble: HashMap<Value, Vec<Vec<(usize, T)>>>,
}

impl<T: Copy> Uses<T> {
    fn of<'f>(
        ensembles: &[Ensemble<'_>],
        forms: impl Iterator<Item = &'f Form>,
        factor: impl Fn(&skxc_ir::ratio::Ratio) -> T,
    ) -> Self {
        let empty = ensembles
            .iter()
            .map(|ensemble| (ensemble.value, vec![Vec::new(); ensemble.forest.targets as usize]));
        let mut of_ensemble: HashMap<Value, Vec<Vec<(usize, T)>>> = empty.collect();
        for (at, form) in forms.enumerate() {
            for (Atom { value: ensemble, element: target }, coefficient) in &form.terms {
                let targets = of_ensemble.get_mut(ensemble).expect("a group has its ensembles");
                targets[*target as usize].push((at, factor(coefficient)));
            }
        }
        Self { of_ensemble }
    }

    /// The forms that a sum is part of.
    fn of_sum(&self, ensemble: Value, target: u32) -> &[(usize, T)] {
        &self.of_ensemble[&ensemble][target as usize]
    }
}

/// A bound on the magnitude of every form and of every sum on its way.
pub(super) fn magnitude(ensembles: &[Ensemble<'_>], forms: &[&Form]) -> f64 {
    let uses = Uses::of(ensembles, forms.iter().copied(), |by| by.magnitude_max());
    let mut bounds: Vec<f64> = forms.iter().map(|form| form.constant.magnitude_max()).collect();
    for ensemble in ensembles {
        let (value, forest) = (ensemble.value, ensemble.forest);
        for (target, &error) in forest.folding_error.iter().enumerate() {
            for &(form, by) in uses.of_sum(value, target as u32) {
                bounds[form] = (bounds[form] + by * error).next_up();
            }
        }
        let mut greatest = Greatest::new(forms.len(), |a, b| (a + b).next_up());
        let mut reach = Reach::new(forest.nodes.len());
        for &root in &forest.roots {
            reach.each(forest, root, |_, node| {
                let TreeNode::Leaf { first, count, .. } = *node else { return };
                for weight in forest.leaf_weights(first, count) {
                    for &(form, by) in uses.of_sum(value, weight.target) {
                        greatest.add(form, (by * weight.weight.abs()).next_up());
                    }
                }
                greatest.end_leaf();
            });
            greatest.end_tree(|form, most| bounds[form] = (bounds[form] + most).next_up());
        }
    }
    bounds.into_iter().fold(f64::MIN_POSITIVE, f64::max)
}

/// The greatest that one tree adds to each form; only what its leaves touch
/// costs.
pub(super) struct Greatest {
    plus: fn(f64, f64) -> f64,
    leaf: Vec<f64>,
    in_leaf: Vec<usize>,
    tree: Vec<f64>,
    in_tree: Vec<usize>,
}

impl Greatest {
    /// `plus` adds what several weights of a leaf add to one form.
    pub(super) fn new(forms: usize, plus: fn(f64, f64) -> f64) -> Self {
        let (leaf, tree) = (vec![0.0; forms], vec![0.0; forms]);
        Self { plus, leaf, tree, in_leaf: Vec::new(), in_tree: Vec::new() }
    }

    /// One more weight of the leaf.
    pub(super) fn add(&mut self, form: usize, amount: f64) {
        if amount == 0.0 {
            return;
        }
        if self.leaf[form] == 0.0 {
            self.in_leaf.push(form);
            self.leaf[form] = amount;
        } else {
            self.leaf[form] = (self.plus)(self.leaf[form], amount);
        }
    }

    /// The leaf is complete.
    pub(super) fn end_leaf(&mut self) {
        for form in self.in_leaf.drain(..) {
            let amount = std::mem::take(&mut self.leaf[form]);
            if self.tree[form] == 0.0 {
                self.in_tree.push(form);
            }
            self.tree[form] = self.tree[form].max(amount);
        }
    }

    /// The tree is complete: calls `visit` with each form and what it can add.
    pub(super) fn end_tree(&mut self, mut visit: impl FnMut(usize, f64)) {
        for form in self.in_tree.drain(..) {
            visit(form, std::mem::take(&mut self.tree[form]));
        }
    }
}

/// The finest format in which `magnitude` fits, by its fraction bits; `None` if
/// its integer part is too wide.
pub(super) fn frac_bits(magnitude: f64) -> Option<u8> {
    let bits = integer_bits(magnitude * ROUNDING_SLACK);
    let frac_bits = i32::from(SUM_BITS) - bits;
    (frac_bits >= 0).then_some(frac_bits.min(FRAC_BITS_MAX) as u8)
}

/// The least `n` with `magnitude` below 2^n: more than any format has for an
/// infinity, which a sum of greatest floats comes to.
pub(super) fn integer_bits(magnitude: f64) -> i32 {
    if magnitude.is_infinite() {
        return f64::MAX_EXP + 1;
    }
    let mut bits = magnitude.log2().floor() as i32 + 1;
    // `log2` may be off by an ulp next to a power of two.
    while f64::exp2(bits.into()) <= magnitude {
        bits += 1;
    }
    bits
}

/// `x` times 2^`frac_bits`; without error unless it overflows.
pub(super) fn scaled(x: f64, frac_bits: u8) -> f64 {
    x * f64::exp2(frac_bits.into())
}

/// Makes one integer forest of ensembles.
pub(super) struct TreeMerger {
    frac_bits: u8,
    forest: Forest<Int>,
    uses: Uses<Scale>,
    /// Half units that inexact weights are off by, for each target.
    inexact: Vec<u64>,
    /// Half units that the model's own weights are off by since leaves were folded.
    folding: Vec<u64>,
}

/// An integer forest.
pub(super) struct Joined {
    /// The forest over integers.
    pub(super) forest: Forest<Int>,
    /// What its weights are off by from those of the real forests, in half
    /// units: [`Forest::rounding_half_units`] without what folding rounded.
    pub(super) inexact: Vec<u64>,
}

impl TreeMerger {
    /// A forest of `targets`, as yet without trees.
    pub(super) fn new(
        features: u32,
        ensembles: &[Ensemble<'_>],
        targets: &[Form],
        frac_bits: u8,
    ) -> Self {
        let elem = ElementType::Fixed { bits: SUM_BITS, frac_bits };
        let mut forest = Forest::new(features, targets.len() as u32, elem, 0);
        let uses = Uses::of(ensembles, targets.iter(), |by| by.scale());
        let mut inexact = Vec::with_capacity(targets.len());
        for (base, target) in forest.base.iter_mut().zip(targets) {
            let (units, exact) = target.constant.scale().units(1.0, frac_bits);
            *base = units;
            inexact.push(u64::from(!exact));
        }
        let folding = vec![0; targets.len()];
        Self { frac_bits, forest, uses, inexact, folding }
    }

    /// Adds the trees of an ensemble. `row` says for each of its features which
    /// of the forest it is, and where that comes from; `paired` have the same
    /// trees and other weights. Fails where a test is on no set of integers
    /// that can be found, with its feature in the row.
    pub(super) fn add(
        &mut self,
        ensemble: Ensemble<'_>,
        paired: &[Ensemble<'_>],
        row: &[(u32, Source<'_>)],
        budget: &mut Budget,
    ) -> Result<(), (u32, NotTabled)> {
        let trees = ensemble.forest;
        let start = self.forest.nodes.len() as NodeId;
        let (mut nodes, place) = nodes_over_integers(trees, row, start, budget)?;
        let reached = reached(trees);
        for (id, node) in trees.nodes.iter().enumerate() {
            // Leaves that no tree reaches have no part in the bound on the sums.
            if !matches!(node, TreeNode::Leaf { .. }) || !reached[id] {
                continue;
            }
            let first = self.forest.weights.len();
            for &Ensemble { value, forest } in [&ensemble].into_iter().chain(paired) {
                let TreeNode::Leaf { first, count, .. } = forest.nodes[id] else {
                    unreachable!("paired ensembles have the same trees")
                };
                for weight in forest.leaf_weights(first, count) {
                    self.push(value, *weight);
                }
            }
            merge_targets(&mut self.forest.weights, first);
            let TreeNode::Leaf { first: new_first, count, .. } =
                &mut nodes[(place[id] - start) as usize]
            else {
                unreachable!("a leaf becomes a leaf")
            };
            *new_first = first as u32;
            *count = (self.forest.weights.len() - first) as u32;
        }
        self.forest.nodes.extend(nodes);
        self.forest.roots.extend(trees.roots.iter().map(|&root| place[root as usize]));
        for one in [&ensemble].into_iter().chain(paired) {
            self.count_inexact(*one);
        }
        Ok(())
    }

    /// What one weight adds to each target.
    fn push(&mut self, ensemble: Value, weight: LeafWeight<Real>) {
        for &(target, by) in self.uses.of_sum(ensemble, weight.target) {
            let (units, _) = by.units(weight.weight, self.frac_bits);
            self.forest.weights.push(LeafWeight { target: target as u32, weight: units });
        }
    }

    /// For each target, one half unit for every tree with a weight that is not
    /// exact, and as many more as a leaf has such weights for it; and what
    /// folding the leaves has rounded.
    fn count_inexact(&mut self, Ensemble { value, forest }: Ensemble<'_>) {
        let mut greatest = Greatest::new(self.inexact.len(), |a, b| a + b);
        let mut reach = Reach::new(forest.nodes.len());
        for &root in &forest.roots {
            reach.each(forest, root, |_, node| {
                let TreeNode::Leaf { first, count, .. } = *node else { return };
                for weight in forest.leaf_weights(first, count) {
                    for &(target, by) in self.uses.of_sum(value, weight.target) {
                        let (_, exact) = by.units(weight.weight, self.frac_bits);
                        greatest.add(target, f64::from(u8::from(!exact)));
                    }
                }
                greatest.end_leaf();
            });
            greatest.end_tree(|target, most| self.inexact[target] += most as u64);
        }
        for (sum, &error) in
            forest.folding_error.iter().enumerate().filter(|(_, error)| **error > 0.0)
        {
            for &(target, by) in self.uses.of_sum(value, sum as u32) {
                let half_units = scaled(by.magnitude_max() * error, self.frac_bits) * 2.0;
                let half_units = half_units.next_up().ceil() as u64;
                self.folding[target] = self.folding[target].saturating_add(half_units);
            }
        }
    }

    /// The forest of all trees so far.
    pub(super) fn finish(mut self) -> Joined {
        // A coefficient that is cut off adds one part in 2^73 of a weight of at
        // most 2^62 units.
        let with_cut = |half_units: &mut u64| *half_units += half_units.div_ceil(1 << 10);
        self.inexact.iter_mut().for_each(with_cut);
        let both = self.inexact.iter().zip(&self.folding);
        self.forest.rounding_half_units = both.map(|(a, &b)| a.saturating_add(b)).collect();
        Joined { forest: self.forest.reached(), inexact: self.inexact }
    }
}

/// Which nodes some tree reaches.
fn reached(forest: &Forest<Real>) -> Vec<bool> {
    let mut reached = vec![false; forest.nodes.len()];
    for &root in &forest.roots {
        reached[root as usize] = true;
    }
    for (id, node) in forest.nodes.iter().enumerate() {
        if let (true, TreeNode::Branch { yes, no, .. }) = (reached[id], *node) {
            reached[yes as usize] = true;
            reached[no as usize] = true;
        }
    }
    reached
}

/// Nodes, and for each old node the place of the new one.
type Placed = (Vec<TreeNode<Int>>, Vec<NodeId>);

/// The nodes of an ensemble over integers, from `start` on, and for each old
/// node the place of the new node that stands for it: a test can take several
/// integer tests, or none.
fn nodes_over_integers(
    forest: &Forest<Real>,
    row: &[(u32, Source<'_>)],
    start: NodeId,
    budget: &mut Budget,
) -> Result<Placed, (u32, NotTabled)> {
    let decisions = forest.nodes.iter().map(|node| decision_of(node, row, budget));
    let decisions: Vec<Vec<Step>> = decisions.collect::<Result<_, _>>()?;
    let mut place = Vec::with_capacity(forest.nodes.len());
    let mut next = start;
    for steps in &decisions {
        place.push(next);
        next += steps.len() as NodeId;
    }
    let mut nodes = Vec::with_capacity((next - start) as usize);
    for (node, steps) in forest.nodes.iter().zip(&decisions) {
        match *node {
            TreeNode::Leaf { origin, .. } => {
                nodes.push(TreeNode::Leaf { first: 0, count: 0, origin });
            }
            TreeNode::Branch { yes, no, origin, .. } => {
                for step in steps {
                    let following = start + nodes.len() as NodeId + 1;
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
    Ok((nodes, place))
}

/// The integer tests of a branch. A leaf has one entry too, to hold its place;
/// so has a test that no value of the column can change.
fn decision_of(
    node: &TreeNode<Real>,
    row: &[(u32, Source<'_>)],
    budget: &mut Budget,
) -> Result<Vec<Step>, (u32, NotTabled)> {
    let TreeNode::Branch { test, .. } = node else { return Ok(vec![held_place(0, 0, true)]) };
    let (feature, source) = row[test.feature as usize];
    let predicate = Predicate::of(test, source, budget).map_err(|reason| (test.feature, reason))?;
    if predicate.ends.is_empty() {
        let held = held_place(feature, source.column.range.max, predicate.starts_inside);
        return Ok(vec![held]);
    }
    Ok(predicate.decision(feature))
}

/// A test that always goes the same way; the pass `prune-branches` removes it.
fn held_place(feature: u32, at_most: i64, holds: bool) -> Step {
    let way = Way::Out { holds };
    Step { test: IntTest { feature, at_most }, below: way, above: way }
}

/// Makes the weights from `start` on one a target, in order.
fn merge_targets(sums: &mut Vec<LeafWeight<Int>>, start: usize) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_one_target_in_one_leaf_add_up() {
        let leaf = [(1, 8), (0, 4), (1, 2)];
        let mut sums = vec![LeafWeight { target: 1, weight: 7 }];
        sums.extend(leaf.map(|(target, weight)| LeafWeight { target, weight }));
        merge_targets(&mut sums, 1);
        let sums: Vec<_> = sums.iter().map(|sum| (sum.target, sum.weight)).collect();
        assert_eq!(sums, [(1, 7), (0, 4), (1, 10)]);
    }

    #[test]
    fn integer_bits_are_the_least_power_above() {
        for (magnitude, bits) in [(0.5, 0), (0.75, 0), (1.0, 1), (1.5, 1), (2.0, 2), (1e-3, -9)] {
            assert_eq!(integer_bits(magnitude), bits, "{magnitude}");
        }
        assert_eq!(frac_bits(1.0), Some(61));
        assert_eq!(frac_bits(1e19), None);
        assert_eq!(frac_bits(f64::MAX), None);
        assert_eq!(frac_bits(f64::INFINITY), None);
        assert_eq!(frac_bits(1e-300), Some(126));
    }

    #[test]
    fn a_tree_adds_what_its_greatest_leaf_adds() {
        let mut greatest = Greatest::new(3, |a, b| a + b);
        greatest.add(2, 0.5);
        greatest.add(2, 0.25);
        greatest.end_leaf();
        greatest.add(2, 0.5);
        greatest.add(0, 1.0);
        greatest.end_leaf();
        let mut seen = Vec::new();
        greatest.end_tree(|form, most| seen.push((form, most)));
        assert_eq!(seen, [(2, 0.75), (0, 1.0)]);
        greatest.end_tree(|_, _| panic!("the tree has ended"));
    }
}
