//! Finds the nodes of each tree and brings them into the order of the IR:
//! trees as in the model, parents before children, all in one walk.

use skxc_diagnostics::codes::{INDEX_OUT_OF_RANGE, LIMIT_EXCEEDED, TREE_STRUCTURE};
use skxc_ir::limits::TREES_MAX;
use skxc_ir::{Mode, NodeId};
use std::collections::HashMap;
use std::ops::Range;

use super::attributes::Trees;
use super::faults::Faults;

/// Finds a node by tree id and node id.
pub(super) struct Index {
    /// The runs of nodes, one a tree, in order.
    pub(super) runs: Vec<Run>,
    by_tree: HashMap<i64, usize>,
}

/// The nodes of one tree.
pub(super) struct Run {
    /// Positions in the lists.
    positions: Range<usize>,
    /// The positions ordered by node id, unless the ids count up by one.
    by_id: Option<Vec<u32>>,
}

/// The nodes that are reached, in the order of the IR.
pub(super) struct Order {
    /// The first node of each tree.
    pub(super) roots: Vec<NodeId>,
    /// Position in the lists of each node.
    pub(super) positions: Vec<u32>,
    /// Where each branch leads; anything for a leaf.
    pub(super) children: Vec<[NodeId; 2]>,
    /// The node at each position; [`UNREACHED`] if no walk gets there.
    pub(super) ids: Vec<NodeId>,
}

/// Stands for no node.
pub(super) const UNREACHED: NodeId = NodeId::MAX;

impl Index {
    /// Finds the trees, and reports ids that name no node or two.
    pub(super) fn new(trees: &Trees<'_>, faults: &mut Faults<'_, '_>) -> Self {
        let mut index = Self { runs: Vec::new(), by_tree: HashMap::new() };
        let mut start = 0;
        for run in trees.tree_ids.chunk_by(|a, b| a == b) {
            let positions = start..start + run.len();
            start = positions.end;
            let number = index.runs.len();
            if number == TREES_MAX {
                faults.add(LIMIT_EXCEEDED, "nodes_treeids", || {
                    format!("there are more than {TREES_MAX} trees")
                });
                break;
            }
            let is_new = index.by_tree.insert(run[0], number).is_none();
            if !is_new {
                faults.add(TREE_STRUCTURE, "nodes_treeids", || {
                    format!("the nodes of tree {} do not stand together", run[0])
                });
            }
            index.runs.push(Run::new(trees, positions, faults));
        }
        index
    }

    /// The run of a tree.
    pub(super) fn run(&self, tree_id: i64) -> Option<&Run> {
        self.by_tree.get(&tree_id).map(|&number| &self.runs[number])
    }
}

impl Run {
    fn new(trees: &Trees<'_>, positions: Range<usize>, faults: &mut Faults<'_, '_>) -> Self {
        let ids = &trees.node_ids[positions.clone()];
        let is_valid = |id: i64| u32::try_from(id).is_ok();
        for position in positions.clone() {
            if !is_valid(trees.node_ids[position]) || !is_valid(trees.tree_ids[position]) {
                faults.add(INDEX_OUT_OF_RANGE, "nodes_nodeids", || {
                    format!("{} has an id outside 0 to {}", trees.describe(position), u32::MAX)
                });
            }
        }
        if ids.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) {
            return Self { positions, by_id: None };
        }
        let position = |position: usize| u32::try_from(position).expect("the limits count nodes");
        let mut by_id: Vec<u32> = positions.clone().map(position).collect();
        by_id.sort_unstable_by_key(|&position| trees.node_ids[position as usize]);
        for pair in by_id.windows(2) {
            if trees.node_ids[pair[0] as usize] == trees.node_ids[pair[1] as usize] {
                faults.add(TREE_STRUCTURE, "nodes_nodeids", || {
                    format!("{} is there twice", trees.describe(pair[0] as usize))
                });
            }
        }
        Self { positions, by_id: Some(by_id) }
    }

    /// The position of the node `id`.
    pub(super) fn find(&self, trees: &Trees<'_>, id: i64) -> Option<usize> {
        let Some(by_id) = &self.by_id else {
            let offset = id.checked_sub(trees.node_ids[self.positions.start])?;
            let offset = usize::try_from(offset).ok()?;
            return (offset < self.positions.len()).then(|| self.positions.start + offset);
        };
        let found = by_id.binary_search_by_key(&id, |&position| trees.node_ids[position as usize]);
        found.ok().map(|index| by_id[index] as usize)
    }
}

