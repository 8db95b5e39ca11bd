//! Ranks: how many of the thresholds of a feature lie below its value. All
//! tests of a feature together see no more of it than that.

use std::collections::HashMap;

use skxc_ir::module::Interval;

/// Values that a table by value may have. Beyond, a table of pages is shorter.
const TABLE_VALUES_MAX: i128 = 1 << 12;
/// Values that pages can tell apart.
const PAGED_VALUES_MAX: i128 = 1 << 16;
/// Thresholds from which a table by value is shorter than comparisons.
const TABLE_WORTH: usize = 2;
/// Thresholds from which pages, or halving, are.
const PAGES_WORTH: usize = 4;
/// Values of a page, as a power of two.
pub const PAGE_BITS: u32 = 8;

/// A feature and its thresholds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Index of the feature in the row of the forest.
    pub feature: u32,
    /// Ascending, each once.
    pub thresholds: Vec<i64>,
    /// Least value of the feature.
    pub min: i64,
    /// How the rank is found.
    pub find: Find,
}

/// How a rank is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// It is the value less its minimum.
    Value,
    /// By comparison with each threshold.
    Compare,
    /// In a table by value, as many entries as there are values.
    Table(Vec<u32>),
    /// In a page of 2^[`PAGE_BITS`] values: what the page begins with, and what
    /// the value adds to it. Most pages have no threshold and are one.
    Pages(Pages),
    /// By halving, without a branch: so many steps.
    Search(u32),
}

/// A table of ranks in two levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// By page: rank of its first value, and which of `kinds` it is.
    pub of_value: Vec<(u32, u32)>,
    /// Distinct pages; by value, what is added to the first rank.
    pub kinds: Vec<Vec<u8>>,
    /// Values from here on have the greatest rank; `None` if the type of the
    /// feature ends before the table does.
    pub clamp: Option<i64>,
}

impl Rank {
    /// Prepares the ranks of a feature in `range`. No threshold is decided by
    /// the range.
    #[must_use]
    pub fn new(feature: u32, thresholds: Vec<i64>, range: Interval) -> Self {
        let span = i128::from(range.max) - i128::from(range.min) + 1;
        let least = thresholds.first().copied().unwrap_or(range.min);
        let greatest = thresholds.last().copied().unwrap_or(range.min);
        let reach = i128::from(greatest) - i128::from(range.min) + 2;
        let few = if span <= TABLE_VALUES_MAX { TABLE_WORTH } else { PAGES_WORTH };
        let find = if span == thresholds.len() as i128 + 1 && least == range.min {
            Find::Value
        } else if thresholds.len() < few {
            Find::Compare
        } else if span <= TABLE_VALUES_MAX {
            Find::Table(table(&thresholds, range.min, span as usize))
        } else if reach <= PAGED_VALUES_MAX {
            let clamp = (span > PAGED_VALUES_MAX).then_some(greatest + 1);
            let values = if clamp.is_some() { reach } else { span };
            Find::Pages(pages(&thresholds, range.min, values as usize, clamp))
        } else {
            Find::Search(usize::BITS - thresholds.len().leading_zeros())
        };
        Self { feature, thresholds, min: range.min, find }
    }

    /// Number of ranks.
    #[must_use]
    pub fn count(&self) -> usize {
        self.thresholds.len() + 1
    }

    /// The rank of a value.
    #[must_use]
    pub fn of(&self, x: i64) -> usize {
        self.thresholds.partition_point(|&threshold| threshold < x)
    }
}

/// Ranks of `values` values from `min`.
fn table(thresholds: &[i64], min: i64, values: usize) -> Vec<u32> {
    let mut ranks = vec![0; values];
    for threshold in thresholds {
        // What lies behind the last value raises no rank.
        if let Some(raised) = ranks.get_mut((threshold - min + 1) as usize) {
            *raised = 1;
        }
    }
    let mut rank = 0;
    for entry in &mut ranks {
        rank += *entry;
        *entry = rank;
    }
    ranks
}

fn pages(thresholds: &[i64], min: i64, values: usize, clamp: Option<i64>) -> Pages {
    let ranks = table(thresholds, min, values);
    let (mut kinds, mut known) = (Vec::new(), HashMap::new());
    let page = |page: &[u32]| {
        let first = page[0];
        let fits = "a page has fewer thresholds than values";
        let mut added: Vec<u8> =
            page.iter().map(|rank| u8::try_from(rank - first).expect(fits)).collect();
        added.resize(1 << PAGE_BITS, added.last().copied().unwrap_or(0));
        let next = kinds.len() as u32;
        let kind = *known.entry(added).or_insert_with_key(|added| {
            kinds.push(added.clone());
            next
        });
        (first, kind)
    };
    let of_value = ranks.chunks(1 << PAGE_BITS).map(page).collect();
    Pages { of_value, kinds, clamp }
}
