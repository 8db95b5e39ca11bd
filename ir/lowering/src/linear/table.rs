//! Linear maps as a loop over a table, with half the multiplications.
//!
//! Of two products, `a v + b w = (a + w)(b + v) - a b - v w`, where `a` and `b`
//! are inputs, and `v` and `w` weights: what is left to subtract is known for the
//! weights, and the same for all sums for the inputs (S. Winograd, "A new
//! algorithm for inner product", IEEE Transactions on Computers C-17, 1968).
//! With `n` inputs and `m` sums, `n (m + 1) / 2` multiplications do the work of
//! `n m`. In floating point that loses digits; integers that wrap lose none.
//!
//! Obligation: modulo 2^64, the sums are those of
//! [`sums`](crate::linear::sums).

use crate::cost::Cost;
use crate::linear::sums::Sum;

/// A call, copies, and loops that begin, in tenths of a nanosecond.
const CALL_TENTH_NS: u64 = 250;

/// The weights of all sums for all inputs that any of them reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The inputs, ascending: those at even places are paired with the next; the
    /// last of an odd number is alone.
    pub inputs: Vec<u32>,
    /// Of each sum.
    pub rows: Vec<TableRow>,
}

/// The weights of a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The base of the sum, less the products of paired weights, modulo 2^64.
    pub base: i64,
    /// One for each input, modulo 2^64.
    pub weights: Vec<i64>,
}

impl Table {
    /// The table of some sums; none for less than a pair of inputs.
    #[must_use]
    pub fn of(sums: &[Sum]) -> Option<Self> {
        let weights = sums.iter().flat_map(|sum| &sum.weights);
        let mut inputs: Vec<u32> = weights.map(|weight| weight.input).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let row = |sum: &Sum| {
            let weights: Vec<i64> = inputs.iter().map(|&input| sum.weight(input)).collect();
            let pairs = weights.chunks_exact(2).map(|pair| pair[0].wrapping_mul(pair[1]));
            let base = pairs.fold(sum.base, i64::wrapping_sub);
            TableRow { base, weights }
        };
        let rows = sums.iter().map(row).collect();
        (inputs.len() > 1).then_some(Self { inputs, rows })
    }

    /// Pairs of inputs.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.inputs.len() / 2
    }

    /// The cost of the sums and of `rows` results.
    pub(super) fn cost(&self, rows: u64) -> Cost {
        let (sums, inputs) = (self.rows.len() as u64, self.inputs.len() as u64);
        let products = sums * inputs;
        Cost {
            program_insns: 60 + 13 * inputs + 6 * (rows - sums),
            verifier_insns: 13 * products / 4 + 8 * rows + 4 * inputs,
            table_bytes: 8 * (products + sums),
            scratch_bytes: super::scratch_bytes(rows) + super::scratch_bytes(inputs),
            tenth_ns: CALL_TENTH_NS
                + super::table_tenth_ns(products)
                + rows
                + inputs
                + super::lanes_tenth_ns(rows - sums),
            ..Cost::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use skxc_ir::matrix::MatrixWeight;

    /// What a back end makes of a row.
    fn sum(table: &Table, row: &TableRow, inputs: &[i64]) -> i64 {
        let inputs: Vec<i64> = table.inputs.iter().map(|&input| inputs[input as usize]).collect();
        let pairs = inputs.chunks_exact(2).map(|pair| pair[0].wrapping_mul(pair[1]));
        let mut sum = pairs.fold(row.base, i64::wrapping_sub);
        for (x, w) in inputs.chunks_exact(2).zip(row.weights.chunks_exact(2)) {
            let product = x[0].wrapping_add(w[1]).wrapping_mul(x[1].wrapping_add(w[0]));
            sum = sum.wrapping_add(product);
        }
        if let (&[x], &[w]) =
            (inputs.chunks_exact(2).remainder(), row.weights.chunks_exact(2).remainder())
        {
            sum = sum.wrapping_add(x.wrapping_mul(w));
        }
        sum
    }

    proptest! {
        /// Whatever weights and inputs are, sums are the sums, modulo 2^64.
        #[test]
        fn half_the_products_are_all_of_them(
            (rows, inputs) in (0_usize..9).prop_flat_map(|width| {
                let weights = proptest::collection::vec(any::<Option<i64>>(), width);
                let row = (any::<i64>(), weights);
                (proptest::collection::vec(row, 1..6), proptest::collection::vec(any::<i64>(), width))
            }),
        ) {
            let sums = rows.into_iter().map(|(base, weights)| {
                let weights = (0..).zip(weights).filter_map(|(input, weight)| {
                    Some(MatrixWeight { input, weight: weight? })
                });
                Sum { base, weights: weights.collect(), lanes: Vec::new() }
            });
            let sums: Vec<Sum> = sums.collect();
            let Some(table) = Table::of(&sums) else { return Ok(()) };
            for (row, want) in table.rows.iter().zip(&sums) {
                let product = |it: &MatrixWeight| inputs[it.input as usize].wrapping_mul(it.weight);
                let want = want.weights.iter().map(product).fold(want.base, i64::wrapping_add);
                prop_assert_eq!(want, sum(&table, row, &inputs));
            }
        }
    }
}
