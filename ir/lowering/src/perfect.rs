//! Walk of perfect trees: every tree is padded to a full one, so that the place
//! of a node follows from the way to it, and several trees descend at once
//! without a link, a mask or a branch.
//!
//! The nodes of level `l` lie side by side, `2^l` of them. A node at place `p`
//! has its children in the next level at `p` ("yes") and at `p + 2^l` ("no"):
//! the walk keeps one address, adds `2^l` nodes to it or not, and a level is a
//! constant distance behind it. A node is one number, the threshold above the
//! place of its feature, so that one load brings both: the feature lies as far
//! up, and the sign of the difference is the way.
//!
//! ns a decision, in one run with the walk that follows links as it was then
//! (16 lanes, no look below 40 levels), on varying rows:
//!
//! | trees, depth, sums | walk | perfect |
//! |---|---|---|
//! | 10, 6, 1 | 43 | 32 |
//! | 100, 6, 1 | 479 | 284 |
//! | 500, 6, 1 | 2605 | 1616 |
//! | 10, 10, 1 | 81 | 66 |
//! | 100, 10, 1 | 1156 | 682 |
//! | 100, 8, 1, features of 62 bits | 827 | 498 |
//! | 100, 6, 3 | 546 | 382 |
//! | 100, 8, 10 | 974 | 792 |
//!
//! What must hold:
//! - a padded test holds for every value, and everything below it leads to
//!   the same leaf;
//! - `Stored::Distance` and `Stored::Rank` keep every test ([`Slots`]);
//! - a stored threshold and a place fit a node together, below its sign bit in
//!   64 bits.

use crate::cost::{Cost, Exceeded, Refusal, load_tenth_ns};
use crate::slots::Slots;
use crate::target::Target;
use crate::trees::{Rows, Trees};
use skxc_ir::forest::NodeId;

/// Trees that walk at once. A step waits for two loads in a row; with fewer
/// lanes the processor idles, although addresses beyond the eighth wait on the
/// stack. In one run, 100 trees of depth 6 took 409, 341, 313, 289 and 307 ns
/// with 6, 10, 16, 20 and 25 lanes.
pub const LANES_MAX: usize = 20;
/// Levels: the leaves are at most `2^15` bytes behind the root, which is what
/// the offset of a load can say (16 bits, signed).
pub const LEVELS_MAX: u32 = 12;
/// Runs of the program text; each is a copy of the walk.
const RUNS_MAX: usize = 4;
/// Places of features, of 4 bytes, that a node of [`Format::Half`] can name.
const HALF_SLOTS_MAX: usize = 1 << 10;
/// Tests of all trees for [`Format::Half`]: ranks fit beside a place of 12 bits.
const HALF_TESTS_MAX: usize = 1 << 20;
/// Places of features, of 8 bytes, that a node of [`Format::Word`] can name.
const WORD_SLOTS_MAX: usize = 1 << 13;

/// How nodes and features are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A node of 8 bytes.
    Word,
    /// 4 bytes: half the table, at the price of ranks for wide features.
    Half,
}

/// A padded tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The tree, as a position in the forest; `None` for one that adds nothing
    /// and only fills the last group.
    pub position: Option<u32>,
    /// `2^levels - 1` nodes, level by level: the threshold, shifted left by
    /// [`Plan::place_bits`], and the place of the feature in bytes.
    pub nodes: Vec<u64>,
    /// `2^levels` rows of [`Rows`].
    pub leaves: Vec<u32>,
}

/// Trees of equal depth, which walk in groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Steps from the root to a leaf, 1 at least.
    pub levels: u32,
    /// Trees that walk at once.
    pub lanes: usize,
    /// The trees, `lanes` to a group.
    pub trees: Vec<Tree>,
}

/// The tables of the walk and the order in which it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How nodes and features are stored.
    pub format: Format,
    /// The features as the walk reads them.
    pub slots: Slots,
    /// Entries of the array of features: a power of two.
    pub slot_entries: usize,
    /// Bits of a node that name the place of its feature: a multiple of 4, so
    /// that hexadecimal numbers read well.
    pub place_bits: u32,
    /// What leaves add.
    pub rows: Rows,
    /// Do leaves hold the weight itself? Else they hold where a row begins.
    pub leaf_is_weight: bool,
    /// Entries of the table of weights: a row that begins at a masked position
    /// ends inside. 0 if leaves hold the weight.
    pub weight_entries: usize,
    /// The runs, deepest first.
    pub runs: Vec<Run>,
    /// Does the kernel count the rounds over groups, so that the verifier need
    /// not walk each?
    pub kernel_counts: bool,
    /// What it costs.
    pub cost: Cost,
}

