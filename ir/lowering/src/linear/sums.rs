//! Rows of a linear map that share a sum.
//!
//! Sums wrap at 2^64, and what they wrap to on the way does not matter: `y` of one
//! row is the low bits of `y + 2^k z` of two, if it fits `k` bits, and `z` fits the
//! others. So one multiplication with `v + 2^k w` does the work of two. How many
//! rows fit one sum follows from their bounds, whatever the inputs are.
//!
//! Obligation: of a sum, the lanes are the rows, each sign-extended from its bits.

use skxc_ir::analysis::ranges::Bounds;
use skxc_ir::matrix::{Matrix, MatrixRow, MatrixWeight};

/// Products that a lane must save: to take it out needs six instructions, a
/// product three.
const LANE_PRODUCTS: usize = 3;

/// A row of a [`Sum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The row of the matrix.
    pub row: usize,
    /// Bits of the lane, the sign included; lanes follow one another from the
    /// lowest bit on.
    pub bits: u32,
}

/// Rows of a matrix that are added up in one integer of 64 bits, modulo 2^64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Added to the products.
    pub base: i64,
    /// What is multiplied; inputs in order, each once.
    pub weights: Vec<MatrixWeight>,
    /// The rows, the lowest bits first; at least one.
    pub lanes: Vec<Lane>,
}

impl Sum {
    fn of(row: usize, map: &MatrixRow, bounds: Bounds) -> Self {
        let lanes = vec![Lane { row, bits: bits_of(bounds) }];
        Self { base: map.base, weights: map.weights.clone(), lanes }
    }

    /// What multiplies an input; 0 if nothing does.
    #[must_use]
    pub fn weight(&self, input: u32) -> i64 {
        let found = self.weights.binary_search_by_key(&input, |weight| weight.input);
        found.map_or(0, |at| self.weights[at].weight)
    }

    /// Bits of all lanes.
    fn bits(&self) -> u32 {
        self.lanes.iter().map(|lane| lane.bits).sum()
    }

    /// With the lanes of another above its own.
    fn beside(&self, above: &Self) -> Self {
        let shift = self.bits();
        let mut weights = Vec::with_capacity(self.weights.len().max(above.weights.len()));
        let (mut low, mut high) = (self.weights.iter().peekable(), above.weights.iter().peekable());
        loop {
            let input = match (low.peek(), high.peek()) {
                (Some(low), Some(high)) => low.input.min(high.input),
                (Some(only), None) | (None, Some(only)) => only.input,
                (None, None) => break,
            };
            let low = low.next_if(|it| it.input == input).map_or(0, |it| it.weight);
            let high = high.next_if(|it| it.input == input).map_or(0, |it| it.weight);
            weights.push(MatrixWeight { input, weight: low.wrapping_add(high << shift) });
        }
        // A weight that is 0 modulo 2^64 adds nothing.
        weights.retain(|weight| weight.weight != 0);
        let base = self.base.wrapping_add(above.base << shift);
        let lanes = self.lanes.iter().chain(&above.lanes).copied().collect();
        Self { base, weights, lanes }
    }
}

/// The sums of a matrix whose rows are within `bounds`; inputs that are
/// multiplied in two parts leave no room for lanes.
#[must_use]
pub fn sums(matrix: &Matrix, bounds: &[Bounds]) -> Vec<Sum> {
    let rows = matrix.rows.iter().zip(bounds).enumerate();
    let rows = rows.map(|(index, (row, &bounds))| Sum::of(index, row, bounds));
    let mut sums: Vec<Sum> = Vec::with_capacity(matrix.rows.len());
    for row in rows {
        let joint = sums
            .last()
            .filter(|last| matrix.low_bits == 0 && last.bits() + row.bits() <= i64::BITS);
        let joint = joint.map(|last| last.beside(&row)).filter(|joint| {
            let apart = sums.last().map_or(0, |last| last.weights.len()) + row.weights.len();
            joint.weights.len() + LANE_PRODUCTS <= apart
        });
        match joint {
            Some(joint) => *sums.last_mut().expect("it was joined") = joint,
            None => sums.push(row),
        }
    }
    sums
}

/// Products of the sums of a matrix; two for a wide input.
#[must_use]
pub fn products(matrix: &Matrix, sums: &[Sum]) -> usize {
    matrix.products_of(sums.iter().flat_map(|sum| &sum.weights))
}

