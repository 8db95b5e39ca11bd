//! Elementwise operations, reductions, orders and look-ups of the real domain.
//! Reductions take the elements of an axis in their order.

use super::{Scalar, compare};
use crate::forest::Mode;
use crate::interpret::number::Number;
use crate::ops::{Binary, Extreme, Reduction, Relation, Unary};
use crate::types::{ElementType, Shape};

/// Integers wrap, as ONNX Runtime's do.
pub(super) fn unary<N: Number>(function: Unary, x: &Scalar<N>, elem: ElementType) -> Scalar<N> {
    match x {
        Scalar::Number(x) => Scalar::Number(x.unary(function, elem)),
        Scalar::Integer(x) => Scalar::Integer(match function {
            Unary::Negate => x.wrapping_neg(),
            Unary::Absolute => x.wrapping_abs(),
            Unary::Sign => x.signum(),
            Unary::Not => i64::from(*x == 0),
            Unary::Exp
            | Unary::Log
            | Unary::SquareRoot
            | Unary::Reciprocal
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::Logistic
            | Unary::Tanh
            | Unary::Erf
            | Unary::Probit
            | Unary::Relu
            | Unary::Softplus => unreachable!("{} is a function of floats", function.name()),
        }),
    }
}

/// [`binary`] of pairs: in the loops that take most time the function is known.
pub(super) fn binaries<'a, N: Number + 'a>(
    function: Binary,
    pairs: impl Iterator<Item = (&'a Scalar<N>, &'a Scalar<N>)>,
    elem: ElementType,
) -> Vec<Scalar<N>> {
    match function {
        Binary::Add => pairs.map(|(a, b)| binary(Binary::Add, a, b, elem)).collect(),
        Binary::Subtract => pairs.map(|(a, b)| binary(Binary::Subtract, a, b, elem)).collect(),
        Binary::Multiply => pairs.map(|(a, b)| binary(Binary::Multiply, a, b, elem)).collect(),
        Binary::Divide
        | Binary::Power
        | Binary::Minimum
        | Binary::Maximum
        | Binary::And
        | Binary::Or
        | Binary::Xor => pairs.map(|(a, b)| binary(function, a, b, elem)).collect(),
    }
}

/// Integers wrap, and a quotient by 0 is 0.
#[inline]
pub(super) fn binary<N: Number>(
    function: Binary,
    a: &Scalar<N>,
    b: &Scalar<N>,
    elem: ElementType,
) -> Scalar<N> {
    match (a, b) {
        (Scalar::Number(a), Scalar::Number(b)) => Scalar::Number(a.binary(function, b, elem)),
        (Scalar::Integer(a), Scalar::Integer(b)) => Scalar::Integer(integers(function, *a, *b)),
        _ => unreachable!("both operands have one element type"),
    }
}

fn integers(function: Binary, a: i64, b: i64) -> i64 {
    match function {
        Binary::Add => a.wrapping_add(b),
        Binary::Subtract => a.wrapping_sub(b),
        Binary::Multiply => a.wrapping_mul(b),
        Binary::Divide if b == 0 => 0,
        Binary::Divide => a.wrapping_div(b),
        Binary::Minimum => a.min(b),
        Binary::Maximum => a.max(b),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Power => unreachable!("a power is a function of floats"),
    }
}

/// The mode that asks the same; there is one for each relation.
pub(super) fn mode(relation: Relation) -> Mode {
    match relation {
        Relation::Less => Mode::Less,
        Relation::LessOrEqual => Mode::LessOrEqual,
        Relation::Equal => Mode::Equal,
        Relation::Greater => Mode::Greater,
        Relation::GreaterOrEqual => Mode::GreaterOrEqual,
    }
}

/// The rows along the last axis.
pub(super) fn rows<'a, N>(
    elements: &'a [Scalar<N>],
    shape: &Shape,
) -> impl Iterator<Item = &'a [Scalar<N>]> + use<'a, N> {
    let extent = shape.0.last().map_or(1, |&extent| extent as usize);
    elements.chunks_exact(extent)
}

pub(super) fn reduce<N: Number>(
    function: Reduction,
    row: &[Scalar<N>],
    elem: ElementType,
) -> Scalar<N> {
    let (first, rest) = row.split_first().expect("a reduced axis has elements");
    let first = first.clone();
    match function {
        Reduction::Sum => rest.iter().fold(first, |a, b| binary(Binary::Add, &a, b, elem)),
        Reduction::Product => rest.iter().fold(first, |a, b| binary(Binary::Multiply, &a, b, elem)),
        Reduction::Minimum => rest.iter().fold(first, |a, b| binary(Binary::Minimum, &a, b, elem)),
        Reduction::Maximum => rest.iter().fold(first, |a, b| binary(Binary::Maximum, &a, b, elem)),
    }
}

