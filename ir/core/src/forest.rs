//! Tree ensembles, the same data in both domains.
//!
//! Nodes of all trees lie in one list; a child follows its parent, which makes
//! the trees acyclic and every walk a loop. Nodes may be shared between
//! branches and between trees.

use crate::module::{Domain, Interval};
use crate::origin::OriginId;
use crate::types::ElementType;

/// A sum of trees over one row of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest<D: Domain> {
    /// Width of the row of features.
    pub features: u32,
    /// Number of sums: one a class, or one for the whole of a binary model.
    pub targets: u32,
    /// Type of weights and sums: `f32` or `f64`; `fixed` in the integer domain.
    pub elem: ElementType,
    /// What each sum has before any tree, `targets` numbers. Floats add it last.
    pub base: Vec<D::Number>,
    /// Root of each tree, in the order in which the model adds them.
    pub roots: Vec<NodeId>,
    /// Nodes of all trees.
    pub nodes: Vec<TreeNode<D>>,
    /// Weights of all leaves; a leaf owns a run of them.
    pub weights: Vec<LeafWeight<D>>,
    /// Bound on what rounding of the weights changes in each sum, in units of
    /// the last place of `elem`, halves counted: a bound of `n` is `n / 2`
    /// units. All 0 in the real domain.
    pub rounding_half_units: Vec<u64>,
    /// Bound on the distance between each sum and what the model gives over the
    /// real numbers, where the pass `fold-leaves` computed weights ahead in
    /// floats. All 0 in the integer domain, where `rounding_half_units` has it.
    pub folding_error: Vec<f64>,
}

/// Position of a node in [`Forest::nodes`].
pub type NodeId = u32;

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TreeNode<D: Domain> {
    /// A test with two children.
    Branch {
        /// What is asked.
        test: D::Test,
        /// Where to go if it holds.
        yes: NodeId,
        /// Where to go if it does not.
        no: NodeId,
        /// Where it comes from.
        origin: OriginId,
    },
    /// Ends the walk.
    Leaf {
        /// First of its weights in [`Forest::weights`].
        first: u32,
        /// Number of its weights.
        count: u32,
        /// Where it comes from.
        origin: OriginId,
    },
}

/// What a leaf adds to one of the sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeafWeight<D: Domain> {
    /// Index of the sum.
    pub target: u32,
    /// What is added.
    pub weight: D::Number,
}

/// Comparison of a feature with a threshold (ai.onnx.ml TreeEnsemble*, `nodes_modes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `<=`, ONNX mode `BRANCH_LEQ`.
    LessOrEqual,
    /// `<`, ONNX mode `BRANCH_LT`.
    Less,
    /// `>=`, ONNX mode `BRANCH_GTE`.
    GreaterOrEqual,
    /// `>`, ONNX mode `BRANCH_GT`.
    Greater,
    /// `==`, ONNX mode `BRANCH_EQ`.
    Equal,
    /// `!=`, ONNX mode `BRANCH_NEQ`.
    NotEqual,
}

/// A test over floating point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealTest {
    /// Index of the feature in the row.
    pub feature: u32,
    /// The kind of comparison.
    pub mode: Mode,
    /// The threshold; an `f32` in a module whose trees compare in `f32`.
    pub threshold: f64,
    /// `nodes_missing_value_tracks_true`: a NaN feature takes the `yes` way.
    pub missing_is_yes: bool,
}

/// A test over integers: the feature is at most `at_most`. Every other
/// comparison is made of these by the pass `quantize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntTest {
    /// Index of the feature in the row.
    pub feature: u32,
    /// Greatest value for which the test holds.
    pub at_most: i64,
}

impl Mode {
    /// All modes, in the order of the ONNX documentation.
    pub const ALL: [Self; 6] = [
        Self::LessOrEqual,
        Self::Less,
        Self::GreaterOrEqual,
        Self::Greater,
        Self::Equal,
        Self::NotEqual,
    ];

    /// Does `x mode threshold` hold? False for NaN but for `NotEqual`, as in C.
    #[must_use]
    #[allow(clippy::float_cmp, reason = "that is what the model asks")]
    pub fn holds(self, x: f64, threshold: f64) -> bool {
        match self {
            Self::LessOrEqual => x <= threshold,
            Self::Less => x < threshold,
            Self::GreaterOrEqual => x >= threshold,
            Self::Greater => x > threshold,
            Self::Equal => x == threshold,
            Self::NotEqual => x != threshold,
        }
    }

