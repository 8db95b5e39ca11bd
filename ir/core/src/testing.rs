//! Test support: proptest strategies for random valid modules and rows.
//!
//! Behind the cargo feature `testing`; nothing of it is in a release.
//!
//! What must hold:
//! - every module is valid ([`crate::validate`]);
//! - together they have what the passes, the lowerings and the text form must
//!   cope with: nodes shared within and between trees, chains as deep as there
//!   are nodes, unreachable nodes, every comparison, missing values, several
//!   sums, a single sum with one weight a leaf, leaves without weights, and
//!   columns at the edges (one value, negative, 32 bits, 62 bits).

mod int;
mod int_tensor;
mod real;
mod tensor;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::arena::Handle;
use crate::forest::{Forest, LeafWeight, NodeId, TreeNode};
use crate::limits::FEATURE_MAGNITUDE_MAX;
use crate::module::{Column, Domain, Interval, LabelTable, Module};
use crate::origin::{Origin, OriginId, Origins};
use crate::types::ElementType;

pub use int::{int_chain, int_modules};
pub use int_tensor::int_tensor_modules;
pub use real::{real_chain, real_modules};
pub use tensor::tensor_modules;

/// Graph nodes that origins of random modules point at.
const GRAPH_NODES: u32 = 3;

/// A row for a module: corners of the ranges, both sides of `thresholds`, any
/// value, and nothing where the column declares a missing value.
pub fn rows<D: Domain>(module: &Module<D>, thresholds: &[i64]) -> BoxedStrategy<Vec<Option<i64>>> {
    let columns = module.columns.iter().map(|(_, column)| value(column, thresholds));
    columns.collect::<Vec<_>>().boxed()
}

fn value(column: &Column, thresholds: &[i64]) -> BoxedStrategy<Option<i64>> {
    let Interval { min, max } = column.range;
    let near = thresholds.iter().flat_map(|&at| [at.saturating_sub(1), at, at.saturating_add(1)]);
    let mut near: Vec<_> = near.filter(|&x| column.range.contains(x)).collect();
    near.extend([min, max]);
    let near = proptest::sample::select(near);
    let some = prop_oneof![3 => near, 1 => min..=max].prop_map(Some);
    if column.missing.is_some() {
        prop_oneof![6 => some, 1 => Just(None)].boxed()
    } else {
        some.boxed()
    }
}

/// Columns of all widths, `c0` and on.
fn columns() -> BoxedStrategy<Vec<Column>> {
    let magnitude = FEATURE_MAGNITUDE_MAX;
    let range = prop_oneof![
        Just(Interval::new(0, 1)),
        Just(Interval::new(0, 255)),
        Just(Interval::new(0, 65_535)),
        Just(Interval::new(0, u32::MAX.into())),
        Just(Interval::new(-5, 10)),
        Just(Interval::new(i32::MIN.into(), i32::MAX.into())),
        Just(Interval::new(-magnitude, magnitude)),
        (-9i64..9).prop_map(|x| Interval::new(x, x)),
    ];
    let column = (range, proptest::option::weighted(0.3, any::<Index>()));
    let columns = vec(column, 1..6).prop_map(|columns| {
        let columns = columns.into_iter().enumerate().map(|(index, (range, missing))| {
            let missing = missing.map(|at| if at.index(2) == 0 { range.min } else { range.max });
            Column { name: format!("c{index}"), range, missing }
        });
        columns.collect()
    });
    columns.boxed()
}

/// A table of `classes` labels, with all that is hard to print among them.
fn labels(classes: usize) -> BoxedStrategy<LabelTable> {
    let hard = prop_oneof!["[a-z]{0,4}", Just("a\"b\\c\n\u{202e}\0é".to_owned()), any::<String>()];
    prop_oneof![
        vec(any::<i64>(), classes).prop_map(LabelTable::Integers),
        vec(hard, classes).prop_map(LabelTable::Strings),
    ]
    .boxed()
}

/// What a random forest is made of.
#[derive(Clone, Debug)]
struct ForestPlan<D: Domain> {
    nodes: Vec<NodePlan<D>>,
    roots: Vec<Index>,
    base: Vec<D::Number>,
}

#[derive(Clone, Debug)]
struct NodePlan<D: Domain> {
    /// `None` makes a leaf; the last node is one in any case.
    test: Option<D::Test>,
    /// A child among the nodes behind; `None` is the very next, for chains.
    yes: Option<Index>,
    no: Option<Index>,
    /// One a target; `None` where the leaf has no weight for it.
    weights: Vec<Option<D::Number>>,
    origin: (u32, Option<(u32, u32)>),
}

