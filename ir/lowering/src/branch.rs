//! Branch code: each tree as nested ifs.
//!
//! The fastest shape for one tree, since only the tests on the way are read.
//! With many trees, mispredicted branches cost more than the table walk does.
//!
//! What must hold for the verifier's work to stay linear in the nodes:
//! - the running sums are loaded from map memory, so that a path does not
//!   carry a constant of its own from tree to tree;
//! - nothing known of a feature survives from one tree to the next.
//!
//! Subtrees of large trees are functions of their own: clang's time grows faster
//! than the nodes of a function, a jump reaches 2^15 instructions only, and the
//! verifier follows a global function once, by itself. A call costs about 10 ns, so
//! that no way through a tree without shared nodes makes more than one.

use std::collections::BTreeSet;

use crate::cost::{Cost, Exceeded, Refusal, tenth_log2};
use crate::target::Target;
use crate::trees::{Rows, Trees};
use skxc_ir::forest::{NodeId, TreeNode};

/// Nodes of all trees: clang takes about half a minute for so many.
pub const NODES_MAX: u64 = 40_000;
/// Instructions of tests and calls that are not in a function of their own: a jump
/// over all of them has 16 bits before `-mcpu=v4`. At 32,000, of 2,000 stumps, clang
/// found no such jump after half a minute; at 43,000, of 12 trees, it took minutes.
const INLINE_INSNS_MAX: u64 = 24_000;
/// Nodes of a tree that is printed without functions of its own.
const INLINE_NODES_MAX: u64 = 2_000;
/// Nodes of a function; more, where there would be too many functions.
const FUNCTION_NODES: u64 = 1_000;
/// Nodes that are worth a call.
const FUNCTION_NODES_MIN: u64 = 50;
/// What a call costs.
const CALL_TENTH_NS: u64 = 100;
/// Tests in a row: clang's time grows with the square of them (2 s for 1,000),
/// and each stays pending in the verifier until its other way is done.
pub const DEPTH_MAX: u64 = 256;

/// The trees in order and what their leaves add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Root of each tree.
    pub roots: Vec<NodeId>,
    /// What leaves add.
    pub rows: Rows,
    /// Nodes below each node and itself, shared ones counted each time, at
    /// most `u64::MAX`. The smaller side is nested, the larger follows behind,
    /// so that nesting grows with the logarithm of the nodes.
    pub sizes: Vec<u64>,
    /// By node, the answer that most rows of a profile give; empty without one.
    pub likely: Vec<Option<bool>>,
    /// Roots of subtrees that are functions of their own, ascending.
    pub functions: Vec<NodeId>,
    /// The kernel verifies those functions by themselves.
    pub global: bool,
    /// What it costs.
    pub cost: Cost,
}

/// Plans the branch code of a forest.
///
/// # Errors
/// [`Refusal`] if there are too many nodes or too long paths.
pub fn plan(trees: &Trees<'_>, target: &Target) -> Result<Plan, Refusal> {
    let (mut nodes, mut largest) = (0_u64, (0, 0));
    let (below, sizes) = (trees.levels_below(), trees.sizes());
    let functions = functions(trees, &sizes, target);
    let mut seen = Seen::new(trees, &functions);
    for (&tree, root) in trees.positions.iter().zip(trees.roots()) {
        let depth = u64::from(below[root as usize]);
        if depth > DEPTH_MAX {
            let exceeded = Exceeded::BranchDepth;
            return Err(Refusal { exceeded, needs: depth, allowed: DEPTH_MAX, tree: Some(tree) });
        }
        let count = seen.count(root);
        nodes += count;
        largest = largest.max((count, tree));
    }
    let insns = nodes * 2 + trees.positions.len() as u64 * 10;
    if insns > INLINE_INSNS_MAX {
        let (exceeded, allowed) = (Exceeded::StraightInsns, INLINE_INSNS_MAX);
        return Err(Refusal { exceeded, needs: insns, allowed, tree: None });
    }
    nodes += functions.iter().map(|&root| seen.count(root)).sum::<u64>();
    if nodes > NODES_MAX {
        let tree = (largest.0 > NODES_MAX).then_some(largest.1);
        let exceeded = Exceeded::BranchNodes;
        return Err(Refusal { exceeded, needs: nodes, allowed: NODES_MAX, tree });
    }
    let mut plan = Plan {
        roots: trees.roots().collect(),
        rows: trees.rows(),
        sizes,
        likely: likely(trees),
        functions: functions.into_iter().collect(),
        global: target.global_pointer_arguments,
        cost: Cost::default(),
    };
    plan.cost = cost(&plan, trees, nodes, &below);
    let needs = plan.cost.verifier_insns;
    if needs > target.verifier_insns_max {
        let exceeded = Exceeded::VerifierInsns;
        return Err(Refusal { exceeded, needs, allowed: target.verifier_insns_max, tree: None });
    }
    Ok(plan)
}

impl Plan {
    /// Do the functions of the trees return what to add, rather than the place
    /// of a row in a table?
    #[must_use]
    pub fn returns_weight(&self) -> bool {
        self.rows.targets == 1
    }
}

/// The largest subtrees of large trees that are no larger than a function. Where
/// nodes are shared, subtrees of one may be functions as well.
fn functions(trees: &Trees<'_>, sizes: &[u64], target: &Target) -> BTreeSet<NodeId> {
    let most = target.functions_free().max(1);
    let all = trees.roots().fold(0_u64, |sum, root| sum.saturating_add(sizes[root as usize]));
    // Half of the functions are about half as large as they may be.
    let nodes = FUNCTION_NODES.max(all / most * 2);
    let large = |root: &NodeId| sizes[*root as usize] > INLINE_NODES_MAX.max(nodes);
    let mut pending: Vec<NodeId> = trees.roots().filter(large).collect();
    let (mut functions, mut seen) = (BTreeSet::new(), BTreeSet::new());
    while let Some(id) = pending.pop() {
        let Some((_, yes, no)) = trees.branch(id) else { continue };
        if !seen.insert(id) || functions.len() as u64 >= most {
            continue;
        }
        if sizes[id as usize] > nodes {
            pending.extend([no, yes]);
        } else if sizes[id as usize] >= FUNCTION_NODES_MIN {
            functions.insert(id);
        }
    }
    functions
}

