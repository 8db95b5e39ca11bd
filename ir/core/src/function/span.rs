//! Intervals of `f64` whose ends are rounded outwards: what the proofs of
//! tables are computed with.
//!
//! What must hold: if the arguments hold the numbers, the result holds the
//! number that exact arithmetic makes of them. IEEE 754 addition,
//! multiplication, division and square root are within one rounding of exact, so
//! each end moves on to the next float; the functions are series with their
//! remainders bounded, computed in these operations. NaN becomes the whole line.

/// The natural logarithm of 2 in two parts, the first with 20 trailing zeros so
/// that its multiples by up to 2^20 are exact; the second is good to one unit
/// of its last place.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
/// Exponents beyond plus and minus this are not computed.
const EXP_MAX: f64 = 700.0;

/// A real number between two ends, both included; the ends may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Not above the number.
    pub(super) min: f64,
    /// Not below the number.
    pub(super) max: f64,
}

impl Span {
    pub(super) const ZERO: Self = Self { min: 0.0, max: 0.0 };
    pub(super) const ONE: Self = Self { min: 1.0, max: 1.0 };
    /// The span of all numbers.
    pub(super) const ALL: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY };

    /// The number `x`; any number if it is NaN.
    pub(super) fn exactly(x: f64) -> Self {
        Self::new(x, x)
    }

    /// The integer `x`.
    pub(super) fn of_integer(x: i64) -> Self {
        let near = x as f64;
        // Below 2^53 the conversion is exact.
        if x.unsigned_abs() < 1 << 53 { Self::exactly(near) } else { Self::outward(near, near) }
    }

    fn new(min: f64, max: f64) -> Self {
        if min.is_nan() || max.is_nan() { Self::ALL } else { Self { min, max } }
    }

    /// Ends that are within one rounding of exact.
    fn outward(min: f64, max: f64) -> Self {
        Self::new(min.next_down(), max.next_up())
    }

    /// The least span that holds both.
    pub(super) fn hull(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Cuts the span to one that is known to hold the number too.
    pub(super) fn within(self, min: f64, max: f64) -> Self {
        Self { min: self.min.clamp(min, max), max: self.max.clamp(min, max) }
    }

    pub(super) fn is_finite(self) -> bool {
        self.min.is_finite() && self.max.is_finite()
    }

    pub(super) fn contains(self, x: f64) -> bool {
        self.min <= x && x <= self.max
    }

    /// The greatest magnitude.
    pub(super) fn magnitude(self) -> f64 {
        self.min.abs().max(self.max.abs())
    }

    /// A float in the middle.
    pub(super) fn middle(self) -> f64 {
        0.5 * self.min + 0.5 * self.max
    }

    /// At least the length.
    pub(super) fn length(self) -> f64 {
        (self.max - self.min).next_up()
    }

    pub(super) fn plus(self, other: Self) -> Self {
        if self == Self::ZERO {
            return other;
        }
        if other == Self::ZERO {
            return self;
        }
        Self::outward(self.min + other.min, self.max + other.max)
    }

    pub(super) fn negative(self) -> Self {
        Self { min: -self.max, max: -self.min }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.plus(other.negative())
    }

    pub(super) fn times(self, other: Self) -> Self {
        if self == Self::ZERO || other == Self::ZERO {
            return Self::ZERO;
        }
        self.corners(other, |a, b| a * b)
    }

    /// Times a power of two: exactly where no end under- or overflows.
    pub(super) fn scaled(self, power: i32) -> Self {
        let factor = f64::exp2(power.into());
        let (min, max) = (self.min * factor, self.max * factor);
        let is_exact = min / factor == self.min && max / factor == self.max;
        if is_exact { Self::new(min, max) } else { Self::outward(min, max) }
    }

    pub(super) fn over(self, other: Self) -> Self {
        if other.contains(0.0) { Self::ALL } else { self.corners(other, |a, b| a / b) }
    }

    fn corners(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let all = [
            of(self.min, other.min),
            of(self.min, other.max),
            of(self.max, other.min),
            of(self.max, other.max),
        ];
        if all.iter().any(|x| x.is_nan()) {
            return Self::ALL;
        }
        let min = all.into_iter().fold(f64::INFINITY, f64::min);
        let max = all.into_iter().fold(f64::NEG_INFINITY, f64::max);
        Self::outward(min, max)
    }

    /// The square, of one number.
    pub(super) fn square(self) -> Self {
        let square = self.times(self);
        if self.contains(0.0) { square.within(0.0, f64::INFINITY) } else { square }
    }

    /// The square root. What is below 0 makes it any number.
    pub(super) fn square_root(self) -> Self {
        if self.min < 0.0 {
            return Self::ALL;
        }
        Self::outward(self.min.sqrt(), self.max.sqrt()).within(0.0, f64::INFINITY)
    }

    /// A function that grows, from what it is at each end.
    fn growing(self, of: impl Fn(f64) -> Self) -> Self {
        let (low, high) = (of(self.min), of(self.max));
        Self::new(low.min, high.max)
    }

    /// e to the power.
    pub(super) fn exp(self) -> Self {
        self.growing(exp)
    }

    /// The natural logarithm. What is not above 0 makes it any number.
    pub(super) fn ln(self) -> Self {
        if self.min <= 0.0 { Self::ALL } else { self.growing(ln) }
    }

    /// `1 / (1 + e^-x)`.
    pub(super) fn logistic(self) -> Self {
        self.growing(logistic).within(0.0, 1.0)
    }

    /// `ln(1 + e^x)`.
    pub(super) fn softplus(self) -> Self {
        let of = |x: f64| {
            let small = Self::exactly(-x.abs()).exp();
            Self::exactly(x.max(0.0)).plus(Self::ONE.plus(small).ln())
        };
        self.growing(of).within(0.0, f64::INFINITY)
    }

    /// The error function.
    pub(super) fn erf(self) -> Self {
        self.growing(erf).within(-1.0, 1.0)
    }
}

