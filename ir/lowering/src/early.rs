//! How soon the rows of a profile are decided, where a single sum of a forest is
//! only asked on which side of a number it lies ([`decision`]): once the trees
//! that are left cannot carry it over to the other side.
//!
//! Trees are ordered by how far they bring rows: each brings a row nearer to its
//! decision by what its leaf is off the leaf that would have spoken against it,
//! and counts by the share of what the row needs, over all rows.
//!
//! What must hold:
//! - `decided` is exact for the rows that were seen, given the order;
//! - the same rows give the same numbers on every machine: integers only.

use std::cmp::Reverse;

use crate::decision;
use skxc_ir::forest::{Forest, NodeId, TreeNode};
use skxc_ir::module::{Int, Interval, Module, Value};

/// A share of 1.
const ONE: i128 = 1 << 20;

/// How soon rows are decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlyDecisions {
    /// The trees as positions in [`Forest::roots`], best first.
    pub order: Vec<u32>,
    /// Rows that are decided by the first trees of the order, by their number
    /// from 0 on: it never falls, and ends with all rows.
    pub decided: Vec<u64>,
}

/// What each tree of a forest with a single sum can add: its least and its
/// greatest leaf.
#[must_use]
pub fn spans(forest: &Forest<Int>) -> Vec<Interval> {
    let mut below: Vec<Interval> = vec![Interval::new(0, 0); forest.nodes.len()];
    for (id, node) in forest.nodes.iter().enumerate().rev() {
        below[id] = match *node {
            TreeNode::Branch { yes, no, .. } => {
                let (yes, no) = (below[yes as usize], below[no as usize]);
                Interval::new(yes.min.min(no.min), yes.max.max(no.max))
            }
            TreeNode::Leaf { .. } => {
                let weight = weight(forest, id as NodeId);
                Interval::new(weight, weight)
            }
        };
    }
    forest.roots.iter().map(|&root| below[root as usize]).collect()
}

/// What a leaf adds to the single sum.
fn weight(forest: &Forest<Int>, leaf: NodeId) -> i64 {
    let TreeNode::Leaf { first, count, .. } = forest.nodes[leaf as usize] else {
        panic!("a walk ends in a leaf")
    };
    forest.leaf_weights(first, count).iter().map(|leaf| leaf.weight).sum()
}

/// Counts rows: all of them once to order the trees, and once more to see how
/// far each must go.
#[derive(Clone, Debug)]
pub(super) struct Counter<'a> {
    forest: &'a Forest<Int>,
    spans: Vec<Interval>,
    /// What a row needs to be found below, and above.
    needs: [i128; 2],
    /// By tree, how much nearer it brings all rows to their decision.
    gains_of_tree: Vec<i128>,
    early: EarlyDecisions,
}

impl<'a> Counter<'a> {
    /// For the forest that computes `sums`, if its sum is only asked for its side
    /// of a number, and both sides are possible.
    pub(super) fn new(module: &Module<Int>, sums: Value, forest: &'a Forest<Int>) -> Option<Self> {
        let threshold = i128::from(decision::threshold(module, sums)?);
        let spans = spans(forest);
        let base = i128::from(forest.base[0]);
        let least = spans.iter().fold(base, |sum, span| sum + i128::from(span.min));
        let most = spans.iter().fold(base, |sum, span| sum + i128::from(span.max));
        if least > threshold || most <= threshold {
            return None;
        }
        let gains_of_tree = vec![0; spans.len()];
        let needs = [most - threshold, threshold - least + 1];
        Some(Self { forest, spans, needs, gains_of_tree, early: EarlyDecisions::default() })
    }

    /// How much nearer each tree brings a row that ends in these leaves, one a tree, and
    /// what the row needs.
    fn gains(&self, leaves: &[NodeId]) -> (Vec<i128>, i128) {
        let weights: Vec<i64> = leaves.iter().map(|&leaf| weight(self.forest, leaf)).collect();
        let weights = weights.iter().zip(&self.spans);
        let up = weights.clone().map(|(&x, span)| i128::from(x) - i128::from(span.min));
        let above = up.clone().sum::<i128>() >= self.needs[1];
        let gains = match above {
            true => up.collect(),
            false => weights.map(|(&x, span)| i128::from(span.max) - i128::from(x)).collect(),
        };
        (gains, self.needs[usize::from(above)])
    }

    /// The first time a row is seen.
    pub(super) fn weigh(&mut self, leaves: &[NodeId]) {
        let (gains, need) = self.gains(leaves);
        for (sum, gain) in self.gains_of_tree.iter_mut().zip(gains) {
            *sum += gain * ONE / need;
        }
    }

    /// When all rows were seen once.
    pub(super) fn order(&mut self) {
        self.early.order = (0..).take(self.spans.len()).collect();
        self.early.order.sort_by_key(|&tree| (Reverse(self.gains_of_tree[tree as usize]), tree));
        self.early.decided = vec![0; self.spans.len() + 1];
    }

    /// The second time a row is seen.
    pub(super) fn decide(&mut self, leaves: &[NodeId]) {
        let (gains, mut need) = self.gains(leaves);
        let mut trees = 0;
        for &tree in &self.early.order {
            need -= gains[tree as usize];
            trees += 1;
            if need <= 0 {
                break;
            }
        }
        self.early.decided[trees] += 1;
    }

    /// When all rows were seen twice.
    pub(super) fn finish(mut self) -> EarlyDecisions {
        let mut sum = 0;
        for decided in &mut self.early.decided {
            sum += *decided;
            *decided = sum;
        }
        self.early
    }
}
