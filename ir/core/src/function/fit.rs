//! Makes tables of functions, with a proof of their error.
//!
//! # Proof
//! A segment holds the inputs `x = start + t`, `0 <= t < 2^width`; `m` is the
//! middle of what the domain has of it. With Taylor coefficients `a[k]` around
//! `m`, by Taylor's theorem with the remainder of Lagrange,
//!
//! `f(x) = sum of a[k] (x - m)^k for k <= n, plus r (x - m)^(n+1)`,
//!
//! where `r` is a coefficient of degree `n + 1` somewhere in the segment, which
//! [`Expression::jet`] encloses over all of it. In `v = t / 2^width` this is a
//! polynomial with the coefficients `b[k]`. The table has for them integers
//! `c[k]`, and for `v` the position `u <= v < u + 2^-position_bits`. So the
//! error is at most the sum of
//!
//! 1. the remainder, with the greatest `|x - m|`;
//! 2. `sum of k |b[k]| 2^-position_bits`, where positions drop bits;
//! 3. what rounding the coefficients and shifting the products does, carried
//!    through Horner's scheme with `0 <= u < 1`;
//! 4. half a unit of the result for the last shift.
//!
//! Inputs beyond the segments lie in a tail where the function stays within
//! `tail` of what it is at the end. All of it is computed in [`Span`]s.
//! Cutting results to bounds of the function cannot add to an error.

mod segments;

use super::Function;
use super::expression::Expression;
use super::span::Span;
use crate::module::Interval;
use crate::types::ElementType;

pub(super) use segments::Piece;

/// Bits of a position: with 31 bits for the rest of a product, it stays below 2^62.
const POSITION_BITS: u8 = 31;
/// What is multiplied by a position is below this, with a margin for rounding.
const PRODUCT_MAX: f64 = (1u64 << 31) as f64 - 64.0;
/// Degrees that are tried, in this order: a degree costs a multiplication.
const DEGREES: [usize; 3] = [3, 5, 7];
/// Segments of equal width, which are found by a shift, are at most so many:
/// 2^9 times 8 coefficients of 8 bytes are 32 KB.
const EQUAL_SEGMENTS_MAX: usize = 1 << 9;
/// Segments of different widths, which are found by search, are at most so many.
const SEGMENTS_MAX: usize = 1 << 10;
/// The wanted error is this part of the span of results, or else a unit of the
/// result.
const WANTED: f64 = 1.0 / (1u64 << 36) as f64;
/// Where that takes too many segments, this times more is wanted in turn.
const COARSER: f64 = 16.0;

/// Why there is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTable {
    /// The function is not bounded over the domain, or not defined all over it.
    #[error("the function is not bounded over its domain")]
    Unbounded,
    /// Results are too large for their format.
    #[error("a result does not fit its format")]
    Overflow,
}

/// No bounds on numbers.
pub const EVERYTHING: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// What a table is made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Format of the input.
    pub input: ElementType,
    /// Inputs that occur, as stored.
    pub domain: Interval,
    /// How far from a stored input the number can be that it stands for, in
    /// real units: the slope is bounded for these numbers too.
    pub reach: f64,
    /// Bounds on these numbers; [`EVERYTHING`] if none are known.
    pub reals: (f64, f64),
    /// Format of the result.
    pub output: ElementType,
}

impl Request {
    /// What stored inputs are and stand for, in real units.
    #[must_use]
    pub fn numbers(&self) -> (f64, f64) {
        let scale = Scale { input: self.input.frac_bits().into(), output: 0 };
        let numbers = self.around(scale);
        (numbers.min, numbers.max)
    }

    fn around(&self, scale: Scale) -> Span {
        let stored = scale.real(self.domain.min).hull(scale.real(self.domain.max));
        let reach = Span { min: -self.reach, max: self.reach };
        stored.hull(stored.plus(reach).within(self.reals.0, self.reals.1))
    }
}

/// The parts of a request in real units.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Fraction bits of the input.
    input: i32,
    /// Fraction bits of the output.
    output: i32,
}

impl Scale {
    /// The number that an input stands for.
    fn real(self, x: i64) -> Span {
        Span::of_integer(x).scaled(-self.input)
    }
}

/// A table for `expression`, as exact as its format and [`WANTED`] say, with
/// a proven bound on its error.
///
/// # Errors
/// [`NoTable`].
///
/// # Panics
/// If the formats are not numbers of the integer domain.
pub fn tabulate(expression: &Expression, request: &Request) -> Result<Function, NoTable> {
    let scale = Scale {
        input: request.input.frac_bits().into(),
        output: request.output.frac_bits().into(),
    };
    let of =
        |from: i64, to: i64, degree| expression.jet(scale.real(from).hull(scale.real(to)), degree);
    let domain = request.domain;
    let pieces = |error: f64| {
        let inner = inner(domain, |from, to| of(from, to, 0).coefficient(0).length() <= error);
        let equal = DEGREES
            .iter()
            .find_map(|&degree| segments::equal(expression, scale, domain, inner, degree, error));
        let highest = DEGREES[DEGREES.len() - 1];
        let pieces =
            equal.or_else(|| segments::adapted(expression, scale, domain, inner, highest, error));
        pieces.map(|pieces| (pieces, inner, error))
    };
    let unit = f64::exp2(-f64::from(scale.output));
    let whole = of(domain.min, domain.max, 0).coefficient(0);
    // An expression of several terms may hide that it is bounded; what hardly changes
    // is still computed with `f64`.
    let span = if whole.is_finite() { whole.length().max(whole.magnitude() * WANTED) } else { 1.0 };
    let mut wanted = (span * WANTED).max(unit);
    let found = loop {
        if let Some(found) = pieces(wanted) {
            break found;
        }
        wanted *= COARSER;
        if wanted > span {
            return Err(NoTable::Unbounded);
        }
    };
    finish(expression, request, scale, found)
}

