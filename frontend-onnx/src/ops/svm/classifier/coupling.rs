//! The probabilities of two classes, where pairwise coupling stops.
//!
//! libsvm (svm.cpp) and ONNX Runtime (ml_common.h), both as
//! `multiclass_probability`, minimise a quadratic form over the shares `p` and `q`
//! of the classes, from 1/2 on, one share after the other. Of two classes whose
//! pairwise probabilities are `r` and `s = 1 - r`, a round is
//!
//! - `q' = q s^2 / (s^2 - s q + q^2)`, `p' = 1 - q'`;
//! - `p'' = p' r^2 / (r^2 - r p' + p'^2)`, `q'' = 1 - p''`.
//!
//! The end of it would be `p = r`; it stops as soon as `|p - r| max(p, q)` is below
//! 0.0025. How many rounds that takes is the same for all `r` between two of
//! [`STOPS`], so that `p` is a smooth function of `r` there, with a step at each.

use skxc_ir::{Binary, ElementType, Relation, Type, Value};

use crate::lower::Lowering;
use crate::node::{Lowered, Node};

/// `|p - r| max(p, q)` below which a walk of two classes stops.
#[cfg(test)]
const NEAR: f64 = 0.005 / 2.0;
/// Where the number of rounds changes: a value of `r`, and the rounds from there on.
const STOPS: [(f64, u32); 7] = [
    (0.0, 1),
    (0.002_519_231_343_923_213_5, 2),
    (0.355_487_909_874_464_94, 1),
    (0.495, 0),
    (0.505, 1),
    (0.676_365_576_445_549_6, 2),
    (0.940_630_236_421_361_5, 1),
];

/// `p` after so many rounds.
fn walked(r: f64, rounds: u32) -> f64 {
    let s = 1.0 - r;
    (0..rounds).fold(0.5, |p, _| {
        let q = 1.0 - p;
        let p = 1.0 - q * s * s / (s * s - s * q + q * q);
        p * r * r / (r * r - r * p + p * p)
    })
}

/// The share of the first class, given its pairwise probability, an `f64` between
/// 0 and 1: what is smooth between the stops and continuous over them, and the
/// steps.
pub(super) fn share(lowering: &mut Lowering<'_>, node: &Node<'_>, r: Value) -> Lowered<Value> {
    let ends = STOPS.iter().skip(1).map(|(end, _)| *end).chain([1.0]);
    let mut constant = 0.0;
    let mut parts = Vec::new();
    for (&(start, rounds), end) in STOPS.iter().zip(ends).filter(|((_, rounds), _)| *rounds > 0) {
        constant -= walked(start, rounds);
        let within = cut(lowering, node, r, (start, end))?;
        parts.push(rounds_of(lowering, node, within, rounds)?);
    }
    for stops in STOPS.windows(2) {
        let [(_, before), (at, after)] = [stops[0], stops[1]];
        let step = walked(at, after) - walked(at, before);
        let at = number(lowering, node, at);
        let is_past = lowering.compare(node, Relation::GreaterOrEqual, r, at)?;
        let is_past = lowering.cast(is_past, ElementType::F64, node.origin);
        let step = number(lowering, node, step);
        parts.push(lowering.binary(node, Binary::Multiply, is_past, step)?);
    }
    let constant = number(lowering, node, constant);
    parts.into_iter().try_fold(constant, |sum, part| lowering.binary(node, Binary::Add, sum, part))
}

fn number(lowering: &mut Lowering<'_>, node: &Node<'_>, number: f64) -> Value {
    lowering.constant(number, Type::new(ElementType::F64, &[1, 1]), node.origin)
}

/// `r`, or the end of the interval that it is beyond.
fn cut(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    r: Value,
    (start, end): (f64, f64),
) -> Lowered<Value> {
    let (start, end) = (number(lowering, node, start), number(lowering, node, end));
    let r = lowering.binary(node, Binary::Maximum, r, start)?;
    lowering.binary(node, Binary::Minimum, r, end)
}

/// As [`walked`].
fn rounds_of(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    r: Value,
    rounds: u32,
) -> Lowered<Value> {
    let one = number(lowering, node, 1.0);
    let s = lowering.binary(node, Binary::Subtract, one, r)?;
    let mut p = number(lowering, node, 0.5);
    for _ in 0..rounds {
        let q = lowering.binary(node, Binary::Subtract, one, p)?;
        let q = half_round(lowering, node, q, s)?;
        p = lowering.binary(node, Binary::Subtract, one, q)?;
        p = half_round(lowering, node, p, r)?;
    }
    Ok(p)
}

/// `p r^2 / (r^2 - r p + p^2)`.
fn half_round(lowering: &mut Lowering<'_>, node: &Node<'_>, p: Value, r: Value) -> Lowered<Value> {
    let mut product = |a, b| lowering.binary(node, Binary::Multiply, a, b);
    let (square, both, other) = (product(r, r)?, product(r, p)?, product(p, p)?);
    let numerator = product(p, square)?;
    let difference = lowering.binary(node, Binary::Subtract, square, both)?;
    let denominator = lowering.binary(node, Binary::Add, difference, other)?;
    lowering.binary(node, Binary::Divide, numerator, denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds as the libraries count them: until the walk is near.
    fn rounds(r: f64) -> u32 {
        let is_near = |&rounds: &u32| {
            let p = walked(r, rounds);
            (p - r).abs() * p.max(1.0 - p) < NEAR
        };
        (0..100).find(is_near).expect("the walk arrives")
    }

    #[test]
    fn rounds_change_at_the_stops() {
        for (at, stops) in STOPS.windows(2).map(|stops| (stops[1].0, stops)) {
            assert_eq!(rounds(at * (1.0 - 1e-6)), stops[0].1, "below {at}");
            assert_eq!(rounds(at * (1.0 + 1e-6)), stops[1].1, "above {at}");
        }
        for step in 1..20_000 {
            let r = f64::from(step) / 20_000.0;
            let last = STOPS.iter().rev().find(|(at, _)| *at <= r);
            let (at, expected) = last.expect("the first is 0");
            assert!(rounds(r) == *expected || (r - at).abs() < 1e-6, "{r}");
        }
    }
}
