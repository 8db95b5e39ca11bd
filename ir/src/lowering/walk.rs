//! Table walk: several trees descend at once through one table of nodes,
//! without a branch.
//!
//! The two children of a node lie side by side, the way of "no" behind the way
//! of "yes". A step subtracts the feature from the threshold; the sign selects
//! the child. A leaf leads to itself: it reads feature slot 0, which always
//! holds 0, and keeps the number of its row where a test keeps its threshold,
//! so that it never moves however often it is stepped. Any depth therefore
//! works, and trees of different depth can walk together.
//!
//! What must hold:
//! - slot 0 of the features is 0, and no threshold is negative in the narrow
//!   format, where features are stored as their distance from their minimum;
//! - `kids` of a branch is the position of its "yes" child; `kids` of a leaf is
//!   its own position;
//! - every group of lanes steps at least as often as its deepest tree needs.

use std::collections::HashMap;

use crate::forest::NodeId;
use crate::lowering::cost::{Cost, Exceeded, Refusal};
use crate::lowering::target::Target;
use crate::lowering::trees::{Rows, Trees};

/// Trees that walk at once. A step waits for two loads in a row, so that fewer
/// lanes leave the processor idle; more than these gain nothing. Their places
/// take 128 bytes of the stack.
pub const LANES_MAX: usize = 16;
/// Loops over groups in the program text; each is a copy of the walk.
const RUNS_MAX: usize = 4;
/// Walks of more levels than this stop when no lane moves. Below, looking costs
/// more than it saves: some lane of the sixteen is nearly always on its way.
const LEVELS_UNCHECKED_MAX: u32 = 40;
/// Levels between two looks at whether a lane moved.
const LEVELS_PER_CHECK: u32 = 8;
/// Looks of one walk: the verifier keeps each pending, 8192 at most
/// (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`, kernel/bpf/verifier.c).
const CHECKS_MAX: u32 = 4096;
/// Feature slots that the 8 bits of a narrow node can name, slot 0 included.
const NARROW_SLOTS: usize = 256;
/// Bytes of table that the 24 bits of a narrow link can address.
const NARROW_TABLE_BYTES: usize = 1 << 24;

/// How a node is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 8 bytes: threshold `u32`, byte offset of the children and feature slot in one `u32`.
    Narrow,
    /// 16 bytes: threshold `s64`, byte offset of the children `u32`, feature slot `u32`.
    Wide,
}

/// A node of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The test holds up to here, counted from the bias of its feature; for a
    /// leaf, where its row begins in [`Rows::weights`].
    pub at_most: i64,
    /// Position of the "yes" child; of itself for a leaf.
    pub kids: u32,
    /// Feature slot; 0 for a leaf.
    pub slot: u32,
}

/// A feature as the walk reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Index of the feature in the row of the forest.
    pub feature: u32,
    /// Subtracted from the feature.
    pub bias: i64,
}

/// Groups of lanes that step equally often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of groups.
    pub groups: u32,
    /// Steps of each lane.
    pub levels: u32,
    /// Look after so many levels whether any lane moved; `None`: never.
    pub check_every: Option<u32>,
}

/// The tables of a walk and the order in which it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Storage of nodes.
    pub format: Format,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Entries of the node table: a power of two, so that a mask bounds the index.
    pub node_entries: usize,
    /// Slots 1 and up; slot 0 holds 0.
    pub slots: Vec<Slot>,
    /// Entries of the array of features: a power of two.
    pub slot_entries: usize,
    /// What leaves add.
    pub rows: Rows,
    /// Entries of the table of weights: a row that begins at a masked position
    /// ends inside.
    pub weight_entries: usize,
    /// Trees that walk at once.
    pub lanes: usize,
    /// Position of the root of each lane of each group, groups in order.
    pub roots: Vec<u32>,
    /// The groups, deepest first.
    pub runs: Vec<Run>,
    /// What it costs.
    pub cost: Cost,
}

impl Format {
    /// Bytes of a node.
    #[must_use]
    pub fn node_bytes(self) -> usize {
        match self {
            Self::Narrow => 8,
            Self::Wide => 16,
        }
    }

    /// Bytes of a feature.
    #[must_use]
    pub fn feature_bytes(self) -> usize {
        match self {
            Self::Narrow => 4,
            Self::Wide => 8,
        }
    }
}

impl Plan {
    /// Greatest position at which a row of weights can begin after the mask.
    #[must_use]
    pub fn weight_mask(&self) -> usize {
        self.weight_entries - self.rows.targets
    }
}

