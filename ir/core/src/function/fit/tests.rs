//! Tables against 128-bit arithmetic.

use super::*;
use crate::interpret::{Enclosure, Number};
use crate::ops::{Binary, Unary};

const INPUT: ElementType = ElementType::Fixed { bits: 40, frac_bits: 30 };
const OUTPUT: ElementType = ElementType::Fixed { bits: 60, frac_bits: 45 };

/// Tabulates a function from `min` to `max` and compares it with 128 bits.
/// Its bound is of the order of the greatest error found.
fn check(
    expression: &Expression,
    exact: impl Fn(Enclosure) -> Enclosure,
    ends: (f64, f64),
) -> Function {
    let stored = |x: f64| (x * f64::exp2(30.0)) as i64;
    let domain = Interval::new(stored(ends.0), stored(ends.1));
    let request = Request { input: INPUT, domain, reach: 1e-9, reals: ends, output: OUTPUT };
    let function = tabulate(expression, &request).expect("there is a table");
    let mut random = crate::random::Random::new(1);
    let length = domain.max.abs_diff(domain.min);
    let corners = [domain.min, domain.max, domain.min + 1, domain.max - 1];
    let edges = function.segments.iter().flat_map(|s| [s.start - 1, s.start]);
    let between = (0..2000).map(|_| domain.min + random.below(length) as i64);
    let mut worst = 0.0f64;
    for x in corners.into_iter().chain(edges.take(400)).chain(between) {
        let x = x.clamp(domain.min, domain.max);
        let real = exact(Enclosure::exact(x as f64 * f64::exp2(-30.0)));
        let distance = real.distance_max(function.at(x), 45);
        assert!(distance <= function.error, "{expression} at {x}: {distance} > {}", function.error);
        worst = worst.max(distance);
    }
    let (name, count) = (&function.name, function.segments.len());
    let degree = function.segments[0].coefficients.len() - 1;
    assert!(
        count <= 512 && degree <= 7 && (worst == 0.0 || worst * 32.0 >= function.error),
        "{name}: {worst}"
    );
    function
}

fn check_unary(function: Unary, ends: (f64, f64)) -> Function {
    check(&Expression::of(function), |x| x.unary(function, ElementType::F64), ends)
}

#[test]
fn smooth_functions() {
    for (function, ends) in [
        (Unary::Logistic, (-8.0, 8.0)),
        (Unary::Logistic, (-500.0, 500.0)),
        (Unary::Exp, (-400.0, 0.0)),
        (Unary::Exp, (-3.0, 3.0)),
        (Unary::Tanh, (-500.0, 3.0)),
        (Unary::SquareRoot, (1.0, 4.0)),
        (Unary::Softplus, (-30.0, 30.0)),
    ] {
        let table = check_unary(function, ends);
        assert!(table.error < 4e-9, "{}: {}", table.name, table.error);
    }
}

#[test]
fn functions_that_are_steep_somewhere() {
    for (function, ends) in [
        (Unary::Log, (1e-6, 500.0)),
        (Unary::SquareRoot, (0.0, 500.0)),
        (Unary::Reciprocal, (0.01, 100.0)),
        (Unary::Probit, (1e-6, 0.49)),
        (Unary::Absolute, (-3.0, 2.0)),
        (Unary::Relu, (-3.0, 2.0)),
        (Unary::Floor, (-3.0, 2.0)),
    ] {
        let table = check_unary(function, ends);
        assert!(table.error < 1e-6, "{}: {}", table.name, table.error);
    }
}

#[test]
fn the_error_function() {
    // 128 bits of it are slow: a few points.
    let request =
        |domain| Request { input: INPUT, domain, reach: 0.0, reals: EVERYTHING, output: OUTPUT };
    let domain = Interval::new(-3 << 30, 9 << 30);
    let table = tabulate(&Expression::of(Unary::Erf), &request(domain)).expect("there is a table");
    for x in [-3i64 << 30, -1 << 29, 12_345, 1 << 30, 5 << 30, 9 << 30] {
        let real = Enclosure::exact(x as f64 * f64::exp2(-30.0));
        let real = real.unary(Unary::Erf, ElementType::F64);
        assert!(real.distance_max(table.at(x), 45) <= table.error);
    }
    assert!(table.error < 1e-10);
}

#[test]
fn results_stay_within_the_bounds_of_the_function() {
    let table = check_unary(Unary::Logistic, (-500.0, 500.0));
    assert_eq!(table.range, Interval::new(0, 1 << 45));
    assert_eq!(table.slope.clamp(0.25, 0.3), table.slope);
}

/// The score of an isolation forest: `0.5 - 2^(-x / c)`.
#[test]
fn compositions_are_one_table() {
    let mut expression = Expression::new();
    let x = expression.variable();
    let (two, c, half) = (2.0, -3.7, 0.5);
    let [two, c, half] = [two, c, half].map(|x| expression.constant(x));
    let exponent = expression.binary(Binary::Divide, x, c);
    let power = expression.binary(Binary::Power, two, exponent);
    expression.binary(Binary::Subtract, half, power);
    let exact = |x: Enclosure| {
        let (two, c, half) = (Enclosure::exact(2.0), Enclosure::exact(-3.7), Enclosure::exact(0.5));
        let exponent = x.binary(Binary::Divide, &c, ElementType::F64);
        let power = two.binary(Binary::Power, &exponent, ElementType::F64);
        half.binary(Binary::Subtract, &power, ElementType::F64)
    };
    let table = check(&expression, exact, (0.0, 30.0));
    assert!(table.error < 1e-10);
    assert_eq!(table.name, "subtract(0.5, power(2.0, divide(x, -3.7)))");
}

#[test]
fn what_is_not_bounded_has_no_table() {
    let domain = Interval::new(-5, 5);
    let request = Request { input: INPUT, domain, reach: 0.0, reals: EVERYTHING, output: OUTPUT };
    for function in [Unary::Reciprocal, Unary::Log] {
        assert_eq!(tabulate(&Expression::of(function), &request), Err(NoTable::Unbounded));
    }
    let domain = Interval::new(20 << 30, 30 << 30);
    let request = Request { domain, ..request };
    assert_eq!(tabulate(&Expression::of(Unary::Exp), &request), Err(NoTable::Overflow));
}

#[test]
fn no_input_of_a_segment_leaves_62_bits() {
    let max = crate::limits::FEATURE_MAGNITUDE_MAX;
    for min in [-max, -(1 << 61) - 7, -5, max - 9] {
        let request = Request {
            input: ElementType::Fixed { bits: 62, frac_bits: 61 },
            domain: Interval::new(min, max),
            reach: 0.0,
            reals: EVERYTHING,
            output: ElementType::Fixed { bits: 62, frac_bits: 38 },
        };
        let function = tabulate(&Expression::of(Unary::Exp), &request).expect("e^2 is bounded");
        let (first, last) = function.ends();
        assert!(first >= -max && last <= max, "{first} to {last}");
    }
}
