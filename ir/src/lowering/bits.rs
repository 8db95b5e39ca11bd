//! Bit vectors: every path of every tree is a bit, and a feature clears the
//! bits of the paths that its value rules out.
//!
//! A value is seen only through its rank: how many of the thresholds of its
//! feature lie below it. Each rank has a row of masks, one for each word of 64
//! paths; rows of all features are ANDed, and of each tree the one bit is left
//! whose path the row of features takes. A multiplication by a de Bruijn number
//! turns that bit into its place in a table of weights, since BPF counts no zeros.
//! (Lucchese and others, QuickScorer, SIGIR 2015, clear the bits to the left of the
//! path and look for the lowest; here the paths are boxes and exclude each other.)
//!
//! There is no branch and no loop: packets of every kind take the same time, and
//! the verifier follows one path.
//!
//! What must hold:
//! - the paths of a tree cover all rows, and no two of them the same row: of a
//!   tree within one word one bit is left, of a tree over several words one bit
//!   of all of them, where the lowest bit of a word is not in use;
//! - a row of masks that begins at a masked place ends inside the table.

pub mod groups;
pub mod paths;
pub mod ranks;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::BTreeMap;

use crate::lowering::cost::{Cost, Exceeded, Refusal};
use crate::lowering::target::Target;
use crate::lowering::trees::{Rows, Trees};
use groups::Group;
use paths::Path;
use ranks::{Find, Rank};
use words::Word;

/// Paths of one tree: four words. Beyond, a walk has fewer steps.
pub const PATHS_MAX: u64 = 4 * (words::WORD_BITS as u64 - 1);
/// Instructions in a row: a jump over them has 16 bits before `-mcpu=v4`.
pub const STRAIGHT_INSNS_MAX: u64 = 24_000;
/// Words that are ANDed at once: they and what is read stay in registers.
pub const WORDS_PER_BLOCK: usize = 6;
/// A de Bruijn sequence of order 6 that begins with six zeros: the top six
/// bits of its product with each power of two are distinct, and 0 for 1.
pub const HASH: u64 = 0x0218_a392_cd3d_5dbf;

/// The tables and the order in which they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The features that are read.
    pub ranks: Vec<Rank>,
    /// The features in groups, each with its rows of masks.
    pub groups: Vec<Group>,
    /// Which paths have which bits.
    pub words: Vec<Word>,
    /// Rows of masks of all groups, then zeros.
    pub masks: Vec<u64>,
    /// What leaves add.
    pub rows: Rows,
    /// Of each word and each place that [`place`] gives, the row of the leaf.
    pub row_of: Vec<u32>,
    /// What it costs.
    pub cost: Cost,
}

/// Place in the table of a word at which a lone bit looks up its leaf: 0 to 63.
#[must_use]
pub fn place(bit: u64) -> usize {
    (bit.wrapping_mul(HASH) >> 58) as usize
}

/// Plans the bit vectors of trees.
///
/// # Errors
/// [`Refusal`] if a tree has too many paths, or the tables, the program or the
/// stack exceed a limit.
pub fn plan(trees: &Trees<'_>, target: &Target) -> Result<Plan, Refusal> {
    let counts = paths::count(trees);
    for (&tree, root) in trees.positions.iter().zip(trees.roots()) {
        let needs = counts[root as usize];
        if needs > PATHS_MAX {
            let exceeded = Exceeded::Paths;
            return Err(Refusal { exceeded, needs, allowed: PATHS_MAX, tree: Some(tree) });
        }
    }
    // Each tree takes a few instructions: enough to refuse before any work.
    let least = trees.positions.len() as u64 * LANE_INSNS;
    refuse(Exceeded::StraightInsns, least, STRAIGHT_INSNS_MAX)?;
    let paths: Vec<Vec<Path>> = trees.roots().map(|root| paths::of_tree(trees, root)).collect();
    let ranks = ranks(trees, &paths);
    let words = words::pack(paths);
    let groups = groups::join(&ranks, &words);
    let rows = trees.rows();
    let mut plan = Plan {
        ranks,
        groups,
        words,
        masks: Vec::new(),
        row_of: Vec::new(),
        rows,
        cost: Cost::default(),
    };
    plan.cost = cost(&plan);
    refuse(Exceeded::StraightInsns, plan.cost.program_insns, STRAIGHT_INSNS_MAX)?;
    refuse(Exceeded::VerifierInsns, plan.cost.verifier_insns, target.verifier_insns_max)?;
    refuse(Exceeded::StackBytes, plan.cost.stack_bytes, target.stack_bytes_max)?;
    refuse(Exceeded::TableBytes, plan.cost.table_bytes, target.table_bytes_max)?;
    plan.masks = groups::masks(&plan.groups, &plan.ranks, &plan.words);
    plan.row_of = row_of(&plan);
    Ok(plan)
}

