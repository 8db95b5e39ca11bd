//! The positions that an argmax can give.

use std::collections::BTreeSet;

use super::{Set, Sets, leaf_sums};
use crate::analysis::ranges::{Bounds, product};
use crate::analysis::reach::Reach;
use crate::forest::{Forest, TreeNode};
use crate::matrix::Matrix;
use crate::module::{Int, Value};
use crate::ops::IntOp;

/// Terms that differences of scores are summed of; beyond that ranges do.
const TERMS_MAX: usize = 1 << 26;

impl Sets<'_> {
    /// The positions, one set a row: the first element of a row that is at least
    /// its greatest less `margin`.
    pub(super) fn argmax(&self, input: Value, margin: i64) -> Vec<Set> {
        let width = self.module.shape(input).row();
        let rows = self.module.shape(input).elements() / width;
        if rows == 1 {
            return vec![self.of_row(input, width, margin)];
        }
        let row = |row: usize| {
            let bounds = self.ranges.of_value(input)[row * width..][..width].to_vec();
            Some(possible(width, margin, |i, j| bounds[i].max - bounds[j].min))
        };
        (0..rows).map(row).collect()
    }

    fn of_row(&self, input: Value, width: usize, margin: i64) -> Set {
        let scores = &self.module.node(self.scores(input)).op;
        if let IntOp::TreeEnsemble { forest, .. } = scores {
            let forest = &self.module.forests[*forest];
            if let Some(leaves) = leaf_sums(forest) {
                return Some(leaves.iter().map(|sums| first_greatest(sums, margin)).collect());
            }
            if forest.nodes.len() * width * width <= TERMS_MAX {
                let most = differences(forest);
                return Some(possible(width, margin, |i, j| most[i * width + j]));
            }
        }
        if let IntOp::Linear { matrix, inputs } = scores {
            let matrix = &self.module.matrices[*matrix];
            let cost = matrix.inputs as usize * width * width;
            if matrix.wide.is_empty() && cost <= TERMS_MAX {
                let inputs = self.ranges.joined(inputs);
                return Some(possible(width, margin, |i, j| ahead(matrix, &inputs, i, j)));
            }
        }
        let bounds = self.ranges.of_value(input);
        Some(possible(width, margin, |i, j| bounds[i].max - bounds[j].min))
    }

    /// The value that holds the same elements in the same order, before they are
    /// reshaped.
    fn scores(&self, mut value: Value) -> Value {
        while let IntOp::Reshape { input } = self.module.node(value).op {
            value = input;
        }
        value
    }
}

/// The first position whose element is at least the greatest less `margin`.
fn first_greatest(sums: &[i64], margin: i64) -> i64 {
    let greatest = sums.iter().copied().max().unwrap_or(0);
    let least = greatest.saturating_sub(margin);
    sums.iter().position(|&sum| sum >= least).unwrap_or(0) as i64
}

/// The positions that can be the first within `margin` of the greatest, where
/// element `i` is at most `most(i, j)` greater than element `j`.
fn possible(width: usize, margin: i64, most: impl Fn(usize, usize) -> i128) -> BTreeSet<i64> {
    let margin = i128::from(margin);
    // So near to the greatest, whatever that is: what comes behind is never first.
    let always_near = |j: usize| (0..width).all(|k| k == j || most(k, j) <= margin);
    let last = (0..width).find(|&j| always_near(j)).unwrap_or(width - 1);
    let far_behind = |i: usize| (0..width).any(|j| j != i && most(i, j) < -margin);
    (0..=last).filter(|&i| !far_behind(i)).map(|i| i as i64).collect()
}

/// For each two sums of a forest, how much the first can be greater at most.
fn differences(forest: &Forest<Int>) -> Vec<i128> {
    let targets = forest.targets as usize;
    let mut most = vec![0_i128; targets * targets];
    for i in 0..targets {
        for j in 0..targets {
            most[i * targets + j] = i128::from(forest.base[i]) - i128::from(forest.base[j]);
        }
    }
    let mut reach = Reach::new(forest.nodes.len());
    let mut of_tree = vec![i128::MIN; targets * targets];
    let mut at_leaf = vec![0_i128; targets];
    for &root in &forest.roots {
        of_tree.fill(i128::MIN);
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            at_leaf.fill(0);
            for weight in forest.leaf_weights(first, count) {
                at_leaf[weight.target as usize] += i128::from(weight.weight);
            }
            for (i, a) in at_leaf.iter().enumerate() {
                for (j, b) in at_leaf.iter().enumerate() {
                    let greatest = &mut of_tree[i * targets + j];
                    *greatest = (a - b).max(*greatest);
                }
            }
        });
        most.iter_mut().zip(&of_tree).for_each(|(sum, tree)| *sum += tree);
    }
    most
}

/// How much row `i` of a linear map can be greater than row `j` at most.
fn ahead(matrix: &Matrix, inputs: &[Bounds], i: usize, j: usize) -> i128 {
    let (a, b) = (&matrix.rows[i], &matrix.rows[j]);
    let mut factors = vec![0_i64; inputs.len()];
    for weight in &a.weights {
        factors[weight.input as usize] = weight.weight;
    }
    let mut most = i128::from(a.base) - i128::from(b.base);
    for weight in &b.weights {
        let factor = &mut factors[weight.input as usize];
        *factor = factor.saturating_sub(weight.weight);
    }
    for (factor, input) in factors.iter().zip(inputs) {
        let factor = i128::from(*factor);
        most += product(*input, Bounds { min: factor, max: factor }).max;
    }
    most
}
