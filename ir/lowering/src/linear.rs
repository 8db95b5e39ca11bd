//! Linear maps: what their sums become.
//!
//! [`sums`] puts rows together that fit one sum. The sums then become
//!
//! - `straight`: code without loops, weights as immediates. What is 0 costs
//!   nothing, but code grows with the products, and with it the work of clang;
//! - `table`: a loop over a table of weights ([`table`]), which needs half the
//!   multiplications and code that does not grow; every weight is in the table.
//!
//! In both, what sums have of narrow inputs may be looked up ([`lookup`]). Sums
//! wrap at 2^64, so that all of it is exact: the validator has proved that every row
//! fits.

pub mod lookup;
pub mod sums;
pub mod table;

use std::fmt;
use std::ops::Range;

pub use lookup::Lookup;
pub use sums::{Lane, Sum};
pub use table::Table;

use crate::cost::Cost;
use crate::optimize::Optimize;
use skxc_ir::analysis::ranges::Bounds;
use skxc_ir::matrix::Matrix;

/// Sums that are computed together: with an input and a product they fit the
/// registers beside two pointers.
const TOGETHER: usize = 4;
/// The same where each has a part for the low parts of inputs.
const SPLIT_TOGETHER: usize = 2;
/// Products of a function of straight code: what clang does grows faster than
/// the length of a function.
const PRODUCTS_MAX: usize = 512;
/// Functions of the straight code of a map: a program has 256
/// (`BPF_MAX_SUBPROGS`, include/linux/bpf_verifier.h), its own among them.
const FUNCTIONS_MAX: usize = 64;
/// Products of straight code that `auto` takes: clang needs seconds for more.
const STRAIGHT_PRODUCTS_MAX: usize = 10_000;

/// Time of a product in straight code, in tenths of a nanosecond: processors
/// multiply once a cycle.
const STRAIGHT_TENTH_NS: u64 = 3;
/// The same of ten products in a loop over a table.
const TABLE_TEN_TENTH_NS: u64 = 19;

/// A lowering of a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MapLowering {
    /// Immediates in code without loops.
    Straight,
    /// A loop over a table of weights.
    Table,
}

/// What the sums of a map become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Of [`MapLowering::Straight`]: the sums of each function, in order; one
    /// run needs none.
    Straight(Vec<Range<usize>>),
    /// Code of [`MapLowering::Table`].
    Table(Table),
}

/// A linear map, planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is looked up, of all sums.
    pub lookups: Vec<Lookup>,
    /// What is left of the sums, which hold the rows in order.
    pub sums: Vec<Sum>,
    /// So many sums are computed at a time.
    pub together: usize,
    /// What they become.
    pub code: Code,
    /// What that costs.
    pub cost: Cost,
}

impl MapLowering {
    /// All of them, in the order in which they are tried and shown.
    pub const ALL: [Self; 2] = [Self::Straight, Self::Table];

    /// As on the command line and in manifests: one lower-case word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for MapLowering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Plan {
    /// Which lowering it is of.
    #[must_use]
    pub fn lowering(&self) -> MapLowering {
        match self.code {
            Code::Straight(_) => MapLowering::Straight,
            Code::Table(_) => MapLowering::Table,
        }
    }

    /// Functions that are not inlined.
    #[must_use]
    pub fn functions(&self) -> usize {
        match &self.code {
            Code::Straight(runs) if runs.len() == 1 => 0,
            Code::Straight(runs) => runs.len(),
            Code::Table(_) => 1,
        }
    }

    /// Adds the cost of the look-ups, and counts the functions.
    fn finished(mut self) -> Self {
        let cost = self.lookups.iter().map(|lookup| lookup.cost(self.sums.len()));
        self.cost = cost.fold(self.cost, |sum, cost| sum + cost);
        self.cost.functions = self.functions() as u64;
        self
    }
}

/// Plans a map whose inputs and rows are within bounds: as `wanted`, or as what
/// makes the figure of `optimize` small. A map that a table cannot take is
/// straight.
#[must_use]
pub fn plan(
    matrix: &Matrix,
    inputs: &[Bounds],
    rows: &[Bounds],
    wanted: Option<MapLowering>,
    optimize: Optimize,
) -> Plan {
    let sums = sums::sums(matrix, rows);
    let narrow = (0..).zip(inputs.iter().copied()).filter(|&(input, _)| !matrix.is_wide(input));
    let narrow: Vec<(u32, Bounds)> = narrow.collect();
    let straight = || straight(matrix, &narrow, sums.clone());
    let Some(table) = table(matrix, &narrow, sums.clone()) else { return straight() };
    match wanted {
        Some(MapLowering::Straight) => straight(),
        Some(MapLowering::Table) => table,
        None if sums::products(matrix, &sums) > STRAIGHT_PRODUCTS_MAX => table,
        None => {
            let straight = straight();
            let is_better = optimize.figure(&table.cost) < optimize.figure(&straight.cost);
            if is_better { table } else { straight }
        }
    }
}

fn straight(matrix: &Matrix, narrow: &[(u32, Bounds)], mut sums: Vec<Sum>) -> Plan {
    let lookups = lookup::take_out(&mut sums, narrow, |sums, group| {
        let weights = sums.iter().flat_map(|sum| group.iter().map(|it| sum.weight(it.input)));
        STRAIGHT_TENTH_NS * weights.filter(|&weight| weight != 0).count() as u64
    });
    let products = sums::products(matrix, &sums) as u64;
    let rows = matrix.rows.len() as u64;
    let lanes = rows - sums.len() as u64;
    let together = if matrix.low_bits > 0 { SPLIT_TOGETHER } else { TOGETHER };
    let runs = runs(matrix, &sums, together);
    let insns = 3 * products + 4 * rows + 6 * lanes;
    let cost = Cost {
        program_insns: insns,
        verifier_insns: insns,
        scratch_bytes: scratch_bytes(rows),
        tenth_ns: STRAIGHT_TENTH_NS * (products + rows) + lanes_tenth_ns(lanes),
        ..Cost::default()
    };
    Plan { together, code: Code::Straight(runs), cost, lookups, sums }.finished()
}

