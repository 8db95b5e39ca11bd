//! A forest as the lowerings see it: tests that the range of a column decides
//! are gone, so that every test that is left fits the storage of its feature.

use std::collections::HashMap;
use std::rc::Rc;

use crate::elements::Element;
use crate::profile::Visits;
use skxc_ir::forest::{Forest, IntTest, NodeId, TreeNode};
use skxc_ir::module::{Int, Interval};

/// Some trees of a forest, with the places and ranges of its features. A view:
/// what it lends is that of the whole forest, numbered as there.
#[derive(Clone, Debug)]
pub struct Trees<'a> {
    /// The forest they belong to.
    pub forest: &'a Forest<Int>,
    /// Place of each feature of its row.
    pub features: &'a [Element],
    /// Range of each feature of its row.
    pub ranges: Rc<[Interval]>,
    /// The trees in view, as positions in [`Forest::roots`], ascending.
    pub positions: Vec<u32>,
    /// What rows do in the trees, if that is known.
    pub visits: Option<Rc<Visits>>,
    /// For each node the one that stands for it: itself, or where its decided
    /// test leads.
    resolved: Rc<[NodeId]>,
}

/// The distinct contributions of the leaves of a forest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Sums a row adds to.
    pub targets: usize,
    /// Row-major; row 0 adds nothing.
    pub weights: Vec<i64>,
    /// Row of each node; 0 for branches and for what no tree in view reaches.
    pub of_node: Vec<u32>,
}

impl<'a> Trees<'a> {
    /// All trees of a forest over a row of features.
    #[must_use]
    pub fn new(forest: &'a Forest<Int>, features: &'a [Element], ranges: Vec<Interval>) -> Self {
        let mut resolved: Vec<NodeId> = (0..).take(forest.nodes.len()).collect();
        for (id, node) in forest.nodes.iter().enumerate().rev() {
            if let TreeNode::Branch { test, yes, no, .. } = node {
                match test.decided(ranges[test.feature as usize]) {
                    Some(true) => resolved[id] = resolved[*yes as usize],
                    Some(false) => resolved[id] = resolved[*no as usize],
                    None => {}
                }
            }
        }
        let positions = (0..).take(forest.roots.len()).collect();
        let (ranges, resolved) = (ranges.into(), resolved.into());
        Self { forest, features, ranges, positions, visits: None, resolved }
    }

    /// The same, with what rows do in the trees.
    #[must_use]
    pub fn with_visits(self, visits: Option<Rc<Visits>>) -> Self {
        Self { visits, ..self }
    }

    /// The trees at `positions` of the forest, ascending.
    ///
    /// # Panics
    /// If they do not ascend.
    #[must_use]
    pub fn subset(&self, positions: &[u32]) -> Self {
        assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "positions ascend");
        Self { positions: positions.to_vec(), ..self.clone() }
    }

    /// Root of each tree in view.
    pub fn roots(&self) -> impl ExactSizeIterator<Item = NodeId> {
        let root = |&position: &u32| self.forest.roots[position as usize];
        self.positions.iter().map(move |position| self.resolved[root(position) as usize])
    }

    /// The test of a node with the ways it leads, if it is a branch.
    #[must_use]
    pub fn branch(&self, id: NodeId) -> Option<(IntTest, NodeId, NodeId)> {
        match self.forest.nodes[id as usize] {
            TreeNode::Branch { test, yes, no, .. } => {
                Some((test, self.resolved[yes as usize], self.resolved[no as usize]))
            }
            TreeNode::Leaf { .. } => None,
        }
    }

    /// Number of levels below each node.
    #[must_use]
    pub fn levels_below(&self) -> Vec<u32> {
        let mut below = vec![0; self.forest.nodes.len()];
        for id in (0..below.len()).rev() {
            if let Some((_, yes, no)) = self.branch(id as NodeId) {
                below[id] = 1 + below[yes as usize].max(below[no as usize]);
            }
        }
        below
    }

    /// Number of leaves below each node, shared ones counted each time, at most
    /// `u64::MAX`.
    #[must_use]
    pub fn leaves_below(&self) -> Vec<u64> {
        let mut below = vec![1_u64; self.forest.nodes.len()];
        for id in (0..below.len()).rev() {
            if let Some((_, yes, no)) = self.branch(id as NodeId) {
                below[id] = below[yes as usize].saturating_add(below[no as usize]);
            }
        }
        below
    }

    /// Nodes below each node and itself, shared ones counted each time, at most
    /// `u64::MAX`.
    #[must_use]
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![1_u64; self.forest.nodes.len()];
        for id in (0..sizes.len()).rev() {
            if let Some((_, yes, no)) = self.branch(id as NodeId) {
                let both = sizes[yes as usize].saturating_add(sizes[no as usize]);
                sizes[id] = both.saturating_add(1);
            }
        }
        sizes
    }

    /// Which nodes the trees in view reach.
    #[must_use]
    pub fn reached(&self) -> Vec<bool> {
        let mut reachable = vec![false; self.forest.nodes.len()];
        for root in self.roots() {
            reachable[root as usize] = true;
        }
        for id in 0..reachable.len() {
            if let (true, Some((_, yes, no))) = (reachable[id], self.branch(id as NodeId)) {
                reachable[yes as usize] = true;
                reachable[no as usize] = true;
            }
        }
        reachable
    }

    /// The features that some reached test reads, in order.
    #[must_use]
    pub fn features_used(&self) -> Vec<u32> {
        let mut used = vec![false; self.ranges.len()];
        for (id, reached) in (0..).zip(self.reached()) {
            if let (true, Some((test, ..))) = (reached, self.branch(id)) {
                used[test.feature as usize] = true;
            }
        }
        (0..).zip(used).filter_map(|(feature, used)| used.then_some(feature)).collect()
    }

    /// Collects what the leaves in view add, each distinct contribution once.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let targets = self.forest.targets as usize;
        let mut weights = vec![0; targets];
        let mut known = HashMap::from([(weights.clone(), 0)]);
        let nodes = self.forest.nodes.iter().zip(self.reached());
        let rows = nodes.map(|(node, reached)| {
            let (true, TreeNode::Leaf { first, count, .. }) = (reached, *node) else { return 0 };
            let mut row = vec![0; targets];
            for leaf in self.forest.leaf_weights(first, count) {
                row[leaf.target as usize] += leaf.weight;
            }
            let next = u32::try_from(known.len()).expect("limits::TREE_NODES_MAX is below 2^32");
            *known.entry(row).or_insert_with_key(|row| {
                weights.extend_from_slice(row);
                next
            })
        });
        let of_node = rows.collect();
        Rows { targets, weights, of_node }
    }
}

impl Rows {
    /// Number of distinct rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len() / self.targets.max(1)
    }

    /// Is there no row? Never: row 0 is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the leaf `id` adds to each sum.
    #[must_use]
    pub fn of_leaf(&self, id: NodeId) -> &[i64] {
        let row = self.of_node[id as usize] as usize;
        &self.weights[row * self.targets..][..self.targets]
    }
}
