//! Choosing at random.

use skxc_ir::random::Random;

/// An index below `count`, which is at least 1.
pub(crate) fn below(random: &mut Random, count: usize) -> usize {
    random.below(count as u64) as usize
}

/// One of `items`.
pub(crate) fn one<'a, T>(random: &mut Random, items: &'a [T]) -> Option<&'a T> {
    if items.is_empty() { None } else { Some(&items[below(random, items.len())]) }
}
