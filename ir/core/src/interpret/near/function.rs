//! Functions of [`Near`] numbers.

use std::sync::LazyLock;

use super::{INFLATED, Near, STEP};
use crate::ops::Unary;

/// The logarithm of 2, in two floats: off by less than 2^-108.
const LN_2: Near =
    Near { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17, radius: 0.0 };
/// What `e^x` is off by at most, relatively: six doublings of `e^r - 1`, each of
/// which is off by [`STEP`], and `LN_2` times up to 2^10.
const EXP_STEP: f64 = STEP * (1u32 << 12) as f64;
/// Exponents within plus and minus this have powers that are computed.
const EXPONENT_MAX: f64 = 500.0;
/// A number below e^-500.
const TINY: f64 = 1e-217;
/// Halvings of an argument before its power is expanded.
const HALVINGS: i32 = 6;
/// Terms of the power of what is left, less than 2^-7 then: the rest of the series is
/// below (2^-7)^12 / 13!, which is less than 2^-114.
const TERMS: usize = 12;
/// 1 over each number of a term.
static INVERSES: LazyLock<[Near; TERMS + 1]> =
    LazyLock::new(|| std::array::from_fn(|n| Near::float(1.0).over(Near::float(n.max(1) as f64))));

impl Near {
    /// The function of a finite number; unknown where this file has none.
    pub(super) fn function(self, function: Unary) -> Self {
        let one = Self::float(1.0);
        match function {
            Unary::Negate => self.negated(),
            Unary::Absolute if self.is_below_zero() => self.negated(),
            Unary::Absolute if self.is_at_least_zero() => self,
            Unary::Relu if self.is_below_zero() => Self::float(0.0),
            Unary::Relu if self.is_at_least_zero() => self,
            Unary::Exp => self.exp(),
            Unary::Log => self.log(),
            Unary::SquareRoot => self.square_root(),
            Unary::Reciprocal => one.over(self),
            Unary::Logistic if self.high < 0.0 => {
                one.plus(self.negated().function(Unary::Logistic).negated())
            }
            Unary::Logistic => one.over(one.plus(self.negated().exp())),
            Unary::Tanh if self.high < 0.0 => self.negated().function(Unary::Tanh).negated(),
            Unary::Tanh => {
                let two = Self::float(2.0);
                let power = self.times(two).negated().exp();
                // 1 - 2 e^-2x / (1 + e^-2x)
                one.plus(two.times(power).over(one.plus(power)).negated())
            }
            Unary::Softplus => {
                let is_negative = self.high < 0.0;
                let far = if is_negative { self } else { self.negated() };
                let rest = one.plus(far.exp()).log();
                if is_negative { rest } else { self.plus(rest) }
            }
            Unary::Absolute
            | Unary::Relu
            | Unary::Sign
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::Erf
            | Unary::Probit => Self::UNKNOWN,
            Unary::Not => unreachable!("numbers are not truth values"),
        }
    }

    fn is_at_least_zero(self) -> bool {
        self.high - self.low.abs() >= self.radius * INFLATED
    }

    fn is_below_zero(self) -> bool {
        -self.high - self.low.abs() > self.radius * INFLATED
    }

    /// `e^x`: of what is left over from multiples of the logarithm of 2.
    fn exp(self) -> Self {
        if self.high > EXPONENT_MAX || self.radius > 0.5 {
            return Self::UNKNOWN;
        }
        if self.high < -EXPONENT_MAX {
            return Self::float(0.0).wider(TINY);
        }
        let center = Self { radius: 0.0, ..self };
        if center.as_float() == Some(0.0) && self.radius == 0.0 {
            return Self::float(1.0);
        }
        let multiple = (self.high / std::f64::consts::LN_2).round();
        let rest = center.plus(LN_2.times(Self::float(multiple)).negated());
        let scale = f64::exp2(f64::from(-HALVINGS));
        let rest = Self { high: rest.high * scale, low: rest.low * scale, radius: 0.0 };
        // e^r - 1 = r (1 + r/2 (1 + r/3 (...)))
        let one = Self::float(1.0);
        let next = |sum: Self, inverse: &Self| one.plus(rest.times(*inverse).times(sum));
        let mut less_one = rest.times(INVERSES[2..].iter().rev().fold(one, next));
        for _ in 0..HALVINGS {
            // (e^r - 1) (e^r - 1 + 2)
            less_one = less_one.times(less_one.plus(Self::float(2.0)));
        }
        let power = Self::float(1.0).plus(less_one);
        let scale = f64::exp2(multiple);
        let (high, low) = (power.high * scale, power.low * scale);
        // Of the radius r of an exponent, e^r - 1 < 1.3 r up to 1/2.
        let radius = high.abs() * (self.radius * 1.4 + EXP_STEP);
        Self { high, low, radius: 0.0 }.wider(radius)
    }

    /// Where `y` is the float next to it, `y + log(x e^-y)`.
    fn log(self) -> Self {
        let least = (self.high - self.low.abs() - self.radius) / INFLATED;
        if least <= 0.0 {
            return Self::UNKNOWN;
        }
        if self.as_float() == Some(1.0) {
            return Self::float(0.0);
        }
        let near = Self::float(self.high.ln());
        let center = Self { radius: 0.0, ..self };
        let power = near.negated().exp();
        if !power.is_number() {
            return Self::UNKNOWN;
        }
        let rest = center.times(power).plus(Self::float(-1.0));
        if rest.magnitude() > 1e-10 {
            return Self::UNKNOWN;
        }
        // log(1 + t) = t - t^2 / 2 + t^3 / 3 - ...
        let square = rest.times(rest).times(Self::float(-0.5));
        let cube = rest.magnitude().powi(3);
        near.plus(rest).plus(square).wider(cube + self.radius / least * INFLATED)
    }

    /// One step of Heron from the float next to it.
    fn square_root(self) -> Self {
        if self.as_float() == Some(0.0) {
            return self;
        }
        let least = (self.high - self.low.abs() - self.radius) / INFLATED;
        if least <= 0.0 {
            return Self::UNKNOWN;
        }
        let near = self.high.sqrt();
        if near * near == self.high
            && near.mul_add(near, -self.high) == 0.0
            && self.as_float().is_some()
        {
            return Self::float(near);
        }
        let center = Self { radius: 0.0, ..self };
        let root = Self::float(near);
        let rest = center.plus(root.times(root).negated());
        let step = rest.over(Self::float(2.0 * near));
        // The square of the step, over twice the root, is left: (2^-52)^2.
        let left = step.magnitude().powi(2) / near;
        root.plus(step).wider(left + self.radius / least.sqrt() * INFLATED + near * STEP)
    }
}
