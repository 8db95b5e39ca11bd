//! Inputs of few bits, such as flags: all that a sum has of some of them is
//! looked up at once, at the place that their bits name together.
//!
//! A look-up replaces as many products as it has inputs by one load for each
//! sum, and what it takes to put the place together.
//!
//! Obligation: with what is looked up, sums are what they were, if the inputs
//! are within their bounds. Whatever they are, the place is inside the table.

#[cfg(doc)]
use crate::Target;
use crate::cost::{Cost, load_tenth_ns};
use crate::linear::sums::Sum;
use skxc_ir::analysis::ranges::Bounds;

/// Bits of an input that is looked up.
const INPUT_BITS_MAX: u32 = 4;
/// Bits of a place.
const BITS_MAX: u32 = 8;
/// Bytes of one table: of its rows, few are read in turn.
const TABLE_BYTES_MAX: u64 = 64 << 10;
/// Bytes of all tables of a map, far below what a program may have
/// ([`Target::table_bytes_max`]).
const ALL_BYTES_MAX: u64 = 256 << 10;
/// Time to put an input into the place, in tenths of a nanosecond: an estimate
/// from the four instructions that it takes.
const INPUT_TENTH_NS: u64 = 6;

/// Some inputs and what each sum has of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The inputs, the lowest bits of the place first; they leave no bit out.
    pub inputs: Vec<LookupInput>,
    /// One row for each place, 2^bits in number; in it, what each sum has.
    pub rows: Vec<Vec<i64>>,
}

/// An input of a [`Lookup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupInput {
    /// The input of the map.
    pub input: u32,
    /// The least that it is.
    pub min: i64,
    /// The most that it is, less than 2^bits above the least.
    pub max: i64,
    /// Bits that it takes.
    pub bits: u32,
}

impl Lookup {
    /// Bits of a place.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.inputs.iter().map(|input| input.bits).sum()
    }

    fn new(inputs: Vec<LookupInput>, sums: &[Sum]) -> Self {
        let bits: u32 = inputs.iter().map(|input| input.bits).sum();
        let of_sum = |sum: &Sum| -> Vec<i64> {
            inputs.iter().map(|input| sum.weight(input.input)).collect()
        };
        let weights: Vec<Vec<i64>> = sums.iter().map(of_sum).collect();
        let row = |place: i64| {
            let mut rest = place;
            let at: Vec<i64> = inputs.iter().map(|input| input.take(&mut rest)).collect();
            let of_sum = |weights: &Vec<i64>| {
                let products = weights.iter().zip(&at).map(|(weight, x)| weight.wrapping_mul(*x));
                products.fold(0, i64::wrapping_add)
            };
            weights.iter().map(of_sum).collect()
        };
        Self { rows: (0..1 << bits).map(row).collect(), inputs }
    }

    /// What the look-up costs, added to `sums` sums.
    pub(super) fn cost(&self, sums: usize) -> Cost {
        let (inputs, sums) = (self.inputs.len(), sums as u64);
        let table_bytes = 8 * self.rows.len() as u64 * sums;
        let insns = 3 * sums + 4 * inputs as u64;
        Cost {
            program_insns: insns,
            verifier_insns: insns,
            table_bytes,
            tenth_ns: tenth_ns(inputs, sums, table_bytes),
            ..Cost::default()
        }
    }
}

impl LookupInput {
    fn of(input: u32, bounds: Bounds) -> Option<Self> {
        let width = u128::try_from(bounds.max - bounds.min).ok()?;
        let bits = u128::BITS - width.leading_zeros();
        let (min, max) = (i64::try_from(bounds.min).ok()?, i64::try_from(bounds.max).ok()?);
        (1..=INPUT_BITS_MAX).contains(&bits).then_some(Self { input, min, max, bits })
    }

    /// What the input is where `rest` of the place are its lowest bits, which are
    /// taken off; what it cannot be stands for its greatest.
    fn take(&self, rest: &mut i64) -> i64 {
        let x = *rest & ((1 << self.bits) - 1);
        *rest >>= self.bits;
        (self.min + x).min(self.max)
    }
}

