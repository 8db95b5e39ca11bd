//! Bounds of single operations.

use super::*;
use crate::ops::{IntBinary, IntReduction, Rounding};
use crate::types::ElementType;

fn bounds(min: i128, max: i128) -> Bounds {
    Bounds { min, max }
}

#[test]
fn arithmetic_is_where_its_operands_are_at_their_ends() {
    let (a, b) = (bounds(-3, 5), bounds(2, 4));
    assert_eq!(elementwise::binary(IntBinary::Subtract, a, b), bounds(-7, 3));
    assert_eq!(elementwise::binary(IntBinary::Minimum, a, b), bounds(-3, 4));
    assert_eq!(elementwise::binary(IntBinary::Maximum, a, b), bounds(2, 5));
    assert_eq!(elementwise::multiply(a, b, 0), bounds(-12, 20));
    // -6 and 10 with halves up.
    assert_eq!(elementwise::multiply(a, bounds(1, 2), 2), bounds(-1, 3));
    // -24 / 2 and 40 / 2.
    assert_eq!(elementwise::divide(a, b, 3), bounds(-12, 20));
    assert_eq!(elementwise::divide(a, bounds(-4, -2), 3), bounds(-20, 12));
    let q = |frac_bits| ElementType::Fixed { bits: 62, frac_bits };
    assert_eq!(elementwise::rescale(a, q(1), ElementType::I64, Rounding::Floor), bounds(-2, 2));
    assert_eq!(elementwise::rescale(a, q(1), q(3), Rounding::Floor), bounds(-12, 20));
}

#[test]
fn bounds_saturate() {
    let huge = bounds(-LIMIT, LIMIT);
    assert_eq!(elementwise::multiply(huge, huge, 0).cut(), huge);
    assert_eq!(numerator(huge, 62).cut(), huge);
    assert_eq!(elementwise::divide(huge, bounds(0, 0), 62).cut(), huge);
}

#[test]
fn rows() {
    let row = [bounds(-1, 2), bounds(0, 5), bounds(-7, 1)];
    assert_eq!(rows::reduce(IntReduction::Sum, &row), bounds(-8, 8));
    assert_eq!(rows::reduce(IntReduction::Minimum, &row), bounds(-7, 1));
    assert_eq!(rows::reduce(IntReduction::Maximum, &row), bounds(0, 5));
    assert_eq!(rows::prefixes(&row), [bounds(-1, 2), bounds(-1, 7), bounds(-8, 8)]);
    assert_eq!(rows::taken(&row, bounds(-3, 1)), bounds(-1, 5));
    assert_eq!(rows::taken(&row, bounds(2, 9)), bounds(-7, 1));
}
