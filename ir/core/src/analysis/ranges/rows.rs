//! Ranges of operations along the last axis.

use super::{Bounds, Ranges};
use crate::module::{Int, Module, Value};
use crate::ops::IntReduction;

/// The bounds of a value along its last axis.
pub(super) fn of<'r>(
    module: &Module<Int>,
    ranges: &'r Ranges,
    value: Value,
) -> std::slice::ChunksExact<'r, Bounds> {
    ranges.of_value(value).chunks_exact(module.shape(value).row())
}

/// The bounds of a reduced row, which has an element.
pub(super) fn reduce(function: IntReduction, row: &[Bounds]) -> Bounds {
    let of: fn(Bounds, Bounds) -> Bounds = match function {
        IntReduction::Sum => Bounds::plus,
        IntReduction::Minimum => |a, b| Bounds { min: a.min.min(b.min), max: a.max.min(b.max) },
        IntReduction::Maximum => |a, b| Bounds { min: a.min.max(b.min), max: a.max.max(b.max) },
    };
    row.iter().copied().reduce(of).expect("a reduced axis has an element")
}

/// The bounds of the sums up to and with each element.
#[must_use]
pub fn prefixes(row: &[Bounds]) -> Vec<Bounds> {
    let add = |sum: &mut Bounds, &x: &Bounds| {
        *sum = sum.plus(x);
        Some(*sum)
    };
    row.iter().scan(Bounds::exactly(0), add).collect()
}

/// The bounds of what lies at a position within `at`.
pub(super) fn taken(row: &[Bounds], at: Bounds) -> Bounds {
    let last = row.len() as i128 - 1;
    let (first, last) = (at.min.clamp(0, last), at.max.clamp(0, last));
    let reachable = row[first as usize..=last as usize].iter().copied();
    reachable.reduce(Bounds::union).expect("the row of a look-up is not empty")
}
