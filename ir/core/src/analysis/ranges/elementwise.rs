//! Ranges of elementwise arithmetic. Every rounding is monotone, so that the
//! ends of an interval are where its operands are at their ends.

use super::Bounds;
use crate::ops::{IntBinary, Rounding};
use crate::types::ElementType;

/// Of `a * b`, before it is rounded.
#[must_use]
pub fn product(a: Bounds, b: Bounds) -> Bounds {
    let corners = [(a.min, b.min), (a.min, b.max), (a.max, b.min), (a.max, b.max)];
    hull(corners.map(|(a, b)| a.saturating_mul(b)))
}

/// Of `a * 2^shift`, which a division divides.
#[must_use]
pub fn numerator(a: Bounds, shift: u8) -> Bounds {
    a.map(|x| shift_left(x, shift))
}

pub(super) fn binary(function: IntBinary, a: Bounds, b: Bounds) -> Bounds {
    match function {
        IntBinary::Add => a.plus(b),
        IntBinary::Subtract => a.minus(b),
        IntBinary::Minimum => Bounds { min: a.min.min(b.min), max: a.max.min(b.max) },
        IntBinary::Maximum => Bounds { min: a.min.max(b.min), max: a.max.max(b.max) },
        IntBinary::And | IntBinary::Or | IntBinary::Xor => Bounds { min: 0, max: 1 },
    }
}

/// Of `a * b / 2^shift`.
pub(super) fn multiply(a: Bounds, b: Bounds, shift: u8) -> Bounds {
    product(a, b).map(|x| shift_right(x, shift, Rounding::Nearest))
}

/// Of `a * 2^shift / b`.
pub(super) fn divide(a: Bounds, b: Bounds, shift: u8) -> Bounds {
    quotient(numerator(a, shift), b)
}

/// Of a number of format `from` in the format `to`.
pub(super) fn rescale(x: Bounds, from: ElementType, to: ElementType, rounding: Rounding) -> Bounds {
    let (from, to) = (from.frac_bits(), to.frac_bits());
    x.map(|x| match to.checked_sub(from) {
        Some(shift) => shift_left(x, shift),
        None => shift_right(x, from - to, rounding),
    })
}

/// Of `a / b`, rounded. Around 0, a module that divides is not valid, and the
/// magnitude is that of `a`.
fn quotient(a: Bounds, b: Bounds) -> Bounds {
    if b.min <= 0 && b.max >= 0 {
        let magnitude = a.min.abs().max(a.max.abs());
        return Bounds { min: -magnitude, max: magnitude };
    }
    let corners = [(a.min, b.min), (a.min, b.max), (a.max, b.min), (a.max, b.max)];
    hull(corners.map(|(a, b)| {
        let magnitude = (a.abs() + b.abs() / 2) / b.abs();
        if (a < 0) == (b < 0) { magnitude } else { -magnitude }
    }))
}

fn shift_left(x: i128, shift: u8) -> i128 {
    x.saturating_mul(1 << shift.min(62))
}

fn shift_right(x: i128, shift: u8, rounding: Rounding) -> i128 {
    let Some(half) = shift.checked_sub(1).map(|bits| 1i128 << bits.min(62)) else { return x };
    let floor = x.div_euclid(2 * half);
    let rest = x.rem_euclid(2 * half);
    let up = match rounding {
        Rounding::Nearest => rest >= half,
        Rounding::NearestEven => rest > half || (rest == half && floor % 2 != 0),
        Rounding::Floor => false,
        Rounding::Ceil => rest > 0,
        Rounding::Truncate => rest > 0 && x < 0,
    };
    floor + i128::from(up)
}

fn hull(corners: [i128; 4]) -> Bounds {
    let [first, rest @ ..] = corners;
    rest.into_iter().fold(Bounds::exactly(first), |hull, x| hull.union(Bounds::exactly(x)))
}

impl Bounds {
    /// What a monotone function makes of the bounds.
    fn map(self, of: impl Fn(i128) -> i128) -> Self {
        Self { min: of(self.min), max: of(self.max) }
    }
}