impl Format {
    /// Bytes of a node, and of a feature.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Word => 8,
            Self::Half => 4,
        }
    }

    /// Bits of a threshold beside a place of `place_bits`.
    fn value_bits(self, place_bits: u32) -> u32 {
        match self {
            // A difference of two such numbers keeps its sign.
            Self::Word => 63 - place_bits,
            Self::Half => 32 - place_bits,
        }
    }
}

impl Plan {
    /// What a node keeps of its place: all bits that a place can have.
    #[must_use]
    pub fn place_mask(&self) -> usize {
        (self.slot_entries - 1) * self.format.bytes()
    }

    /// Greatest position at which a row of weights can begin after the mask.
    #[must_use]
    pub fn weight_mask(&self) -> usize {
        self.weight_entries - self.rows.targets
    }
}

/// Plans the walk of perfect trees.
///
/// # Errors
/// [`Refusal`] if a tree is too deep, or if the tables or the verifier's work
/// exceed a limit.
pub fn plan(trees: &Trees<'_>, target: &Target, format: Format) -> Result<Plan, Refusal> {
    let below = trees.levels_below();
    for (&tree, root) in trees.positions.iter().zip(trees.roots()) {
        let needs = below[root as usize].into();
        if needs > u64::from(LEVELS_MAX) {
            let (exceeded, allowed) = (Exceeded::Levels, LEVELS_MAX.into());
            return Err(Refusal { exceeded, needs, allowed, tree: Some(tree) });
        }
    }
    let shapes = schedule(trees, &below);
    let rows = trees.rows();
    let used = trees.features_used().len();
    let kernel_counts = target.may_goto && shapes.iter().any(RunShape::is_long);
    let outline = outline(trees, &rows, used, kernel_counts, format)?;
    let cost = cost(&outline, &shapes, &rows);
    check(&cost, target)?;
    Ok(build(trees, rows, outline, &shapes, cost))
}

/// The levels, lanes and trees of a run, before any table.
#[derive(Clone, Debug)]
struct RunShape {
    levels: u32,
    lanes: usize,
    /// Positions within the trees in view.
    trees: Vec<usize>,
}

impl RunShape {
    fn new(levels: u32, trees: Vec<usize>) -> Self {
        let groups = trees.len().div_ceil(LANES_MAX).max(1);
        Self { levels, lanes: trees.len().div_ceil(groups).max(1), trees }
    }

    fn groups(&self) -> usize {
        self.trees.len().div_ceil(self.lanes).max(1)
    }

    /// Are there more groups than the verifier walks where the kernel counts?
    fn is_long(&self) -> bool {
        self.groups() as u64 > VERIFIED_ROUNDS
    }

    /// Steps of all lanes, in tenths of a nanosecond as long as tables are small.
    fn tenth_ns(&self) -> u64 {
        self.groups() as u64 * group_tenth_ns(self.levels, self.lanes)
    }

    fn join(&self, shallower: &Self) -> Self {
        Self::new(self.levels, [self.trees.as_slice(), &shallower.trees].concat())
    }
}

/// One run a depth; neighbours are joined while that is faster, or while there
/// are too many.
fn schedule(trees: &Trees<'_>, below: &[u32]) -> Vec<RunShape> {
    let mut by_levels = vec![Vec::new(); LEVELS_MAX as usize + 1];
    for (index, root) in trees.roots().enumerate() {
        // A tree of one leaf is padded too: there is always a node in front of a leaf.
        by_levels[below[root as usize].max(1) as usize].push(index);
    }
    let runs = (0..=LEVELS_MAX).zip(by_levels).filter(|(_, trees)| !trees.is_empty());
    let mut runs: Vec<RunShape> =
        runs.map(|(levels, trees)| RunShape::new(levels, trees)).collect();
    runs.reverse();
    while let Some((at, loss)) = cheapest_join(&runs)
        && (loss <= 0 || runs.len() > RUNS_MAX)
    {
        runs[at] = runs[at].join(&runs[at + 1]);
        runs.remove(at + 1);
    }
    runs
}

