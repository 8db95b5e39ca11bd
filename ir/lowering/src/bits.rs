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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cost::{Cost, Exceeded, Refusal};
use crate::direct::{self, Direct};
use crate::target::Target;
use crate::trees::Trees;
use groups::Group;
use paths::Path;
use ranks::{Find, Rank};
use skxc_ir::forest::NodeId;
use words::{Kind, Lane, Word};

/// Paths of one tree: four words. Beyond, a walk has fewer steps.
pub const PATHS_MAX: u64 = 4 * (words::WORD_BITS as u64 - 1);
/// Instructions in a row: a jump over them has 16 bits before `-mcpu=v4`.
pub const STRAIGHT_INSNS_MAX: u64 = 24_000;
/// Bytes of all tables. Beyond, most reads miss every cache, and clang takes
/// seconds to read them: 500 trees of depth 6 took 27 million bytes, 9 s and 2.4
/// us a decision; padded walks took 1.7 us.
pub const TABLE_BYTES_MAX: u64 = 16 << 20;
/// Words that are ANDed at once: they and what is read stay in registers.
pub const WORDS_PER_BLOCK: usize = 6;
/// Bits of direct tables that are tried: none, 2 kB and 16 kB of one target.
const DIRECT_BITS: [u32; 3] = [0, 8, 11];
/// Instructions that single out a lane, at the least.
const PLACE_INSNS_MIN: u64 = 7;
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
    /// What each bit is.
    pub words: Vec<Word>,
    /// Rows of masks of all groups, then zeros.
    pub masks: Vec<u64>,
    /// The tables of all lanes: which row of `weights` an entry adds.
    pub leaves: Vec<u32>,
    /// Distinct rows of what is added to the sums; row 0 adds nothing.
    pub weights: Vec<i64>,
    /// Number of sums.
    pub targets: usize,
    /// What it costs.
    pub cost: Cost,
}

/// Which trees become direct tables ([`direct`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Those that fit tables of so many bits; 0: none.
    pub direct_bits_max: u32,
    /// Whether or not that is shorter than a bit for each path.
    pub only_direct: bool,
}

/// Place in the table of a word at which a single bit looks up its leaf: 0 to 63.
#[must_use]
pub fn place(bit: u64) -> usize {
    (bit.wrapping_mul(HASH) >> 58) as usize
}

/// Plans the bit vectors of trees, those that see little of their features as
/// direct tables where that is faster.
///
/// # Errors
/// [`Refusal`] if a tree has too many paths, or the tables, the program or the
/// stack exceed a limit.
pub fn plan(trees: &Trees<'_>, target: &Target) -> Result<Plan, Refusal> {
    let policies =
        DIRECT_BITS.map(|direct_bits_max| Policy { direct_bits_max, only_direct: false });
    let mut plans = policies.map(|policy| measured(trees, target, policy));
    let ns = |plan: &Result<Plan, Refusal>| plan.as_ref().map_or(u64::MAX, |it| it.cost.tenth_ns);
    // Stable: of equals the one with the smaller tables.
    plans.sort_by_key(ns);
    let [best, ..] = plans;
    best.map(|plan| plan.filled(trees))
}

/// Plans by a policy.
///
/// # Errors
/// As [`plan`].
pub fn plan_by(trees: &Trees<'_>, target: &Target, policy: Policy) -> Result<Plan, Refusal> {
    measured(trees, target, policy).map(|plan| plan.filled(trees))
}

