//! Linear maps: what their sums become.
//!
//! [`sums`] puts rows together that fit one sum. The sums then become
//!
//! - `straight`: code without loops, weights as immediates. What is 0 costs
//!   nothing, but code grows with the products, and with it the work of clang;
//! - `table`: a loop over a table of weights ([`table`]), which needs half the
//!   multiplications and code that does not grow; every weight is in the table.
//!
//! Sums wrap at 2^64 in both, so that both are exact: the validator has proved
//! that every row fits.

pub mod sums;
pub mod table;

use std::fmt;
use std::ops::Range;

pub use sums::{Lane, Sum};
pub use table::Table;

use crate::analysis::ranges::Bounds;
use crate::lowering::cost::Cost;
use crate::lowering::optimize::Optimize;
use crate::matrix::Matrix;

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
    /// Of [`MapLowering::Table`].
    Table(Table),
}

/// A linear map, planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The sums, which hold the rows in order.
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
}

/// Plans a map whose rows are within `bounds`: as `wanted`, or as what makes the
/// figure of `optimize` small. A map that a table cannot take is straight.
#[must_use]
pub fn plan(
    matrix: &Matrix,
    bounds: &[Bounds],
    wanted: Option<MapLowering>,
    optimize: Optimize,
) -> Plan {
    let sums = sums::sums(matrix, bounds);
    let straight = || straight(matrix, &sums);
    let Some(table) = table(matrix, &sums) else { return straight() };
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

fn straight(matrix: &Matrix, sums: &[Sum]) -> Plan {
    let products = sums::products(matrix, sums);
    let together = if matrix.low_bits > 0 { SPLIT_TOGETHER } else { TOGETHER };
    let runs = runs(matrix, sums, together);
    let (products, rows) = (products as u64, matrix.rows.len() as u64);
    let lanes = rows - sums.len() as u64;
    let insns = 3 * products + 4 * rows + 6 * lanes;
    let cost = Cost {
        program_insns: insns,
        verifier_insns: insns,
        scratch_bytes: scratch_bytes(rows),
        functions: if runs.len() > 1 { runs.len() as u64 } else { 0 },
        tenth_ns: 3 * (products + rows) + lanes_tenth_ns(lanes),
        ..Cost::default()
    };
    Plan { sums: sums.to_vec(), together, code: Code::Straight(runs), cost }
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
fn table(matrix: &Matrix, sums: &[Sum]) -> Option<Plan> {
    if matrix.low_bits > 0 || matrix.rows.len() < 2 {
        return None;
    }
    let table = Table::of(sums)?;
    let cost = table.cost(matrix.rows.len() as u64);
    Some(Plan { sums: sums.to_vec(), together: TOGETHER, code: Code::Table(table), cost })
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
