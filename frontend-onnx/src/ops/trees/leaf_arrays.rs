//! Trees of TreeEnsemble (ai.onnx.ml 5): branches and leaves in arrays of their
//! own, found by their position.
//!
//! - `nodes_trueleafs` and `nodes_falseleafs` say whether a child is a leaf. A
//!   tree of one leaf has a root whose children both are that leaf; its test is
//!   kept, since it says nothing.
//! - BRANCH_MEMBER holds for the numbers of its set, which are tests for
//!   equality that share where they go; an empty set holds for nothing. The sets
//!   lie in `membership_values`, one for each such node in order, with a NaN
//!   between them and perhaps behind the last. `nodes_splits` is not used there.
//! - Nodes and leaves may be shared.

use std::rc::Rc;

use skxc_diagnostics::codes::{
    ATTRIBUTE_INVALID, BAD_NUMBER, INDEX_OUT_OF_RANGE, LENGTHS_DIFFER, TREE_STRUCTURE,
    TYPE_MISMATCH,
};
use skxc_ir::limits::{LEAF_WEIGHTS_MAX, TREE_NODES_MAX, TREES_MAX};
use skxc_ir::{ElementType, LeafWeight, Mode, Real};

use super::draft::{Draft, DraftNode, Kind, too_large};
use super::faults::Faults;
use super::question::{Question, Questions};
use crate::listing::counted;
use crate::node::{Imported, Node, Problems};
use crate::tensor::{self, Data, Tensor};

