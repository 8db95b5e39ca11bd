//! The trees of `TreeEnsemble*` operators: node lists to a forest of the IR.
//!
//! A node is a row across the `nodes_*` lists, a weight a row across the leaf
//! lists. Decisions:
//! - the nodes of a tree stand together, and the first of them is its root, as
//!   in ONNX Runtime (tree_ensemble_common.h);
//! - each node has one parent; nodes that no walk reaches are dropped, with a
//!   warning, and so are weights of nodes that are no leaves;
//! - an infinite threshold becomes the greatest finite one of its type: a
//!   feature is an integer below 2^62 in magnitude, so every comparison with
//!   it says the same;
//! - `nodes_hitrates` is not used.
//!
//! All work is linear in the lists but for sorting, and no step recurses: a
//! tree may be as deep as it has nodes.

mod attributes;
mod faults;
mod order;
#[cfg(test)]
mod tests;
mod weights;

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, BAD_NUMBER, IGNORED_PART, INDEX_OUT_OF_RANGE};
use skxc_ir::{ElementType, Forest, Mode, Origin, Origins, Real, RealTest, TreeNode};

use crate::listing::counted;
use crate::lower::Lowering;
use crate::node::{Lowered, Node};
use faults::Faults;
use order::{Index, Order};

pub(super) use attributes::Trees;

/// Builds the forest. `target` maps a class or target id to the index of its sum.
pub(super) fn build(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    width: u32,
    targets: u32,
    target: &dyn Fn(i64) -> Option<u32>,
) -> Lowered<Forest<Real>> {
    let mut faults = Faults::new(node);
    let modes = read_modes(trees, &mut faults);
    let index = Index::new(trees, &mut faults);
    faults.check()?;
    let order = Order::new(trees, &index, &modes, &mut faults);
    faults.check()?;
    let weights = weights::group(trees, &index, &modes, &order, target, &mut faults);
    let mut forest = Forest::new(width, targets, trees.elem, 0.0);
    forest.roots = order.roots.clone();
    forest.nodes.reserve_exact(order.positions.len());
    for (id, &position) in order.positions.iter().enumerate() {
        let place = Place { trees, node, position: position as usize };
        let tree_node = match modes[position as usize] {
            Some(mode) => {
                let [yes, no] = order.children[id];
                let test = place.test(mode, width, &mut faults);
                let origin = place.origin(&mut lowering.module.origins);
                TreeNode::Branch { test, yes, no, origin }
            }
            None => {
                let (first, count) = weights.run(id);
                let origin = place.origin(&mut lowering.module.origins);
                TreeNode::Leaf { first, count, origin }
            }
        };
        forest.nodes.push(tree_node);
    }
    faults.check()?;
    forest.weights = weights.weights;
    warn(lowering, node, modes.len() - forest.nodes.len(), weights.ignored);
    Ok(forest)
}

/// Least and greatest total of weights that a row can collect, over all sums.
pub(super) fn range_of_totals(forest: &Forest<Real>) -> (f64, f64) {
    let (mut least, mut most) = (0.0, 0.0);
    for (_, nodes) in trees_of(forest) {
        let totals = nodes.iter().filter_map(|node| match *node {
            TreeNode::Leaf { first, count, .. } => {
                let weights = forest.leaf_weights(first, count).iter();
                Some(weights.map(|weight| weight.weight).sum::<f64>())
            }
            TreeNode::Branch { .. } => None,
        });
        let (low, high) = totals.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), total| {
            (low.min(total), high.max(total))
        });
        least += low;
        most += high;
    }
    (least, most)
}

/// Is the top class the same for ONNX Runtime, which looks only at classes
/// that had a weight? It is if each class has one in every leaf of some tree,
/// if all classes start from base values, or if every weight is above 0: then
/// so is the greatest sum.
pub(super) fn every_class_is_scored(forest: &Forest<Real>) -> bool {
    let has_base = forest.base.iter().any(|&base| base != 0.0);
    if has_base || forest.weights.iter().all(|weight| weight.weight > 0.0) {
        return true;
    }
    let mut scored = vec![false; forest.targets as usize];
    let mut leaves_with = vec![0usize; scored.len()];
    for (_, nodes) in trees_of(forest) {
        let mut leaves = 0;
        for node in nodes {
            let TreeNode::Leaf { first, count, .. } = *node else { continue };
            leaves += 1;
            for weight in forest.leaf_weights(first, count) {
                leaves_with[weight.target as usize] += 1;
            }
        }
        for (scored, leaves_with) in scored.iter_mut().zip(&mut leaves_with) {
            *scored |= *leaves_with == leaves;
            *leaves_with = 0;
        }
    }
    scored.iter().all(|&scored| scored)
}

/// Each tree with its nodes, which stand together.
fn trees_of(forest: &Forest<Real>) -> impl Iterator<Item = (usize, &[TreeNode<Real>])> {
    let ends = forest.roots.iter().skip(1).map(|&root| root as usize);
    let ends = ends.chain([forest.nodes.len()]);
    forest
        .roots
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(tree, (&root, end))| (tree, &forest.nodes[root as usize..end]))
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

/// A row of the `nodes_*` lists.
struct Place<'p, 'n> {
    trees: &'p Trees<'n>,
    node: &'p Node<'n>,
    position: usize,
}

impl Place<'_, '_> {
    fn origin(&self, origins: &mut Origins) -> skxc_ir::OriginId {
        let id = |id: i64| u32::try_from(id).expect("`Index` checks the ids");
        origins.add(Origin::TreeNode {
            node: self.node.index,
            tree: id(self.trees.tree_ids[self.position]),
            id: id(self.trees.node_ids[self.position]),
        })
    }

    fn test(&self, mode: Mode, width: u32, faults: &mut Faults<'_, '_>) -> RealTest {
        let (trees, position) = (self.trees, self.position);
        let feature = trees.features[position];
        let feature = u32::try_from(feature).ok().filter(|&id| id < width).unwrap_or_else(|| {
            faults.add(INDEX_OUT_OF_RANGE, "nodes_featureids", || {
                let node = trees.describe(position);
                let features = counted(width as usize, "feature");
                format!("{node} asks for feature {feature}; the input has {features}")
            });
            0
        });
        let mut threshold = trees.values.get(position);
        if threshold.is_nan() {
            faults.add(BAD_NUMBER, trees.values.name, || {
                format!("{} compares with NaN", trees.describe(position))
            });
        } else if threshold.is_infinite() {
            let greatest =
                if trees.elem == ElementType::F32 { f64::from(f32::MAX) } else { f64::MAX };
            threshold = greatest.copysign(threshold);
        }
        let missing_is_yes = trees.missing.get(position).is_some_and(|&flag| flag != 0);
        RealTest { feature, mode, threshold, missing_is_yes }
    }
}

fn warn(lowering: &mut Lowering<'_>, node: &Node<'_>, unreached: usize, ignored: usize) {
    if unreached > 0 {
        let message = format!("{} in no tree", counted(unreached, "node"));
        let warning = node.attribute_warning("nodes_nodeids", IGNORED_PART, message);
        lowering.warn(warning.note("dropped: no walk from the first node of a tree gets there"));
    }
    if ignored > 0 {
        let message = format!("{} of no leaf", counted(ignored, "weight"));
        let warning = node.attribute_warning("class_nodeids", IGNORED_PART, message);
        lowering.warn(warning.note("dropped: only leaves add weights"));
    }
}