/// The pair of neighbours that loses least when joined, and what it loses.
fn cheapest_join(runs: &[RunShape]) -> Option<(usize, i64)> {
    let loss = |pair: &[RunShape]| {
        let apart = pair[0].tenth_ns() + pair[1].tenth_ns();
        pair[0].join(&pair[1]).tenth_ns() as i64 - apart as i64
    };
    runs.windows(2).map(loss).enumerate().min_by_key(|&(_, loss)| loss)
}

/// Everything of a plan but the tables.
#[derive(Clone, Debug)]
struct Outline {
    format: Format,
    slots: Slots,
    slot_entries: usize,
    place_bits: u32,
    leaf_is_weight: bool,
    weight_entries: usize,
    kernel_counts: bool,
}

fn outline(
    trees: &Trees<'_>,
    rows: &Rows,
    used: usize,
    kernel_counts: bool,
    format: Format,
) -> Result<Outline, Refusal> {
    let (slots_max, tests_max) = match format {
        Format::Word => (WORD_SLOTS_MAX, usize::MAX),
        Format::Half => (HALF_SLOTS_MAX, HALF_TESTS_MAX),
    };
    let limits = [
        (Exceeded::Features, used, slots_max),
        (Exceeded::Tests, trees.forest.nodes.len(), tests_max),
    ];
    if let Some((exceeded, needs, allowed)) =
        limits.into_iter().find(|&(_, needs, allowed)| needs > allowed)
    {
        let (needs, allowed) = (needs as u64, allowed as u64);
        return Err(Refusal { exceeded, needs, allowed, tree: None });
    }
    let slot_entries = used.next_power_of_two();
    let place_bits = (slot_entries * format.bytes()).ilog2().next_multiple_of(4).max(8);
    let leaf_is_weight = format == Format::Word && rows.targets == 1;
    let row_starts = (rows.len() - 1) * rows.targets;
    Ok(Outline {
        format,
        slots: Slots::new(trees, format.value_bits(place_bits)),
        slot_entries,
        place_bits,
        leaf_is_weight,
        kernel_counts,
        weight_entries: match leaf_is_weight {
            true => 0,
            false => (row_starts + 1).next_power_of_two() - 1 + rows.targets,
        },
    })
}

fn build(trees: &Trees<'_>, rows: Rows, outline: Outline, shapes: &[RunShape], cost: Cost) -> Plan {
    let roots: Vec<NodeId> = trees.roots().collect();
    let Outline { format, slots, slot_entries, place_bits, .. } = outline;
    let Outline { leaf_is_weight, weight_entries, kernel_counts, .. } = outline;
    let node = |id| {
        let (test, yes, no) = trees.branch(id)?;
        let (slot, at_most) = slots.test(test);
        Some((at_most << place_bits | (slot as usize * format.bytes()) as u64, yes, no))
    };
    let always = ((1 << format.value_bits(place_bits)) - 1) << place_bits;
    let run = |shape: &RunShape| {
        let tree = |&index: &usize| {
            let (nodes, ends) = pad(roots[index], shape.levels, always, node);
            let leaves = ends.into_iter().map(|id| rows.of_node[id as usize]).collect();
            Tree { position: Some(trees.positions[index]), nodes, leaves }
        };
        let mut run = Run {
            levels: shape.levels,
            lanes: shape.lanes,
            trees: shape.trees.iter().map(tree).collect(),
        };
        let leaves = 1 << shape.levels;
        let idle =
            Tree { position: None, nodes: vec![always; leaves - 1], leaves: vec![0; leaves] };
        run.trees.resize(shape.groups() * shape.lanes, idle);
        run
    };
    let runs = shapes.iter().map(run).collect();
    Plan {
        format,
        slot_entries,
        place_bits,
        leaf_is_weight,
        weight_entries,
        runs,
        kernel_counts,
        cost,
        slots,
        rows,
    }
}

/// The nodes of `levels` levels below `root`, and the nodes of the forest that
/// lie behind them. `node` is what a branch becomes, with its ways.
fn pad(
    root: NodeId,
    levels: u32,
    always: u64,
    node: impl Fn(NodeId) -> Option<(u64, NodeId, NodeId)>,
) -> (Vec<u64>, Vec<NodeId>) {
    let mut nodes = Vec::with_capacity((1 << levels) - 1);
    let mut level = vec![root];
    for _ in 0..levels {
        let (mut yes, mut no) = (Vec::with_capacity(2 * level.len()), Vec::new());
        for &id in &level {
            let (word, if_yes, if_no) = node(id).unwrap_or((always, id, id));
            nodes.push(word);
            yes.push(if_yes);
            no.push(if_no);
        }
        yes.append(&mut no);
        level = yes;
    }
    (nodes, level)
}

