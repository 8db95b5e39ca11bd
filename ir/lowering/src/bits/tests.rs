//! Plans, run: the same sums as the interpreter's.

use proptest::prelude::*;

use super::place;
use super::ranks::{Find, Rank};
use skxc_ir::module::Interval;

#[test]
fn places_of_bits_are_distinct() {
    let mut seen = [false; 64];
    for bit in 0..64 {
        assert!(!std::mem::replace(&mut seen[place(1 << bit)], true));
    }
    assert_eq!((place(0), place(1)), (0, 0));
}

/// The rank as the C finds it.
fn found(rank: &Rank, x: i64) -> usize {
    let from_min = |x: i64| (x - rank.min) as usize;
    match &rank.find {
        Find::Value => from_min(x),
        Find::Compare => rank.thresholds.iter().filter(|&&threshold| threshold < x).count(),
        Find::Table(ranks) => ranks[from_min(x)] as usize,
        Find::Pages(pages) => {
            let x = from_min(pages.clamp.map_or(x, |clamp| x.min(clamp)));
            let (first, kind) = pages.of_value[x >> 8];
            first as usize + usize::from(pages.kinds[kind as usize][x & 255])
        }
        Find::Search(steps) => (0..*steps).rev().fold(0, |at, step| {
            let middle = rank.thresholds.get(at + (1 << step) - 1);
            at + (usize::from(middle.is_some_and(|&threshold| threshold < x)) << step)
        }),
    }
}

proptest! {
    #[test]
    fn every_way_to_find_a_rank_counts_thresholds(
        min in -5_i64..5,
        bits in 1_u32..40,
        picks in prop::collection::btree_set(any::<u32>(), 1..40),
        near in any::<bool>(),
    ) {
        let max = min + (1 << bits) - 1;
        let span = if near { (max - min).min(60_000) } else { max - min };
        let mut thresholds: Vec<i64> =
            picks.iter().map(|&pick| min + i64::from(pick) % span.max(1)).collect();
        thresholds.sort_unstable();
        thresholds.dedup();
        let rank = Rank::new(0, thresholds.clone(), Interval::new(min, max));
        let around = thresholds.iter().flat_map(|&threshold| [threshold, threshold + 1]);
        for x in around.chain([min, max]) {
            prop_assert_eq!(found(&rank, x), rank.of(x), "{} of {:?}", x, rank);
        }
    }
}