/// `e^x = 2^k e^r` with `k` whole and `|r|` at most 0.35, and the series of
/// `e^r` in Horner's form. What follows its innermost factor is below 1/32: with
/// all factors, `r^19 / 19!`, that is below 2^-90.
fn exp(x: f64) -> Span {
    if x > EXP_MAX {
        return Span::new(exp(EXP_MAX).min, f64::INFINITY);
    }
    if x == 0.0 {
        return Span::ONE;
    }
    if x < -EXP_MAX {
        return Span::new(0.0, exp(-EXP_MAX).max);
    }
    let k = (x / std::f64::consts::LN_2).round();
    let low = Span::outward(LN_2.1, LN_2.1).times(Span::exactly(k));
    // `k * LN_2.0` is exact.
    let r = Span::exactly(x).minus(Span::exactly(k * LN_2.0)).minus(low);
    let mut sum = Span::new(-0.031_25, 0.031_25);
    for n in (1..20).rev() {
        // Horner: 1 + r / 1 (1 + r / 2 (1 + ...)).
        sum = Span::ONE.plus(sum).times(r).over(Span::exactly(f64::from(n)));
    }
    Span::ONE.plus(sum).scaled(k as i32)
}

/// `ln(x) = e ln(2) + 2 (s + s^3/3 + s^5/5 + ...)` with `x = 2^e m`, `m` between
/// the roots of 1/2 and of 2 and `s = (m - 1) / (m + 1)`, at most 0.172 in
/// magnitude. The series is computed in Horner's form; what follows its
/// innermost factor is below 1/32, with all factors below 2^-100.
fn ln(x: f64) -> Span {
    if x == f64::INFINITY {
        return Span::new(f64::MAX.log2().floor() * LN_2.0, f64::INFINITY);
    }
    let (m, e) = libm::frexp(x);
    let (m, e) = if m < std::f64::consts::FRAC_1_SQRT_2 { (2.0 * m, e - 1) } else { (m, e) };
    let m = Span::exactly(m);
    let s = m.minus(Span::ONE).over(m.plus(Span::ONE));
    let square = s.square();
    let mut sum = Span::new(0.0, 0.031_25);
    for n in (0..20).rev() {
        let term = Span::ONE.over(Span::exactly(f64::from(2 * n + 1)));
        sum = sum.times(square).plus(term);
    }
    let e = Span::exactly(f64::from(e));
    let whole = e.times(Span::exactly(LN_2.0)).plus(e.times(Span::outward(LN_2.1, LN_2.1)));
    whole.plus(s.times(sum).scaled(1))
}

