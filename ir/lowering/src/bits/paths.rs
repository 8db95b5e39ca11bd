//! The paths through a tree, each with the box of rows that takes it.

use std::collections::BTreeMap;

use crate::trees::Trees;
use skxc_ir::forest::NodeId;

/// A path from the root to a leaf. Where nodes are shared, several paths end in
/// one leaf: the rows of each are a box, those of all together are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it ends.
    pub leaf: NodeId,
    /// The rows that take it: bounds of each feature that it tests.
    pub bounds: BTreeMap<u32, Bounds>,
}

/// What the tests of a path say of one feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The feature is greater than this.
    pub above: Option<i64>,
    /// The feature is at most this.
    pub at_most: Option<i64>,
}

impl Bounds {
    /// Does no integer fit?
    fn is_empty(self) -> bool {
        matches!((self.above, self.at_most), (Some(above), Some(at_most)) if above >= at_most)
    }
}

/// Ways through each subtree, at most `u64::MAX`.
#[must_use]
pub fn count(trees: &Trees<'_>) -> Vec<u64> {
    let mut counts = vec![1_u64; trees.forest.nodes.len()];
    for id in (0..counts.len()).rev() {
        if let Some((_, yes, no)) = trees.branch(id as NodeId) {
            counts[id] = counts[yes as usize].saturating_add(counts[no as usize]);
        }
    }
    counts
}

/// The paths below `root` that some row takes, "yes" first.
#[must_use]
pub fn of_tree(trees: &Trees<'_>, root: NodeId) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut pending = vec![Path { leaf: root, bounds: BTreeMap::new() }];
    while let Some(path) = pending.pop() {
        let Some((test, yes, no)) = trees.branch(path.leaf) else {
            paths.push(path);
            continue;
        };
        let before = path.bounds.get(&test.feature).copied().unwrap_or_default();
        let least = before.at_most.map_or(test.at_most, |most| most.min(test.at_most));
        let greatest = before.above.map_or(test.at_most, |above| above.max(test.at_most));
        for (leaf, bounds) in [
            (no, Bounds { above: Some(greatest), ..before }),
            (yes, Bounds { at_most: Some(least), ..before }),
        ] {
            if !bounds.is_empty() {
                let mut way = Path { leaf, bounds: path.bounds.clone() };
                way.bounds.insert(test.feature, bounds);
                pending.push(way);
            }
        }
    }
    paths
}
