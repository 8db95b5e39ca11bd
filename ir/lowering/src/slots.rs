//! Features as the walks read them: an array of small numbers, one for each
//! feature that a test of the part reads.
//!
//! A node names its feature by the place in the array, and holds its threshold
//! in the same small numbers, so that a test is one subtraction.
//!
//! What must hold: for every test and every value in the range of its feature,
//! `x <= at_most` exactly if the stored value is at most the stored threshold.

use crate::trees::Trees;
use skxc_ir::forest::IntTest;

/// A feature as a walk reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Index of the feature in the row of the forest.
    pub feature: u32,
    /// What is stored of it.
    pub stored: Stored,
}

/// What is stored of a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Its distance from the least value of its range.
    Distance {
        /// That least value.
        least: i64,
    },
    /// How many of these thresholds, which ascend, lie below it: a search at
    /// run time, for what spans too much.
    Rank {
        /// The distinct thresholds of its tests.
        thresholds: Vec<i64>,
    },
}

/// All slots of a part, by ascending feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Slot 0 and up.
    pub slots: Vec<Slot>,
}

impl Slots {
    /// Stores each feature that `trees` test in at most `bits` bits, 62 at most.
    ///
    /// # Panics
    /// If the thresholds of a feature are too many to rank them in `bits` bits.
    #[must_use]
    pub fn new(trees: &Trees<'_>, bits: u32) -> Self {
        let fits = |feature: u32| {
            let range = trees.ranges[feature as usize];
            i128::from(range.max) - i128::from(range.min) < 1 << bits
        };
        let slots = trees.features_used().into_iter().map(|feature| Slot {
            feature,
            stored: match fits(feature) {
                true => Stored::Distance { least: trees.ranges[feature as usize].min },
                false => Stored::Rank { thresholds: Vec::new() },
            },
        });
        let mut all = Self { slots: slots.collect() };
        if all.slots.iter().any(|slot| matches!(slot.stored, Stored::Rank { .. })) {
            all.collect(trees);
        }
        for slot in &all.slots {
            assert!(slot.thresholds().len() < 1 << bits, "ranks fit where distances do not");
        }
        all
    }

    /// Lists the thresholds of what is stored by rank.
    fn collect(&mut self, trees: &Trees<'_>) {
        for (id, reached) in (0..).zip(trees.reached()) {
            let (true, Some((test, ..))) = (reached, trees.branch(id)) else { continue };
            let slot = self.of_feature(test.feature);
            if let Stored::Rank { thresholds } = &mut self.slots[slot].stored {
                thresholds.push(test.at_most);
            }
        }
        for slot in &mut self.slots {
            if let Stored::Rank { thresholds } = &mut slot.stored {
                thresholds.sort_unstable();
                thresholds.dedup();
            }
        }
    }

    /// The slot of a feature that some test reads.
    ///
    /// # Panics
    /// If no test reads it.
    #[must_use]
    pub fn of_feature(&self, feature: u32) -> usize {
        let found = self.slots.binary_search_by_key(&feature, |slot| slot.feature);
        found.expect("every feature of a test has a slot")
    }

    /// The slot that a test reads, and the greatest stored value for which it holds.
    ///
    /// # Panics
    /// If the test is not one of the trees.
    #[must_use]
    pub fn test(&self, test: IntTest) -> (u32, u64) {
        let slot = self.of_feature(test.feature);
        let at_most = match &self.slots[slot].stored {
            Stored::Distance { least } => test.at_most.abs_diff(*least),
            Stored::Rank { thresholds } => {
                let found = thresholds.binary_search(&test.at_most);
                found.expect("every threshold of the feature is listed") as u64
            }
        };
        (slot as u32, at_most)
    }
}

impl Slot {
    /// The thresholds that are searched at run time; none for a distance.
    #[must_use]
    pub fn thresholds(&self) -> &[i64] {
        match &self.stored {
            Stored::Distance { .. } => &[],
            Stored::Rank { thresholds } => thresholds,
        }
    }

    /// Steps of the search for the rank; 0 for a distance.
    #[must_use]
    pub fn search_steps(&self) -> u32 {
        usize::BITS - self.thresholds().len().leading_zeros()
    }
}
