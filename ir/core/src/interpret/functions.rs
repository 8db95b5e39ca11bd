//! Functions of floats: each operation in them rounds to nearest even in the
//! element type.
//!
//! Transcendental functions are those of the crate `libm` for `f64`, in either
//! element type, rounded once: for `f32` that is the nearest float but for one
//! in about 2^28, wherever the compiler runs.

use crate::ops::{Binary, Unary};
use crate::types::ElementType;

/// `x` as an `elem`.
#[inline]
#[must_use]
pub fn round(x: f64, elem: ElementType) -> f64 {
    // Rounding sums, products, quotients and roots of `f32` twice is the same
    // as once: 53 bits are at least 2 * 24 + 2.
    if elem == ElementType::F32 { f64::from(x as f32) } else { x }
}

/// The function of an element of type `elem`, `f32` or `f64`.
///
/// # Panics
/// If it is a function of truth values.
#[must_use]
pub fn unary(function: Unary, x: f64, elem: ElementType) -> f64 {
    let y = match function {
        Unary::Negate => -x,
        Unary::Absolute => x.abs(),
        Unary::Sign => sign(x),
        Unary::Exp => libm::exp(x),
        Unary::Log => libm::log(x),
        Unary::SquareRoot => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Logistic => logistic(x, elem),
        Unary::Tanh => libm::tanh(x),
        Unary::Erf => libm::erf(x),
        Unary::Probit => probit(x, elem),
        Unary::Relu => maximum(0.0, x),
        Unary::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
        Unary::Not => unreachable!("numbers are not truth values"),
    };
    // The greatest of a number and NaN is the number.
    if x.is_nan() { x } else { round(y, elem) }
}

/// The function of two elements of type `elem`, `f32` or `f64`.
///
/// # Panics
/// If it is a function of truth values.
#[inline]
#[must_use]
pub fn binary(function: Binary, a: f64, b: f64, elem: ElementType) -> f64 {
    let y = match function {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Power => libm::pow(a, b),
        Binary::Minimum => -maximum(-a, -b),
        Binary::Maximum => maximum(a, b),
        Binary::And | Binary::Or | Binary::Xor => unreachable!("numbers are not truth values"),
    };
    round(y, elem)
}

/// The greater; NaN if either is.
fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { 1.0_f64.copysign(x) }
}

/// ONNX Runtime, ml_common.h, `ComputeLogistic`.
fn logistic(x: f64, elem: ElementType) -> f64 {
    let power = round(libm::exp(-x.abs()), elem);
    let upper = round(1.0 / round(1.0 + power, elem), elem);
    if x < 0.0 { 1.0 - upper } else { upper }
}

/// Winitzki's constant, as ONNX Runtime has it (ml_common.h, `ErfInv`).
pub(crate) const PROBIT_A: f32 = 0.147;
/// Pi in it.
pub(crate) const PROBIT_PI: f32 = std::f32::consts::PI;
/// The square root of 2 (`ComputeProbit`).
pub(crate) const PROBIT_ROOT: f32 = std::f32::consts::SQRT_2;

/// ONNX Runtime, ml_common.h, `ComputeProbit`. The constants are `f32`.
fn probit(x: f64, elem: ElementType) -> f64 {
    let r = |x: f64| round(x, elem);
    let (a, pi, root) = (f64::from(PROBIT_A), f64::from(PROBIT_PI), f64::from(PROBIT_ROOT));
    let x = r(r(2.0 * x) - 1.0);
    let log = r(libm::log(r(r(1.0 - x) * r(1.0 + x))));
    let v = r(r(2.0 / r(pi * a)) + r(0.5 * log));
    let v2 = r(r(1.0 / a) * log);
    let v3 = r(-v + r(r(r(v * v) - v2).sqrt()));
    root * (if x < 0.0 { -1.0 } else { 1.0 } * r(v3.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_rounds_each_step() {
        let third = binary(Binary::Divide, 1.0, 3.0, ElementType::F32);
        assert_eq!(third, f64::from(1.0_f32 / 3.0));
        let logistic = unary(Unary::Logistic, -20.0, ElementType::F32);
        assert_eq!(logistic, 0.0, "1 - f32(1 / (1 + e^-20)) is 0");
        assert_eq!(unary(Unary::Logistic, 0.0, ElementType::F32), 0.5);
    }

    #[test]
    fn nan_stays() {
        for function in Unary::ALL.into_iter().filter(|&function| function != Unary::Not) {
            assert!(unary(function, f64::NAN, ElementType::F64).is_nan(), "{function:?}");
        }
        for function in [Binary::Minimum, Binary::Maximum] {
            assert!(binary(function, f64::NAN, 1.0, ElementType::F64).is_nan());
            assert!(binary(function, 1.0, f64::NAN, ElementType::F64).is_nan());
        }
    }

    #[test]
    fn halves_round_to_even() {
        for (x, y) in [(0.5, 0.0), (1.5, 2.0), (-2.5, -2.0), (2.6, 3.0)] {
            assert_eq!(unary(Unary::Round, x, ElementType::F32), y);
        }
    }

    #[test]
    fn probit_is_the_quantile_of_the_normal_distribution_nearly() {
        assert!(unary(Unary::Probit, 0.5, ElementType::F32).abs() < 1e-3);
        let upper = unary(Unary::Probit, 0.975, ElementType::F64);
        assert!((upper - 1.96).abs() < 0.02, "{upper}");
    }
}