fn logistic(x: f64) -> Span {
    let small = Span::exactly(-x.abs()).exp();
    let upper = Span::ONE.over(Span::ONE.plus(small));
    if x < 0.0 { small.times(upper) } else { upper }
}

/// `2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * .. * (2n+1))`
/// (Abramowitz and Stegun, 7.1.6). Its terms have the sign of `x`, and from
/// `n = 2 x^2` on each is at most half of the one before.
fn erf(x: f64) -> Span {
    // 1 - erf(6) is below 2^-54.
    if x.abs() > 6.0 {
        let far = Span::new(1.0 - f64::EPSILON, 1.0);
        return if x < 0.0 { far.negative() } else { far };
    }
    let x = Span::exactly(x);
    let double_square = x.square().scaled(1);
    let (mut sum, mut term) = (x, x);
    for n in 1..200 {
        term = term.times(double_square).over(Span::exactly(f64::from(2 * n + 1)));
        sum = sum.plus(term);
    }
    // The rest is at most the last term.
    sum = sum.hull(sum.plus(term));
    sum.times(x.square().negative().exp()).times(two_over_root_pi())
}

/// `2 / sqrt(pi)`.
pub(super) fn two_over_root_pi() -> Span {
    Span::outward(std::f64::consts::FRAC_2_SQRT_PI, std::f64::consts::FRAC_2_SQRT_PI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::{Enclosure, Number};
    use crate::ops::Unary;
    use crate::types::ElementType;

    /// Holds what 128 bits say, and is narrow.
    fn check(function: Unary, of: fn(Span) -> Span, xs: &[f64]) {
        for &x in xs {
            let exact = Enclosure::exact(x).unary(function, ElementType::F64);
            let found = of(Span::exactly(x));
            assert!(found.min <= exact.lower() && exact.upper() <= found.max, "{function:?} {x}");
            let length = found.max - found.min;
            assert!(length <= 1e-13 * found.magnitude().max(0.1), "{function:?} {x} {length:e}");
        }
    }

    #[test]
    fn functions_hold_the_number() {
        let xs = [-40.5, -7.25, -1.0, -0.3, -1e-9, 0.0, 1e-300, 0.1, 0.5, 0.75, 1.0, 2.5, 33.0];
        check(Unary::Exp, Span::exp, &xs);
        check(Unary::Logistic, Span::logistic, &xs);
        check(Unary::Softplus, Span::softplus, &xs);
        check(Unary::Erf, Span::erf, &[-7.0, -3.3, -0.5, 0.0, 1e-3, 1.0, 2.0, 5.9]);
        let positive = [1e-300, 1e-9, 0.1, 0.5, 0.707, 0.708, 1.0, 1.414, 1.415, 2.0, 1e9, 1e300];
        check(Unary::Log, Span::ln, &positive);
        check(Unary::SquareRoot, Span::square_root, &positive);
    }

    #[test]
    fn what_is_not_known_is_any_number() {
        let open = Span::new(-1.0, 1.0);
        for span in [Span::ONE.over(open), open.ln(), open.square_root(), Span::ALL.plus(Span::ALL)]
        {
            assert_eq!(span, Span::ALL);
        }
        assert_eq!(Span::ALL.times(Span::ZERO), Span::ZERO);
        assert_eq!(Span::exactly(1e9).exp().max, f64::INFINITY);
        assert_eq!(Span::exactly(-1e9).exp().min, 0.0);
    }
}