/// A plan with its cost, before any table is filled: of several, one is.
fn measured(trees: &Trees<'_>, target: &Target, policy: Policy) -> Result<Plan, Refusal> {
    let (paths, tables) = split(trees, policy)?;
    let ranks = ranks(trees, &paths, &tables);
    let words = words::pack(paths, tables);
    let groups = groups::join(&ranks, &words);
    let targets = trees.forest.targets as usize;
    let (masks, leaves, weights) = Default::default();
    let cost = Cost::default();
    let mut plan = Plan { ranks, groups, words, masks, leaves, weights, targets, cost };
    plan.cost = cost_of(&plan);
    refuse(Exceeded::StraightInsns, plan.cost.program_insns, STRAIGHT_INSNS_MAX)?;
    refuse(Exceeded::VerifierInsns, plan.cost.verifier_insns, target.verifier_insns_max)?;
    refuse(Exceeded::StackBytes, plan.cost.stack_bytes, target.stack_bytes_max)?;
    refuse(
        Exceeded::TableBytes,
        plan.cost.table_bytes,
        target.table_bytes_max.min(TABLE_BYTES_MAX),
    )?;
    Ok(plan)
}

/// The trees that become a bit for each path, and those that become tables.
/// What is too much is refused before the paths take memory.
fn split(trees: &Trees<'_>, policy: Policy) -> Result<(Vec<Vec<Path>>, Vec<Direct>), Refusal> {
    let (mut tables, mut rest) = (Vec::new(), BTreeSet::new());
    let counts = paths::count(trees);
    let roots: Vec<NodeId> = trees.roots().collect();
    if policy.direct_bits_max > 0 {
        let (groups, others) = direct::group(trees, policy.direct_bits_max);
        rest.extend(others.iter().map(|&(at, _)| at));
        for (table, of_table) in groups {
            let paths: u64 = table.roots.iter().map(|&root| counts[root as usize]).sum();
            if policy.only_direct || table.roots.len() > 1 && u64::from(table.width()) <= paths {
                tables.push(table);
            } else {
                rest.extend(of_table);
            }
        }
    } else {
        rest.extend(0..roots.len());
    }
    let mut lanes = tables.len() as u64;
    for &at in &rest {
        let needs = counts[roots[at] as usize];
        if needs > PATHS_MAX {
            let (exceeded, tree) = (Exceeded::Paths, Some(trees.positions[at]));
            return Err(Refusal { exceeded, needs, allowed: PATHS_MAX, tree });
        }
        lanes += needs.div_ceil(words::WORD_BITS as u64);
    }
    let insns = lanes * (PLACE_INSNS_MIN + row_insns(trees.forest.targets as usize));
    refuse(Exceeded::StraightInsns, insns, STRAIGHT_INSNS_MAX)?;
    Ok((rest.into_iter().map(|at| paths::of_tree(trees, roots[at])).collect(), tables))
}

fn refuse(exceeded: Exceeded, needs: u64, allowed: u64) -> Result<(), Refusal> {
    let refusal = Refusal { exceeded, needs, allowed, tree: None };
    if needs > allowed { Err(refusal) } else { Ok(()) }
}

/// The ranks of the features that some path or table tests.
fn ranks(trees: &Trees<'_>, paths: &[Vec<Path>], tables: &[Direct]) -> Vec<Rank> {
    let mut thresholds: BTreeMap<u32, BTreeSet<i64>> = BTreeMap::new();
    for path in paths.iter().flatten() {
        for (&feature, bounds) in &path.bounds {
            let bounds = bounds.above.iter().chain(&bounds.at_most);
            thresholds.entry(feature).or_default().extend(bounds);
        }
    }
    for field in tables.iter().flat_map(|table| &table.fields) {
        thresholds.entry(field.feature).or_default().extend(&field.thresholds);
    }
    let rank = |(feature, thresholds): (u32, BTreeSet<i64>)| {
        Rank::new(feature, thresholds.into_iter().collect(), trees.ranges[feature as usize])
    };
    thresholds.into_iter().map(rank).collect()
}

impl Plan {
    /// Entries of the tables of all lanes.
    fn leaves_len(&self) -> usize {
        let lanes = self.words.iter().flat_map(|word| &word.lanes);
        let ends = lanes.map(|lane| match &lane.kind {
            Kind::Paths(_) => lane.table + words::WORD_BITS,
            Kind::Direct(direct) => lane.table + (1 << direct.width()),
        });
        ends.max().unwrap_or(0)
    }

