//! Arithmetic of the integer domain. Each step is checked: a panic is a hole in
//! the proof of the validator.

use crate::ops::{IntBinary, IntReduction, Rounding};

pub(super) fn binary(function: IntBinary, a: i64, b: i64) -> i64 {
    match function {
        IntBinary::Add => a.checked_add(b).expect("a sum fits its storage"),
        IntBinary::Subtract => a.checked_sub(b).expect("a difference fits its storage"),
        IntBinary::Minimum => a.min(b),
        IntBinary::Maximum => a.max(b),
        IntBinary::And => a & b,
        IntBinary::Or => a | b,
        IntBinary::Xor => a ^ b,
    }
}

/// `a * b / 2^shift`, halves up.
pub(super) fn multiply(a: i64, b: i64, shift: u8) -> i64 {
    let half = if shift == 0 { 0 } else { 1_i128 << (shift - 1) };
    let product = (i128::from(a) * i128::from(b) + half) >> shift;
    i64::try_from(product).expect("a shifted product fits 62 bits")
}

/// `a * 2^shift / b`, halves away from 0.
pub(super) fn divide(a: i64, b: i64, shift: u8) -> i64 {
    let numerator = shift_left(a, shift).unsigned_abs();
    let denominator = b.unsigned_abs();
    let magnitude = (numerator + denominator / 2) / denominator;
    let magnitude = i64::try_from(magnitude).expect("a quotient fits 62 bits");
    if (a < 0) == (b < 0) { magnitude } else { -magnitude }
}

/// The number `x` of `from` bits behind the point with `to` of them.
pub(super) fn rescale(x: i64, from: u8, to: u8, rounding: Rounding) -> i64 {
    if to >= from { shift_left(x, to - from) } else { shift_right(x, from - to, rounding) }
}

fn shift_left(x: i64, shift: u8) -> i64 {
    assert!(shift <= 62, "a shift is at most 62");
    x.checked_mul(1 << shift).expect("what is shifted left fits 62 bits")
}

/// `x / 2^shift`, rounded: a number is added, and what is behind the point dropped.
fn shift_right(x: i64, shift: u8, rounding: Rounding) -> i64 {
    if shift == 0 {
        return x;
    }
    assert!(shift <= 62, "a shift is at most 62");
    let (unit, half) = (1i64 << shift, 1i64 << (shift - 1));
    let added = match rounding {
        Rounding::Nearest => half,
        // One less than a half, unless the integer below is odd.
        Rounding::NearestEven => half - 1 + (x >> shift & 1),
        Rounding::Floor => 0,
        Rounding::Ceil => unit - 1,
        Rounding::Truncate => (x >> 63) & (unit - 1),
    };
    x.checked_add(added).expect("what is rounded fits 62 bits") >> shift
}

pub(super) fn reduce(function: IntReduction, row: &[i64]) -> i64 {
    let of = match function {
        IntReduction::Sum => |a, b| binary(IntBinary::Add, a, b),
        IntReduction::Minimum => i64::min,
        IntReduction::Maximum => i64::max,
    };
    row.iter().copied().reduce(of).expect("a reduced axis has an element")
}

pub(super) fn cumulative_sum(row: &[i64]) -> Vec<i64> {
    let add = |sum: &mut i64, &x: &i64| {
        *sum = binary(IntBinary::Add, *sum, x);
        Some(*sum)
    };
    row.iter().scan(0, add).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_where_the_operation_says() {
        let rescaled = |rounding| [-6, -5, -2, 2, 6, 7].map(|x| rescale(x, 2, 0, rounding));
        assert_eq!(rescaled(Rounding::Nearest), [-1, -1, 0, 1, 2, 2]);
        assert_eq!(rescaled(Rounding::NearestEven), [-2, -1, 0, 0, 2, 2]);
        assert_eq!(rescaled(Rounding::Floor), [-2, -2, -1, 0, 1, 1]);
        assert_eq!(rescaled(Rounding::Ceil), [-1, -1, 0, 1, 2, 2]);
        assert_eq!(rescaled(Rounding::Truncate), [-1, -1, 0, 0, 1, 1]);
        assert_eq!(rescale(-3, 0, 4, Rounding::Floor), -48);
        assert_eq!([multiply(3, 3, 1), multiply(-3, 3, 1)], [5, -4]);
        assert_eq!([divide(7, 2, 0), divide(-7, 2, 0), divide(7, -2, 0)], [4, -4, -4]);
        assert_eq!([divide(1, 3, 4), divide(-2, -3, 4), divide(0, -3, 4)], [5, 11, 0]);
    }
}
