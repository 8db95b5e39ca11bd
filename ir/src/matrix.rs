//! Linear maps of the integer domain: sums of products of elements with
//! constants.
//!
//! A row holds what one element of the result is made of; what has no weight in
//! a row has no part in it, so that a map of thousands of elements which each
//! read a few is no larger than it is.

use crate::analysis::ranges::Bounds;
use crate::types::ElementType;

/// A linear map from numbers of any formats to fixed point of one format.
///
/// A weight is an integer that makes the product with a stored input one in
/// units of the result times 2^-`shift`. A result is its base and the sum of its
/// products divided by 2^`shift`, to nearest, halves up: what is rounded is
/// rounded once.
///
/// Inputs that take more than `low_bits` bits are multiplied in two parts, what
/// they are modulo 2^`low_bits` and the rest, whose products are summed apart, so
/// that a sum may need more than 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Format of the results.
    pub elem: ElementType,
    /// Bits of products that results do not have; at most 62.
    pub shift: u8,
    /// Bits of the low part of wide inputs; 0 if none is in two parts.
    pub low_bits: u8,
    /// Number of elements that it reads.
    pub inputs: u32,
    /// One for each result.
    pub rows: Vec<MatrixRow>,
}

/// What one result of a [`Matrix`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixRow {
    /// Added to the products, in units of the result.
    pub base: i64,
    /// What is multiplied; inputs in order, each once, weights other than 0.
    pub weights: Vec<MatrixWeight>,
    /// What rounding of the weights, of the base and of the inputs on their way
    /// in has changed in the result at most, in real units, whatever the inputs.
    pub rounding: f64,
}

/// A factor of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixWeight {
    /// The element that it multiplies.
    pub input: u32,
    /// The factor.
    pub weight: i64,
}

/// An input in the two parts in which it is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<T> {
    /// The input modulo 2^`low_bits`, or all of it.
    pub low: T,
    /// What is left, divided by 2^`low_bits`.
    pub high: T,
}

impl Matrix {
    /// Is an input with these bounds multiplied in two parts?
    #[must_use]
    pub fn splits(&self, bounds: Bounds) -> bool {
        let low = 1_i128 << self.low_bits;
        self.low_bits > 0 && (bounds.min < -low || bounds.max > low)
    }

    /// Bounds of the parts of an input.
    #[must_use]
    pub fn parts(&self, bounds: Bounds) -> Parts<Bounds> {
        if !self.splits(bounds) {
            return Parts { low: bounds, high: Bounds::exactly(0) };
        }
        let low = Bounds { min: 0, max: (1 << self.low_bits) - 1 };
        let high = Bounds { min: bounds.min >> self.low_bits, max: bounds.max >> self.low_bits };
        Parts { low, high }
    }

    /// What rounding to nearest adds to the products.
    #[must_use]
    pub fn half(&self) -> i128 {
        if self.shift == 0 { 0 } else { 1 << (self.shift - 1) }
    }

    /// Products of all rows together.
    #[must_use]
    pub fn products(&self) -> usize {
        self.rows.iter().map(|row| row.weights.len()).sum()
    }
}
