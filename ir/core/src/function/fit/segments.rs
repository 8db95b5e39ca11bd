//! Where a table is cut, and the polynomials of its segments.

use super::{EQUAL_SEGMENTS_MAX, POSITION_BITS, SEGMENTS_MAX, Scale, products};
use crate::function::Segment;
use crate::function::expression::Expression;
use crate::function::span::Span;
use crate::limits::FEATURE_MAGNITUDE_MAX;
use crate::module::Interval;

/// A segment over real numbers: a polynomial in the position as a fraction of
/// the width.
#[derive(Clone, Debug)]
pub(in crate::function) struct Piece {
    start: i64,
    width_bits: u8,
    /// The coefficients `b[k]`.
    coefficients: Vec<Span>,
    /// Bound on the remainder.
    remainder: f64,
    /// What the function can be.
    pub(super) value: Span,
    /// Bound on its slope, up to the first input of the next segment.
    pub(super) slope: f64,
}

/// Segments of one width for all of `inner`, the fewest for which the error is
/// below `wanted`.
pub(super) fn equal(
    expression: &Expression,
    scale: Scale,
    domain: Interval,
    inner: Interval,
    degree: usize,
    wanted: f64,
) -> Option<Vec<Piece>> {
    let length = inner.max.abs_diff(inner.min);
    let bits = (u64::BITS - length.leading_zeros()) as u8;
    // From a single segment on, each step doubles their number.
    for width_bits in (0..=bits.min(61)).rev() {
        let count = (length >> width_bits) as usize + 1;
        if count > EQUAL_SEGMENTS_MAX {
            return None;
        }
        // No input of a segment may leave 62 bits: then all begin earlier.
        let latest = i128::from(FEATURE_MAGNITUDE_MAX) + 1 - ((count as i128) << width_bits);
        if latest < -i128::from(FEATURE_MAGNITUDE_MAX) {
            continue;
        }
        let first = inner.min.min(latest as i64);
        let starts = (0..count).map(|i| first + ((i as i64) << width_bits));
        let pieces: Option<Vec<Piece>> = starts
            .map(|start| {
                let piece = Piece::new(expression, scale, domain, (start, width_bits), degree);
                piece.filter(|piece| piece.is_within(wanted))
            })
            .collect();
        if pieces.is_some() {
            return pieces;
        }
    }
    None
}

/// Segments that are halved until the error is below `wanted`.
pub(super) fn adapted(
    expression: &Expression,
    scale: Scale,
    domain: Interval,
    inner: Interval,
    degree: usize,
    wanted: f64,
) -> Option<Vec<Piece>> {
    let length = inner.max.abs_diff(inner.min);
    let bits = ((u64::BITS - length.leading_zeros()) as u8).min(61);
    let mut pieces = Vec::new();
    // Positions to do, the nearest last. A width of 2^61 may not be enough for
    // all: then a second one follows.
    let mut pending = vec![(inner.min, bits)];
    while let Some((start, width_bits)) = pending.pop() {
        if start > inner.max {
            continue;
        }
        let piece = Piece::new(expression, scale, domain, (start, width_bits), degree);
        let stays = start <= FEATURE_MAGNITUDE_MAX - ((1i64 << width_bits) - 1);
        match piece.filter(|piece| stays && piece.is_within(wanted)) {
            Some(piece) => pieces.push(piece),
            None if width_bits == 0 || pieces.len() + pending.len() > SEGMENTS_MAX => return None,
            None => {
                let half = width_bits - 1;
                pending.push((start + (1i64 << half), half));
                pending.push((start, half));
                continue;
            }
        }
        if pending.is_empty() && start + ((1i64 << width_bits) - 1) < inner.max {
            pending.push((start + (1i64 << width_bits), width_bits));
        }
    }
    Some(pieces)
}