/// Counts the nodes of one function after another.
struct Seen<'a> {
    trees: &'a Trees<'a>,
    functions: &'a BTreeSet<NodeId>,
    by: Vec<u32>,
    turn: u32,
}

impl<'a> Seen<'a> {
    fn new(trees: &'a Trees<'a>, functions: &'a BTreeSet<NodeId>) -> Self {
        Self { trees, functions, by: vec![0; trees.forest.nodes.len()], turn: 0 }
    }

    fn count(&mut self, root: NodeId) -> u64 {
        self.turn += 1;
        let (mut count, mut pending) = (0, vec![root]);
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut self.by[id as usize], self.turn) == self.turn {
                continue;
            }
            count += 1;
            if id != root && self.functions.contains(&id) {
                continue;
            }
            if let Some((_, yes, no)) = self.trees.branch(id) {
                pending.extend([no, yes]);
            }
        }
        count
    }
}

fn likely(trees: &Trees<'_>) -> Vec<Option<bool>> {
    let Some(visits) = &trees.visits else { return Vec::new() };
    (0..trees.forest.nodes.len() as NodeId).map(|id| visits.likely(id)).collect()
}

/// As [`paths`], as the rows of a profile have it.
fn profiled(trees: &Trees<'_>) -> Option<(u64, u64)> {
    let visits = trees.visits.as_ref().filter(|visits| visits.rows > 0)?;
    let reached = trees.reached();
    let tests = (0..).zip(&reached).filter(|&(id, reached)| *reached && trees.branch(id).is_some());
    let (mut made, mut missed) = (0, 0);
    for (id, _) in tests {
        made += visits.count(id);
        missed += visits.missed(id);
    }
    Some((made * 10 / visits.rows, missed * 10 / visits.rows))
}

/// Tests on the way of a row, and those of them that a branch predictor
/// misses, in tenths. Fitted to the same columns of `calibration.csv`: trained
/// trees are a quarter deeper on the way of a row than balanced ones, and one
/// test in four goes the less likely way.
fn paths(plan: &Plan, below: &[u32]) -> (u64, u64) {
    let levels = |&root: &NodeId| {
        let leaves = plan.sizes[root as usize] / 2 + 1;
        (tenth_log2(leaves) * 125 / 100).min(u64::from(below[root as usize]) * 10)
    };
    let tests = plan.roots.iter().map(levels).sum();
    (tests, tests / 4)
}

/// What a test costs whose answer is not foreseen: on trees of depth 5 and 10
/// and on 10 and 100 trees of depth 6, the time on varying rows less that on one
/// row again and again was 8.2, 7.7, 5.0 and 9.0 ns for each such test.
const MISS_TENTH_NS: u64 = 75;

/// Fitted to `calibration.csv`. A miss costs the more the more of them the
/// predictor has to remember. With a profile, misses are known and a test that
/// is foreseen takes 0.2 ns.
fn cost(plan: &Plan, view: &Trees<'_>, nodes: u64, below: &[u32]) -> Cost {
    let trees = plan.roots.len() as u64;
    let targets = plan.rows.targets as u64;
    // A row of weights is found behind the tree and added in a loop.
    let (node_insns, row_insns) = if targets == 1 { (33, 0) } else { (37, 5 * targets) };
    // Tests cost more where the code outgrows the instruction cache.
    let cache = tenth_log2(nodes / 1000);
    let tests_tenth_ns = match profiled(view) {
        Some((tests, misses)) => {
            10 + tests / 5 + tests * cache * 13 / 1000 + misses * MISS_TENTH_NS / 10
        }
        None => {
            let (tests, misses) = paths(plan, below);
            let memory = tenth_log2(misses / 10);
            100 + (tests * 660 + tests * cache * 13 + misses * memory * 41) / 1000
        }
    };
    let row_tenth_ns = if targets == 1 { 0 } else { 2 * targets };
    let table_bytes = if plan.returns_weight() { 0 } else { plan.rows.weights.len() * 8 };
    Cost {
        program_insns: nodes * 2 + trees * (10 + row_insns),
        verifier_insns: nodes * node_insns / 10 + trees * (10 + row_insns),
        table_bytes: table_bytes as u64,
        scratch_bytes: 8 * (targets + 1),
        stack_bytes: 0,
        functions: plan.functions.len() as u64,
        tenth_ns: tests_tenth_ns + trees * row_tenth_ns + calls(plan) * CALL_TENTH_NS,
    }
}

/// Calls of a decision, at most.
fn calls(plan: &Plan) -> u64 {
    let large = |root: &&NodeId| plan.sizes[**root as usize] > INLINE_NODES_MAX;
    if plan.functions.is_empty() { 0 } else { plan.roots.iter().filter(large).count() as u64 }
}

/// The leaf weights of a node that is not a branch.
///
/// # Panics
/// If `id` is a branch.
#[must_use]
pub fn leaf_row<'p>(plan: &'p Plan, trees: &Trees<'_>, id: NodeId) -> (u32, &'p [i64]) {
    let node = &trees.forest.nodes[id as usize];
    assert!(matches!(node, TreeNode::Leaf { .. }), "node {id} is a leaf");
    (plan.rows.of_node[id as usize], plan.rows.of_leaf(id))
}
