//! Table walk: several trees descend at once through one table of nodes,
//! without a branch.
//!
//! The two children of a node lie side by side, the way of "no" behind the way
//! of "yes". A step subtracts the feature from the threshold; the sign selects
//! the child. A leaf leads to itself: it reads feature slot 0, which always
//! holds 0, and keeps the number of its row where a test keeps its threshold,
//! so that it never moves however often it is stepped. Any depth therefore
//! works, trees of different depth can walk together, and a group stops when
//! none of its lanes moves.
//!
//! It is the shape for deep trees, whose tables leave the caches: they lie depth
//! first, the larger child next, so that a way that many rows take stays within
//! a few lines. For 100 trees of 10,300 nodes a decision took 4.46 us instead of
//! 7.75 us with breadth first, 16 lanes and a look every 8 levels.
//!
//! What must hold:
//! - slot 0 of the features is 0;
//! - `children` of a branch is the position of its "yes" child; `children` of a leaf is
//!   its own position;
//! - every group of lanes may step as often as its deepest tree needs.

use std::collections::HashMap;

use crate::cost::{Cost, Exceeded, Refusal};
use crate::slots::Slots;
use crate::target::Target;
use crate::trees::{Rows, Trees};
use skxc_ir::forest::NodeId;

/// Trees that walk at once. A step waits for two loads in a row, so that fewer
/// lanes leave the processor idle. Their places take 320 bytes of the stack: those
/// of before a step lie beside those of after it.
pub const LANES_MAX: usize = 20;
/// Runs of the program text; each is a copy of the walk.
const RUNS_MAX: usize = 4;
/// Steps between two checks of whether a lane moved.
pub const LEVELS_PER_LOOK: u32 = 4;
/// Up to so many levels the walk goes all the way down without a look: some lane
/// of twenty is nearly always on its way.
const LEVELS_UNLOOKED_MAX: u32 = 16;
/// Looks of one walk: the verifier keeps each pending, 8192 at most
/// (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`, kernel/bpf/verifier.c).
const LOOKS_MAX: u32 = 4096;
/// One step of the search for a rank: a load and a comparison that wait.
const TENTH_NS_PER_SEARCH_STEP: u64 = 14;
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
    /// The greatest stored value for which the test holds ([`Slots::test`]); for
    /// a leaf, where its row begins in [`Rows::weights`].
    pub at_most: u64,
    /// Position of the "yes" child; of itself for a leaf.
    pub children: u32,
    /// Feature slot; 0 for a leaf.
    pub slot: u32,
}

/// Groups of lanes that step at most equally often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of groups.
    pub groups: u32,
    /// Steps that the deepest tree needs.
    pub levels: u32,
    /// Steps between two checks of whether a lane moved.
    pub check_every: u32,
}

/// The tables of a walk and the order in which it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Storage of nodes.
    pub format: Format,
    /// The nodes of all trees.
    pub nodes: Vec<Node>,
    /// Entries of the node table: a power of two, so that a mask bounds the index.
    pub node_entries: usize,
    /// The features: slots 1 and up, each one place behind its place here; slot
    /// 0 holds 0.
    pub slots: Slots,
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
    /// Does the kernel count rounds, so that the verifier need not walk each?
    pub kernel_counts: bool,
    /// What it costs.
    pub cost: Cost,
}

impl Format {
    /// Bits of a stored feature.
    fn feature_bits(self) -> u32 {
        match self {
            Self::Narrow => 32,
            Self::Wide => 62,
        }
    }

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
    let (lanes, order, runs) = schedule(trees, target);
    let row_starts = (rows.len().saturating_sub(1)) * rows.targets;
    let mut table = Table::new(trees);
    let roots = table.build(&order, lanes);
    let used = trees.features_used().len();
    let format = format(used, table.places.len(), row_starts);
    let slots = Slots::new(trees, format.feature_bits());
    let nodes = table.nodes(&rows, &slots);
    let mut plan = Plan {
        format,
        node_entries: nodes.len().next_power_of_two(),
        nodes,
        slot_entries: match format {
            // Every value of the 8 bits is inside: no mask is needed.
            Format::Narrow => NARROW_SLOTS,
            Format::Wide => (used + 1).next_power_of_two(),
        },
        slots,
        weight_entries: (row_starts + 1).next_power_of_two() - 1 + rows.targets,
        rows,
        lanes,
        roots,
        runs,
        kernel_counts: target.may_goto,
        cost: Cost::default(),
    };
    plan.cost = cost(&plan);
    check(&plan, target)?;
    Ok(plan)
}

