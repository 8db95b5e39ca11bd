//! Groups of features: one row of masks for all ranks of a group together.
//! Joined, narrow features are looked up and ANDed once instead of one by one.

use std::collections::BTreeSet;

use crate::bits::ranks::Rank;
use crate::bits::words::Word;

/// Bytes that the rows of joined features may take: a small part of the
/// nearest cache.
const JOINED_BYTES_MAX: usize = 2 << 10;
/// Rows of joined features that are always allowed.
const JOINED_ROWS_MIN: usize = 64;
/// Masks that looking up one more row is worth.
const LOOKUP_WORTH: usize = 2;

/// Features that are looked up together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which ranks, and how many masks lie between two neighbours of each.
    pub ranks: Vec<(usize, usize)>,
    /// Combinations of ranks.
    pub rows: usize,
    /// The words that the features can clear bits of: a row has one mask for each.
    pub words: Vec<u32>,
    /// Where the first row begins in [`Plan::masks`](super::Plan::masks).
    pub first: usize,
}

impl Group {
    /// Masks of all rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows * self.words.len()
    }

    /// Is there no row? Never: a group has a feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Greatest start of a row, in masks, after a mask that the verifier needs
    /// to see the bound.
    #[must_use]
    pub fn start_mask(&self) -> usize {
        ((self.rows - 1) * self.words.len() + 1).next_power_of_two() - 1
    }
}

/// A group while it is joined.
struct Joined {
    ranks: Vec<usize>,
    rows: usize,
    /// Which words it reads.
    reads: Vec<bool>,
}

impl Joined {
    fn words(&self) -> usize {
        self.reads.iter().filter(|&&reads| reads).count()
    }
}

/// Groups the features, those with the fewest ranks first, each with the group
/// where it saves most; large ones stay alone.
#[must_use]
pub fn join(ranks: &[Rank], words: &[Word]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..ranks.len()).collect();
    order.sort_by_key(|&rank| ranks[rank].count());
    let features: Vec<BTreeSet<u32>> = words.iter().map(Word::features).collect();
    let mut all: Vec<Joined> = Vec::new();
    for rank in order {
        let feature = ranks[rank].feature;
        let reads: Vec<bool> = features.iter().map(|of| of.contains(&feature)).collect();
        let rows = ranks[rank].count();
        let best = all.iter().enumerate().filter_map(|(at, group)| {
            let union = group.reads.iter().zip(&reads).filter(|(a, b)| **a || **b).count();
            let both = group.reads.iter().zip(&reads).filter(|(a, b)| **a && **b).count();
            let rows = group.rows * rows;
            let small = rows <= JOINED_ROWS_MIN || rows * union * 8 <= JOINED_BYTES_MAX;
            small.then_some((both + LOOKUP_WORTH, std::cmp::Reverse(rows * union), at))
        });
        match best.max() {
            Some((.., at)) => {
                let group = &mut all[at];
                group.ranks.push(rank);
                group.rows *= rows;
                for (mine, its) in group.reads.iter_mut().zip(reads) {
                    *mine |= its;
                }
            }
            None => all.push(Joined { ranks: vec![rank], rows, reads }),
        }
    }
    // The widest first: their rows are far away, and come while others are found.
    all.sort_by_key(|group| std::cmp::Reverse((group.rows, group.words())));
    let mut first = 0;
    let group = |joined: Joined| {
        let words: Vec<u32> =
            (0..).zip(&joined.reads).filter_map(|(word, &reads)| reads.then_some(word)).collect();
        let mut stride = words.len();
        let mut strides = Vec::with_capacity(joined.ranks.len());
        for &rank in joined.ranks.iter().rev() {
            strides.push((rank, stride));
            stride *= ranks[rank].count();
        }
        strides.reverse();
        let group = Group { ranks: strides, rows: joined.rows, words, first };
        first += group.len();
        group
    };
    all.into_iter().map(group).collect()
}

/// The masks of all groups, rows in order, and as many zeros behind as keep
/// every row that begins at a masked start inside.
#[must_use]
pub fn masks(groups: &[Group], ranks: &[Rank], words: &[Word]) -> Vec<u64> {
    let mut masks = Vec::new();
    for group in groups {
        let first = masks.len();
        masks.resize(first + group.len(), 0);
        for (column, &word) in group.words.iter().enumerate() {
            let word = &words[word as usize];
            let all: Vec<(Vec<u64>, usize)> = group
                .ranks
                .iter()
                .map(|&(rank, stride)| (word.kept(&ranks[rank]), stride))
                .collect();
            for row in 0..group.rows {
                let start = row * group.words.len();
                let mask = all.iter().fold(u64::MAX, |mask, (by_rank, stride)| {
                    mask & by_rank[start / stride % by_rank.len()]
                });
                masks[first + start + column] = mask;
            }
        }
    }
    masks.resize(masks_len(groups), 0);
    masks
}

/// Masks of all groups, with the padding that keeps every row inside.
#[must_use]
pub fn masks_len(groups: &[Group]) -> usize {
    let end = groups.iter().map(|group| group.first + group.start_mask() + group.words.len());
    end.max().unwrap_or(0)
}