/// The part of the domain between the tails: over a tail all results are equal
/// up to what `is_flat` allows.
fn inner(domain: Interval, is_flat: impl Fn(i64, i64) -> bool) -> Interval {
    let (mut low, mut high) = (domain.min, domain.max);
    let (mut flat, mut beyond) = (domain.min, domain.max);
    while beyond - flat > 1 {
        let middle = flat + (beyond - flat) / 2;
        if is_flat(domain.min, middle) {
            flat = middle;
        } else {
            beyond = middle;
        }
    }
    if flat > domain.min {
        low = flat;
    }
    let (mut flat, mut beyond) = (domain.max, low);
    while flat - beyond > 1 {
        let middle = beyond + (flat - beyond) / 2;
        if is_flat(middle, domain.max) {
            flat = middle;
        } else {
            beyond = middle;
        }
    }
    if flat < domain.max {
        high = flat;
    }
    Interval::new(low, high.max(low))
}

/// Integers for the pieces, and what holds of them.
fn finish(
    expression: &Expression,
    request: &Request,
    scale: Scale,
    (pieces, inner, tail): (Vec<Piece>, Interval, f64),
) -> Result<Function, NoTable> {
    let shift = shift(&pieces, scale).ok_or(NoTable::Overflow)?;
    let gain = gain(&pieces, scale, shift);
    let mut segments = Vec::with_capacity(pieces.len());
    let mut error = 0.0f64;
    for piece in &pieces {
        let (segment, of_segment) = piece.rounded(scale, gain, shift).ok_or(NoTable::Overflow)?;
        error = error.max(of_segment);
        segments.push(segment);
    }
    let domain = request.domain;
    if inner != domain {
        error = (error + tail).next_up();
    }
    let values = pieces.iter().map(|piece| piece.value).reduce(Span::hull);
    let mut values = values.expect("a domain has a piece");
    let mut slope = pieces.iter().fold(0.0f64, |slope, piece| slope.max(piece.slope));
    let numbers = request.around(scale);
    let (first, last) = (Span::exactly(numbers.min), Span::exactly(numbers.max));
    for (from, to) in [(first, scale.real(inner.min)), (scale.real(inner.max), last)] {
        let margin = expression.jet(from.hull(to), 1);
        slope = slope.max(margin.coefficient(1).magnitude());
        values = values.hull(margin.coefficient(0));
    }
    let log_slope = expression
        .exponent()
        .map_or(f64::INFINITY, |exponent| exponent.jet(numbers, 1).coefficient(1).magnitude());
    let function = Function {
        name: expression.to_string(),
        input: request.input,
        output: request.output,
        domain,
        range: range(values, scale, request.output)?,
        error,
        slope,
        log_slope,
        reach: request.reach,
        position_bits: POSITION_BITS,
        gain,
        shift,
        segments,
    };
    let fits = function.segments.iter().all(|segment| function.steps_fit(segment));
    if fits && error.is_finite() { Ok(function) } else { Err(NoTable::Overflow) }
}

/// Results in units, rounded outwards.
fn range(values: Span, scale: Scale, output: ElementType) -> Result<Interval, NoTable> {
    let units = values.scaled(scale.output);
    // The product of a number and a power of two is exact.
    let ends =
        (values.min * f64::exp2(scale.output.into()), values.max * f64::exp2(scale.output.into()));
    let limit = match output {
        ElementType::Fixed { bits, .. } => f64::exp2(bits.into()),
        _ => f64::exp2(62.0),
    };
    if !units.is_finite() || ends.0 <= -limit || ends.1 >= limit {
        return Err(NoTable::Overflow);
    }
    Ok(Interval::new(ends.0.floor() as i64, ends.1.ceil() as i64))
}

/// The greatest shift of the last product for which no sum of coefficients
/// reaches 2^31.
fn shift(pieces: &[Piece], scale: Scale) -> Option<u8> {
    let most = variation(pieces, 1);
    let fits = |shift: &u8| most * f64::exp2(f64::from(products(scale, *shift))) < PRODUCT_MAX;
    (0..=62).rev().find(fits)
}

/// The greatest gain for which no sum of coefficients reaches 2^31.
fn gain(pieces: &[Piece], scale: Scale, shift: u8) -> u8 {
    let degree = pieces.first().map_or(0, Piece::degree);
    let most: Vec<f64> = (1..=degree).map(|from| variation(pieces, from)).collect();
    let fits = |gain: &u8| {
        let bits = |higher: i32| products(scale, shift) + higher * i32::from(*gain);
        (0..).zip(&most).all(|(higher, most)| most * f64::exp2(bits(higher).into()) < PRODUCT_MAX)
    };
    (0..=31).rev().find(fits).unwrap_or(0)
}

/// Coefficients of degree `from` and higher: the greatest sum of magnitudes.
fn variation(pieces: &[Piece], from: usize) -> f64 {
    pieces.iter().map(|piece| piece.variation(from)).fold(0.0, f64::max)
}

/// Fraction bits of the coefficient of degree 1.
fn products(scale: Scale, shift: u8) -> i32 {
    scale.output + i32::from(shift) - i32::from(POSITION_BITS)
}

#[cfg(test)]
mod tests;
