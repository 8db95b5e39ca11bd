//! The tie margin of votes.
//!
//! A vote ensemble averages class shares. The trainer sums them in double
//! precision; the export rounds each share to `f32` (or `f64`), so five times
//! a tenth is no longer one half, and which class wins a tie would be decided
//! by the rounding. The margin is the most that this rounding can have changed
//! a difference of two sums: for each tree the largest half ulp over its
//! leaves, and over it what a few roundings in double precision can add.
//! Scores inside the margin are a tie, and the lowest class index wins, as in
//! scikit-learn.

use crate::analysis::reach::Reach;
use crate::forest::{Forest, TreeNode};
use crate::module::{Module, Real, Value};
use crate::ops::RealOp;
use crate::passes::quantize::weights::scaled;

/// Relative error of the trainer's own arithmetic on a share: a division by
/// the samples of the leaf, one by the number of trees, and a sum.
const TRAINER_ERROR: f64 = 4.0 * f64::EPSILON;

/// Margin of a row of sums that is compared within itself, in units of the
/// format; 0 unless the row is a vote.
pub(super) fn of_row(module: &Module<Real>, row: Value, frac_bits: u8) -> i64 {
    // Of two sums, both may be off.
    vote(module, row).map_or(0, |forest| margin(forest, frac_bits, 2))
}

/// Margin of one sum that is compared with a constant, in units of the format;
/// 0 unless it is a vote.
pub(super) fn of_sum(module: &Module<Real>, sum: Value, frac_bits: u8) -> i64 {
    vote(module, sum).map_or(0, |forest| margin(forest, frac_bits, 1))
}

/// The forest whose sums `value` holds, if it is a vote: nothing but
/// non-negative leaf weights.
fn vote(module: &Module<Real>, mut value: Value) -> Option<&Forest<Real>> {
    while let RealOp::Gather { input, .. } | RealOp::Reshape { input } = module.node(value).op {
        value = input;
    }
    let RealOp::TreeEnsemble { forest, .. } = module.node(value).op else { return None };
    let forest = &module.forests[forest];
    let from_zero = forest.base.iter().all(|&base| base == 0.0);
    let shares = forest.weights.iter().all(|weight| weight.weight >= 0.0);
    (from_zero && shares).then_some(forest)
}

/// Most that the `sums` most affected sums can be off together.
fn margin(forest: &Forest<Real>, frac_bits: u8, sums: usize) -> i64 {
    let mut reach = Reach::new(forest.nodes.len());
    let mut total = 0;
    for &root in &forest.roots {
        let mut tree = 0.0_f64;
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            let weights = forest.leaf_weights(first, count).iter();
            let errors = weights.map(|weight| export_error(weight.weight));
            tree = tree.max(largest_sum(errors, sums));
        });
        total += scaled(tree, frac_bits).ceil() as i64;
    }
    total
}

/// Sum of the `count` (1 or 2) largest errors.
fn largest_sum(errors: impl Iterator<Item = f64>, count: usize) -> f64 {
    let (mut first, mut second) = (0.0, 0.0);
    for error in errors {
        if error > first {
            (first, second) = (error, first);
        } else if error > second {
            second = error;
        }
    }
    if count == 1 { first } else { first + second }
}

/// How far a weight can be from the trainer's share. A share of 0 is exact. An
/// `f64` that is an `f32`, too, may well have been rounded to one.
fn export_error(weight: f64) -> f64 {
    if weight == 0.0 {
        return 0.0;
    }
    let single = weight as f32;
    let ulp = if f64::from(single) == weight {
        f64::from(single.next_up() - single)
    } else {
        weight.next_up() - weight
    };
    ulp / 2.0 + weight * TRAINER_ERROR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_share_is_half_an_ulp_and_a_little() {
        let error = export_error(f64::from(0.1_f32));
        let true_error = (f64::from(0.1_f32) - 0.1).abs();
        assert!(true_error <= error && error < f64::exp2(-27.0), "{error:e}");
        assert!(export_error(0.1) < f64::exp2(-53.0), "a double is off by less");
        assert_eq!(export_error(0.0), 0.0);
        assert_eq!(largest_sum([1.0, 3.0, 2.0].into_iter(), 2), 5.0);
        assert_eq!(largest_sum([1.0, 3.0, 2.0].into_iter(), 1), 3.0);
    }
}