/// Bits of a two's complement number within the bounds.
fn bits_of(bounds: Bounds) -> u32 {
    let magnitude = bounds.max.max(!bounds.min).max(0);
    i128::BITS - magnitude.leading_zeros() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use skxc_ir::analysis::ranges::row_result;
    use skxc_ir::types::ElementType;

    /// What a back end makes of a sum.
    fn lanes(sum: &Sum, inputs: &[i64]) -> Vec<i64> {
        let product = |it: &MatrixWeight| inputs[it.input as usize].wrapping_mul(it.weight);
        let products = sum.weights.iter().map(product);
        let mut whole = products.fold(sum.base, i64::wrapping_add);
        let mut found = Vec::new();
        for lane in &sum.lanes {
            let above = i64::BITS - lane.bits;
            let low = whole << above >> above;
            whole = whole.wrapping_sub(low) >> (lane.bits - 1) >> 1;
            found.push(low);
        }
        found
    }

    fn matrix() -> impl Strategy<Value = (Matrix, Vec<(i64, i64)>)> {
        let row = |inputs: usize| {
            let weight = (any::<bool>(), -40_i64..40, 0_u32..24);
            (any::<i16>(), proptest::collection::vec(weight, inputs))
        };
        (1_usize..12).prop_flat_map(move |inputs| {
            let range = (-100_i64..100, 0_i64..300).prop_map(|(min, width)| (min, min + width));
            let ranges = proptest::collection::vec(range, inputs);
            (proptest::collection::vec(row(inputs), 1..9), ranges).prop_map(
                move |(rows, ranges)| {
                    let rows = rows.into_iter().map(|(base, weights)| {
                        let weights = (0..)
                            .zip(weights)
                            .filter(|(_, (is_there, weight, _))| *is_there && *weight != 0);
                        let weights = weights.map(|(input, (_, weight, shift))| MatrixWeight {
                            input,
                            weight: weight << shift,
                        });
                        MatrixRow { base: base.into(), weights: weights.collect(), rounding: 0.0 }
                    });
                    let matrix = Matrix {
                        elem: ElementType::Fixed { bits: 62, frac_bits: 0 },
                        low_bits: 0,
                        wide: Vec::new(),
                        inputs: inputs as u32,
                        rows: rows.collect(),
                    };
                    (matrix, ranges)
                },
            )
        })
    }

    proptest! {
        /// At the ends of the inputs, all lanes of all sums are the rows.
        #[test]
        fn lanes_are_rows((matrix, ranges) in matrix(), corners in any::<u64>()) {
            let bounds: Vec<Bounds> = ranges
                .iter()
                .map(|&(min, max)| Bounds { min: min.into(), max: max.into() })
                .collect();
            let bounds: Vec<Bounds> =
                matrix.rows.iter().map(|row| row_result(&matrix, row, &bounds)).collect();
            let sums = sums(&matrix, &bounds);
            let all: Vec<usize> =
                sums.iter().flat_map(|sum| &sum.lanes).map(|lane| lane.row).collect();
            prop_assert_eq!(all, (0..matrix.rows.len()).collect::<Vec<_>>());
            for corners in [0, u64::MAX, corners] {
                let corner = |(i, &(min, max))| if corners >> i & 1 == 0 { min } else { max };
                let inputs: Vec<i64> = ranges.iter().enumerate().map(corner).collect();
                let row = |row: &MatrixRow| {
                    let product = |it: &MatrixWeight| inputs[it.input as usize] * it.weight;
                    row.base + row.weights.iter().map(product).sum::<i64>()
                };
                let want: Vec<i64> = matrix.rows.iter().map(row).collect();
                let got: Vec<i64> = sums.iter().flat_map(|sum| lanes(sum, &inputs)).collect();
                prop_assert_eq!(want, got);
            }
        }
    }

    #[test]
    fn a_number_takes_its_bits_and_a_sign() {
        let bits = |min, max| bits_of(Bounds { min, max });
        assert_eq!(bits(0, 0), 1);
        assert_eq!(bits(-1, 0), 1);
        assert_eq!(bits(0, 1), 2);
        assert_eq!(bits(-128, 127), 8);
        assert_eq!(bits(-129, 127), 9);
        assert_eq!(bits(5, 128), 9);
        assert_eq!(bits(-9, -8), 5);
    }
}
