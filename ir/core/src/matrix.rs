//! Linear maps of the integer domain: sums of products of elements with
//! constants.
//!
//! A row holds what one element of the result is made of; what has no weight in
//! a row has no part in it, so that a map of thousands of elements which each
//! read a few is no larger than it is.

use crate::types::ElementType;

/// A linear map from numbers of any formats to fixed point of one format.
///
/// A weight is an integer that makes the product with a stored input one in
/// units of the result, so that a row is a sum of integers and nothing rounds.
///
/// Weights of wide inputs have `low_bits` bits more behind the point. Their
/// products, which may need more than 64 bits together, are summed and then
/// divided by 2^`low_bits`, to nearest, halves up. They are computed in two
/// parts: what an input is modulo 2^`low_bits`, and the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Format of the results.
    pub elem: ElementType,
    /// Bits of the low part of wide inputs; at most 62, and 0 if there are none.
    pub low_bits: u8,
    /// The wide inputs, ascending.
    pub wide: Vec<u32>,
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
    /// Factor of the input.
    pub weight: i64,
}

impl Matrix {
    /// Is the input multiplied in two parts?
    #[must_use]
    pub fn is_wide(&self, input: u32) -> bool {
        self.wide.binary_search(&input).is_ok()
    }

    /// What rounding to nearest adds to the products of wide inputs.
    #[must_use]
    pub fn half(&self) -> i64 {
        if self.low_bits == 0 { 0 } else { 1 << (self.low_bits - 1) }
    }

    /// Bits of the greatest magnitude of a weight.
    #[must_use]
    pub fn weight_bits(&self) -> u32 {
        let weights = self.rows.iter().flat_map(|row| &row.weights);
        let bits = |it: &MatrixWeight| u64::BITS - it.weight.unsigned_abs().leading_zeros();
        weights.map(bits).max().unwrap_or(0)
    }

    /// Products of all rows together.
    #[must_use]
    pub fn products(&self) -> usize {
        self.products_of(self.rows.iter().flat_map(|row| &row.weights))
    }

    /// Multiplications with these weights: two for a wide input.
    #[must_use]
    pub fn products_of<'w>(&self, weights: impl Iterator<Item = &'w MatrixWeight>) -> usize {
        weights.map(|weight| 1 + usize::from(self.is_wide(weight.input))).sum()
    }
}