/// Rounds that the verifier walks of a loop that the kernel counts: the second
/// looks like the first, and the way out is followed from both.
const VERIFIED_ROUNDS: u64 = 2;
/// One level of a group, whatever its lanes: two loads that wait for each other
/// and three operations.
const TENTH_NS_PER_LEVEL: u64 = 17;
/// One step of the search for a rank: a load and a comparison that wait.
const TENTH_NS_PER_SEARCH_STEP: u64 = 14;

/// A weight behind the leaf of a [`Format::Half`], which is one more load that
/// waits: 100 trees of depth 6 took 318 ns instead of 282 ns.
const HALF_TENTH_NS_PER_TREE: u64 = 5;

/// What a group takes while the tables stay in the nearest cache.
fn group_tenth_ns(levels: u32, lanes: usize) -> u64 {
    let loads = lanes as u64 * (u64::from(levels) + 1) * load_tenth_ns(0);
    u64::from(levels) * TENTH_NS_PER_LEVEL + loads
}

/// Fitted to `calibration.csv`. A lane loads one node a level and then its leaf;
/// how long that takes depends on the bytes over which the trees spread that level.
fn cost(outline: &Outline, shapes: &[RunShape], rows: &Rows) -> Cost {
    let bytes = outline.format.bytes() as u64;
    let leaf_bytes = if outline.leaf_is_weight { 8 } else { bytes };
    let targets = rows.targets as u64;
    let search: u64 = outline.slots.slots.iter().map(|slot| u64::from(slot.search_steps())).sum();
    let slots = outline.slots.slots.len() as u64;
    let copy = 4 * slots + 7 * search + 8;
    let thresholds: usize = outline.slots.slots.iter().map(|slot| slot.thresholds().len()).sum();
    let mut cost = Cost {
        program_insns: copy,
        verifier_insns: copy,
        table_bytes: 8 * (outline.weight_entries + thresholds) as u64,
        scratch_bytes: (outline.slot_entries as u64) * bytes,
        stack_bytes: 0,
        functions: 0,
        tenth_ns: TENTH_NS_PER_SEARCH_STEP * search,
    };
    for shape in shapes {
        let trees = (shape.groups() * shape.lanes) as u64;
        cost.table_bytes += trees * ((1 << shape.levels) * (bytes + leaf_bytes) - bytes);
    }
    for shape in shapes {
        let (lanes, groups) = (shape.lanes as u64, shape.groups() as u64);
        let leaf = if outline.leaf_is_weight { 2 } else { 6 + 3 * targets };
        let group = lanes * (11 * u64::from(shape.levels) + 5 + leaf) + 3 * targets + 8;
        cost.program_insns += group;
        let rounds = if outline.kernel_counts { groups.min(VERIFIED_ROUNDS) } else { groups };
        cost.verifier_insns = cost.verifier_insns.saturating_add(rounds * group);
        cost.stack_bytes = cost.stack_bytes.max(8 * (lanes + 4));
        let trees = groups * lanes;
        let level_bytes = |level: u32| trees.saturating_mul(bytes) << level;
        let loads: u64 = (0..=shape.levels).map(|level| load_tenth_ns(level_bytes(level))).sum();
        cost.tenth_ns += groups * u64::from(shape.levels) * TENTH_NS_PER_LEVEL + trees * loads;
        cost.tenth_ns += if targets > 1 { 3 * trees * targets } else { 0 };
        if outline.format == Format::Half {
            cost.tenth_ns += trees * HALF_TENTH_NS_PER_TREE;
        }
    }
    cost
}

fn check(cost: &Cost, target: &Target) -> Result<(), Refusal> {
    let checks = [
        (Exceeded::TableBytes, cost.table_bytes, target.table_bytes_max),
        (Exceeded::VerifierInsns, cost.verifier_insns, target.verifier_insns_max),
    ];
    match checks.into_iter().find(|&(_, needs, allowed)| needs > allowed) {
        Some((exceeded, needs, allowed)) => Err(Refusal { exceeded, needs, allowed, tree: None }),
        None => Ok(()),
    }
}
