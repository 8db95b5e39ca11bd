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

use crate::import::Importer;
use crate::node::{Imported, Node};

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
pub(super) fn share(importer: &mut Importer<'_>, node: &Node<'_>, r: Value) -> Imported<Value> {
    let ends = STOPS.iter().skip(1).map(|(end, _)| *end).chain([1.0]);
    let mut constant = 0.0;
    let mut parts = Vec::new();
    for (&(start, rounds), end) in STOPS.iter().zip(ends).filter(|((_, rounds), _)| *rounds > 0) {
        constant -= walked(start, rounds);
        let within = cut(importer, node, r, (start, end))?;
        parts.push(rounds_of(importer, node, within, rounds)?);
    }
    for stops in STOPS.windows(2) {
        let [(_, before), (at, after)] = [stops[0], stops[1]];
        let step = walked(at, after) - walked(at, before);
        let at = number(importer, node, at);
        let is_past = importer.compare(node, Relation::GreaterOrEqual, r, at)?;
        let is_past = importer.cast(is_past, ElementType::F64, node.origin);
        let step = number(importer, node, step);
        parts.push(importer.binary(node, Binary::Multiply, is_past, step)?);
    }
    let constant = number(importer, node, constant);
    parts.into_iter().try_fold(constant, |sum, part| importer.binary(node, Binary::Add, sum, part))
}

fn number(importer: &mut Importer<'_>, node: &Node<'_>, number: f64) -> Value {
    importer.constant(number, Type::new(ElementType::F64, &[1, 1]), node.origin)
}

/// `r`, or the end of the interval that it is beyond.
fn cut(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    r: Value,
    (start, end): (f64, f64),
) -> Imported<Value> {
    let (start, end) = (number(importer, node, start), number(importer, node, end));
    let r = importer.binary(node, Binary::Maximum, r, start)?;
    importer.binary(node, Binary::Minimum, r, end)
}

/// The rounds of [`walked`].
fn rounds_of(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    r: Value,
    rounds: u32,
) -> Imported<Value> {
    let one = number(importer, node, 1.0);
    let s = importer.binary(node, Binary::Subtract, one, r)?;
    let mut p = number(importer, node, 0.5);
    for _ in 0..rounds {
        let q = importer.binary(node, Binary::Subtract, one, p)?;
        let q = half_round(importer, node, q, s)?;
        p = importer.binary(node, Binary::Subtract, one, q)?;
        p = half_round(importer, node, p, r)?;
    }
    Ok(p)
}

/// `p r^2 / (r^2 - r p + p^2)`.
fn half_round(importer: &mut Importer<'_>, node: &Node<'_>, p: Value, r: Value) -> Imported<Value> {
    let mut product = |a, b| importer.binary(node, Binary::Multiply, a, b);
    let (square, both, other) = (product(r, r)?, product(r, p)?, product(p, p)?);
    let numerator = product(p, square)?;
    let difference = importer.binary(node, Binary::Subtract, square, both)?;
    let denominator = importer.binary(node, Binary::Add, difference, other)?;
    importer.binary(node, Binary::Divide, numerator, denominator)
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
