//! Where a value or a tree node comes from: a set of places in the ONNX file.
//!
//! Passes must carry origins. Sets are interned as a tree of unions, so that
//! joining two is constant work however large they are.

use std::fmt;
use std::ops::Range;

use skxc_diagnostics::{Diagnostic, GraphListing, SourceId};

use crate::arena::{Arena, Handle};

/// So many places of a set are printed and compared; a set can be as large as
/// the model.
pub const PLACES_SHOWN_MAX: usize = 16;

/// A set of places in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A node of the ONNX graph, by position in `GraphProto.node`.
    Node {
        /// Position in the graph.
        node: u32,
    },
    /// A node of a tree within an ONNX node.
    TreeNode {
        /// Position in the graph of the ensemble.
        node: u32,
        /// Tree id, `nodes_treeids`.
        tree: u32,
        /// Node id, `nodes_nodeids`.
        id: u32,
    },
    /// Union of both sets.
    Union(OriginId, OriginId),
}

/// Names an [`Origin`] in [`Origins`].
pub type OriginId = Handle<Origin>;

/// Interned origins of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// The nodes of the ONNX graph in its order, as a reader would name them:
    /// operator, then the node's own name if it has one. Escaped, one line.
    pub graph_nodes: Vec<String>,
    arena: Arena<Origin>,
}

impl Origins {
    /// Adds a place.
    pub fn add(&mut self, origin: Origin) -> OriginId {
        self.arena.push(origin)
    }

    /// Number of interned sets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arena.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arena.is_empty()
    }

    /// The set of both.
    pub fn union(&mut self, a: OriginId, b: OriginId) -> OriginId {
        if a == b { a } else { self.arena.push(Origin::Union(a, b)) }
    }

    /// The places of a set, in order, without repetition. At most `limit` are
    /// looked at, since a set can be as large as the model.
    #[must_use]
    pub fn places(&self, origin: OriginId, limit: usize) -> Vec<Place> {
        let mut places = Vec::new();
        let mut pending = vec![origin];
        while let Some(id) = pending.pop() {
            if places.len() == limit {
                break;
            }
            match self.arena[id] {
                Origin::Node { node } => places.push(Place { node, tree_node: None }),
                Origin::TreeNode { node, tree, id } => {
                    places.push(Place { node, tree_node: Some((tree, id)) });
                }
                Origin::Union(a, b) => pending.extend([b, a]),
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// The ONNX node that something in a module comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnnxNode {
    /// As a reader would name it; the value of the module, if no node is known.
    pub name: String,
    /// Position in the graph, if it is known.
    pub position: Option<usize>,
}

impl OnnxNode {
    /// Points the diagnostic at the node, if the listing has it.
    #[must_use]
    pub fn mark(
        &self,
        to: Diagnostic,
        listing: Option<&GraphListing>,
        message: &str,
    ) -> Diagnostic {
        match self.place(listing) {
            Some((source, span)) => to.at(source, span, message),
            None => to,
        }
    }

    /// As [`OnnxNode::mark`], for a node that gives context.
    #[must_use]
    pub fn mark_context(
        &self,
        to: Diagnostic,
        listing: Option<&GraphListing>,
        message: &str,
    ) -> Diagnostic {
        match self.place(listing) {
            Some((source, span)) => to.see(source, span, message),
            None => to,
        }
    }

    fn place(&self, listing: Option<&GraphListing>) -> Option<(SourceId, Range<usize>)> {
        let listing = listing?;
        Some((listing.source, listing.nodes.get(self.position?)?.clone()))
    }
}

impl fmt::Display for OnnxNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A single place of an [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Position of the node in the ONNX graph.
    pub node: u32,
    /// Tree id and node id within an ensemble.
    pub tree_node: Option<(u32, u32)>,
}

/// As in the text form: `onnx3` or `onnx3.7.12` (node, tree, node of the tree).
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "onnx{}", self.node)?;
        if let Some((tree, id)) = self.tree_node {
            write!(f, ".{tree}.{id}")?;
        }
        Ok(())
    }
}
