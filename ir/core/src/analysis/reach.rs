//! Which nodes of a forest a tree can reach, by structure alone.

use crate::forest::{Forest, NodeId, TreeNode};
use crate::module::Domain;

/// Visits the nodes that a root reaches, each once, however often it is
/// shared. One instance serves all trees of a forest without clearing.
#[derive(Debug)]
pub struct Reach {
    seen_by: Vec<u32>,
    visit: u32,
    pending: Vec<NodeId>,
}

impl Reach {
    /// For a forest of so many nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self { seen_by: vec![0; nodes], visit: 0, pending: Vec::new() }
    }

    /// Calls `visit` on each node that `root` reaches.
    pub fn each<D: Domain>(
        &mut self,
        forest: &Forest<D>,
        root: NodeId,
        mut visit: impl FnMut(NodeId, &TreeNode<D>),
    ) {
        self.visit += 1;
        self.pending.push(root);
        while let Some(id) = self.pending.pop() {
            if std::mem::replace(&mut self.seen_by[id as usize], self.visit) == self.visit {
                continue;
            }
            let node = &forest.nodes[id as usize];
            visit(id, node);
            if let TreeNode::Branch { yes, no, .. } = *node {
                self.pending.extend([no, yes]);
            }
        }
    }
}