/// Takes those of some inputs whose products, by `product_tenth_ns`, cost more than
/// a look-up out of the sums. Wide inputs, whose products have another unit, are
/// none of them.
pub(super) fn take_out(
    sums: &mut [Sum],
    inputs: &[(u32, Bounds)],
    product_tenth_ns: impl Fn(&[Sum], &[LookupInput]) -> u64,
) -> Vec<Lookup> {
    let row_bytes = 8 * sums.len() as u64;
    let bits_max = TABLE_BYTES_MAX.checked_div(row_bytes).and_then(u64::checked_ilog2);
    let bits_max = bits_max.unwrap_or(0).min(BITS_MAX);
    let mut narrow: Vec<LookupInput> = inputs
        .iter()
        .filter_map(|&(input, bounds)| LookupInput::of(input, bounds))
        .filter(|it| is_read(sums, it.input))
        .collect();
    narrow.sort_by_key(|input| input.bits);
    let (mut lookups, mut all_bytes) = (Vec::new(), 0);
    let mut narrow = narrow.into_iter().peekable();
    while narrow.peek().is_some() {
        let (mut group, mut bits) = (Vec::new(), 0);
        while let Some(input) = narrow.next_if(|input| bits + input.bits <= bits_max) {
            bits += input.bits;
            group.push(input);
        }
        if group.is_empty() {
            break;
        }
        let (count, table_bytes) = (sums.len() as u64, row_bytes << bits);
        if all_bytes + table_bytes > ALL_BYTES_MAX {
            break;
        }
        if product_tenth_ns(sums, &group) > tenth_ns(group.len(), count, table_bytes) {
            all_bytes += table_bytes;
            let is_taken = |input| group.iter().any(|it| it.input == input);
            let lookup = Lookup::new(group.clone(), sums);
            for sum in sums.iter_mut() {
                sum.weights.retain(|weight| !is_taken(weight.input));
            }
            lookups.push(lookup);
        }
    }
    lookups
}

fn is_read(sums: &[Sum], input: u32) -> bool {
    sums.iter().any(|sum| sum.weight(input) != 0)
}

fn tenth_ns(inputs: usize, sums: u64, table_bytes: u64) -> u64 {
    INPUT_TENTH_NS * inputs as u64 + sums * (1 + load_tenth_ns(table_bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use skxc_ir::matrix::MatrixWeight;

    /// The weights of a sum, and of each input the least, the width, and where
    /// within it the input is.
    type Case = (Vec<Vec<i64>>, Vec<(i64, u8, u8)>);

    fn case() -> impl Strategy<Value = Case> {
        (1_usize..12).prop_flat_map(|inputs| {
            let weights = proptest::collection::vec(-9_i64..9, inputs);
            let input = (-100_i64..100, 0_u8..20, any::<u8>());
            (proptest::collection::vec(weights, 1..9), proptest::collection::vec(input, inputs))
        })
    }

    fn value(sum: &Sum, inputs: &[i64]) -> i64 {
        let product = |it: &MatrixWeight| inputs[it.input as usize] * it.weight;
        sum.base + sum.weights.iter().map(product).sum::<i64>()
    }

    proptest! {
        #[test]
        fn what_is_looked_up_is_what_was_taken_out((weights, inputs) in case()) {
            let sums = weights.into_iter().map(|weights| {
                let weights = (0..).zip(weights).filter(|(_, weight)| *weight != 0);
                let weights = weights.map(|(input, weight)| MatrixWeight { input, weight });
                Sum { base: 7, weights: weights.collect(), lanes: Vec::new() }
            });
            let whole: Vec<Sum> = sums.collect();
            let bounds = inputs.iter().map(|&(min, width, _)| {
                Bounds { min: min.into(), max: i128::from(min) + i128::from(width) }
            });
            let bounds: Vec<(u32, Bounds)> = (0..).zip(bounds).collect();
            let at = inputs.iter().map(|&(min, width, at)| min + i64::from(at % (width + 1)));
            let at: Vec<i64> = at.collect();
            let mut rest = whole.clone();
            let lookups = take_out(&mut rest, &bounds, |_, group| u64::from(group.len() > 1) << 20);
            let mut found: Vec<i64> = rest.iter().map(|sum| value(sum, &at)).collect();
            for lookup in &lookups {
                let (mut place, mut shift) = (0, 0);
                for input in &lookup.inputs {
                    place |= ((at[input.input as usize] - input.min) as usize) << shift;
                    shift += input.bits;
                }
                prop_assert_eq!(lookup.rows.len(), 1 << lookup.bits());
                for (sum, part) in found.iter_mut().zip(&lookup.rows[place]) {
                    *sum += part;
                }
                prop_assert!(!lookup.inputs.iter().any(|input| is_read(&rest, input.input)));
            }
            let want: Vec<i64> = whole.iter().map(|sum| value(sum, &at)).collect();
            prop_assert_eq!(want, found);
        }
    }
}
