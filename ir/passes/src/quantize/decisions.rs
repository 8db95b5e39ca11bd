//! Comparisons and argmax of sums.
//!
//! A sum is compared with a constant where there is one, and else with another
//! sum by their difference. Weights that the format does not hold exactly move a
//! sum by some units of 2^-60 or so: sums that close are equal, so that what is
//! a tie over the weights of the model stays one.

use super::{Computed, Key, Quantizer, SUM_BITS, margin, sums};
use crate::choices::are_of_one_value;
use skxc_ir::analysis::affine::Form;
use skxc_ir::module::Value;
use skxc_ir::ops::{IntBinary, IntOp, Relation};
use skxc_ir::ratio::Ratio;
use skxc_ir::types::{ElementType, Type};

impl Quantizer<'_> {
    /// `a relation b`.
    pub(super) fn compare(
        &mut self,
        value: Value,
        relation: Relation,
        a: Value,
        b: Value,
    ) -> Option<Value> {
        if let Some(forms) = self.needs.matrices.get(&Key::Difference(value)) {
            let difference = self.matrix(value, forms)?;
            return Some(self.compare_with(value, relation, difference, &Ratio::zero(), 0));
        }
        let Some(key) = sums::differing(self.real, self.affine, value) else {
            return self.compare_computed(value, relation, a, b);
        };
        let (relation, limit) = match key {
            Key::Difference(_) => (relation, Ratio::zero()),
            Key::Value(sum) if sum == a => (relation, self.number(b)),
            Key::Value(_) => (relation.mirrored(), self.number(a)),
        };
        let computed = self.sums.get(&key)?.clone();
        let margin = self.margin_of_sums(key, &computed);
        Some(self.compare_with(value, relation, computed.value, &limit, margin))
    }

    /// A comparison of what is no sum of trees: with a number where there is one.
    fn compare_computed(
        &mut self,
        value: Value,
        relation: Relation,
        a: Value,
        b: Value,
    ) -> Option<Value> {
        if are_of_one_value(self.real, a, b) {
            return self.compare_chosen(value, relation, a, b);
        }
        let one_number = |side: Value| {
            let is_constant = self.affine.is_constant(side);
            is_constant.then(|| sums::one_number(self.real, self.affine, side)).flatten()
        };
        let whole = self.real.shape(value);
        let (relation, side, limit) = match (one_number(a), one_number(b)) {
            (None, Some(limit)) if self.real.shape(a) == whole => (relation, a, limit),
            (Some(limit), None) if self.real.shape(b) == whole => (relation.mirrored(), b, limit),
            _ => return self.compare_fixed(value, relation, a, b),
        };
        let computed = self.operand(side)?;
        Some(self.compare_with(value, relation, computed, &limit, 0))
    }

    /// A comparison of elements of one value, all of one rounding: an element is
    /// equal to itself, and to what is as close to it as a tie of votes.
    fn compare_chosen(
        &mut self,
        value: Value,
        relation: Relation,
        a: Value,
        b: Value,
    ) -> Option<Value> {
        let votes = [a, b].into_iter().find_map(|side| {
            let computed = self.sums.get(&Key::Value(side))?;
            Some(self.margin_of_rows(side, computed))
        });
        let margin = votes.unwrap_or(0);
        if margin == 0 {
            return self.compare_fixed(value, relation, a, b);
        }
        let [a, b] = self.in_common(value, [a, b], 1)?;
        let elem = self.int.ty(a).elem;
        let op = IntOp::Binary { function: IntBinary::Subtract, a, b };
        let difference = self.push_as(value, elem, op);
        Some(self.compare_with(value, relation, difference, &Ratio::zero(), margin))
    }

    /// `computed relation limit`, where numbers within `margin` units of the
    /// limit are equal to it.
    fn compare_with(
        &mut self,
        value: Value,
        relation: Relation,
        sum: Value,
        limit: &Ratio,
        margin: i64,
    ) -> Value {
        let (floor, exact) = limit.floor_units(self.frac_bits(sum));
        let ceiling = if exact { floor } else { floor.saturating_add(1) };
        let above = floor.saturating_add(margin);
        let not_below = ceiling.saturating_sub(margin).saturating_sub(1);
        match relation {
            Relation::Greater => self.greater(value, sum, above),
            Relation::GreaterOrEqual => self.greater(value, sum, not_below),
            Relation::Less => {
                let not_less = self.greater(value, sum, not_below);
                self.not(value, not_less)
            }
            Relation::LessOrEqual => {
                let greater = self.greater(value, sum, above);
                self.not(value, greater)
            }
            Relation::Equal => {
                let not_less = self.greater(value, sum, not_below);
                let greater = self.greater(value, sum, above);
                let not_greater = self.not(value, greater);
                let op = IntOp::Binary { function: IntBinary::And, a: not_less, b: not_greater };
                self.push_like(value, op)
            }
        }
    }

    fn number(&self, constant: Value) -> Ratio {
        let number = sums::one_number(self.real, self.affine, constant);
        number.expect("a sum is compared with one number")
    }

    fn greater(&mut self, like: Value, a: Value, threshold: i64) -> Value {
        // No sum comes near the ends of its format.
        let end = (1 << SUM_BITS) - 1;
        self.push_like(like, IntOp::Greater { a, threshold: threshold.clamp(-end, end) })
    }

    fn not(&mut self, like: Value, input: Value) -> Value {
        self.push_like(like, IntOp::Not { input })
    }

    /// A node with the type and the origin of a real one, which has no floats.
    pub(super) fn push_like(&mut self, like: Value, op: IntOp) -> Value {
        let node = self.real.node(like);
        self.int.push(op, node.ty.clone(), node.origin)
    }

    /// So close to a constant, each of the sums is equal to it.
    fn margin_of_sums(&self, key: Key, computed: &Computed<'_>) -> i64 {
        let (ensembles, frac_bits) = (&computed.ensembles, computed.frac_bits);
        let forms = self.needs.sums[&key].iter().zip(&computed.inexact);
        let margins = forms.map(|(form, half_units)| {
            let vote = margin::of_sum(ensembles, form, frac_bits);
            vote.saturating_add(units(*half_units))
        });
        margins.max().unwrap_or(0)
    }

    /// The index of the greatest element along the last axis.
    pub(super) fn argmax(&mut self, value: Value, input: Value) -> Option<Value> {
        let row = self.operand(input)?;
        let margin = match self.sums.get(&Key::Value(input)) {
            Some(computed) => self.margin_of_rows(input, computed),
            None => 0,
        };
        Some(self.push_like(value, IntOp::ArgMax { input: row, margin }))
    }

    /// So close to each other, sums along the last axis are equal.
    pub(super) fn margin_of_rows(&self, value: Value, computed: &Computed<'_>) -> i64 {
        let width = self.real.shape(value).row();
        let forms = self.needs.sums[&Key::Value(value)].chunks(width);
        let margins = forms.zip(computed.inexact.chunks(width)).map(|(row, half_units)| {
            let row: Vec<&Form> = row.iter().collect();
            let vote = margin::of_row(&computed.ensembles, &row, computed.frac_bits);
            vote.saturating_add(units(two_greatest(half_units)))
        });
        margins.max().unwrap_or(0)
    }

    /// The element type and the shape of a real value, with other elements.
    pub(super) fn shaped(&self, value: Value, elem: ElementType) -> Type {
        Type { elem, shape: self.real.shape(value).clone() }
    }
}

/// Half units as whole ones, rounded up.
fn units(half_units: u64) -> i64 {
    i64::try_from(half_units.div_ceil(2)).unwrap_or(i64::MAX)
}

fn two_greatest(half_units: &[u64]) -> u64 {
    let mut sorted = half_units.to_vec();
    sorted.sort_unstable();
    sorted.iter().rev().take(2).fold(0, |sum, x| sum.saturating_add(*x))
}
