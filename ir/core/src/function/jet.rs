//! Taylor coefficients of functions, enclosed in spans (Moore, Interval
//! Analysis, chapter 11: automatic differentiation by recurrences).
//!
//! What must hold: if `x` lies in the span that a [`Jet`] was made for,
//! coefficient `k` holds `f^(k)(x) / k!`. Where a function has no derivative,
//! coefficient 1 holds every slope between two points of the span, and those of
//! higher degree hold everything.

use super::span::{Span, two_over_root_pi};
use crate::interpret::functions::{PROBIT_A, PROBIT_PI, PROBIT_ROOT};
use crate::ops::{Binary, Unary};

/// Taylor coefficients of a function, that of degree 0 first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Jet(Vec<Span>);

/// Integer exponents up to this are products.
const POWER_MAX: f64 = 64.0;

impl Jet {
    pub(super) fn variable(x: Span, degree: usize) -> Self {
        let mut jet = Self::constant(x, degree);
        if let Some(slope) = jet.0.get_mut(1) {
            *slope = Span::ONE;
        }
        jet
    }

    pub(super) fn constant(c: Span, degree: usize) -> Self {
        let mut coefficients = vec![Span::ZERO; degree + 1];
        coefficients[0] = c;
        Self(coefficients)
    }

    pub(super) fn coefficient(&self, k: usize) -> Span {
        self.0[k]
    }

    fn degree(&self) -> usize {
        self.0.len() - 1
    }

    /// The coefficients from `first` on by a recurrence over those before.
    fn recur(first: Span, degree: usize, next: impl Fn(&[Span], usize) -> Span) -> Self {
        let mut coefficients = Vec::with_capacity(degree + 1);
        coefficients.push(first);
        for k in 1..=degree {
            let coefficient = next(&coefficients, k);
            coefficients.push(coefficient);
        }
        Self(coefficients)
    }

    /// The antiderivative of `slope * self'` that starts at `first`: the chain
    /// rule for a function with the derivative `slope`.
    fn integrate(&self, first: Span, slope: impl Fn(&[Span]) -> Vec<Span>) -> Self {
        Self::recur(first, self.degree(), |known, k| {
            let slope = slope(known);
            let terms = (1..=k).map(|j| whole(j).times(self.0[j]).times(slope[k - j]));
            terms.fold(Span::ZERO, Span::plus).over(whole(k))
        })
    }

    pub(super) fn unary(&self, function: Unary) -> Self {
        let x = self.0[0];
        match function {
            Unary::Negate => self.map(Span::negative),
            Unary::Absolute => self.greater(&self.map(Span::negative)),
            Unary::Relu => self.greater(&Self::constant(Span::ZERO, self.degree())),
            Unary::Exp => self.exp(),
            Unary::Log => self.ln(),
            Unary::SquareRoot => self.square_root(),
            Unary::Reciprocal => Self::constant(Span::ONE, self.degree()).over(self),
            Unary::Floor => self.steps(f64::floor),
            Unary::Ceil => self.steps(f64::ceil),
            Unary::Round => self.steps(f64::round_ties_even),
            Unary::Sign => self.steps(|x| if x == 0.0 { 0.0 } else { x.signum() }),
            Unary::Logistic => self.logistic(),
            // tanh(x) = 2 / (1 + e^-2x) - 1
            Unary::Tanh => {
                let double = self.map(|x| x.scaled(1)).logistic().map(|x| x.scaled(1));
                let mut tanh = double.minus(&Self::constant(Span::ONE, self.degree()));
                tanh.0[0] = tanh.0[0].within(-1.0, 1.0);
                tanh
            }
            Unary::Erf => {
                let slope = self.times(self).map(Span::negative).exp();
                let slope = slope.map(|x| x.times(two_over_root_pi()));
                self.integrate(x.erf(), |_| slope.0.clone())
            }
            Unary::Softplus => {
                let slope = self.logistic();
                self.integrate(x.softplus(), |_| slope.0.clone())
            }
            Unary::Probit => self.probit(),
            Unary::Not => unreachable!("an expression is of numbers"),
        }
    }

