//! Error bounds of elementwise operations.

use super::{Operand, product_up, span, sum_up, unit};
use crate::analysis::ranges::Bounds;
use crate::function::Function;
use crate::ops::{IntBinary, Rounding};
use crate::types::ElementType;

pub(super) fn binary(function: IntBinary, a: Operand, b: Operand) -> f64 {
    match function {
        IntBinary::Add | IntBinary::Subtract => sum_up(a.error, b.error),
        IntBinary::Minimum
        | IntBinary::Maximum
        | IntBinary::And
        | IntBinary::Or
        | IntBinary::Xor => a.error.max(b.error),
    }
}

/// `|ab - a'b'| <= |a'| |b - b'| + |b'| |a - a'| + |a - a'| |b - b'|`, before
/// the product is rounded.
pub(super) fn multiply(a: Operand, b: Operand) -> f64 {
    let of_b = product_up(a.magnitude(), b.error);
    let of_a = product_up(b.magnitude(), a.error);
    sum_up(sum_up(of_a, of_b), product_up(a.error, b.error))
}

/// `|a/b - a'/b'| <= (|a - a'| + |a'/b'| |b - b'|) / |b|`, before the quotient
/// is rounded, where `b` is at least as far from 0 as `b'` less its error.
/// Infinite if that can be 0.
pub(super) fn divide(a: Operand, b: Operand) -> f64 {
    if a.error == 0.0 && b.error == 0.0 {
        return 0.0;
    }
    let stored = b.bounds.min.abs().min(b.bounds.max.abs());
    let found = product_up(stored as f64, unit(b.elem)).next_down();
    let least = (found - b.error).next_down();
    if least <= 0.0 {
        return f64::INFINITY;
    }
    let quotient = (a.magnitude() / found).next_up();
    (sum_up(a.error, product_up(quotient, b.error)) / least).next_up()
}

/// Rounding to nearest changes a number by half a unit. The other ways to round
/// are functions that the model asks for, which jump by a unit.
pub(super) fn rescale(x: Operand, to: ElementType, rounding: Rounding) -> f64 {
    let is_exact = unit(to) <= unit(x.elem);
    match rounding {
        _ if is_exact => x.error,
        Rounding::Nearest => sum_up(x.error, 0.5 * unit(to)),
        Rounding::NearestEven | Rounding::Floor | Rounding::Ceil | Rounding::Truncate => {
            if x.error == 0.0 { 0.0 } else { sum_up(x.error, unit(to)) }
        }
    }
}

/// The table's own error, and the function's slope or the span of its results
/// for that of its input.
pub(super) fn function(function: &Function, error: f64) -> f64 {
    if error == 0.0 {
        return function.error;
    }
    let range = function.range;
    let range = Bounds { min: range.min.into(), max: range.max.into() };
    if error > function.reach {
        return f64::INFINITY;
    }
    let jump = sum_up(span(range, function.output), unit(function.output));
    sum_up(function.error, product_up(function.slope, error).min(jump))
}

/// 1 if the errors could turn the answer.
pub(super) fn compare(a: Operand, b: Operand) -> f64 {
    let error = sum_up(a.error, b.error);
    // Elements this far apart are in the same order without their errors.
    let gap = (b.bounds.min - a.bounds.max).max(a.bounds.min - b.bounds.max);
    let is_certain = product_up(gap.max(0) as f64, unit(a.elem)).next_down() > error;
    if error == 0.0 || is_certain { 0.0 } else { 1.0 }
}

/// The error of either way; if the condition could turn, the distance between
/// the ways too.
pub(super) fn select(condition: Operand, a: Operand, b: Operand) -> f64 {
    let error = a.error.max(b.error);
    if condition.error == 0.0 {
        error
    } else {
        sum_up(error, span(a.bounds.union(b.bounds), a.elem))
    }
}

impl Operand {
    /// The greatest magnitude as stored, in real units.
    fn magnitude(self) -> f64 {
        let magnitude = self.bounds.magnitude();
        product_up(magnitude as f64, unit(self.elem)).next_up()
    }
}