fn refuse(exceeded: Exceeded, needs: u64, allowed: u64) -> Result<(), Refusal> {
    let refusal = Refusal { exceeded, needs, allowed, tree: None };
    if needs > allowed { Err(refusal) } else { Ok(()) }
}

/// The ranks of the features that some path tests.
fn ranks(trees: &Trees<'_>, paths: &[Vec<Path>]) -> Vec<Rank> {
    let mut thresholds: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for path in paths.iter().flatten() {
        for (&feature, bounds) in &path.bounds {
            thresholds
                .entry(feature)
                .or_default()
                .extend(bounds.above.iter().chain(&bounds.at_most));
        }
    }
    let rank = |(feature, mut thresholds): (u32, Vec<i64>)| {
        thresholds.sort_unstable();
        thresholds.dedup();
        Rank::new(feature, thresholds, trees.ranges[feature as usize])
    };
    thresholds.into_iter().map(rank).collect()
}

fn row_of(plan: &Plan) -> Vec<u32> {
    let mut row_of = vec![0; plan.words.len() * words::WORD_BITS];
    for (word, table) in plan.words.iter().zip(row_of.chunks_mut(words::WORD_BITS)) {
        for (bit, path) in word.paths() {
            table[place(1 << bit)] = plan.rows.of_node[path.leaf as usize];
        }
    }
    row_of
}

impl Plan {
    /// Greatest position at which a row of weights can begin after the mask
    /// that the verifier needs.
    #[must_use]
    pub fn weight_mask(&self) -> usize {
        ((self.rows.len() - 1) * self.rows.targets + 1).next_power_of_two() - 1
    }

    /// Does the table of a word hold what its leaves add, rather than where
    /// their rows of weights begin?
    #[must_use]
    pub fn holds_weights(&self) -> bool {
        self.rows.targets == 1
    }
}

/// To single out a lane and look up its leaf.
const LANE_INSNS: u64 = 9;

/// Fitted to what clang 19 makes of it and to measured times: instructions
/// without branches, most of them independent of each other.
fn cost(plan: &Plan) -> Cost {
    let targets = plan.rows.targets as u64;
    let lanes: u64 = plan.words.iter().map(|word| word.lanes.len() as u64).sum();
    let ranks: u64 = plan.ranks.iter().map(rank_insns).sum();
    let reads: u64 = plan.groups.iter().map(|group| group.words.len() as u64).sum();
    let blocks = plan.words.len().div_ceil(WORDS_PER_BLOCK) as u64;
    let per_lane = if plan.holds_weights() { LANE_INSNS } else { LANE_INSNS + 4 + 3 * targets };
    let groups = plan.groups.len() as u64;
    let insns = ranks + groups * (4 + blocks) + 2 * reads + lanes * per_lane + 2 * targets + 8;
    let leaves = if plan.holds_weights() {
        plan.words.len() * words::WORD_BITS * 8
    } else {
        plan.words.len() * words::WORD_BITS * 4 + (plan.weight_mask() + plan.rows.targets) * 8
    };
    let tables = groups::masks_len(&plan.groups) * 8
        + leaves
        + plan.ranks.iter().map(rank_bytes).sum::<usize>();
    let table_bytes = tables as u64;
    // Each read of a mask beyond the nearest caches takes a share of a line.
    let tenth_ns_per_ten_reads = match table_bytes {
        0..=0x4_0000 => 0,
        0x4_0001..=0x20_0000 => 3,
        _ => 12,
    };
    Cost {
        program_insns: insns,
        verifier_insns: insns,
        table_bytes,
        scratch_bytes: 8 * targets,
        stack_bytes: 8 * (groups + 8),
        functions: 0,
        tenth_ns: insns / 2 + 10 + reads * tenth_ns_per_ten_reads / 10,
    }
}

fn rank_insns(rank: &Rank) -> u64 {
    match &rank.find {
        Find::Value => 3,
        Find::Compare => 2 + 4 * rank.thresholds.len() as u64,
        Find::Table(_) => 7,
        Find::Pages(pages) => 16 + if pages.clamp.is_some() { 6 } else { 0 },
        Find::Search(steps) => 3 + 8 * u64::from(*steps),
    }
}

fn rank_bytes(rank: &Rank) -> usize {
    match &rank.find {
        Find::Value | Find::Compare => 0,
        Find::Table(ranks) => ranks.len().next_power_of_two() * 4,
        Find::Pages(pages) => {
            let kinds = pages.kinds.len().next_power_of_two() << ranks::PAGE_BITS;
            pages.of_value.len().next_power_of_two() * 4 + kinds
        }
        Find::Search(steps) => 8 << steps,
    }
}
