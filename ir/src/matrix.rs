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
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Format of the results.
    pub elem: ElementType,
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

impl Matrix {
    /// Products of all rows together.
    #[must_use]
    pub fn products(&self) -> usize {
        self.rows.iter().map(|row| row.weights.len()).sum()
    }
}