    pub(super) fn binary(&self, function: Binary, other: &Self) -> Self {
        match function {
            Binary::Add => self.plus(other),
            Binary::Subtract => self.minus(other),
            Binary::Multiply => self.times(other),
            Binary::Divide => self.over(other),
            Binary::Maximum => self.greater(other),
            Binary::Minimum => {
                let negative = self.map(Span::negative).greater(&other.map(Span::negative));
                negative.map(Span::negative)
            }
            Binary::Power => self.power(other),
            Binary::And | Binary::Or | Binary::Xor => {
                unreachable!("an expression is of numbers")
            }
        }
    }

    fn map(&self, of: impl Fn(Span) -> Span) -> Self {
        Self(self.0.iter().map(|&x| of(x)).collect())
    }

    fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a.plus(*b)).collect())
    }

    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.map(Span::negative))
    }

    fn times(&self, other: &Self) -> Self {
        let product = |k| convolution(&self.0, &other.0, 0..=k, k);
        Self((0..=self.degree()).map(product).collect())
    }

    fn over(&self, other: &Self) -> Self {
        Self::recur(self.0[0].over(other.0[0]), self.degree(), |known, k| {
            let known = convolution(known, &other.0, 0..=k - 1, k);
            self.0[k].minus(known).over(other.0[0])
        })
    }

    fn exp(&self) -> Self {
        self.integrate(self.0[0].exp(), |known| known.to_vec())
    }

    fn ln(&self) -> Self {
        Self::recur(self.0[0].ln(), self.degree(), |known, k| {
            let terms = (1..k).map(|j| whole(j).times(known[j]).times(self.0[k - j]));
            let sum = terms.fold(Span::ZERO, Span::plus).over(whole(k));
            self.0[k].minus(sum).over(self.0[0])
        })
    }

    fn square_root(&self) -> Self {
        let first = self.0[0].square_root();
        Self::recur(first, self.degree(), |known, k| {
            let sum = convolution(known, known, 1..=k - 1, k);
            self.0[k].minus(sum).over(first.scaled(1))
        })
    }

    /// `y' = y (1 - y)`
    fn logistic(&self) -> Self {
        self.integrate(self.0[0].logistic(), |known| {
            let slope = |k: usize| known[k].minus(convolution(known, known, 0..=k, k));
            (0..known.len()).map(slope).collect()
        })
    }

    fn power(&self, exponent: &Self) -> Self {
        let e = exponent.0[0];
        let is_constant = exponent.0[1..].iter().all(|&x| x == Span::ZERO) && e.min == e.max;
        if is_constant && e.min.fract() == 0.0 && e.min.abs() <= POWER_MAX {
            let one = Self::constant(Span::ONE, self.degree());
            let power = (0..e.min.abs() as u32).fold(one.clone(), |power, _| power.times(self));
            let is_even = e.min % 2.0 == 0.0;
            let mut power = power;
            if is_even {
                power.0[0] = power.0[0].within(0.0, f64::INFINITY);
            }
            return if e.min < 0.0 { one.over(&power) } else { power };
        }
        if is_constant && e.min == 0.5 {
            return self.square_root();
        }
        exponent.times(&self.ln()).exp()
    }

    /// The greater of two functions. Where either can be, the slope is one
    /// between theirs.
    fn greater(&self, other: &Self) -> Self {
        let (a, b) = (self.0[0], other.0[0]);
        if a.min >= b.max {
            return self.clone();
        }
        if b.min >= a.max {
            return other.clone();
        }
        let first = Span { min: a.min.max(b.min), max: a.max.max(b.max) };
        Self::recur(first, self.degree(), |_, k| {
            if k == 1 { self.0[1].hull(other.0[1]) } else { Span::ALL }
        })
    }

    /// A function that grows in steps.
    fn steps(&self, of: impl Fn(f64) -> f64) -> Self {
        let x = self.0[0];
        let first = Span { min: of(x.min), max: of(x.max) };
        let beyond = if first.min == first.max { Span::ZERO } else { Span::ALL };
        let is_constant = self.0[1..].iter().all(|&x| x == Span::ZERO);
        let beyond = if is_constant { Span::ZERO } else { beyond };
        Self::recur(first, self.degree(), |_, _| beyond)
    }

    /// The approximation that ONNX Runtime has (ml_common.h, `ComputeProbit`).
    fn probit(&self) -> Self {
        let number = |x: f64| Self::constant(Span::exactly(x), self.degree());
        let (a, pi) = (number(PROBIT_A.into()), number(PROBIT_PI.into()));
        let x = self.map(|x| x.scaled(1)).minus(&number(1.0));
        let mut square = x.times(&x);
        square.0[0] = x.0[0].square();
        let log = number(1.0).minus(&square).ln();
        let v = number(2.0).over(&pi.times(&a)).plus(&log.map(|x| x.scaled(-1)));
        // sqrt(v^2 + w) - v = w / (sqrt(v^2 + w) + v): nothing cancels.
        let w = log.map(Span::negative).over(&a);
        let mut v2 = v.times(&v);
        v2.0[0] = v.0[0].square();
        let mut difference = w.over(&v2.plus(&w).square_root().plus(&v));
        difference.0[0] = difference.0[0].within(0.0, f64::INFINITY);
        let magnitude = difference.square_root();
        let signed = if x.0[0].min >= 0.0 {
            magnitude
        } else if x.0[0].max < 0.0 {
            magnitude.map(Span::negative)
        } else {
            let either = magnitude.0[0].hull(magnitude.0[0].negative());
            Self::recur(either, self.degree(), |_, _| Span::ALL)
        };
        signed.times(&number(PROBIT_ROOT.into()))
    }
}

