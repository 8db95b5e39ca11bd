//! The arithmetic of a mode of the real domain.

use std::fmt::Debug;

use super::functions;
use crate::forest::Mode;
use crate::ops::{Binary, Unary};
use crate::types::ElementType;

/// A number of element type `f32` or `f64` in one mode.
pub trait Number: Clone + Debug {
    /// Does every operation round, as floats do?
    const ROUNDS: bool;

    /// The number `x`, which may be NaN.
    fn exact(x: f64) -> Self;

    /// The number `x`, rounded if the mode rounds.
    fn of_integer(x: i64) -> Self;

    /// `self + x` in `elem`.
    fn add(&self, x: f64, elem: ElementType) -> Self;

    /// The function of it in `elem`; not one of truth values.
    fn unary(&self, function: Unary, elem: ElementType) -> Self;

    /// The function of it and `other` in `elem`; not one of truth values.
    fn binary(&self, function: Binary, other: &Self, elem: ElementType) -> Self;

    /// `self + a * b` in `elem`, rounded once.
    fn fused(&self, a: &Self, b: &Self, elem: ElementType) -> Self {
        self.binary(Binary::Add, &a.binary(Binary::Multiply, b, elem), elem)
    }

    /// `self` as an `elem`. `stored` says that it is an input or a constant,
    /// as opposed to a result of arithmetic.
    fn cast(&self, elem: ElementType, stored: bool) -> Self;

    /// Rounds towards 0, by the rule of [`truncate`]; `None` if undecided.
    fn truncate(&self) -> Option<i64>;

    /// Does `self mode other` hold? `None` if undecided.
    fn compare(&self, mode: Mode, other: &Self) -> Option<bool>;

    /// Is it the missing value?
    fn is_nan(&self) -> bool;

    /// The number where it is known up to `error` only; floats are what they are.
    fn widened(self, error: f64) -> Self;
}

/// Floats: every operation rounds to nearest even in its element type.
impl Number for f64 {
    const ROUNDS: bool = true;

    fn exact(x: f64) -> Self {
        x
    }

    fn of_integer(x: i64) -> Self {
        x as f64
    }

    fn add(&self, x: f64, elem: ElementType) -> Self {
        self.binary(Binary::Add, &x, elem)
    }

    fn unary(&self, function: Unary, elem: ElementType) -> Self {
        functions::unary(function, *self, elem)
    }

    #[inline]
    fn binary(&self, function: Binary, other: &Self, elem: ElementType) -> Self {
        functions::binary(function, *self, *other, elem)
    }

    fn fused(&self, a: &Self, b: &Self, elem: ElementType) -> Self {
        if elem == ElementType::F32 {
            f64::from((*a as f32).mul_add(*b as f32, *self as f32))
        } else {
            a.mul_add(*b, *self)
        }
    }

    fn cast(&self, elem: ElementType, _stored: bool) -> Self {
        functions::round(*self, elem)
    }

    fn truncate(&self) -> Option<i64> {
        Some(truncate(*self))
    }

    fn compare(&self, mode: Mode, other: &Self) -> Option<bool> {
        Some(mode.holds(*self, *other))
    }

    fn is_nan(&self) -> bool {
        f64::is_nan(*self)
    }

    fn widened(self, _error: f64) -> Self {
        self
    }
}

/// ONNX Cast from float to int64 rounds towards 0 and leaves NaN and numbers
/// beyond 64 bits open; ONNX Runtime on x86-64 makes them the least integer
/// (instruction cvttsd2si).
pub(super) fn truncate(x: f64) -> i64 {
    let fits = (-f64::exp2(63.0)..f64::exp2(63.0)).contains(&x);
    if fits { x as i64 } else { i64::MIN }
}

/// An integer as an `elem`, rounded once to nearest even.
pub(super) fn float_of(x: i64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(x as f32) } else { x as f64 }
}
