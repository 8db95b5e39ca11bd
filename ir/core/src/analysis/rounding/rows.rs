//! Error bounds of operations along the last axis.

use super::{Given, Operand, Row, span, sum_up};
use crate::analysis::ranges::Bounds;
use crate::module::Value;
use crate::ops::IntReduction;

/// The bound of a reduced row.
pub(super) fn reduce(function: IntReduction, error: &[f64]) -> f64 {
    match function {
        IntReduction::Sum => error.iter().copied().fold(0.0, sum_up),
        IntReduction::Minimum | IntReduction::Maximum => greatest(error),
    }
}

/// The bounds of the sums up to and with each element.
pub(super) fn prefixes(error: &[f64]) -> Vec<f64> {
    let add = |sum: &mut f64, &x: &f64| {
        *sum = sum_up(*sum, x);
        Some(*sum)
    };
    error.iter().scan(0.0, add).collect()
}

impl<'m> Row<'m> {
    /// Row `index` of a value.
    pub(super) fn of(given: &'m Given<'_>, value: Value, index: usize) -> Self {
        let width = given.module.shape(value).row();
        let elements = index * width..(index + 1) * width;
        Self {
            bounds: &given.ranges.of_value(value)[elements.clone()],
            error: &given.error(value)[elements],
            elem: given.module.ty(value).elem,
        }
    }

    /// The bound of a position that the order of the elements decides.
    pub(super) fn position(&self) -> f64 {
        if greatest(self.error) == 0.0 { 0.0 } else { self.error.len() as f64 - 1.0 }
    }

    /// The bound of the element at a computed position.
    pub(super) fn taken(&self, at: Operand) -> f64 {
        let error = greatest(self.error);
        let all = self.bounds.iter().copied().reduce(Bounds::union);
        let all = all.expect("the row of a look-up is not empty");
        if at.error == 0.0 { error } else { sum_up(error, span(all, self.elem)) }
    }
}

fn greatest(error: &[f64]) -> f64 {
    error.iter().copied().fold(0.0, f64::max)
}
