//! Order and positions of the elements of a row.

use crate::ops::Extreme;

/// The first element that is at least the greatest less `margin`.
pub(super) fn argmax(row: &[i64], margin: i64) -> i64 {
    let greatest = row.iter().copied().max().expect("argmax has an element");
    let least = greatest.checked_sub(margin).expect("a margin keeps within 64 bits");
    let first = row.iter().position(|&x| x >= least);
    first.expect("the greatest element is at least that") as i64
}

/// The positions in sorted order; equal elements in the order of their positions.
pub(super) fn argsort(row: &[i64], first: Extreme) -> Vec<i64> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    match first {
        Extreme::Least => order.sort_by_key(|&i| row[i]),
        Extreme::Greatest => order.sort_by_key(|&i| std::cmp::Reverse(row[i])),
    }
    order.into_iter().map(|i| i as i64).collect()
}

/// The element at `index`, or the nearest to it.
pub(super) fn take(row: &[i64], index: i64) -> i64 {
    row[index.clamp(0, row.len() as i64 - 1) as usize]
}