/// The sums in runs of few enough products.
fn runs(matrix: &Matrix, sums: &[Sum], together: usize) -> Vec<Range<usize>> {
    let products = |sums: &[Sum]| sums::products(matrix, sums);
    let most = PRODUCTS_MAX.max(products(sums).div_ceil(FUNCTIONS_MAX));
    let mut runs = Vec::new();
    let (mut first, mut end, mut held) = (0, 0, 0);
    for block in sums.chunks(together) {
        let more = products(block);
        if held > 0 && held + more > most {
            runs.push(first..end);
            (first, held) = (end, 0);
        }
        held += more;
        end += block.len();
    }
    runs.push(first..sums.len());
    runs
}

/// None for wide inputs, for a single result and for a single input.
fn table(matrix: &Matrix, narrow: &[(u32, Bounds)], mut sums: Vec<Sum>) -> Option<Plan> {
    if matrix.low_bits > 0 || matrix.rows.len() < 2 {
        return None;
    }
    let lookups = lookup::take_out(&mut sums, narrow, |sums, group| {
        table_tenth_ns((sums.len() * group.len()) as u64)
    });
    let table = Table::of(&sums)?;
    let cost = table.cost(matrix.rows.len() as u64);
    Some(Plan { together: TOGETHER, code: Code::Table(table), cost, lookups, sums }.finished())
}

/// Time of so many products in a loop over a table.
fn table_tenth_ns(products: u64) -> u64 {
    products * TABLE_TEN_TENTH_NS / 10
}

/// What it takes to tell the lanes of sums apart, of which there are so many more
/// than sums.
fn lanes_tenth_ns(lanes: u64) -> u64 {
    12 * lanes
}

/// Bytes of a value in the scratch; one of one element is a local variable.
fn scratch_bytes(elements: u64) -> u64 {
    if elements > 1 { 8 * elements } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_ir::matrix::{MatrixRow, MatrixWeight};
    use skxc_ir::types::ElementType;

    /// A map of so many rows over so many inputs of 16 bits, weights other than 0;
    /// or of 1 bit, as many as `flags`, before them.
    fn planned(
        [rows, wide, flags]: [u32; 3],
        low_bits: u8,
        wanted: Option<MapLowering>,
    ) -> (Matrix, Plan) {
        let inputs = flags + wide;
        let weight =
            |row| move |input| MatrixWeight { input, weight: i64::from(row * 7 + input + 1) };
        let row = |row| MatrixRow {
            base: 0,
            weights: (0..inputs).map(weight(row)).collect(),
            rounding: 0.0,
        };
        let elem = ElementType::Fixed { bits: 62, frac_bits: 0 };
        let is_wide = if low_bits > 0 { (0..inputs).collect() } else { Vec::new() };
        let rows: Vec<MatrixRow> = (0..rows).map(row).collect();
        let matrix = Matrix { elem, low_bits, wide: is_wide, inputs, rows };
        let bounds = |input| Bounds { min: 0, max: if input < flags { 1 } else { 65_535 } };
        let bounds: Vec<Bounds> = (0..inputs).map(bounds).collect();
        let results = vec![Bounds { min: -(1 << 60), max: 1 << 60 }; matrix.rows.len()];
        let plan = plan(&matrix, &bounds, &results, wanted, Optimize::Speed);
        (matrix, plan)
    }

    #[test]
    fn small_maps_are_straight_and_large_ones_are_not() {
        let lowering = |size, low_bits, wanted| planned(size, low_bits, wanted).1.lowering();
        assert_eq!(lowering([2, 22, 0], 0, None), MapLowering::Straight);
        assert_eq!(lowering([64, 64, 0], 0, None), MapLowering::Table);
        for wanted in MapLowering::ALL {
            assert_eq!(lowering([8, 22, 0], 0, Some(wanted)), wanted);
        }
        // A table takes neither inputs in two parts nor a single row.
        let table = Some(MapLowering::Table);
        assert_eq!(lowering([8, 22, 0], 9, table), MapLowering::Straight);
        assert_eq!(lowering([1, 22, 0], 0, table), MapLowering::Straight);
    }

    #[test]
    fn functions_hold_all_sums_in_order() {
        let (_, plan) = planned([200, 100, 0], 0, Some(MapLowering::Straight));
        let Code::Straight(runs) = &plan.code else { panic!("it was wanted") };
        let all: Vec<usize> = runs.iter().cloned().flatten().collect();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert_eq!((runs.len() as u64, plan.functions()), (plan.cost.functions, runs.len()));
        assert!((2..=FUNCTIONS_MAX).contains(&runs.len()));
    }

    /// However many flags there are, their tables stay small.
    #[test]
    fn flags_are_looked_up_and_those_in_two_parts_are_not() {
        let (_, plan) = planned([8, 2, 20], 0, Some(MapLowering::Straight));
        assert_eq!(plan.lookups.iter().map(|it| it.inputs.len()).sum::<usize>(), 20);
        assert!(planned([8, 2, 20], 3, None).1.lookups.is_empty());
        let (_, plan) = planned([8, 2, 1_000], 0, None);
        assert!(plan.cost.table_bytes < 400 << 10, "{}", plan.cost.table_bytes);
        assert!(!plan.lookups.is_empty());
    }
}
