//! Trees of TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 and
//! 3): a node is a row across the `nodes_*` lists, found by its tree id and
//! node id.
//!
//! The nodes of a tree stand together, and the first of them is its root, as in
//! ONNX Runtime (tree_ensemble_common.h), which takes each run of nodes with
//! one tree id for a tree.

use skxc_diagnostics::codes::{
    ATTRIBUTE_INVALID, INDEX_OUT_OF_RANGE, LIMIT_EXCEEDED, TREE_STRUCTURE,
};
use skxc_ir::Mode;
use skxc_ir::limits::TREES_MAX;
use std::collections::HashMap;
use std::ops::Range;

use super::attributes::Trees;
use super::draft::{Draft, DraftNode, Kind};
use super::faults::Faults;
use super::question::{Question, Questions};
use super::weights;
use crate::node::Imported;

/// Reads the trees, and reports what is wrong; the number says how many weights belong to no leaf.
/// `target` maps a class or target id to the index of its sum.
pub(super) fn read(
    trees: &Trees<'_>,
    features: u32,
    target: &dyn Fn(i64) -> Option<u32>,
    faults: &mut Faults<'_, '_>,
) -> Imported<(Draft, usize)> {
    let modes = read_modes(trees, faults);
    let index = Index::new(trees, faults);
    faults.check()?;
    let questions = Questions { features, elem: trees.elem, thresholds: trees.values.name };
    let mut draft = Draft::default();
    draft.nodes.reserve_exact(modes.len());
    for run in &index.runs {
        draft.roots.push(position_u32(run.positions.start));
        for position in run.positions.clone() {
            let kind = match modes[position] {
                Some(mode) => branch(trees, run, (position, mode), questions, &mut draft, faults),
                None => Kind::Leaf { first: 0, count: 0 },
            };
            let id = |id: i64| u32::try_from(id).expect("`Index` checks the ids");
            let place = (id(trees.tree_ids[position]), id(trees.node_ids[position]));
            draft.nodes.push(DraftNode { kind, place });
        }
    }
    let ignored = weights::group(trees, &index, target, &mut draft, faults);
    Ok((draft, ignored))
}

/// Finds a node by tree id and node id.
pub(super) struct Index {
    /// The runs of nodes, one a tree, in order.
    runs: Vec<Run>,
    by_tree: HashMap<i64, usize>,
}

/// The nodes of one tree.
pub(super) struct Run {
    /// Positions in the lists.
    positions: Range<usize>,
    /// The positions ordered by node id, unless the ids count up by one.
    by_id: Option<Vec<u32>>,
}

impl Index {
    /// Finds the trees, and reports ids that name no node or two.
    fn new(trees: &Trees<'_>, faults: &mut Faults<'_, '_>) -> Self {
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
        let mut by_id: Vec<u32> = positions.clone().map(position_u32).collect();
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

/// The mode of each node; none for a leaf.
fn read_modes(trees: &Trees<'_>, faults: &mut Faults<'_, '_>) -> Vec<Option<Mode>> {
    let mut modes = Vec::with_capacity(trees.modes.len());
    for (position, text) in trees.modes.iter().enumerate() {
        modes.push(match &text[..] {
            b"LEAF" => None,
            b"BRANCH_LEQ" => Some(Mode::LessOrEqual),
            b"BRANCH_LT" => Some(Mode::Less),
            b"BRANCH_GTE" => Some(Mode::GreaterOrEqual),
            b"BRANCH_GT" => Some(Mode::Greater),
            b"BRANCH_EQ" => Some(Mode::Equal),
            b"BRANCH_NEQ" => Some(Mode::NotEqual),
            other => {
                faults.add(ATTRIBUTE_INVALID, "nodes_modes", || {
                    let mode = crate::listing::short(&String::from_utf8_lossy(other));
                    format!("{} has the mode `{mode}`", trees.describe(position))
                });
                None
            }
        });
    }
    modes
}

/// A branch, whose test goes to the draft.
fn branch(
    trees: &Trees<'_>,
    run: &Run,
    (position, mode): (usize, Mode),
    questions: Questions,
    draft: &mut Draft,
    faults: &mut Faults<'_, '_>,
) -> Kind {
    let describe = || trees.describe(position);
    let question = Question {
        feature: trees.features[position],
        mode,
        threshold: trees.values.get(position),
        missing_is_yes: trees.missing.get(position).is_some_and(|&flag| flag == 1),
    };
    let first = position_u32(draft.tests.len());
    draft.tests.push(questions.test(question, &describe, faults));
    let mut child = |id: i64, name: &'static str| match run.find(trees, id) {
        Some(child) => position_u32(child),
        None => {
            faults.add(TREE_STRUCTURE, name, || {
                format!("{} leads to node {id}, which the tree does not have", describe())
            });
            0
        }
    };
    let yes = child(trees.yes[position], "nodes_truenodeids");
    let no = child(trees.no[position], "nodes_falsenodeids");
    Kind::Branch { first, count: 1, yes, no }
}

fn position_u32(position: usize) -> u32 {
    u32::try_from(position).expect("the limits count nodes")
}
