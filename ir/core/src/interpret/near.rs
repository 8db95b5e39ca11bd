//! Numbers of the `real` mode that are quick to compute: a number known up to a
//! radius, with 106 bits in two floats. Where it says nothing, as of functions
//! that it lacks or comparisons that it leaves open, [`super::Enclosure`] is asked.
//!
//! What must hold: the number of the model lies within the radius. Sums, products
//! and quotients of two floats each are off by less than [`STEP`] relatively (Joldes,
//! Muller, Popescu: Tight and rigorous error bounds for basic building blocks of
//! double-word arithmetic, 2017), and exact where a float and an error of 0 are
//! the whole result.

mod function;

use std::cmp::Ordering;

use super::functions;
use super::number::{Number, truncate};
use crate::forest::Mode;
use crate::ops::{Binary, Unary};
use crate::types::ElementType;

/// What an operation is off by at most, relatively; the proven bounds are a tenth.
const STEP: f64 = 1.0 / (1u128 << 100) as f64;
/// Magnitudes beyond which products of floats are not exact, or overflow.
const WITHIN: std::ops::Range<f64> = 1e-250..1e250;
/// What rounding does to a radius, some ten operations long.
const INFLATED: f64 = 1.0 + 1.0 / (1u64 << 46) as f64;
/// Powers up to this are multiplied.
const POWER_MAX: f64 = 64.0;

/// A number that `high + low` is within `radius` of. NaN and the infinities are
/// `high` with a radius of 0; of what has no finite radius nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    high: f64,
    low: f64,
    radius: f64,
}

impl Near {
    const UNKNOWN: Self = Self { high: 0.0, low: 0.0, radius: f64::INFINITY };

    /// A bound on the distance from `stored` times 2^-`frac_bits`, and how much of
    /// it the radius is. None if it is not known to be a number.
    #[must_use]
    pub fn distance(&self, stored: i64, frac_bits: u8) -> Option<(f64, f64)> {
        if !self.is_number() {
            return None;
        }
        let unit = f64::exp2(-f64::from(frac_bits));
        let high = stored as f64;
        let low = (i128::from(stored) - high as i128) as f64;
        let difference = self.plus(Self { high: -high * unit, low: -low * unit, radius: 0.0 });
        let distance =
            (difference.high.abs() + difference.low.abs() + difference.radius) * INFLATED;
        let is_exact = difference.low == 0.0 && difference.radius == 0.0;
        difference.is_number().then_some(if is_exact {
            (difference.high.abs(), 0.0)
        } else {
            (distance, difference.radius)
        })
    }

    fn float(x: f64) -> Self {
        Self { high: x, low: 0.0, radius: 0.0 }
    }

    /// A finite number?
    fn is_number(self) -> bool {
        self.high.is_finite() && self.radius.is_finite()
    }

    fn is_known(self) -> bool {
        self.radius.is_finite()
    }

    /// The float that it is, if it is one.
    fn as_float(self) -> Option<f64> {
        (self.radius == 0.0 && self.low == 0.0).then_some(self.high)
    }

    /// A bound on the magnitude.
    fn magnitude(self) -> f64 {
        (self.high.abs() + self.low.abs() + self.radius) * INFLATED
    }

    /// A result off by `radius`, unless that of an operation between floats.
    fn off_by(self, radius: f64) -> Self {
        let step = if self.low == 0.0 && radius == 0.0 { 0.0 } else { self.high.abs() * STEP };
        self.wider(radius + step)
    }

    fn wider(self, radius: f64) -> Self {
        if radius == 0.0 {
            return self;
        }
        let radius = (self.radius + radius) * INFLATED + f64::MIN_POSITIVE;
        let magnitude = self.high.abs();
        let fits = magnitude == 0.0 || WITHIN.contains(&magnitude);
        if fits && radius.is_finite() { Self { radius, ..self } } else { Self::UNKNOWN }
    }

    fn negated(self) -> Self {
        Self { high: -self.high, low: -self.low, radius: self.radius }
    }

    /// As the sum of two floats is exact with its error, an exact result needs no
    /// radius.
    fn plus(self, other: Self) -> Self {
        let (high, error) = two_sum(self.high, other.high);
        let radius = self.radius + other.radius;
        if self.low == 0.0 && other.low == 0.0 {
            // Exact, whatever the error is.
            let sum = Self { high, low: error, radius: 0.0 };
            return if radius == 0.0 && high.is_finite() { sum } else { sum.wider(radius) };
        }
        let (low, low_error) = two_sum(self.low, other.low);
        let (high, error) = quick_two_sum(high, error + low);
        let (high, low) = quick_two_sum(high, error + low_error);
        let magnitude = self.high.abs() + other.high.abs();
        // Cancellation leaves an error relative to the operands' low parts.
        let sum = Self { high, low, radius: 0.0 };
        sum.wider(radius + magnitude * STEP)
    }

    fn times(self, other: Self) -> Self {
        let radius = self.high.abs() * other.radius
            + other.high.abs() * self.radius
            + self.radius * other.radius
            // What the low parts add to the magnitudes.
            + (self.radius + other.radius)
                * (self.low.abs() + other.low.abs());
        let high = self.high * other.high;
        if high == 0.0 {
            let is_zero = |x: Self| x.high == 0.0 && x.low == 0.0;
            let zero = Self::float(0.0);
            return if !is_zero(self) && !is_zero(other) {
                Self::UNKNOWN
            } else {
                zero.wider(radius)
            };
        }
        if !WITHIN.contains(&high.abs()) {
            return Self::UNKNOWN;
        }
        let error = self.high.mul_add(other.high, -high);
        if self.low == 0.0 && other.low == 0.0 {
            return Self { high, low: error, radius: 0.0 }.wider(radius);
        }
        let cross = self.high.mul_add(other.low, self.low * other.high);
        let (high, low) = quick_two_sum(high, error + cross);
        Self { high, low, radius: 0.0 }.off_by(radius + high.abs() * STEP)
    }

