//! `aggregate_function` of TreeEnsembleRegressor and TreeEnsemble: how the
//! weights that the trees give become one number a target. As in ONNX Runtime
//! (tree_ensemble_aggregator.h):
//!
//! - the base value is added last; AVERAGE divides before that, by the number of
//!   trees, whether or not each of them scores the target;
//! - MIN and MAX look at the trees whose leaf has a weight for the target; if
//!   none has, the result is 0. With a single target a leaf without a weight
//!   counts as 0.

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;
use skxc_ir::analysis::reach::Reach;
use skxc_ir::limits::{LEAF_WEIGHTS_MAX, TREE_NODES_MAX};
use skxc_ir::{
    Binary, Constant, ElementType, Forest, LeafWeight, OriginId, Real, RealOp, Relation, TreeNode,
    Type, Value,
};

use super::draft::too_large;
use crate::lower::Lowering;
use crate::node::{Lowered, Node, Problems};

/// How the trees work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Aggregate {
    Average,
    Sum,
    Minimum,
    Maximum,
}

/// In the order of their numbers in TreeEnsemble 5.
const NAMES: [(&str, Aggregate); 4] = [
    ("AVERAGE", Aggregate::Average),
    ("SUM", Aggregate::Sum),
    ("MIN", Aggregate::Minimum),
    ("MAX", Aggregate::Maximum),
];

const NAME: &str = "aggregate_function";

/// Trees of which each becomes an operation of its own.
const SINGLE_TREES_MAX: usize = 4_096;

impl Aggregate {
    /// Reads the attribute of TreeEnsembleRegressor.
    pub(in crate::ops) fn by_name(node: &Node<'_>) -> Lowered<Self> {
        let Some(name) = node.string(NAME)? else { return Ok(Self::Sum) };
        let found = NAMES.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or_else(|| unknown(node, &crate::listing::short(&name)))
    }

    /// Reads the attribute of TreeEnsemble.
    pub(in crate::ops) fn by_number(node: &Node<'_>) -> Lowered<Self> {
        let number = node.int(NAME)?.unwrap_or(1);
        let found = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        found.map(|known| known.1).ok_or_else(|| unknown(node, &number.to_string()))
    }

    /// The numbers that `forest` makes of `input`, `elem[1xtargets]`; `base` has
    /// one number a target, or none.
    pub(in crate::ops) fn lower(
        self,
        lowering: &mut Lowering<'_>,
        node: &Node<'_>,
        mut forest: Forest<Real>,
        base: Vec<f64>,
        input: Value,
    ) -> Lowered<Value> {
        let origin = node.origin;
        let ty = Type::new(forest.elem, &[1, forest.targets]);
        let result = match self {
            Self::Sum => {
                if !base.is_empty() {
                    forest.base = base;
                }
                return Ok(ensemble(lowering, forest, input, origin));
            }
            Self::Average => {
                let trees = forest.roots.len() as f64;
                let sums = ensemble(lowering, forest, input, origin);
                let trees = lowering.constant(trees, Type::new(ty.elem, &[1, 1]), origin);
                let op = RealOp::Binary { function: Binary::Divide, a: sums, b: trees };
                lowering.module.push(op, ty.clone(), origin)
            }
            Self::Minimum => extreme(lowering, node, &forest, Binary::Minimum, input)?,
            Self::Maximum => extreme(lowering, node, &forest, Binary::Maximum, input)?,
        };
        if base.iter().all(|&base| base == 0.0) {
            return Ok(result);
        }
        let constant = Constant { ty: ty.clone(), elements: base };
        let constant = lowering.module.constants.push(constant);
        let base = lowering.module.push(RealOp::Constant { constant }, ty.clone(), origin);
        let op = RealOp::Binary { function: Binary::Add, a: result, b: base };
        Ok(lowering.module.push(op, ty, origin))
    }
}

fn unknown(node: &Node<'_>, found: &str) -> Problems {
    let message = format!("`{NAME}` {found} of `{}` is not one of the specification", node.name());
    let names = NAMES.map(|known| known.0).join(", ");
    node.attribute_error(NAME, ATTRIBUTE_INVALID, message).help(format!("it knows {names}")).into()
}

fn ensemble(
    lowering: &mut Lowering<'_>,
    forest: Forest<Real>,
    input: Value,
    origin: OriginId,
) -> Value {
    let ty = Type::new(forest.elem, &[1, forest.targets]);
    let forest = lowering.module.forests.push(forest);
    lowering.module.push(RealOp::TreeEnsemble { forest, input }, ty, origin)
}

