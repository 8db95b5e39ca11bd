//! The order of the nodes in the IR: trees as in the model, parents before
//! children, and the way of `yes` first.
//!
//! Reversed post-order of one walk over all trees, the last one first: a node
//! that several branches or trees share comes behind all of them.

use skxc_ir::NodeId;

use super::draft::{Draft, Kind, size};

/// The nodes that are reached, in the order of the IR.
pub(super) struct Order {
    /// Positions in the draft.
    pub(super) positions: Vec<u32>,
    /// The first node in the IR that each position becomes; [`UNREACHED`] if
    /// no walk gets there.
    pub(super) ids: Vec<NodeId>,
    /// Number of nodes in the IR.
    pub(super) nodes: usize,
    /// Does a walk get to some node on two ways?
    pub(super) has_shared_nodes: bool,
}

/// Stands for no node.
pub(super) const UNREACHED: NodeId = NodeId::MAX;

/// How far the walk is with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// What it leads to is being walked.
    Open,
    Done,
}

impl Order {
    /// Walks all trees.
    ///
    /// # Errors
    /// The position of a node that leads back to itself.
    pub(super) fn new(draft: &Draft) -> Result<Self, u32> {
        let mut state = vec![State::New; draft.nodes.len()];
        let mut positions = Vec::with_capacity(draft.nodes.len());
        let mut has_shared_nodes = false;
        // What is to be entered, and what is to be closed behind it.
        let mut pending: Vec<(u32, bool)> = Vec::new();
        for &root in draft.roots.iter().rev() {
            pending.push((root, false));
            while let Some((position, is_walked)) = pending.pop() {
                let state = &mut state[position as usize];
                if is_walked {
                    *state = State::Done;
                    positions.push(position);
                    continue;
                }
                match *state {
                    State::New => *state = State::Open,
                    State::Open => return Err(position),
                    State::Done => {
                        has_shared_nodes = true;
                        continue;
                    }
                }
                pending.push((position, true));
                if let Kind::Branch { yes, no, .. } = draft.nodes[position as usize].kind {
                    pending.extend([(yes, false), (no, false)]);
                }
            }
        }
        positions.reverse();
        let mut order = Self { positions, ids: Vec::new(), nodes: 0, has_shared_nodes };
        order.number(draft);
        Ok(order)
    }

    fn number(&mut self, draft: &Draft) {
        self.ids = vec![UNREACHED; draft.nodes.len()];
        for &position in &self.positions {
            // Beyond the limit the numbers are not used.
            self.ids[position as usize] = NodeId::try_from(self.nodes).unwrap_or(UNREACHED);
            self.nodes += size(draft.nodes[position as usize].kind);
        }
    }
}