/// The attributes of TreeEnsemble.
struct Arrays<'n> {
    roots: &'n [i64],
    features: &'n [i64],
    modes: Vec<i64>,
    splits: Vec<f64>,
    /// Position and "is a leaf" of where to go if the test holds.
    yes: [&'n [i64]; 2],
    no: [&'n [i64]; 2],
    missing: &'n [i64],
    members: Vec<f64>,
    leaf_targets: &'n [i64],
    leaf_weights: Vec<f64>,
}

/// `nodes_modes` of a set test.
const MEMBER: i64 = 6;

/// Reads the trees, whose features are `features` numbers of type `elem`, and
/// whose weights belong to `targets` sums.
pub(super) fn read(
    node: &Node<'_>,
    elem: ElementType,
    features: u32,
    targets: u32,
) -> Imported<Draft> {
    let arrays = Arrays::read(node, elem)?;
    let mut faults = Faults::new(node);
    let mut draft = Draft::default();
    let questions = Questions { features, elem, thresholds: "nodes_splits" };
    let sets = arrays.sets(&mut faults);
    faults.check()?;
    let mut sets = sets.into_iter();
    for position in 0..arrays.modes.len() {
        let kind = arrays.branch(position, questions, &mut sets, &mut draft, &mut faults);
        let id = u32::try_from(position).expect("the limits count nodes");
        draft.nodes.push(DraftNode { kind, place: (0, id) });
    }
    for leaf in 0..arrays.leaf_weights.len() {
        let weight = arrays.leaf(leaf, targets, &mut faults);
        draft.weights.push(weight);
        let first = u32::try_from(leaf).expect("the limits count leaves");
        let id = u32::try_from(draft.nodes.len()).expect("the limits count nodes");
        draft.nodes.push(DraftNode { kind: Kind::Leaf { first, count: 1 }, place: (0, id) });
    }
    for &root in arrays.roots {
        let found = u32::try_from(root).ok().filter(|&root| (root as usize) < arrays.modes.len());
        draft.roots.push(found.unwrap_or_else(|| {
            faults.add(INDEX_OUT_OF_RANGE, "tree_roots", || {
                format!("a tree starts at node {root}, which is not there")
            });
            0
        }));
    }
    faults.check()?;
    Ok(draft)
}

impl<'n> Arrays<'n> {
    fn read(node: &Node<'n>, elem: ElementType) -> Imported<Self> {
        let members = match node.tensor("membership_values")? {
            Some(_) => numbers(node, "membership_values", elem)?,
            None => Vec::new(),
        };
        let arrays = Self {
            roots: node.ints("tree_roots")?,
            features: node.ints("nodes_featureids")?,
            modes: modes(node)?,
            splits: numbers(node, "nodes_splits", elem)?,
            yes: [node.ints("nodes_truenodeids")?, node.ints("nodes_trueleafs")?],
            no: [node.ints("nodes_falsenodeids")?, node.ints("nodes_falseleafs")?],
            missing: node.ints("nodes_missing_value_tracks_true")?,
            members,
            leaf_targets: node.ints("leaf_targetids")?,
            leaf_weights: numbers(node, "leaf_weights", elem)?,
        };
        arrays.check(node)?;
        Ok(arrays)
    }

    fn check(&self, node: &Node<'_>) -> Imported<()> {
        let count = self.modes.len();
        if self.roots.is_empty() || count == 0 {
            let message = format!("`{}` has no tree", node.name());
            return Err(node.attribute_error("tree_roots", TREE_STRUCTURE, message).into());
        }
        // Each number of a set becomes a node.
        let nodes = count + self.leaf_weights.len() + self.members.len();
        for (what, found, most) in [
            ("trees", self.roots.len(), TREES_MAX),
            ("leaf weights", self.leaf_weights.len(), LEAF_WEIGHTS_MAX),
            ("tree nodes", nodes, TREE_NODES_MAX),
        ] {
            if found > most {
                return Err(too_large(node, what, found, most).into());
            }
        }
        let missing = if self.missing.is_empty() { count } else { self.missing.len() };
        let leaves = self.leaf_weights.len();
        let lengths = [
            ("nodes_featureids", self.features.len(), "nodes_modes", count),
            ("nodes_splits", self.splits.len(), "nodes_modes", count),
            ("nodes_truenodeids", self.yes[0].len(), "nodes_modes", count),
            ("nodes_trueleafs", self.yes[1].len(), "nodes_modes", count),
            ("nodes_falsenodeids", self.no[0].len(), "nodes_modes", count),
            ("nodes_falseleafs", self.no[1].len(), "nodes_modes", count),
            ("nodes_missing_value_tracks_true", missing, "nodes_modes", count),
            ("leaf_targetids", self.leaf_targets.len(), "leaf_weights", leaves),
        ];
        super::attributes::check_lengths(node, &lengths)
    }

    /// The numbers of each set, in the order of their nodes.
    fn sets(&self, faults: &mut Faults<'_, '_>) -> Vec<&[f64]> {
        let nodes = self.modes.iter().filter(|&&mode| mode == MEMBER).count();
        let mut sets: Vec<&[f64]> = self.members.split(|member| member.is_nan()).collect();
        // A NaN behind the last set, and none at all, leave an empty one.
        if sets.len() > nodes && sets.last().is_some_and(|set| set.is_empty()) {
            sets.pop();
        }
        if sets.len() != nodes {
            faults.add(LENGTHS_DIFFER, "membership_values", || {
                let (found, nodes) = (counted(sets.len(), "set"), counted(nodes, "node"));
                format!("`membership_values` holds {found} for {nodes} of the mode BRANCH_MEMBER")
            });
        }
        sets
    }

    fn branch<'a>(
        &self,
        position: usize,
        questions: Questions,
        sets: &mut impl Iterator<Item = &'a [f64]>,
        draft: &mut Draft,
        faults: &mut Faults<'_, '_>,
    ) -> Kind {
        let describe = || format!("node {position}");
        let mode = self.modes[position];
        let known = usize::try_from(mode).ok().and_then(|mode| Mode::ALL.get(mode).copied());
        let missing_is_yes = self.missing.get(position).is_some_and(|&flag| flag == 1);
        let feature = self.features[position];
        let first = u32::try_from(draft.tests.len()).expect("the limits count nodes");
        let mut ask = |mode, threshold| {
            let question = Question { feature, mode, threshold, missing_is_yes };
            draft.tests.push(questions.test(question, &describe, faults));
        };
        match known {
            Some(mode) => ask(mode, self.splits[position]),
            None if mode == MEMBER => {
                let set = sets.next().expect("`sets` counts them");
                if set.is_empty() {
                    ask(Mode::Less, -questions.greatest());
                }
                for &member in set {
                    ask(Mode::Equal, member);
                }
            }
            None => faults.add(ATTRIBUTE_INVALID, "nodes_modes", || {
                format!("{} has the mode {mode}", describe())
            }),
        }
        let end = u32::try_from(draft.tests.len()).expect("the limits count nodes");
        Kind::Branch {
            first,
            count: end - first,
            yes: self.child(position, self.yes, ["nodes_truenodeids", "nodes_trueleafs"], faults),
            no: self.child(position, self.no, ["nodes_falsenodeids", "nodes_falseleafs"], faults),
        }
    }

    /// Position in the draft of a child: leaves come behind the branches.
    fn child(
        &self,
        position: usize,
        [ids, are_leaves]: [&[i64]; 2],
        names: [&'static str; 2],
        faults: &mut Faults<'_, '_>,
    ) -> u32 {
        let (id, is_leaf) = (ids[position], are_leaves[position] != 0);
        let (before, count) = match is_leaf {
            true => (self.modes.len(), self.leaf_weights.len()),
            false => (0, self.modes.len()),
        };
        let child = usize::try_from(id).ok().filter(|&id| id < count);
        let Some(child) = child else {
            faults.add(TREE_STRUCTURE, names[0], || {
                let what = if is_leaf { "leaf" } else { "node" };
                format!("node {position} leads to {what} {id}; there are {count}")
            });
            return 0;
        };
        u32::try_from(before + child).expect("the limits count nodes")
    }

    fn leaf(&self, leaf: usize, targets: u32, faults: &mut Faults<'_, '_>) -> LeafWeight<Real> {
        let (id, weight) = (self.leaf_targets[leaf], self.leaf_weights[leaf]);
        if !weight.is_finite() {
            faults.add(BAD_NUMBER, "leaf_weights", || format!("leaf {leaf} adds {weight}"));
        }
        let target = u32::try_from(id).ok().filter(|&target| target < targets);
        let target = target.unwrap_or_else(|| {
            faults.add(INDEX_OUT_OF_RANGE, "leaf_targetids", || {
                format!("leaf {leaf} adds to target {id}, which is not there")
            });
            0
        });
        LeafWeight { target, weight }
    }
}

/// The codes of `nodes_modes`.
fn modes(node: &Node<'_>) -> Imported<Vec<i64>> {
    let tensor = tensor(node, "nodes_modes")?;
    tensor.as_integers().map(<[i64]>::to_vec).ok_or_else(|| {
        let message = "`nodes_modes` does not hold integers";
        node.attribute_error("nodes_modes", TYPE_MISMATCH, message).into()
    })
}

/// The numbers of a tensor, which are of the type of the features.
fn numbers(node: &Node<'_>, name: &'static str, elem: ElementType) -> Imported<Vec<f64>> {
    match (&tensor(node, name)?.data, elem) {
        (Data::F32(elements), ElementType::F32) | (Data::F64(elements), ElementType::F64) => {
            Ok(elements.clone())
        }
        _ => {
            let message = format!("`{name}` is not of the type of the features, `{elem}`");
            Err(node.attribute_error(name, TYPE_MISMATCH, message).into())
        }
    }
}

fn tensor(node: &Node<'_>, name: &'static str) -> Imported<Rc<Tensor>> {
    let tensor = node.tensor(name)?.ok_or_else(|| node.missing(name))?;
    tensor::decode(tensor).map_err(|fault| {
        let message = format!("`{name}` {}", fault.what);
        Problems::from(node.attribute_error(name, fault.code, message))
    })
}