/// The least or the greatest weight of the leaves: a forest for each tree.
fn extreme(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    forest: &Forest<Real>,
    function: Binary,
    input: Value,
) -> Lowered<Value> {
    let origin = node.origin;
    let trees = forest.roots.len();
    if trees > SINGLE_TREES_MAX {
        return Err(too_large(node, "trees of MIN or MAX", trees, SINGLE_TREES_MAX).into());
    }
    let ty = Type::new(forest.elem, &[1, forest.targets]);
    let scored = Scored::of(forest);
    let fillers = scored.fillers(function);
    let mut result = None;
    let (mut nodes, mut weights) = (0, 0);
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        let tree = single(forest, root, &mut reach, |leaf| fill(leaf, &fillers, function));
        nodes += tree.nodes.len();
        weights += tree.weights.len();
        for (what, found, most) in
            [("tree nodes", nodes, TREE_NODES_MAX), ("leaf weights", weights, LEAF_WEIGHTS_MAX)]
        {
            if found > most {
                return Err(too_large(node, what, found, most).into());
            }
        }
        let value = ensemble(lowering, tree, input, origin);
        result = Some(match result {
            None => value,
            Some(a) => {
                let op = RealOp::Binary { function, a, b: value };
                lowering.module.push(op, ty.clone(), origin)
            }
        });
    }
    let result = result.expect("an ensemble has a tree");
    Ok(if scored.always.iter().all(|&always| always) {
        result
    } else {
        zero_where_unscored(lowering, forest, result, input, origin)
    })
}

/// `result`, or 0 for a target for which no leaf on the way has a weight.
fn zero_where_unscored(
    lowering: &mut Lowering<'_>,
    forest: &Forest<Real>,
    result: Value,
    input: Value,
    origin: OriginId,
) -> Value {
    let ty = lowering.module.ty(result).clone();
    let mut count = forest.clone();
    for weight in &mut count.weights {
        weight.weight = 1.0;
    }
    let count = ensemble(lowering, count, input, origin);
    let zero = lowering.constant(0.0, Type::new(ty.elem, &[1, 1]), origin);
    let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let op = RealOp::Compare { relation: Relation::Greater, a: count, b: zero };
    let condition = lowering.module.push(op, truth, origin);
    lowering.module.push(RealOp::Select { condition, a: result, b: zero }, ty, origin)
}

/// What the trees say of each target.
struct Scored {
    /// Least and greatest weight; none if no leaf has one.
    range: Vec<Option<(f64, f64)>>,
    /// Has every leaf of some tree a weight for it?
    always: Vec<bool>,
}

impl Scored {
    fn of(forest: &Forest<Real>) -> Self {
        let mut range: Vec<Option<(f64, f64)>> = vec![None; forest.targets as usize];
        for &LeafWeight { target, weight } in &forest.weights {
            let range = &mut range[target as usize];
            let (least, most) = range.unwrap_or((weight, weight));
            *range = Some((least.min(weight), most.max(weight)));
        }
        if forest.targets == 1 {
            // A leaf without a weight counts as 0.
            range[0] = Some((0.0, 0.0));
            return Self { range, always: vec![true] };
        }
        Self { range, always: super::totals::scored_in_some_tree(forest) }
    }

    /// What a leaf without a weight says of each target: what changes nothing.
    fn fillers(&self, function: Binary) -> Vec<f64> {
        let filler = |range: &Option<(f64, f64)>| match (*range, function) {
            (Some((_, most)), Binary::Minimum) => most,
            (Some((least, _)), _) => least,
            (None, _) => 0.0,
        };
        self.range.iter().map(filler).collect()
    }
}

/// One weight for each target.
fn fill(leaf: &[LeafWeight<Real>], fillers: &[f64], function: Binary) -> Vec<LeafWeight<Real>> {
    let mut weights: Vec<Option<f64>> = vec![None; fillers.len()];
    for &LeafWeight { target, weight } in leaf {
        let best = &mut weights[target as usize];
        *best = Some(match *best {
            Some(other) if function == Binary::Minimum => weight.min(other),
            Some(other) => weight.max(other),
            None => weight,
        });
    }
    let all = weights.into_iter().zip(fillers).enumerate();
    all.map(|(target, (weight, &filler))| LeafWeight {
        target: target as u32,
        weight: weight.unwrap_or(filler),
    })
    .collect()
}

/// The forest of one tree, whose leaves have the weights that `weights` makes.
fn single(
    forest: &Forest<Real>,
    root: u32,
    reach: &mut Reach,
    weights: impl Fn(&[LeafWeight<Real>]) -> Vec<LeafWeight<Real>>,
) -> Forest<Real> {
    let mut ids = Vec::new();
    reach.each(forest, root, |id, _| ids.push(id));
    ids.sort_unstable();
    let new_id = |id: u32| {
        let found = ids.binary_search(&id).expect("a child of what is reached is reached");
        u32::try_from(found).expect("the limits count nodes")
    };
    let mut tree = Forest::new(forest.features, forest.targets, forest.elem, 0.0);
    tree.roots.push(0);
    for &id in &ids {
        tree.nodes.push(match forest.nodes[id as usize] {
            TreeNode::Branch { test, yes, no, origin } => {
                TreeNode::Branch { test, yes: new_id(yes), no: new_id(no), origin }
            }
            TreeNode::Leaf { first, count, origin } => {
                let own = weights(forest.leaf_weights(first, count));
                let first = u32::try_from(tree.weights.len()).expect("the limits count weights");
                let count = u32::try_from(own.len()).expect("the limits count weights");
                tree.weights.extend(own);
                TreeNode::Leaf { first, count, origin }
            }
        });
    }
    tree
}