impl Piece {
    /// The Taylor polynomial for a segment; `None` where the function has none.
    fn new(
        expression: &Expression,
        scale: Scale,
        domain: Interval,
        (start, width_bits): (i64, u8),
        degree: usize,
    ) -> Option<Self> {
        let end = start.checked_add((1i64 << width_bits) - 1)?;
        let last = end.min(domain.max);
        let next = end.saturating_add(1).min(domain.max);
        let all = scale.real(start).hull(scale.real(next));
        // A single input needs no polynomial, and functions may jump beside it.
        let own = if width_bits == 0 { scale.real(start) } else { all };
        let middle = start + (last - start) / 2;
        let at = scale.real(middle);
        let around = expression.jet(at, degree);
        let over = expression.jet(own, degree + 1);
        let value = over.coefficient(0);
        let jumps = if width_bits == 0 {
            expression.jet(all, 1).coefficient(1)
        } else {
            over.coefficient(1)
        };
        let slope = jumps.magnitude();
        if !value.is_finite() {
            return None;
        }
        let width = Span::exactly(f64::exp2(f64::from(width_bits) - f64::from(scale.input)));
        if width_bits == 0 {
            let mut coefficients = vec![Span::ZERO; degree + 1];
            coefficients[0] = value;
            return Some(Self { start, width_bits, coefficients, remainder: 0.0, value, slope });
        }
        let distance = at.minus(scale.real(start)).hull(scale.real(last).minus(at));
        let farthest = Span::exactly(distance.magnitude());
        let power = (0..=degree).fold(Span::ONE, |power, _| power.times(farthest));
        let remainder = over.coefficient(degree + 1).times(power).magnitude();
        // In units of the width, then from the start instead of the middle.
        let mut scaled = Span::ONE;
        let mut coefficients = Vec::with_capacity(degree + 1);
        for k in 0..=degree {
            coefficients.push(around.coefficient(k).times(scaled));
            scaled = scaled.times(width);
        }
        shift_by(&mut coefficients, scale.real(start).minus(at).over(width));
        let is_known = coefficients.iter().all(|c| c.is_finite()) && remainder.is_finite();
        is_known.then_some(Self { start, width_bits, coefficients, remainder, value, slope })
    }

    /// The sum of the magnitudes of the coefficients of degree `from` and higher.
    pub(super) fn variation(&self, from: usize) -> f64 {
        self.coefficients[from..].iter().fold(0.0, |sum, c| sum + c.magnitude())
    }

    /// Degree of the polynomial.
    pub(super) fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// Is the error below `wanted`, that of rounding the products too?
    fn is_within(&self, wanted: f64) -> bool {
        let products = self.variation(1) * f64::exp2(-f64::from(POSITION_BITS));
        self.error() <= wanted && products <= 2.0 * wanted
    }

    /// What does not depend on the integers: the remainder, the lost bits of
    /// positions, and what the coefficients are uncertain by.
    fn error(&self) -> f64 {
        let uncertain = self.coefficients.iter().fold(0.0, |sum, c| (sum + c.length()).next_up());
        let lost = if self.width_bits > POSITION_BITS {
            let steep = (1..)
                .zip(&self.coefficients[1..])
                .fold(0.0, |sum, (k, c)| (sum + f64::from(k) * c.magnitude()).next_up());
            steep * f64::exp2(-f64::from(POSITION_BITS)) * (1.0 + f64::EPSILON)
        } else {
            0.0
        };
        (self.remainder + uncertain + lost).next_up().next_up()
    }

    /// The segment in integers, and a bound on its error in real units.
    pub(super) fn rounded(&self, scale: Scale, gain: u8, shift: u8) -> Option<(Segment, f64)> {
        let gain = i32::from(gain);
        let degree = self.degree();
        let mut integers = vec![0i64; degree + 1];
        // The error of Horner's scheme so far, in units of the coefficient.
        let mut h = Span::ZERO;
        let mut has_higher = false;
        let unit = Span { min: 0.0, max: 1.0 };
        for k in (1..=degree).rev() {
            let exact = self.coefficients[k].scaled(products(scale, shift) + (k as i32 - 1) * gain);
            // Dropping bits of the product takes half a unit on average.
            let lift = if has_higher { 0.5 } else { 0.0 };
            let integer = integer_near(exact.middle() + lift)?;
            let dropped = if has_higher { unit } else { Span::ZERO };
            let own = Span::of_integer(integer).minus(exact).minus(dropped);
            h = own.plus(unit.times(h).scaled(-gain));
            has_higher |= integer != 0;
            integers[k] = integer;
        }
        let exact = self.coefficients[0].scaled(scale.output);
        integers[0] = integer_near(exact.middle())?;
        let last = unit.times(h).scaled(i32::from(POSITION_BITS) - i32::from(shift));
        let rounding = if has_higher { Span { min: -0.5, max: 0.5 } } else { Span::ZERO };
        let error = Span::of_integer(integers[0]).minus(exact).plus(last).plus(rounding);
        let error = Span::exactly(error.scaled(-scale.output).magnitude());
        let error = error.plus(Span::exactly(self.error())).max;
        let (start, width_bits) = (self.start, self.width_bits);
        Some((Segment { start, width_bits, coefficients: integers }, error))
    }
}

/// The coefficients of `p(x + by)` for those of `p(x)` (Horner's scheme for
/// Taylor shifts).
fn shift_by(coefficients: &mut [Span], by: Span) {
    let degree = coefficients.len() - 1;
    for from in 0..degree {
        for k in (from..degree).rev() {
            coefficients[k] = coefficients[k].plus(coefficients[k + 1].times(by));
        }
    }
}

/// The nearest integer, if it is within 62 bits.
fn integer_near(x: f64) -> Option<i64> {
    let x = x.round();
    (x.abs() <= f64::exp2(62.0)).then_some(x as i64)
}
