//! How far rows are from another label, next to what rounding to integers may change.

use skxc_ir::interpret;
use skxc_ir::{Int, Module, Real};

use super::model::Judge;
use crate::decision::cells;
use crate::inputs::Rows;
use crate::parallel::of_each;

/// What is known of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Margins {
    /// For each row the distance from another label, as a multiple of the bound on what
    /// rounding changes in it; in ascending order.
    ratios: Vec<f64>,
    /// The median distance, in units of the scores that decide.
    pub median: f64,
    /// The greatest bound, in the same units; infinite if none is known.
    pub bound: f64,
}

impl Margins {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ratios.len()
    }

    /// The part of the rows, from 0 to 1, that would be within the bound if it were
    /// 2^-`bits` of what it is: those whose label rounding could change.
    #[must_use]
    pub fn share_within(&self, bits: u8) -> f64 {
        let most = f64::exp2(-f64::from(bits));
        let within = self.ratios.partition_point(|&ratio| ratio <= most);
        within as f64 / self.ratios.len() as f64
    }
}

/// The margins of `rows` by `int`, which the passes made of `real`. None if there are no
/// rows, or no label hangs on scores that are rounded and understood.
///
/// # Panics
/// If the two modules do not have the same columns and outputs.
#[must_use]
pub fn margins(real: &Module<Real>, int: &Module<Int>, rows: &Rows) -> Option<Margins> {
    let judge = Judge::new(real, int);
    let of_row = |at: usize| {
        let cells = cells(real, rows.row(at));
        let mut outcomes = interpret::integer(judge.deciders.whole(), &cells);
        judge.deciders.margin(&outcomes.split_off(int.outputs.len()))
    };
    let margins: Vec<_> = of_each(rows.len(), of_row).into_iter().flatten().collect();
    let sorted = |of: &dyn Fn(usize) -> f64| {
        let mut numbers: Vec<f64> = (0..margins.len()).map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    let distances = sorted(&|at| margins[at].distance);
    let bounds = margins.iter().map(|margin| margin.bound);
    Some(Margins {
        median: *distances.get(distances.len() / 2)?,
        bound: bounds.fold(0.0, f64::max),
        ratios: sorted(&|at| margins[at].ratio()),
    })
}