/// The product of matrices of numbers; the second has rows of `width` elements.
/// Products are added in the order of the axis they share, each without being
/// rounded before (fused multiply-add), as the kernels of ONNX Runtime do.
pub(super) fn matmul<N: Number>(
    a: &[Scalar<N>],
    b: &[Scalar<N>],
    width: usize,
    elem: ElementType,
) -> Vec<Scalar<N>> {
    let shared = b.len() / width;
    let element = |row: &[Scalar<N>], column: usize| {
        let factors = row.iter().zip(b.iter().skip(column).step_by(width));
        let add = |sum: Option<Scalar<N>>, (a, b): (&Scalar<N>, &Scalar<N>)| match sum {
            Some(sum) => Some(fused(&sum, a, b, elem)),
            None => Some(binary(Binary::Multiply, a, b, elem)),
        };
        factors.fold(None, add).expect("a shared axis has elements")
    };
    let rows = a.chunks_exact(shared);
    rows.flat_map(|row| (0..width).map(move |column| element(row, column))).collect()
}

/// `sum + a * b`, rounded once.
pub(super) fn fused<N: Number>(
    sum: &Scalar<N>,
    a: &Scalar<N>,
    b: &Scalar<N>,
    elem: ElementType,
) -> Scalar<N> {
    match (sum, a, b) {
        (Scalar::Number(sum), Scalar::Number(a), Scalar::Number(b)) => {
            Scalar::Number(sum.fused(a, b, elem))
        }
        _ => binary(Binary::Add, sum, &binary(Binary::Multiply, a, b, elem), elem),
    }
}

pub(super) fn cumulative_sum<N: Number>(row: &[Scalar<N>], elem: ElementType) -> Vec<Scalar<N>> {
    let mut sums: Vec<Scalar<N>> = Vec::with_capacity(row.len());
    for x in row {
        let sum = sums.last().map(|sum| binary(Binary::Add, sum, x, elem));
        sums.push(sum.unwrap_or_else(|| x.clone()));
    }
    sums
}

/// Divides each power by their sum, as the tree ensembles of ONNX Runtime do
/// (ml_common.h, `ComputeSoftmax`).
pub(super) fn softmax<N: Number>(row: &[Scalar<N>], elem: ElementType) -> Vec<Scalar<N>> {
    let greatest = reduce(Reduction::Maximum, row, elem);
    let power = |x| unary(Unary::Exp, &binary(Binary::Subtract, x, &greatest, elem), elem);
    let powers: Vec<Scalar<N>> = row.iter().map(power).collect();
    let sum = reduce(Reduction::Sum, &powers, elem);
    powers.iter().map(|power| binary(Binary::Divide, power, &sum, elem)).collect()
}

/// The first of the elements at this end. An undecided comparison on the way
/// does not matter if the element found is decided against all others. NaN is
/// passed over unless it is first.
pub(super) fn extreme<N: Number>(row: &[Scalar<N>], end: Extreme) -> Option<usize> {
    let (beyond, not_within) = match end {
        Extreme::Greatest => (Mode::Greater, Mode::GreaterOrEqual),
        Extreme::Least => (Mode::Less, Mode::LessOrEqual),
    };
    let mut best = 0;
    for (i, x) in row.iter().enumerate().skip(1) {
        if compare(x, beyond, &row[best]) == Some(true) {
            best = i;
        }
    }
    for (i, x) in row.iter().enumerate() {
        if i != best {
            compare(&row[best], if i < best { beyond } else { not_within }, x)?;
        }
    }
    Some(best)
}

/// The positions in sorted order, by insertion: stable, and any pair that an
/// interval leaves open leaves the order open. NaN stays behind what precedes it.
pub(super) fn argsort<N: Number>(row: &[Scalar<N>], first: Extreme) -> Option<Vec<usize>> {
    let before = match first {
        Extreme::Greatest => Mode::Greater,
        Extreme::Least => Mode::Less,
    };
    let mut order: Vec<usize> = Vec::with_capacity(row.len());
    for (i, x) in row.iter().enumerate() {
        let mut at = order.len();
        while at > 0 && compare(x, before, &row[order[at - 1]])? {
            at -= 1;
        }
        order.insert(at, i);
    }
    Some(order)
}

/// The element at `position`, or the nearest to it.
pub(super) fn at<N: Clone>(row: &[Scalar<N>], position: &Scalar<N>) -> Scalar<N> {
    let last = row.len() as i64 - 1;
    row[super::integer(position).clamp(0, last) as usize].clone()
}

/// The value of the first key that equals `x`, else the last value.
pub(super) fn lookup<N: Number>(
    x: &Scalar<N>,
    keys: &[Scalar<N>],
    values: &[Scalar<N>],
) -> Option<Scalar<N>> {
    for (key, value) in keys.iter().zip(values) {
        if compare(x, Mode::Equal, key)? {
            return Some(value.clone());
        }
    }
    values.last().cloned()
}