/// Lanes, the trees in the order of the table, and the runs.
fn schedule(trees: &Trees<'_>, target: &Target) -> (usize, Vec<NodeId>, Vec<Run>) {
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
            // The kernel counts rounds where it can: their number is no matter.
            Some(run) if run.levels == levels || target.may_goto => run.groups += 1,
            _ => runs.push(Run { groups: 1, levels, check_every: LEVELS_PER_LOOK }),
        }
    }
    while runs.len() > RUNS_MAX {
        merge_cheapest(&mut runs);
    }
    if !target.may_goto {
        for run in &mut runs {
            run.check_every = match run.levels {
                0..=LEVELS_UNLOOKED_MAX => run.levels.max(1),
                levels => LEVELS_PER_LOOK.max(levels.div_ceil(LOOKS_MAX)),
            };
        }
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

/// Narrow if its links and its slots suffice.
fn format(used: usize, nodes: usize, row_starts: usize) -> Format {
    let table_bytes = nodes.next_power_of_two() * Format::Narrow.node_bytes();
    let fits = used < NARROW_SLOTS
        && table_bytes <= NARROW_TABLE_BYTES
        && u32::try_from(row_starts).is_ok();
    if fits { Format::Narrow } else { Format::Wide }
}

/// The places of all nodes while they are given out.
struct Table<'a> {
    trees: &'a Trees<'a>,
    sizes: Vec<u64>,
    /// What lies at each position, and where its children begin; `None` adds
    /// nothing.
    places: Vec<(Option<NodeId>, u32)>,
    /// Where each pair of children begins.
    pairs: HashMap<(NodeId, NodeId), u32>,
    /// Positions to fill and what belongs there; the last comes first.
    pending: Vec<(u32, NodeId)>,
}

impl<'a> Table<'a> {
    fn new(trees: &'a Trees<'a>) -> Self {
        let (pairs, pending) = Default::default();
        Self { trees, sizes: trees.sizes(), places: Vec::new(), pairs, pending }
    }

    /// Places trees in order and fills the last group with lanes that add
    /// nothing. Returns the roots.
    fn build(&mut self, order: &[NodeId], lanes: usize) -> Vec<u32> {
        let mut roots = Vec::with_capacity(order.len().next_multiple_of(lanes));
        for &root in order {
            let at = self.reserve(1);
            roots.push(at);
            self.pending.push((at, root));
            self.fill();
        }
        if !roots.len().is_multiple_of(lanes) || self.places.is_empty() {
            let idle = self.reserve(1);
            roots.resize(roots.len().next_multiple_of(lanes), idle);
        }
        roots
    }

    /// Appends leaves that add nothing.
    fn reserve(&mut self, count: u32) -> u32 {
        let at = u32::try_from(self.places.len()).expect("limits::TREE_NODES_MAX is below 2^31");
        self.places.extend((at..at + count).map(|children| (None, children)));
        at
    }

    fn fill(&mut self) {
        while let Some((at, id)) = self.pending.pop() {
            let children = match self.trees.branch(id) {
                Some((_, yes, no)) => self.pair(yes, no),
                None => at,
            };
            self.places[at as usize] = (Some(id), children);
        }
    }