    /// With its tables.
    fn filled(mut self, trees: &Trees<'_>) -> Self {
        self.masks = groups::masks(&self.groups, &self.ranks, &self.words);
        self.fill_leaves(trees);
        self
    }

    fn fill_leaves(&mut self, trees: &Trees<'_>) {
        let rows = trees.rows();
        let mut leaves = vec![0; self.leaves_len()];
        let mut weights = vec![0; self.targets];
        let mut known = HashMap::from([(weights.clone(), 0)]);
        let mut row = |row: Vec<i64>| {
            let next = known.len() as u32;
            *known.entry(row).or_insert_with_key(|row| {
                weights.extend_from_slice(row);
                next
            })
        };
        for word in &self.words {
            let table = word.lanes.iter().find(|lane| matches!(lane.kind, Kind::Paths(_)));
            let table = table.map_or(0, |lane| lane.table);
            for (place, path) in word.paths() {
                leaves[table + place] = row(rows.of_leaf(path.leaf).to_vec());
            }
            for lane in &word.lanes {
                if let Kind::Direct(direct) = &lane.kind {
                    for (place, sums) in direct.sums(trees).into_iter().enumerate() {
                        leaves[lane.table + place] = row(sums);
                    }
                }
            }
        }
        self.leaves = leaves;
        self.weights = weights;
    }

    /// Greatest position at which a row of weights can begin after the mask
    /// that the verifier needs.
    #[must_use]
    pub fn weight_mask(&self) -> usize {
        ((self.weights.len() / self.targets.max(1)).saturating_sub(1) * self.targets + 1)
            .next_power_of_two()
            - 1
    }

    /// Do the tables hold what is added, rather than where its row begins?
    #[must_use]
    pub fn holds_weights(&self) -> bool {
        self.targets == 1
    }
}

/// To single out a lane and to look up what it adds.
fn lane_insns(plan: &Plan, lane: &Lane) -> u64 {
    let place = match lane.kind {
        Kind::Paths(_) => 9,
        Kind::Direct(_) => PLACE_INSNS_MIN,
    };
    place + row_insns(plan.targets)
}

/// To add what a lane has looked up.
fn row_insns(targets: usize) -> u64 {
    if targets == 1 { 0 } else { 4 + 3 * targets as u64 }
}

/// Fitted to `calibration.csv`: instructions without branches, most of them
/// independent of each other, and reads of masks, the slower the larger the tables.
fn cost_of(plan: &Plan) -> Cost {
    let targets = plan.targets as u64;
    let lanes = plan.words.iter().flat_map(|word| &word.lanes);
    let lane_insns: u64 = lanes.clone().map(|lane| lane_insns(plan, lane)).sum();
    let ranks: u64 = plan.ranks.iter().map(rank_insns).sum();
    let reads: u64 = plan.groups.iter().map(|group| group.words.len() as u64).sum();
    let blocks = plan.words.len().div_ceil(WORDS_PER_BLOCK) as u64;
    let groups = plan.groups.len() as u64;
    let insns = ranks + groups * (4 + blocks) + 2 * reads + lane_insns + 2 * targets + 8;
    let entry_bytes = if plan.holds_weights() { 8 } else { 4 + 8 * plan.targets };
    let leaves = plan.leaves_len() * entry_bytes;
    let tables = groups::masks_len(&plan.groups) * 8
        + leaves
        + plan.ranks.iter().map(rank_bytes).sum::<usize>();
    let table_bytes = tables as u64;
    let read_hundredth_ns = match table_bytes {
        0..=0x2_0000 => 0,
        0x2_0001..=0x10_0000 => 5,
        0x10_0001..=0x40_0000 => 11,
        _ => 23,
    };
    let rows = if plan.holds_weights() { 0 } else { lanes.count() as u64 * targets };
    Cost {
        program_insns: insns,
        verifier_insns: insns,
        table_bytes,
        scratch_bytes: 8 * targets,
        stack_bytes: 8 * (groups + 8),
        functions: 0,
        tenth_ns: 39 + insns * 47 / 100 + reads * read_hundredth_ns / 10 + 3 * rows,
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
