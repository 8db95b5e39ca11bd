//! Random rows of four characters in turn: uniform, log-uniform, around the
//! thresholds of each column, and given rows with some cells changed.

use skxc_ir::Interval;

use super::columns::Thresholds;
use super::{Kind, Rows, Source};
use skxc_ir::random::Random;

#[derive(Debug)]
pub(super) struct Scatter {
    ranges: Vec<Interval>,
    background: Vec<Vec<i64>>,
    thresholds: Thresholds,
    random: Random,
    next: u64,
    rows: u64,
}

impl Scatter {
    pub(super) fn new(
        ranges: Vec<Interval>,
        background: Vec<Vec<i64>>,
        thresholds: Thresholds,
        rows: u64,
        seed: u64,
    ) -> Self {
        Self { ranges, background, thresholds, random: Random::new(seed), next: 0, rows }
    }

    fn row(&mut self, character: u64) -> Vec<i64> {
        let columns = 0..self.ranges.len();
        match character {
            0 => columns.map(|column| self.random.within(self.ranges[column])).collect(),
            1 => columns.map(|column| self.random.log_within(self.ranges[column])).collect(),
            2 => columns.map(|column| self.near_threshold(column)).collect(),
            _ => {
                let mut row = self.random.choice(&self.background).clone();
                for column in columns {
                    if self.random.one_in(4) {
                        row[column] = self.near_threshold(column);
                    }
                }
                row
            }
        }
    }

    fn near_threshold(&mut self, column: usize) -> i64 {
        let range = self.ranges[column];
        let thresholds = &self.thresholds.of_column[column];
        if thresholds.is_empty() || self.random.one_in(8) {
            return self.random.log_within(range);
        }
        let threshold = *self.random.choice(thresholds);
        // One below, the last that holds, the first that does not, one above.
        let offset = self.random.below(4) as i64 - 1;
        threshold.saturating_add(offset).clamp(range.min, range.max)
    }
}

impl Source for Scatter {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        while rows.len() < rows_max && self.next < self.rows {
            let row = self.row(self.next % 4);
            rows.push(Kind::Random, &row);
            self.next += 1;
        }
        self.next < self.rows
    }
}
