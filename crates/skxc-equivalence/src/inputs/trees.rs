//! Rows that reach a chosen leaf or threshold of a tree.
//!
//! A walk over each tree carries, per column, the interval of values that lead
//! to the current node. A branch whose interval holds values for both ways is
//! a threshold, and a row on either side that reaches it exists: take both
//! neighbours of the threshold and anything from the other intervals. A leaf
//! gets the low corner, the high corner and a point of its box.
//!
//! The walk keeps its own stack. Nodes may be shared between branches and
//! trees, so a branch is entered at most [`VISITS_MAX`] times over all ways
//! that lead to it; in a forest without sharing once is all it takes.

use skxc_ir::{Forest, Handle, Int, Interval, Module, NodeId, TreeNode};

use super::columns::forests_of;
use super::{Coverage, Kind, Rows, Source};
use skxc_ir::random::Random;

/// How often one branch is entered.
const VISITS_MAX: u8 = 3;
/// Rows for one leaf: low corner, high corner, a point inside.
const ROWS_PER_LEAF: u64 = 3;
/// Rows for one threshold.
const ROWS_PER_THRESHOLD: u64 = 2;

#[derive(Debug)]
pub(super) struct Trees {
    forests: Vec<State>,
    current: usize,
    ranges: Vec<Interval>,
    background: Vec<Vec<i64>>,
    /// Values of each column that lead to the current node.
    bounds: Vec<Interval>,
    random: Random,
    /// Rows are made for one leaf or threshold in so many.
    stride: u64,
    aims: u64,
    /// Rows that did not fit the last batch.
    pending: Vec<(Kind, Vec<i64>)>,
    coverage: Coverage,
}

/// What the walk needs of a forest, copied so that the stream borrows nothing.
#[derive(Debug)]
struct State {
    nodes: Vec<Step>,
    roots: Vec<NodeId>,
    next_root: usize,
    visits: Vec<u8>,
    reached: Vec<bool>,
    stack: Vec<Frame>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Leaf,
    /// `column` is none where no input can change the feature.
    Branch {
        column: Option<u32>,
        at_most: i64,
        yes: NodeId,
        no: NodeId,
    },
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    node: NodeId,
    stage: Stage,
    /// Interval of the column of the branch when it was entered.
    before: Interval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Enter,
    Yes,
    No,
    Leave,
}

impl Trees {
    pub(super) fn new(
        module: &Module<Int>,
        ranges: &[Interval],
        background: &[Vec<i64>],
        rows_max: u64,
        seed: u64,
    ) -> Self {
        let forests: Vec<State> = forests_of(module)
            .into_iter()
            .map(|(forest, columns)| State::new(module, forest, &columns))
            .collect();
        let mut coverage = Coverage::default();
        for state in &forests {
            let leaves = state.nodes.iter().filter(|step| matches!(step, Step::Leaf)).count();
            coverage.leaves += leaves as u64;
            coverage.thresholds += (state.nodes.len() - leaves) as u64;
        }
        // A tree has one way into a leaf more than it has branches.
        let roots: usize = forests.iter().map(|state| state.roots.len()).sum();
        let ways_into_leaves = coverage.thresholds + roots as u64;
        let rows = ways_into_leaves * ROWS_PER_LEAF + coverage.thresholds * ROWS_PER_THRESHOLD;
        Self {
            forests,
            current: 0,
            ranges: ranges.to_vec(),
            background: background.to_vec(),
            bounds: ranges.to_vec(),
            random: Random::new(seed),
            stride: rows.div_ceil(rows_max.max(1)).max(1),
            aims: 0,
            pending: Vec::new(),
            coverage,
        }
    }

    pub(super) fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// One step of the walk; false when all trees are done.
    fn step(&mut self) -> bool {
        let Some(state) = self.forests.get_mut(self.current) else { return false };
        let Some(frame) = state.stack.last_mut() else {
            if let Some(&root) = state.roots.get(state.next_root) {
                state.next_root += 1;
                state.stack.push(Frame::enter(root));
            } else {
                self.current += 1;
            }
            return true;
        };
        let node = frame.node;
        match state.nodes[node as usize] {
            Step::Leaf => {
                state.stack.pop();
                self.leaf(node);
            }
            Step::Branch { column, at_most, yes, no } => {
                let Some(column) = column.map(|column| column as usize) else {
                    // Both ways, as nobody can say which: no row is aimed.
                    let next = frame.advance();
                    self.follow(next, yes, no);
                    return true;
                };
                self.branch(column, at_most, yes, no);
            }
        }
        true
    }