impl Order {
    /// Walks each tree from its root, and reports what is no tree.
    pub(super) fn new(
        trees: &Trees<'_>,
        index: &Index,
        modes: &[Option<Mode>],
        faults: &mut Faults<'_, '_>,
    ) -> Self {
        let count = modes.len();
        let mut order = Self {
            roots: Vec::with_capacity(index.runs.len()),
            positions: Vec::with_capacity(count),
            children: Vec::new(),
            ids: vec![UNREACHED; count],
        };
        let mut is_seen = vec![false; count];
        let mut pending = Vec::new();
        for run in &index.runs {
            let root = run.positions.start;
            order.roots.push(order.next_id());
            is_seen[root] = true;
            pending.push(root);
            while let Some(position) = pending.pop() {
                order.ids[position] = order.next_id();
                order.positions.push(u32::try_from(position).expect("the limits count nodes"));
                if modes[position].is_none() {
                    continue;
                }
                // The way of `yes` comes first, right behind its parent.
                for (list, name) in
                    [(trees.no, "nodes_falsenodeids"), (trees.yes, "nodes_truenodeids")]
                {
                    let child = child(trees, run, position, list[position], name, faults);
                    let Some(child) = child else { continue };
                    if std::mem::replace(&mut is_seen[child], true) {
                        report_second_parent(trees, position, child, name, faults);
                    } else {
                        pending.push(child);
                    }
                }
            }
        }
        order.link_children(trees, index, modes);
        order
    }

    fn next_id(&self) -> NodeId {
        NodeId::try_from(self.positions.len()).expect("the limits count nodes")
    }

    /// Fills in where branches lead, now that every node has its id.
    fn link_children(&mut self, trees: &Trees<'_>, index: &Index, modes: &[Option<Mode>]) {
        let mut runs = index.runs.iter();
        let mut run = None;
        self.children = Vec::with_capacity(self.positions.len());
        for &position in &self.positions {
            let position = position as usize;
            while !run.is_some_and(|run: &Run| run.positions.contains(&position)) {
                run = runs.next();
                if run.is_none() {
                    return;
                }
            }
            let id_of = |child: i64| {
                let found = run.and_then(|run| run.find(trees, child));
                found.map_or(UNREACHED, |position| self.ids[position])
            };
            self.children.push(match modes[position] {
                Some(_) => [id_of(trees.yes[position]), id_of(trees.no[position])],
                None => [UNREACHED; 2],
            });
        }
    }
}

fn child(
    trees: &Trees<'_>,
    run: &Run,
    position: usize,
    id: i64,
    name: &'static str,
    faults: &mut Faults<'_, '_>,
) -> Option<usize> {
    let child = run.find(trees, id);
    if child.is_none() {
        faults.add(TREE_STRUCTURE, name, || {
            format!("{} leads to node {id}, which the tree does not have", trees.describe(position))
        });
    }
    child
}

fn report_second_parent(
    trees: &Trees<'_>,
    position: usize,
    child: usize,
    name: &'static str,
    faults: &mut Faults<'_, '_>,
) {
    faults.add(TREE_STRUCTURE, name, || {
        let (node, id) = (trees.describe(position), trees.node_ids[child]);
        if child == position {
            format!("{node} leads to itself")
        } else {
            format!("{node} leads to node {id}, which is reached already: that is no tree")
        }
    });
}