    fn pair(&mut self, yes: NodeId, no: NodeId) -> u32 {
        if let Some(&at) = self.pairs.get(&(yes, no)) {
            return at;
        }
        let at = self.reserve(2);
        self.pairs.insert((yes, no), at);
        let mut successors = [(at, yes), (at + 1, no)];
        successors.sort_by_key(|&(_, id)| self.sizes[id as usize]);
        self.pending.extend(successors);
        at
    }

    fn nodes(&self, rows: &Rows, slots: &Slots) -> Vec<Node> {
        let node =
            |&(id, children): &(Option<NodeId>, u32)| match id.map(|id| self.trees.branch(id)) {
                Some(Some((test, ..))) => {
                    let (slot, at_most) = slots.test(test);
                    Node { at_most, children, slot: slot + 1 }
                }
                Some(None) | None => {
                    let row = id.map_or(0, |id| rows.of_node[id as usize]);
                    Node { at_most: u64::from(row) * rows.targets as u64, children, slot: 0 }
                }
            };
        self.places.iter().map(node).collect()
    }
}

/// Fitted to `calibration.csv`.
fn cost(plan: &Plan) -> Cost {
    let lanes = plan.lanes as u64;
    let targets = plan.rows.targets as u64;
    let per_level = lanes * 14 + 3;
    let look = 3 * lanes + 2;
    // A row of weights is found behind the walk and added in a loop.
    let row = if targets == 1 { 0 } else { 4 * targets };
    let per_group = lanes * (8 + 4 * targets + row) + 4 * targets + 12;
    let search: u64 = plan.slots.slots.iter().map(|slot| u64::from(slot.search_steps())).sum();
    let thresholds: usize = plan.slots.slots.iter().map(|slot| slot.thresholds().len()).sum();
    let slots = plan.slots.slots.len() as u64;
    let copy = 4 * slots + 7 * search + 4;
    let mut cost = Cost {
        program_insns: copy,
        verifier_insns: copy,
        table_bytes: (plan.node_entries * plan.format.node_bytes()
            + (plan.weight_entries + thresholds) * 8
            + plan.roots.len() * 4) as u64,
        scratch_bytes: (plan.slot_entries * plan.format.feature_bytes()) as u64,
        stack_bytes: 8 * (2 * lanes + 2),
        functions: 0,
        tenth_ns: TENTH_NS_PER_SEARCH_STEP * search,
    };
    let round_tenth_ns = round_tenth_ns(cost.table_bytes, lanes);
    for run in &plan.runs {
        let (groups, levels) = (u64::from(run.groups), u64::from(run.levels));
        let checks = levels.div_ceil(run.check_every.into());
        let round = u64::from(run.check_every) * per_level + look;
        // The exits of all checks meet behind the loop.
        let verifier = match plan.kernel_counts {
            true => rounds_verified(groups) * round / 2 + 2 * per_group,
            false => groups * (checks * round + 2 * per_group),
        };
        cost.verifier_insns = cost.verifier_insns.saturating_add(verifier);
        cost.program_insns += round + per_group;
        let levels_taken = levels.min(typical_levels(plan));
        // The last look is the one that finds all lanes at rest.
        let rounds = levels_taken.div_ceil(run.check_every.into()) + 1;
        let rows_tenth_ns = if targets == 1 { 0 } else { 4 * lanes * targets };
        cost.tenth_ns += groups * (rounds * round_tenth_ns + rows_tenth_ns);
    }
    cost
}

/// Rounds of the loops that the verifier walks where the kernel counts them, in
/// halves: of the loop over groups, if there is one, and of that over levels.
fn rounds_verified(groups: u64) -> u64 {
    if groups > 1 { 9 } else { 5 }
}

/// The steps between two checks, for all lanes: loads that wait for each other,
/// instructions of every lane; and more when the tables leave a level of cache.
fn round_tenth_ns(table_bytes: u64, lanes: u64) -> u64 {
    let round = 70 + 25 * lanes;
    match table_bytes {
        0..=0x10_0000 => round,
        0x10_0001..=0x40_0000 => round * 3 / 2,
        _ => round * 17 / 10,
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