/// Plans the walk of a forest.
///
/// # Errors
/// [`Refusal`] if the tables or the verifier's work exceed a limit.
pub fn plan(trees: &Trees<'_>, target: &Target) -> Result<Plan, Refusal> {
    let rows = trees.rows();
    let used = trees.features_used();
    let (lanes, order, runs) = schedule(trees);
    let (nodes, roots) = Table::build(trees, &rows, &used, &order, lanes);
    let row_starts = (rows.len().saturating_sub(1)) * rows.targets;
    let format = format(trees, &used, nodes.len(), row_starts);
    let slots = used.iter().map(|&feature| Slot {
        feature,
        bias: match format {
            Format::Narrow => trees.ranges[feature as usize].min,
            Format::Wide => 0,
        },
    });
    let mut plan = Plan {
        format,
        node_entries: nodes.len().next_power_of_two(),
        nodes,
        slot_entries: match format {
            // Every value of the 8 bits is inside: no mask is needed.
            Format::Narrow => NARROW_SLOTS,
            Format::Wide => (used.len() + 1).next_power_of_two(),
        },
        slots: slots.collect(),
        weight_entries: (row_starts + 1).next_power_of_two() - 1 + rows.targets,
        rows,
        lanes,
        roots,
        runs,
        cost: Cost::default(),
    };
    plan.bias_thresholds();
    plan.cost = cost(&plan);
    check(&plan, target)?;
    Ok(plan)
}

impl Plan {
    /// Thresholds count from the bias of their feature.
    fn bias_thresholds(&mut self) {
        for node in &mut self.nodes {
            if let Some(slot) = (node.slot as usize).checked_sub(1) {
                node.at_most -= self.slots[slot].bias;
            }
        }
    }
}

/// Lanes, the trees in the order of the table, and the runs.
fn schedule(trees: &Trees<'_>) -> (usize, Vec<NodeId>, Vec<Run>) {
    let below = trees.levels_below();
    let mut order: Vec<NodeId> = trees.roots().collect();
    // Stable: equally deep trees stay in the order of the model.
    order.sort_by_key(|&root| std::cmp::Reverse(below[root as usize]));
    let groups = order.len().div_ceil(LANES_MAX);
    let lanes = order.len().div_ceil(groups.max(1)).max(1);
    let mut runs: Vec<Run> = Vec::new();
    for group in order.chunks(lanes) {
        let levels = below[group[0] as usize];
        match runs.last_mut() {
            Some(run) if run.levels == levels => run.groups += 1,
            _ => runs.push(Run { groups: 1, levels, check_every: None }),
        }
    }
    while runs.len() > RUNS_MAX {
        merge_cheapest(&mut runs);
    }
    for run in &mut runs {
        let every = LEVELS_PER_CHECK.max(run.levels.div_ceil(CHECKS_MAX));
        run.check_every = (run.levels > LEVELS_UNCHECKED_MAX).then_some(every);
    }
    (lanes, order, runs)
}

/// Joins the two neighbours that waste the fewest steps together.
fn merge_cheapest(runs: &mut Vec<Run>) {
    let waste =
        |pair: &[Run]| u64::from(pair[1].groups) * u64::from(pair[0].levels - pair[1].levels);
    let cheapest = (0..runs.len() - 1).min_by_key(|&at| waste(&runs[at..at + 2]));
    let at = cheapest.expect("there are several runs");
    runs[at].groups += runs[at + 1].groups;
    runs.remove(at + 1);
}

/// Narrow if every feature spans at most 2^32 values and the links suffice.
fn format(trees: &Trees<'_>, used: &[u32], nodes: usize, row_starts: usize) -> Format {
    let spans_u32 = used.iter().all(|&feature| {
        let range = trees.ranges[feature as usize];
        i128::from(range.max) - i128::from(range.min) <= i128::from(u32::MAX)
    });
    let table_bytes = nodes.next_power_of_two() * Format::Narrow.node_bytes();
    let fits = used.len() < NARROW_SLOTS
        && table_bytes <= NARROW_TABLE_BYTES
        && u32::try_from(row_starts).is_ok();
    if spans_u32 && fits { Format::Narrow } else { Format::Wide }
}

/// The table while it grows.
struct Table<'a> {
    trees: &'a Trees<'a>,
    rows: &'a Rows,
    slot_of: HashMap<u32, u32>,
    nodes: Vec<Node>,
    /// Where each pair of children begins.
    pairs: HashMap<(NodeId, NodeId), u32>,
    /// Positions to fill and what belongs there, breadth first.
    pending: std::collections::VecDeque<(u32, NodeId)>,
}

impl<'a> Table<'a> {
    /// Lays out trees in order, breadth first, so that the top of a tree,
    /// which every walk reads, is dense. Fills the last group with lanes that
    /// add nothing. Returns the nodes and the roots.
    fn build(
        trees: &'a Trees<'a>,
        rows: &'a Rows,
        used: &[u32],
        order: &[NodeId],
        lanes: usize,
    ) -> (Vec<Node>, Vec<u32>) {
        let slot_of = used.iter().zip(1..).map(|(&feature, slot)| (feature, slot)).collect();
        let (pairs, pending) = Default::default();
        let mut table = Self { trees, rows, slot_of, nodes: Vec::new(), pairs, pending };
        let mut roots = Vec::with_capacity(order.len().next_multiple_of(lanes));
        for &root in order {
            let at = table.reserve(1);
            roots.push(at);
            table.pending.push_back((at, root));
            table.fill();
        }
        if !roots.len().is_multiple_of(lanes) || table.nodes.is_empty() {
            let idle = table.reserve(1);
            roots.resize(roots.len().next_multiple_of(lanes), idle);
        }
        (table.nodes, roots)
    }

