//! Sums of votes: of comparisons of an integer with all that it can be, one holds,
//! whichever. So nearest neighbours of two classes have as many votes together as
//! there are neighbours.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facts, constant};
use skxc_ir::analysis::affine::{Atom, Form};
use skxc_ir::analysis::real_ranges::Range;
use skxc_ir::module::Value;
use skxc_ir::ops::{RealOp, Relation};
use skxc_ir::ratio::Ratio;

/// An element of a value of integers.
type Integer = (Value, usize);

impl Facts<'_> {
    /// The number that every element of a sum is, if what it adds up are votes of
    /// integers, of each with one weight for all that it can be.
    pub(super) fn votes(&self, value: Value) -> Option<f64> {
        if !self.affine.is_affine(value) {
            return None;
        }
        let first = self.number_of_votes(&self.affine.form(value, 0))?;
        let mut rest = 1..self.module.shape(value).elements();
        let is_same =
            |element| self.number_of_votes(&self.affine.form(value, element)) == Some(first);
        rest.all(is_same).then_some(first)
    }

    fn number_of_votes(&self, form: &Form) -> Option<f64> {
        let mut votes: BTreeMap<Integer, (&Ratio, BTreeSet<i64>)> = BTreeMap::new();
        for (atom, by) in &form.terms {
            let (integer, class) = self.vote(*atom)?;
            let (weight, classes) = votes.entry(integer).or_insert((by, BTreeSet::new()));
            if *weight != by || !classes.insert(class) {
                return None;
            }
        }
        let all =
            votes.into_iter().try_fold(form.constant.clone(), |sum, (integer, (by, of))| {
                let Range::Integer(min, max) = self.ranges.of_value(integer.0)[integer.1] else {
                    return None;
                };
                // As many as it can be, and all of them from the least to the greatest.
                let span = u64::try_from(of.len()).ok()?.checked_sub(1)?;
                let is_all = of.first() == Some(&min) && of.last() == Some(&max);
                (is_all && max.abs_diff(min) == span).then(|| sum.plus(by))
            })?;
        let number = all.nearest();
        (all == Ratio::of(number)? && f64::from(number as f32) == number).then_some(number)
    }

    /// The integer and the class of `[integer = class]`.
    fn vote(&self, atom: Atom) -> Option<(Integer, i64)> {
        let RealOp::Cast { input } = self.module.node(atom.value).op else { return None };
        let mut holds = input;
        while let RealOp::Reshape { input } = self.module.node(holds).op {
            holds = input;
        }
        let RealOp::Compare { relation: Relation::Equal, a, b } = self.module.node(holds).op else {
            return None;
        };
        let (integer, class) = match (constant(self.module, a), constant(self.module, b)) {
            (None, Some(class)) => (a, class),
            (Some(class), None) => (b, class),
            _ => return None,
        };
        let at = self.affine.position(integer, holds, atom.element as usize);
        (class as i64 as f64 == class).then_some(((integer, at), class as i64))
    }
}
