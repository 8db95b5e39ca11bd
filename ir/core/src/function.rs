//! Functions of one variable over fixed point: tables of polynomials.
//!
//! What must hold of a valid table ([`crate::validate`] checks the first three):
//! - segments follow each other without gaps and have one degree;
//! - no number of [`Function::at`] leaves 62 bits, whatever the input;
//! - results lie within `range`;
//! - for every input of `domain`, the result is within `error` of the function
//!   that `name` says. This only the maker of the table can know.

mod expression;
mod fit;
mod jet;
mod span;

use crate::module::Interval;
use crate::types::ElementType;

pub use expression::{Expression, TermId};
pub use fit::{EVERYTHING, NoTable, Request, tabulate};

/// A function of one variable as a table of segments, each a polynomial in the
/// position within it.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What it computes, for readers. Escape before printing.
    pub name: String,
    /// Format of the input.
    pub input: ElementType,
    /// Format of the result.
    pub output: ElementType,
    /// Inputs, as stored, for which `error` holds.
    pub domain: Interval,
    /// Results, as stored, are cut to this.
    pub range: Interval,
    /// Bound on the distance between the result and the function, in real units.
    pub error: f64,
    /// Bound on the slope of the function (Lipschitz constant) for the numbers that
    /// inputs stand for; infinite where it jumps.
    pub slope: f64,
    /// The same of its logarithm; infinite where the function need not be positive.
    pub log_slope: f64,
    /// How far from an input the number can be that it stands for, in real units,
    /// so that the slopes hold for it, and what the function is of it is in `range`.
    pub reach: f64,
    /// Bits of a position within a segment; at most 31.
    pub position_bits: u8,
    /// Each coefficient but the first has so many bits more behind the point
    /// than the one of the degree below it; at most 31.
    pub gain: u8,
    /// The last product is divided by 2^`shift`; at most 62.
    pub shift: u8,
    /// In ascending order. Inputs outside all of them count as the nearest inside.
    pub segments: Vec<Segment>,
}

/// A polynomial for the inputs from `start` to `start + 2^width_bits - 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The least input of it, as stored.
    pub start: i64,
    /// Binary logarithm of the number of inputs; at most 62.
    pub width_bits: u8,
    /// The coefficients, that of degree 0 first.
    pub coefficients: Vec<i64>,
}

impl Segment {
    /// The greatest input of it.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.start + ((1i64 << self.width_bits) - 1)
    }
}

impl Function {
    /// The result for an input, as stored. Its arithmetic is that of the
    /// generated C:
    ///
    /// 1. cut `x` to the segments and find its own;
    /// 2. `u`: the position in the segment, as a fraction of its width, with
    ///    `position_bits` bits, rounded down;
    /// 3. from the highest coefficient down to the first:
    ///    `h = c[k] + (u * h >> position_bits + gain)`;
    /// 4. `c[0] + (u * h + 2^(shift - 1) >> shift)`, cut to `range`.
    ///
    /// # Panics
    /// If the table is not valid.
    #[must_use]
    pub fn at(&self, x: i64) -> i64 {
        let (first, last) = self.ends();
        let x = x.clamp(first, last);
        let index = self.segments.partition_point(|segment| segment.start <= x) - 1;
        let segment = &self.segments[index];
        let position = self.position(segment, x);
        let (constant, higher) = segment.coefficients.split_first().expect("a constant term");
        let mut h = 0;
        for &coefficient in higher.iter().rev() {
            h = coefficient + (multiply(position, h) >> (self.position_bits + self.gain));
        }
        let half = if self.shift == 0 { 0 } else { 1 << (self.shift - 1) };
        let result = constant + ((multiply(position, h) + half) >> self.shift);
        result.clamp(self.range.min, self.range.max)
    }

    /// The least and the greatest input of all segments.
    ///
    /// # Panics
    /// If there is no segment.
    #[must_use]
    pub fn ends(&self) -> (i64, i64) {
        let (first, last) = (self.segments.first(), self.segments.last());
        (first.expect("a segment").start, last.expect("a segment").last())
    }

    /// Does every product of `segment` stay within 62 bits, and the result too?
    #[must_use]
    pub fn steps_fit(&self, segment: &Segment) -> bool {
        self.bounds(segment).is_some()
    }

    /// Bounds of the results of `segment` before they are cut to `range`.
    /// `None` if a number on the way can leave 62 bits.
    #[must_use]
    pub fn bounds(&self, segment: &Segment) -> Option<Interval> {
        let position_max = (1i128 << self.position_bits) - 1;
        let limit = 1i128 << 62;
        let fits = |x: i128| (-limit..=limit).contains(&x);
        // A position is not negative: a product is between 0 and that with the greatest.
        let product = |(min, max): (i128, i128)| {
            let ends = ((min * position_max).min(0), (max * position_max).max(0));
            (fits(ends.0) && fits(ends.1)).then_some(ends)
        };
        let (constant, higher) = segment.coefficients.split_first()?;
        let mut h = (0i128, 0i128);
        for &coefficient in higher.iter().rev() {
            let (min, max) = product(h)?;
            let add = |x: i128| i128::from(coefficient) + (x >> (self.position_bits + self.gain));
            h = (add(min), add(max));
        }
        let (min, max) = product(h)?;
        let half = if self.shift == 0 { 0 } else { 1i128 << (self.shift - 1) };
        let result = |x: i128| i128::from(*constant) + ((x + half) >> self.shift);
        let (min, max) = (result(min), result(max));
        (fits(min) && fits(max)).then(|| Interval::new(min as i64, max as i64))
    }

    /// The position of `x` in its segment, below 2^`position_bits`.
    fn position(&self, segment: &Segment, x: i64) -> i64 {
        let offset = x - segment.start;
        if segment.width_bits > self.position_bits {
            offset >> (segment.width_bits - self.position_bits)
        } else {
            offset << (self.position_bits - segment.width_bits)
        }
    }
}

fn multiply(a: i64, b: i64) -> i64 {
    a.checked_mul(b).expect("a product of a table fits 62 bits")
}