    fn branch(&mut self, column: usize, at_most: i64, yes: NodeId, no: NodeId) {
        let state = &mut self.forests[self.current];
        let frame = state.stack.last_mut().expect("a branch is on the stack while it is walked");
        let node = frame.node;
        if frame.stage == Stage::Enter {
            frame.before = self.bounds[column];
        }
        let before = frame.before;
        let (holds, fails) = (before.min <= at_most, before.max > at_most);
        let next = frame.advance();
        match next {
            Stage::Enter => {
                if holds && fails {
                    self.threshold(node, column, at_most);
                }
            }
            Stage::Yes if holds => {
                self.bounds[column] = Interval::new(before.min, before.max.min(at_most));
                self.follow(next, yes, no);
            }
            Stage::No if fails => {
                // Above the threshold exists, so adding one stays in range.
                self.bounds[column] = Interval::new(before.min.max(at_most + 1), before.max);
                self.follow(next, yes, no);
            }
            Stage::Yes | Stage::No => {}
            Stage::Leave => {
                self.bounds[column] = before;
                self.forests[self.current].stack.pop();
            }
        }
    }

    /// Enters the child of `stage`, unless it was entered often enough.
    fn follow(&mut self, stage: Stage, yes: NodeId, no: NodeId) {
        let state = &mut self.forests[self.current];
        let child = match stage {
            Stage::Enter => return,
            Stage::Yes => yes,
            Stage::No => no,
            Stage::Leave => {
                state.stack.pop();
                return;
            }
        };
        let visits = &mut state.visits[child as usize];
        let leaf = matches!(state.nodes[child as usize], Step::Leaf);
        if leaf || *visits < VISITS_MAX {
            *visits = visits.saturating_add(1);
            state.stack.push(Frame::enter(child));
        }
    }

    fn aimed(&mut self) -> bool {
        self.aims += 1;
        self.aims.is_multiple_of(self.stride)
    }

    fn threshold(&mut self, node: NodeId, column: usize, at_most: i64) {
        if !self.aimed() {
            return;
        }
        let first = self.first_visit(node);
        self.coverage.thresholds_reached += u64::from(first);
        let mut row = self.row_inside();
        row[column] = at_most;
        self.pending.push((Kind::Threshold, row.clone()));
        row[column] = at_most + 1;
        self.pending.push((Kind::Threshold, row));
    }

    fn leaf(&mut self, node: NodeId) {
        if !self.aimed() {
            return;
        }
        let first = self.first_visit(node);
        self.coverage.leaves_reached += u64::from(first);
        let mut low = self.row_inside();
        let mut high = low.clone();
        for (column, (bounds, range)) in self.bounds.iter().zip(&self.ranges).enumerate() {
            if bounds != range {
                low[column] = bounds.min;
                high[column] = bounds.max;
            }
        }
        self.pending.push((Kind::Leaf, low));
        self.pending.push((Kind::Leaf, high));
        let inside = self.row_inside();
        self.pending.push((Kind::Leaf, inside));
    }

    /// Marks the node as reached; was it not before?
    fn first_visit(&mut self, node: NodeId) -> bool {
        let reached = &mut self.forests[self.current].reached[node as usize];
        !std::mem::replace(reached, true)
    }

    /// A background row moved into the current box as little as possible.
    fn row_inside(&mut self) -> Vec<i64> {
        let mut row = self.random.choice(&self.background).clone();
        for (cell, &bounds) in row.iter_mut().zip(&self.bounds) {
            if !bounds.contains(*cell) {
                *cell = self.random.within(bounds);
            }
        }
        row
    }
}

impl Source for Trees {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        loop {
            while let Some((kind, row)) = self.pending.pop() {
                rows.push(kind, &row);
                if rows.len() >= rows_max {
                    return true;
                }
            }
            if !self.step() {
                return false;
            }
        }
    }
}

impl State {
    fn new(module: &Module<Int>, forest: Handle<Forest<Int>>, columns: &[Option<usize>]) -> Self {
        let forest = &module.forests[forest];
        let step = |node: &TreeNode<Int>| match *node {
            TreeNode::Leaf { .. } => Step::Leaf,
            TreeNode::Branch { test, yes, no, .. } => Step::Branch {
                column: columns[test.feature as usize].map(|column| column as u32),
                at_most: test.at_most,
                yes,
                no,
            },
        };
        Self {
            nodes: forest.nodes.iter().map(step).collect(),
            roots: forest.roots.clone(),
            next_root: 0,
            visits: vec![0; forest.nodes.len()],
            reached: vec![false; forest.nodes.len()],
            stack: Vec::new(),
        }
    }
}

impl Frame {
    fn enter(node: NodeId) -> Self {
        Self { node, stage: Stage::Enter, before: Interval { min: 0, max: 0 } }
    }

    /// The stage to do now; the next call gives the one after it.
    fn advance(&mut self) -> Stage {
        let now = self.stage;
        self.stage = match now {
            Stage::Enter => Stage::Yes,
            Stage::Yes => Stage::No,
            Stage::No | Stage::Leave => Stage::Leave,
        };
        now
    }
}
