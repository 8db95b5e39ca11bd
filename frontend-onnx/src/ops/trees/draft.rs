//! Trees as a model lists them, by position, and the forest that they make.
//!
//! Both forms of an ensemble, lists by node id and leaf arrays, become a draft
//! first. Every position in it lies within its list; nothing else need hold:
//! positions may be unreached, shared, or lead in a circle.

use skxc_diagnostics::codes::{IGNORED_PART, LIMIT_EXCEEDED, TREE_STRUCTURE};
use skxc_ir::analysis::reach::Reach;
use skxc_ir::limits::{LEAF_WEIGHTS_MAX, TREE_NODES_MAX, TREE_NODES_REACHED_MAX};
use skxc_ir::{
    ElementType, Forest, LeafWeight, NodeId, Origin, OriginId, Real, RealTest, TreeNode,
};

use super::aggregate::Aggregate;
use super::order::Order;
use crate::import::Importer;
use crate::listing::counted;
use crate::node::{Imported, Node};

/// Trees by position.
#[derive(Default)]
pub(super) struct Draft {
    /// Position of the root of each tree, in the order of the model.
    pub(super) roots: Vec<u32>,
    /// The nodes of all trees.
    pub(super) nodes: Vec<DraftNode>,
    /// The tests of all branches; a branch owns a run of them.
    pub(super) tests: Vec<RealTest>,
    /// The weights of all leaves; a leaf owns a run of them.
    pub(super) weights: Vec<LeafWeight<Real>>,
}

/// A node by position.
#[derive(Clone, Copy)]
pub(super) struct DraftNode {
    /// What it does.
    pub(super) kind: Kind,
    /// Tree id and node id, for messages and origins.
    pub(super) place: (u32, u32),
}

/// What a node does.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Goes to `yes` if one of its tests holds, else to `no`.
    Branch {
        /// First of its tests in [`Draft::tests`].
        first: u32,
        /// Number of its tests, at least 1.
        count: u32,
        /// Position of the node to go to if a test holds.
        yes: u32,
        /// Position of the node to go to if none does.
        no: u32,
    },
    /// Ends the walk.
    Leaf {
        /// First of its weights in [`Draft::weights`].
        first: u32,
        /// Number of its weights.
        count: u32,
    },
}

/// What a forest is beside its trees.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Frame {
    /// Width of the row of features.
    pub(in crate::ops) features: u32,
    /// Number of sums.
    pub(in crate::ops) targets: u32,
    /// Type of weights and sums.
    pub(in crate::ops) elem: ElementType,
    /// Has the operator a single result, for which ONNX Runtime has rules of
    /// its own? A binary classifier with one sum has two.
    pub(in crate::ops) is_single: bool,
    /// How weights for the same sum work together.
    pub(in crate::ops) aggregate: Aggregate,
}

impl Draft {
    /// The forest of the nodes that a root reaches: trees in the order of the
    /// model, parents before children, `yes` right behind its parent.
    pub(super) fn forest(
        &self,
        importer: &mut Importer<'_>,
        node: &Node<'_>,
        frame: Frame,
    ) -> Imported<Forest<Real>> {
        let order = Order::new(self).map_err(|position| {
            let (tree, id) = self.nodes[position as usize].place;
            let message = format!("node {id} of tree {tree} leads back to itself");
            node.attribute_error("nodes_truenodeids", TREE_STRUCTURE, message)
                .help("export the model again: its trees are damaged")
        })?;
        if order.nodes > TREE_NODES_MAX {
            return Err(too_large(node, "tree nodes", order.nodes, TREE_NODES_MAX).into());
        }
        let mut forest = Forest::new(frame.features, frame.targets, frame.elem, 0.0);
        forest.roots = self.roots.iter().map(|&root| order.ids[root as usize]).collect();
        forest.nodes.reserve_exact(order.nodes);
        for &position in &order.positions {
            let DraftNode { kind, place: (tree, id) } = self.nodes[position as usize];
            let origin = Origin::TreeNode { node: node.index, tree, id };
            let origin = importer.module.origins.add(origin);
            self.push(&mut forest, kind, &order.ids, origin);
        }
        check_work(node, &forest, order.has_shared_nodes)?;
        let unreached = self.nodes.len() - order.positions.len();
        if unreached > 0 {
            let message = format!("{} in no tree", counted(unreached, "node"));
            let warning = node.attribute_warning(first_list(node), IGNORED_PART, message);
            importer.warn(warning.note("dropped: no walk from the root of a tree gets there"));
        }
        Ok(forest)
    }

    /// Appends what a node becomes: of a branch with several tests a chain of
    /// branches, which share where they go if they hold.
    fn push(&self, forest: &mut Forest<Real>, kind: Kind, ids: &[NodeId], origin: OriginId) {
        match kind {
            Kind::Branch { first, count, yes, no } => {
                let (yes, no) = (ids[yes as usize], ids[no as usize]);
                let tests = &self.tests[first as usize..][..count as usize];
                for (i, &test) in tests.iter().enumerate() {
                    let next = forest.nodes.len() as NodeId + 1;
                    let no = if i + 1 < tests.len() { next } else { no };
                    forest.nodes.push(TreeNode::Branch { test, yes, no, origin });
                }
            }
            Kind::Leaf { first, count } => {
                let weights = &self.weights[first as usize..][..count as usize];
                let first = u32::try_from(forest.weights.len()).expect("the limits count weights");
                forest.weights.extend_from_slice(weights);
                forest.nodes.push(TreeNode::Leaf { first, count, origin });
            }
        }
    }
}

/// Shared nodes count for each tree that reaches them.
fn check_work(node: &Node<'_>, forest: &Forest<Real>, has_shared_nodes: bool) -> Imported<()> {
    let weights = forest.weights.len();
    if weights > LEAF_WEIGHTS_MAX {
        return Err(too_large(node, "leaf weights", weights, LEAF_WEIGHTS_MAX).into());
    }
    if !has_shared_nodes {
        return Ok(());
    }
    let mut reach = Reach::new(forest.nodes.len());
    let mut reached = 0;
    for &root in &forest.roots {
        reach.each(forest, root, |_, _| reached += 1);
        if reached > TREE_NODES_REACHED_MAX {
            let what = "tree nodes, shared ones counted for each tree";
            return Err(too_large(node, what, reached, TREE_NODES_REACHED_MAX).into());
        }
    }
    Ok(())
}

/// The error about too much of something.
pub(super) fn too_large(
    node: &Node<'_>,
    what: &str,
    found: usize,
    most: usize,
) -> skxc_diagnostics::Diagnostic {
    let message = format!("there are {found} {what}; at most {most} are allowed");
    node.error(LIMIT_EXCEEDED, message).help("train fewer or shallower trees")
}

/// The list that a word about nodes points at.
fn first_list(node: &Node<'_>) -> &'static str {
    let names = ["nodes_nodeids", "nodes_featureids"];
    let has = |name: &&&str| node.proto.attribute.iter().any(|found| found.name == **name);
    names.iter().find(has).copied().unwrap_or("nodes_nodeids")
}

/// The order has a place for each node of the forest.
pub(super) fn size(kind: Kind) -> usize {
    match kind {
        Kind::Branch { count, .. } => count as usize,
        Kind::Leaf { .. } => 1,
    }
}