    /// As in the text form.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::LessOrEqual => "<=",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

impl IntTest {
    /// What the test says of every `x` in `range`, if it says the same of all.
    #[must_use]
    pub fn decided(self, range: Interval) -> Option<bool> {
        if range.max <= self.at_most {
            Some(true)
        } else if range.min > self.at_most {
            Some(false)
        } else {
            None
        }
    }
}

impl<D: Domain> TreeNode<D> {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> OriginId {
        match *self {
            Self::Branch { origin, .. } | Self::Leaf { origin, .. } => origin,
        }
    }

    /// Says where it comes from.
    pub fn set_origin(&mut self, new: OriginId) {
        match self {
            Self::Branch { origin, .. } | Self::Leaf { origin, .. } => *origin = new,
        }
    }
}

impl<D: Domain> Forest<D> {
    /// A forest without trees.
    #[must_use]
    pub fn new(features: u32, targets: u32, elem: ElementType, zero: D::Number) -> Self {
        Self {
            features,
            targets,
            elem,
            base: vec![zero; targets as usize],
            roots: Vec::new(),
            nodes: Vec::new(),
            weights: Vec::new(),
            rounding_half_units: vec![0; targets as usize],
            folding_error: vec![0.0; targets as usize],
        }
    }

    /// The weights of a leaf.
    #[must_use]
    pub fn leaf_weights(&self, first: u32, count: u32) -> &[LeafWeight<D>] {
        &self.weights[first as usize..][..count as usize]
    }

    /// Number of levels below each root: 0 for a single leaf. One pass over all
    /// nodes, children before parents.
    #[must_use]
    pub fn depths(&self) -> Vec<u32> {
        let below = self.levels_below();
        self.roots.iter().map(|&root| below[root as usize]).collect()
    }

    /// Number of levels below each node.
    #[must_use]
    pub fn levels_below(&self) -> Vec<u32> {
        let mut below = vec![0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if let TreeNode::Branch { yes, no, .. } = *node {
                below[id] = 1 + below[yes as usize].max(below[no as usize]);
            }
        }
        below
    }

    /// Number of nodes below each node and itself, shared ones counted each
    /// time, at most `u64::MAX`.
    #[must_use]
    pub fn nodes_below(&self) -> Vec<u64> {
        let mut below = vec![1_u64; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if let TreeNode::Branch { yes, no, .. } = *node {
                let both = below[yes as usize].saturating_add(below[no as usize]);
                below[id] = both.saturating_add(1);
            }
        }
        below
    }

    /// The forest without nodes and weights that no tree reaches.
    #[must_use]
    pub fn reached(&self) -> Self {
        let mut forest = self.clone();
        let mut unchanged: Vec<NodeId> = (0..self.nodes.len() as NodeId).collect();
        forest.replace_nodes(&mut unchanged);
        forest
    }

    /// Replaces each node by the one that `replaced` names at its place, which
    /// must follow it or be it, and drops the nodes and weights that no tree
    /// then reaches. `replaced` is left with every chain followed to its end.
    pub fn replace_nodes(&mut self, replaced: &mut [NodeId]) {
        for id in (0..replaced.len()).rev() {
            replaced[id] = replaced[replaced[id] as usize];
        }
        let mut new_id: Vec<Option<NodeId>> = vec![None; self.nodes.len()];
        let mut pending: Vec<NodeId> = self.roots.iter().map(|&id| replaced[id as usize]).collect();
        while let Some(id) = pending.pop() {
            // Any number marks it as reached; the numbers follow below.
            if new_id[id as usize].replace(0).is_none()
                && let TreeNode::Branch { yes, no, .. } = self.nodes[id as usize]
            {
                pending.extend([replaced[yes as usize], replaced[no as usize]]);
            }
        }
        for (next, id) in new_id.iter_mut().flatten().enumerate() {
            *id = next as NodeId;
        }
        let renamed = |id: NodeId| {
            new_id[replaced[id as usize] as usize].expect("a child of a reached node is reached")
        };
        let mut weights = Vec::new();
        let mut nodes = Vec::new();
        for (id, node) in self.nodes.iter().enumerate() {
            if new_id[id].is_none() {
                continue;
            }
            nodes.push(match *node {
                TreeNode::Branch { test, yes, no, origin } => {
                    TreeNode::Branch { test, yes: renamed(yes), no: renamed(no), origin }
                }
                TreeNode::Leaf { first, count, origin } => {
                    let start = weights.len() as u32;
                    weights.extend_from_slice(self.leaf_weights(first, count));
                    TreeNode::Leaf { first: start, count, origin }
                }
            });
        }
        self.roots = self.roots.iter().map(|&root| renamed(root)).collect();
        self.nodes = nodes;
        self.weights = weights;
    }
}