/// Plans of forests with so many sums. `dense` leaves have all weights.
fn forest_plans<D: Domain>(
    targets: usize,
    dense: bool,
    test: BoxedStrategy<D::Test>,
    number: BoxedStrategy<D::Number>,
) -> BoxedStrategy<ForestPlan<D>> {
    let weight = number.clone();
    let weight = if dense {
        weight.prop_map(Some).boxed()
    } else {
        proptest::option::weighted(0.7, weight).boxed()
    };
    let place = (0..GRAPH_NODES, proptest::option::of((0u32..9, 0u32..99)));
    let node = (
        proptest::option::weighted(0.7, test),
        proptest::option::of(any::<Index>()),
        any::<Index>().prop_map(Some),
        vec(weight, targets),
        place,
    );
    let node = node.prop_map(|(test, yes, no, weights, origin)| NodePlan {
        test,
        yes,
        no,
        weights,
        origin,
    });
    let plan = (vec(node, 1..40), vec(any::<Index>(), 0..6), vec(number, targets));
    plan.prop_map(|(nodes, roots, base)| ForestPlan { nodes, roots, base }).boxed()
}

impl<D: Domain> ForestPlan<D> {
    fn build(&self, features: u32, elem: ElementType, origins: &mut Origins) -> Forest<D> {
        let count = self.nodes.len();
        let behind = |id: usize, child: Option<Index>| -> NodeId {
            let child = child.map_or(0, |child| child.index(count - 1 - id));
            (id + 1 + child) as NodeId
        };
        let mut nodes = Vec::with_capacity(count);
        let mut weights = Vec::new();
        for (id, plan) in self.nodes.iter().enumerate() {
            let origin = plan.origin(origins);
            let is_last = id + 1 == count;
            nodes.push(match plan.test.filter(|_| !is_last) {
                Some(test) => TreeNode::Branch {
                    test,
                    yes: behind(id, plan.yes),
                    no: behind(id, plan.no),
                    origin,
                },
                None => {
                    let first = weights.len();
                    let present = plan.weights.iter().zip(0..).filter_map(|(weight, target)| {
                        weight.map(|weight| LeafWeight { target, weight })
                    });
                    weights.extend(present);
                    let count = weights.len() - first;
                    TreeNode::Leaf { first: first as u32, count: count as u32, origin }
                }
            });
        }
        let first = (count > 0).then_some(0);
        let roots = self.roots.iter().map(|root| root.index(count) as NodeId);
        Forest {
            features,
            targets: self.base.len() as u32,
            elem,
            base: self.base.clone(),
            roots: first.into_iter().chain(roots).collect(),
            nodes,
            weights,
            rounding_half_units: vec![0; self.base.len()],
            folding_error: vec![0.0; self.base.len()],
        }
    }
}

impl<D: Domain> NodePlan<D> {
    fn origin(&self, origins: &mut Origins) -> OriginId {
        let (node, tree_node) = self.origin;
        let whole = origins.add(Origin::Node { node });
        match tree_node {
            None => whole,
            Some((tree, id)) => {
                let place = origins.add(Origin::TreeNode { node, tree, id });
                if id % 3 == 0 { origins.union(place, whole) } else { place }
            }
        }
    }
}

/// A module with columns, labels and origins, and no nodes. Returns the origin
/// that its nodes take.
fn frame<D: Domain>(columns: &[Column], labels: LabelTable) -> (Module<D>, OriginId) {
    let mut module = Module::new("random");
    module.columns = columns.iter().cloned().collect();
    module.labels.push(labels);
    let names = (0..GRAPH_NODES).map(|node| format!("Operator /node \"{node}\""));
    module.origins.graph_nodes = names.collect();
    let origin = module.origins.add(Origin::Node { node: 1 });
    (module, origin)
}

fn handles<T>(count: usize) -> Vec<Handle<T>> {
    (0..count).map(Handle::from_index).collect()
}

/// The nodes of a comb: `tests` branches below each other, each with a leaf of
/// its own, and a leaf at the end. Leaf `i` owns weight `i`.
fn comb<D: Domain>(
    tests: impl ExactSizeIterator<Item = D::Test>,
    origin: OriginId,
) -> Vec<TreeNode<D>> {
    let branches = tests.len() as u32;
    let mut nodes = Vec::with_capacity(2 * tests.len() + 1);
    for (i, test) in (0u32..).zip(tests) {
        nodes.push(TreeNode::Branch { test, yes: 2 * i + 1, no: 2 * i + 2, origin });
        nodes.push(TreeNode::Leaf { first: i, count: 1, origin });
    }
    nodes.push(TreeNode::Leaf { first: branches, count: 1, origin });
    nodes
}
