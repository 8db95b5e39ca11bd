//! When two modules are the same: they say the same, wherever their leaf
//! weights and origins lie in memory.
//!
//! Origins are compared by their places, as far as the text form shows them
//! ([`PLACES_SHOWN_MAX`]): a set can be as large as the model.

use crate::forest::{Forest, TreeNode};
use crate::module::{Domain, Module};
use crate::origin::{OriginId, Origins, PLACES_SHOWN_MAX};

impl<D: Domain> PartialEq for Module<D> {
    fn eq(&self, other: &Self) -> bool {
        let nodes = || self.nodes.iter().zip(other.nodes.iter());
        let forests = || self.forests.iter().zip(other.forests.iter());
        let same_origin =
            |a: OriginId, b: OriginId| same_places(&self.origins, a, &other.origins, b);
        self.name == other.name
            && self.columns == other.columns
            && self.labels == other.labels
            && self.constants == other.constants
            && self.functions == other.functions
            && self.matrices == other.matrices
            && self.outputs == other.outputs
            && self.origins.graph_nodes == other.origins.graph_nodes
            && self.nodes.len() == other.nodes.len()
            && nodes().all(|((_, a), (_, b))| {
                a.op == b.op && a.ty == b.ty && same_origin(a.origin, b.origin)
            })
            && self.forests.len() == other.forests.len()
            && forests().all(|((_, a), (_, b))| same_forest(a, b, &same_origin))
    }
}

fn same_places(a: &Origins, id: OriginId, b: &Origins, other: OriginId) -> bool {
    a.places(id, PLACES_SHOWN_MAX) == b.places(other, PLACES_SHOWN_MAX)
}

fn same_forest<D: Domain>(
    a: &Forest<D>,
    b: &Forest<D>,
    same_origin: &impl Fn(OriginId, OriginId) -> bool,
) -> bool {
    a.features == b.features
        && a.targets == b.targets
        && a.elem == b.elem
        && a.base == b.base
        && a.roots == b.roots
        && a.rounding_half_units == b.rounding_half_units
        && a.folding_error == b.folding_error
        && a.nodes.len() == b.nodes.len()
        && a.nodes.iter().zip(&b.nodes).all(|(x, y)| match (*x, *y) {
            (
                TreeNode::Branch { test, yes, no, origin },
                TreeNode::Branch { test: test_b, yes: yes_b, no: no_b, origin: origin_b },
            ) => (test, yes, no) == (test_b, yes_b, no_b) && same_origin(origin, origin_b),
            (
                TreeNode::Leaf { first, count, origin },
                TreeNode::Leaf { first: first_b, count: count_b, origin: origin_b },
            ) => {
                a.leaf_weights(first, count) == b.leaf_weights(first_b, count_b)
                    && same_origin(origin, origin_b)
            }
            (TreeNode::Branch { .. }, TreeNode::Leaf { .. })
            | (TreeNode::Leaf { .. }, TreeNode::Branch { .. }) => false,
        })
}
