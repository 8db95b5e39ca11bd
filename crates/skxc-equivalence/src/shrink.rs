//! Makes a failing row plain: as many cells as possible at the plainest value
//! of their column, the others as near to it as the failure allows.

use skxc_ir::Interval;

/// Trials spent on one counterexample.
const TRIALS_MAX: u32 = 20_000;

/// A row as plain as possible for which `fails` still holds.
///
/// Each cell is tried at 0 (or the end of its range nearest to 0) and then
/// halves its distance to it, which ends next to the threshold that matters;
/// rounds repeat until nothing changes or enough trials are spent. `fails`
/// must hold for `row`.
pub fn shrink(row: &[i64], ranges: &[Interval], fails: impl FnMut(&[i64]) -> bool) -> Vec<i64> {
    shrink_within(TRIALS_MAX, row, ranges, fails)
}

/// As [`shrink`], calling `fails` at most `trials_max` times.
pub(crate) fn shrink_within(
    trials_max: u32,
    row: &[i64],
    ranges: &[Interval],
    mut fails: impl FnMut(&[i64]) -> bool,
) -> Vec<i64> {
    let mut row = row.to_vec();
    let mut trials = 0;
    loop {
        let before = row.clone();
        for (column, range) in ranges.iter().enumerate() {
            let plain = 0i64.clamp(range.min, range.max);
            shrink_cell(&mut row, column, plain, &mut |row| {
                trials += 1;
                trials <= trials_max && fails(row)
            });
        }
        if row == before || trials > trials_max {
            return row;
        }
    }
}

/// Moves one cell towards `plain`; keeps the last failing value.
fn shrink_cell(row: &mut [i64], column: usize, plain: i64, fails: &mut impl FnMut(&[i64]) -> bool) {
    let mut try_value = |row: &mut [i64], value: i64| {
        let kept = std::mem::replace(&mut row[column], value);
        let failed = fails(row);
        if !failed {
            row[column] = kept;
        }
        failed
    };
    if row[column] == plain || try_value(row, plain) {
        return;
    }
    // Bisection between a passing and a failing value.
    let mut passing = plain;
    while passing.abs_diff(row[column]) > 1 {
        let middle = passing + (row[column] - passing) / 2;
        if !try_value(row, middle) {
            passing = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_ends_at_the_threshold_that_matters() {
        let ranges = [Interval::new(0, 65_535), Interval::new(-10, 10), Interval::new(3, 9)];
        let shrunk = shrink(&[50_000, -7, 8], &ranges, |row| row[0] > 1024);
        assert_eq!(shrunk, [1025, 0, 3]);
    }

    #[test]
    fn a_failure_everywhere_shrinks_to_the_plainest_row() {
        let ranges = [Interval::new(-5, 5), Interval::new(2, 7)];
        assert_eq!(shrink(&[5, 7], &ranges, |_| true), [0, 2]);
    }
}