/// The sum of `a[j] * b[k - j]` over `j`.
fn convolution(a: &[Span], b: &[Span], j: std::ops::RangeInclusive<usize>, k: usize) -> Span {
    j.map(|j| a[j].times(b[k - j])).fold(Span::ZERO, Span::plus)
}

fn whole(k: usize) -> Span {
    Span::exactly(k as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Expression;
    use crate::interpret::functions;
    use crate::types::ElementType;

    /// The series around a point gives what the function is beside it.
    #[test]
    fn the_series_is_the_function() {
        let smooth = [
            (Unary::Exp, 0.7),
            (Unary::Log, 0.7),
            (Unary::SquareRoot, 0.7),
            (Unary::Reciprocal, -0.7),
            (Unary::Logistic, -3.0),
            (Unary::Tanh, 0.4),
            (Unary::Erf, 0.9),
            (Unary::Softplus, -1.0),
            (Unary::Probit, 0.7),
            (Unary::Absolute, -0.7),
        ];
        for (function, x) in smooth {
            let jet = Expression::of(function).jet(Span::exactly(x), 12);
            for step in [-0.03, 0.02] {
                let series = jet.0.iter().rev().fold(0.0, |sum, c| sum * step + c.middle());
                let exact = functions::unary(function, x + step, ElementType::F64);
                assert!((series - exact).abs() < 1e-9, "{function:?}: {series} is {exact}");
            }
        }
    }

    #[test]
    fn powers_are_products() {
        for (x, exponent) in [(-1.5, 3.0), (-1.5, -2.0), (1.5, 0.3), (2.0, 0.5)] {
            let mut expression = Expression::new();
            let (base, power) = (expression.variable(), expression.constant(exponent));
            expression.binary(Binary::Power, base, power);
            let jet = expression.jet(Span::exactly(x), 2);
            let exact = [
                x.powf(exponent),
                exponent * x.powf(exponent - 1.0),
                0.5 * exponent * (exponent - 1.0) * x.powf(exponent - 2.0),
            ];
            for (k, exact) in exact.into_iter().enumerate() {
                let found = jet.coefficient(k);
                assert!((found.middle() - exact).abs() < 1e-12, "{found:?} is {exact}");
            }
        }
    }

    #[test]
    fn steps_and_kinks_have_no_derivative() {
        let around = Span { min: -0.5, max: 0.5 };
        let relu = Expression::of(Unary::Relu).jet(around, 2);
        assert_eq!(relu.0, [Span { min: 0.0, max: 0.5 }, Span { min: 0.0, max: 1.0 }, Span::ALL]);
        let floor = Expression::of(Unary::Floor).jet(around, 1);
        assert_eq!(floor.0, [Span { min: -1.0, max: 0.0 }, Span::ALL]);
    }
}
