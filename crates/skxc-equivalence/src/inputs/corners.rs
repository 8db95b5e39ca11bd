//! Corners of the ranges: each column at its ends and around the middle before
//! several backgrounds, and all columns at their ends at once.

use skxc_ir::Interval;

use super::{Kind, Rows, Source};
use skxc_ir::random::Random;

/// Backgrounds that each single column is varied before.
const BACKGROUNDS: usize = 4;
/// Rows whose every column is at one of its ends, chosen at random.
const JOINT_ROWS: usize = 256;

#[derive(Debug)]
pub(super) struct Corners {
    ranges: Vec<Interval>,
    backgrounds: Vec<Vec<i64>>,
    random: Random,
    /// Number of the next row.
    next: usize,
}

impl Corners {
    pub(super) fn new(ranges: &[Interval], background: &[Vec<i64>], seed: u64) -> Self {
        let mut backgrounds = vec![each(ranges, |range| 0i64.clamp(range.min, range.max))];
        backgrounds.push(each(ranges, |range| range.min));
        backgrounds.push(each(ranges, |range| range.max));
        backgrounds.extend(background.iter().take(BACKGROUNDS).cloned());
        Self { ranges: ranges.to_vec(), backgrounds, random: Random::new(seed), next: 0 }
    }

    fn singles(&self) -> usize {
        self.backgrounds.len() * self.ranges.len() * special(Interval::new(0, 0)).len()
    }

    fn row(&mut self, number: usize) -> Vec<i64> {
        let Some(single) = number.checked_sub(self.backgrounds.len()) else {
            return self.backgrounds[number].clone();
        };
        if single < self.singles() {
            let (background, rest) =
                (single % self.backgrounds.len(), single / self.backgrounds.len());
            let (column, which) = (rest % self.ranges.len(), rest / self.ranges.len());
            let mut row = self.backgrounds[background].clone();
            row[column] = special(self.ranges[column])[which];
            return row;
        }
        let random = &mut self.random;
        each(&self.ranges, |range| if random.one_in(2) { range.min } else { range.max })
    }
}

impl Source for Corners {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        let total = self.backgrounds.len() + self.singles() + JOINT_ROWS;
        while rows.len() < rows_max && self.next < total {
            let row = self.row(self.next);
            rows.push(Kind::Corner, &row);
            self.next += 1;
        }
        self.next < total
    }
}

fn each(ranges: &[Interval], mut cell: impl FnMut(Interval) -> i64) -> Vec<i64> {
    ranges.iter().map(|&range| cell(range)).collect()
}

/// Ends, their neighbours, the middle, 0, and around 2^24, where `f32` starts
/// to lose integers; clamped into the range.
fn special(range: Interval) -> [i64; 10] {
    let middle = range.min + (range.max - range.min) / 2;
    let f32_exact_max = 1 << 24;
    [
        range.min,
        range.min.saturating_add(1),
        middle,
        middle.saturating_add(1),
        range.max.saturating_sub(1),
        range.max,
        0,
        f32_exact_max,
        f32_exact_max + 1,
        -f32_exact_max - 1,
    ]
    .map(|x| x.clamp(range.min, range.max))
}