    fn over(self, other: Self) -> Self {
        let least = (other.high.abs() - other.low.abs() - other.radius) / INFLATED;
        if least <= 0.0 || !WITHIN.contains(&least) {
            return Self::UNKNOWN;
        }
        let quotient = self.high / other.high;
        if quotient * other.high == self.high
            && quotient.mul_add(other.high, -self.high) == 0.0
            && self.as_float().is_some()
            && other.as_float().is_some()
        {
            return Self::float(quotient);
        }
        let plain = |x: Self| Self { radius: 0.0, ..x };
        let rest = plain(self).plus(plain(other).times(Self::float(quotient)).negated());
        let second = rest.high / other.high;
        let rest = plain(rest).plus(plain(other).times(Self::float(second)).negated());
        let third = rest.high / other.high;
        if ![quotient, second, third].into_iter().all(f64::is_finite) {
            return Self::UNKNOWN;
        }
        let (high, low) = quick_two_sum(quotient, second);
        let sum = Self { high, low, radius: 0.0 }.plus(Self::float(third));
        // |a / b - a' / b'| <= (|a - a'| + |a' / b'| |b - b'|) / |b|
        let of_operands = (self.radius + quotient.abs() * INFLATED * other.radius) / least;
        sum.wider(of_operands + quotient.abs() * 4.0 * STEP)
    }

    /// Some number between the two, if `None` says which.
    fn either(self, other: Self) -> Self {
        let distance = self.plus(other.negated()).magnitude();
        self.wider(distance + other.radius)
    }

    /// The order of two numbers, if it is known.
    fn order(self, other: Self) -> Option<Ordering> {
        let difference = self.plus(other.negated());
        let far = difference.high.abs() - difference.low.abs();
        if far > difference.radius * INFLATED {
            return difference.high.partial_cmp(&0.0);
        }
        let is_zero = difference.high == 0.0 && difference.low == 0.0 && difference.radius == 0.0;
        is_zero.then_some(Ordering::Equal)
    }
}

impl Number for Near {
    const ROUNDS: bool = false;

    fn exact(x: f64) -> Self {
        Self::float(x)
    }

    fn of_integer(x: i64) -> Self {
        let high = x as f64;
        Self { high, low: (i128::from(x) - high as i128) as f64, radius: 0.0 }
    }

    fn add(&self, x: f64, elem: ElementType) -> Self {
        self.binary(Binary::Add, &Self::float(x), elem)
    }

    fn unary(&self, function: Unary, _elem: ElementType) -> Self {
        match self.as_float() {
            Some(x) if !x.is_finite() => {
                Self::float(functions::unary(function, x, ElementType::F64))
            }
            _ if self.is_number() => self.function(function),
            _ => Self::UNKNOWN,
        }
    }

    fn binary(&self, function: Binary, other: &Self, _elem: ElementType) -> Self {
        let (a, b) = (*self, *other);
        if !a.is_known() || !b.is_known() {
            return Self::UNKNOWN;
        }
        if !a.is_number() || !b.is_number() {
            // Infinities and NaN are rare: the intervals know what becomes of them.
            let is_nan = a.high.is_nan() || b.high.is_nan();
            return if is_nan { Self::float(f64::NAN) } else { Self::UNKNOWN };
        }
        match function {
            Binary::Add => a.plus(b),
            Binary::Subtract => a.plus(b.negated()),
            Binary::Multiply => a.times(b),
            Binary::Divide => a.over(b),
            Binary::Minimum | Binary::Maximum => {
                let takes_a = match function {
                    Binary::Minimum => Ordering::Less,
                    _ => Ordering::Greater,
                };
                match a.order(b) {
                    Some(order) if order == takes_a || order == Ordering::Equal => a,
                    Some(_) => b,
                    None => a.either(b),
                }
            }
            Binary::Power => match b.as_float() {
                Some(power) if power.fract() == 0.0 && (0.0..=POWER_MAX).contains(&power) => {
                    (0..power as u32).fold(Self::float(1.0), |product, _| product.times(a))
                }
                _ => Self::UNKNOWN,
            },
            Binary::And | Binary::Or | Binary::Xor => {
                unreachable!("numbers are not truth values")
            }
        }
    }

    fn cast(&self, elem: ElementType, stored: bool) -> Self {
        match self.as_float() {
            Some(x) if stored => Self::float(Number::cast(&x, elem, stored)),
            _ => *self,
        }
    }

    fn truncate(&self) -> Option<i64> {
        self.as_float().map(truncate)
    }

    fn compare(&self, mode: Mode, other: &Self) -> Option<bool> {
        if !self.is_known() || !other.is_known() {
            return None;
        }
        if !self.is_number() || !other.is_number() {
            return Some(mode.holds(self.high, other.high));
        }
        let order = self.order(*other)?;
        // Any two numbers in this order give the answer.
        Some(mode.holds(f64::from(order as i8), 0.0))
    }

    fn is_nan(&self) -> bool {
        self.high.is_nan()
    }

    fn widened(self, error: f64) -> Self {
        if self.is_number() { self.wider(error) } else { self }
    }
}

/// The sum of two floats, and what it is off by, exactly.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// The same where the first is not the smaller one.
fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

#[cfg(test)]
mod tests;
