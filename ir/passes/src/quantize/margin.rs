//! The tie margin of decisions.
//!
//! A vote ensemble averages class shares. The trainer sums them in double
//! precision; the export rounds each share to `f32` (or `f64`), so five times
//! a tenth is no longer one half, and which class wins a tie would be decided
//! by the rounding. The margin is the most that this rounding can have changed
//! a difference of two sums: for each tree the largest half ulp over its
//! leaves, and over it what a few roundings in double precision can add.
//! Scores inside the margin are a tie, and the lowest class index wins, as in
//! scikit-learn.
//!
//! A vote stays one through linear forms, such as the mean of several or `1 - p`:
//! what its shares are off by counts by the coefficient, and a coefficient that
//! was exported (the weight of a voter) is off by its own half ulp.

use std::collections::HashMap;

use crate::quantize::weights::{Ensemble, scaled};
use skxc_ir::analysis::affine::{Atom, Form};
use skxc_ir::analysis::reach::Reach;
use skxc_ir::forest::{Forest, TreeNode};
use skxc_ir::module::{Real, Value};
use skxc_ir::ratio::Ratio;

/// Relative error of the trainer's own arithmetic on a share: a division by
/// the samples of the leaf, one by the number of trees, and a sum.
const TRAINER_ERROR: f64 = 4.0 * f64::EPSILON;

/// Significant bits up to which a coefficient counts as exact: one half or
/// three quarters were not rounded, a third was.
const COEFFICIENT_BITS: i32 = 12;

/// Margin of sums of `ensembles` that are compared with each other, in units of
/// the format; 0 unless they are votes.
pub(super) fn of_row(ensembles: &[Ensemble<'_>], forms: &[&Form], frac_bits: u8) -> i64 {
    // Of two sums, both may be off.
    margin(ensembles, forms, frac_bits, 2)
}

/// Margin of one sum that is compared with a constant, in units of the format;
/// 0 unless it is a vote.
pub(super) fn of_sum(ensembles: &[Ensemble<'_>], form: &Form, frac_bits: u8) -> i64 {
    margin(ensembles, &[form], frac_bits, 1)
}

/// Most that the `sums` most affected sums can be off together.
fn margin(ensembles: &[Ensemble<'_>], forms: &[&Form], frac_bits: u8, sums: usize) -> i64 {
    let part = forms.iter().flat_map(|form| &form.terms);
    let read: HashMap<Value, ()> = part.map(|(sum, _)| (sum.value, ())).collect();
    let votes = || ensembles.iter().filter(|ensemble| read.contains_key(&ensemble.value));
    if read.is_empty() || !votes().all(|vote| is_vote(vote.forest)) {
        return 0;
    }
    votes().map(|vote| margin_of(*vote, forms, frac_bits, sums)).fold(0, i64::saturating_add)
}

/// Is it made of nothing but shares, as the trainer made them?
fn is_vote(forest: &Forest<Real>) -> bool {
    let from_zero = forest.base.iter().all(|&base| base == 0.0);
    let as_exported = forest.folding_error.iter().all(|&error| error == 0.0);
    let shares = forest.weights.iter().all(|weight| (0.0..=1.0).contains(&weight.weight));
    from_zero && as_exported && shares
}

/// A coefficient of a sum in a form.
struct Use {
    form: usize,
    magnitude: f64,
    /// What the coefficient is off by.
    error: f64,
}

fn margin_of(vote: Ensemble<'_>, forms: &[&Form], frac_bits: u8, sums: usize) -> i64 {
    let forest = vote.forest;
    let mut uses: Vec<Vec<Use>> = (0..forest.targets).map(|_| Vec::new()).collect();
    for (form, terms) in forms.iter().map(|form| &form.terms).enumerate() {
        for (Atom { value: ensemble, element: target }, by) in terms {
            if *ensemble == vote.value {
                let (magnitude, error) = (by.magnitude_max(), coefficient_error(by));
                uses[*target as usize].push(Use { form, magnitude, error });
            }
        }
    }
    let mut reach = Reach::new(forest.nodes.len());
    let mut of_leaf: Vec<(usize, f64)> = Vec::new();
    let mut total = 0_i64;
    for &root in &forest.roots {
        let mut tree = 0.0_f64;
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            of_leaf.clear();
            for weight in forest.leaf_weights(first, count) {
                let share = export_error(weight.weight);
                for Use { form, magnitude, error } in &uses[weight.target as usize] {
                    of_leaf.push((*form, magnitude * share + error * weight.weight));
                }
            }
            tree = tree.max(largest_sum(by_form(&mut of_leaf), sums));
        });
        total = total.saturating_add(scaled(tree, frac_bits).ceil() as i64);
    }
    total
}

/// Adds up the errors of each form.
fn by_form(errors: &mut [(usize, f64)]) -> impl Iterator<Item = f64> {
    errors.sort_unstable_by_key(|(form, _)| *form);
    errors.chunk_by(|a, b| a.0 == b.0).map(|same| same.iter().map(|(_, error)| error).sum())
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
    half_ulp(weight) + weight * TRAINER_ERROR
}

fn half_ulp(x: f64) -> f64 {
    let single = x as f32;
    let ulp =
        if f64::from(single) == x { f64::from(single.next_up() - single) } else { x.next_up() - x };
    ulp / 2.0
}

/// How far a coefficient can be from the trainer's: what is no float, as the
/// third of a mean, and what has few bits was not rounded.
fn coefficient_error(by: &Ratio) -> f64 {
    let x = by.nearest().abs();
    let is_float = Ratio::of(x).is_some_and(|float| float == by.magnitude());
    let short = x * f64::exp2(f64::from(COEFFICIENT_BITS) - x.log2().floor());
    if is_float && short.fract() != 0.0 { half_ulp(x) } else { 0.0 }
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

    #[test]
    fn a_coefficient_is_off_if_it_was_exported() {
        let ratio = |x: f64| Ratio::of(x).expect("the number is finite");
        let third = f64::from(1.0_f32 / 3.0);
        assert_eq!(coefficient_error(&ratio(third)), f64::exp2(-26.0));
        assert_eq!(coefficient_error(&ratio(-third)), f64::exp2(-26.0));
        assert_eq!(coefficient_error(&ratio(0.75)), 0.0);
        let exact_third = ratio(1.0).over(&ratio(3.0)).expect("3 is not 0");
        assert_eq!(coefficient_error(&exact_third), 0.0);
    }

    #[test]
    fn errors_of_one_form_add_up() {
        let mut errors = [(1, 1.0), (0, 2.0), (1, 4.0)];
        assert_eq!(by_form(&mut errors).collect::<Vec<_>>(), [2.0, 5.0]);
    }
}
