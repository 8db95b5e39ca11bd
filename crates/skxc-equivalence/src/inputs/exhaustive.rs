//! Every row there is, when the ranges of the columns allow it: then a check
//! is a proof.

use skxc_ir::Interval;

use super::{Kind, Rows, Source};

#[derive(Debug)]
pub(super) struct Exhaustive {
    ranges: Vec<Interval>,
    /// The row to hand out next; none when all were.
    next: Option<Vec<i64>>,
}

impl Exhaustive {
    /// None if the columns have more than `rows_max` rows.
    pub(super) fn new(ranges: &[Interval], rows_max: u64) -> Option<Self> {
        let mut rows = 1u64;
        for range in ranges {
            let values = range.max.abs_diff(range.min).checked_add(1)?;
            rows = rows.checked_mul(values).filter(|&rows| rows <= rows_max)?;
        }
        let first = ranges.iter().map(|range| range.min).collect();
        Some(Self { ranges: ranges.to_vec(), next: Some(first) })
    }
}

impl Source for Exhaustive {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        while rows.len() < rows_max {
            let Some(row) = &mut self.next else { return false };
            rows.push(Kind::Exhaustive, row);
            // Counts up, the first column fastest.
            let mut carry = true;
            for (cell, range) in row.iter_mut().zip(&self.ranges) {
                if *cell < range.max {
                    *cell += 1;
                    carry = false;
                    break;
                }
                *cell = range.min;
            }
            if carry {
                self.next = None;
            }
        }
        self.next.is_some()
    }
}