    /// Appends leaves that add row 0.
    fn reserve(&mut self, count: u32) -> u32 {
        let at = u32::try_from(self.nodes.len()).expect("limits::TREE_NODES_MAX is below 2^31");
        self.nodes.extend((at..at + count).map(|kids| Node { at_most: 0, kids, slot: 0 }));
        at
    }

    fn fill(&mut self) {
        while let Some((at, id)) = self.pending.pop_front() {
            self.nodes[at as usize] = match self.trees.branch(id) {
                Some((test, yes, no)) => Node {
                    at_most: test.at_most,
                    kids: self.pair(yes, no),
                    slot: self.slot_of[&test.feature],
                },
                None => Node {
                    at_most: i64::from(self.rows.of_node[id as usize]) * self.rows.targets as i64,
                    kids: at,
                    slot: 0,
                },
            };
        }
    }

    fn pair(&mut self, yes: NodeId, no: NodeId) -> u32 {
        if let Some(&at) = self.pairs.get(&(yes, no)) {
            return at;
        }
        let at = self.reserve(2);
        self.pairs.insert((yes, no), at);
        self.pending.extend([(at, yes), (at + 1, no)]);
        at
    }
}

/// Fitted to what clang 19 makes of the walk and to measured times.
fn cost(plan: &Plan) -> Cost {
    let lanes = plan.lanes as u64;
    let targets = plan.rows.targets as u64;
    let per_level = lanes * 14 + 3;
    let per_group = lanes * (8 + 4 * targets) + 4 * targets + 12;
    let copy = 4 * plan.slots.len() as u64 + 4;
    let mut cost = Cost {
        program_insns: copy,
        verifier_insns: copy,
        table_bytes: (plan.node_entries * plan.format.node_bytes()
            + plan.weight_entries * 8
            + plan.roots.len() * 4) as u64,
        scratch_bytes: (plan.slot_entries * plan.format.feature_bytes() + plan.rows.targets * 8)
            as u64,
        stack_bytes: 8 * (lanes + 4),
        functions: 0,
        tenth_ns: 20 + 2 * plan.slots.len() as u64,
    };
    let tenth_ns_per_level = tenth_ns_per_level(cost.table_bytes, lanes);
    for run in &plan.runs {
        let (groups, levels) = (u64::from(run.groups), u64::from(run.levels));
        let checks = run.check_every.map_or(0, |every| levels / u64::from(every));
        let check_insns = 3 * lanes + 2;
        let mut verifier = levels * per_level + per_group;
        if checks > 0 {
            // The way out of each look is processed up to the next group, and
            // some of the groups behind it once more.
            verifier = 2 * (verifier + checks * (check_insns + per_group));
        }
        cost.verifier_insns = cost.verifier_insns.saturating_add(groups * verifier);
        cost.program_insns += per_level + per_group + check_insns;
        let steps_taken = if checks == 0 { levels } else { levels.min(typical_levels(plan)) };
        cost.tenth_ns += groups * (steps_taken * tenth_ns_per_level + lanes * (5 + 3 * targets));
    }
    cost
}

/// A level takes what its two dependent loads take, or what the instructions
/// of all lanes take, whichever is longer; and more when the tables leave a
/// level of cache.
fn tenth_ns_per_level(table_bytes: u64, lanes: u64) -> u64 {
    let level = (lanes * 15 / 2).max(40);
    match table_bytes {
        0..=0x10_0000 => level,
        0x10_0001..=0x40_0000 => level * 5 / 4,
        _ => level * 2,
    }
}

/// Levels until all lanes of a group have usually reached a leaf.
fn typical_levels(plan: &Plan) -> u64 {
    let nodes_per_tree = plan.nodes.len() / plan.roots.len().max(1);
    2 * u64::from(nodes_per_tree.max(2).ilog2()) + 2
}

fn check(plan: &Plan, target: &Target) -> Result<(), Refusal> {
    let link_bytes = (plan.node_entries * plan.format.node_bytes()) as u64;
    let checks = [
        (Exceeded::LinkBits, link_bytes, 1 << 31),
        (Exceeded::TableBytes, plan.cost.table_bytes, target.table_bytes_max),
        (Exceeded::VerifierInsns, plan.cost.verifier_insns, target.verifier_insns_max),
    ];
    match checks.into_iter().find(|&(_, needs, allowed)| needs > allowed) {
        Some((exceeded, needs, allowed)) => Err(Refusal { exceeded, needs, allowed, tree: None }),
        None => Ok(()),
    }
}
