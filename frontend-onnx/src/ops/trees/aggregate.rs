//! `aggregate_function` of TreeEnsembleRegressor and TreeEnsemble: how the
//! weights that the trees give become one number a target. As in ONNX Runtime
//! (tree_ensemble_aggregator.h):
//!
//! - the base value is added last; AVERAGE divides before that, by the number of
//!   trees, whether or not each of them scores the target;
//! - MIN and MAX look at the trees whose leaf has a weight for the target;
//! - a target for which no leaf has a weight is 0, whatever its base value. With
//!   a single target a leaf without a weight counts as 0.

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, ATTRIBUTE_INVALID};
use skxc_ir::analysis::reach::Reach;
use skxc_ir::{
    Binary, Constant, ElementType, Forest, LeafWeight, OriginId, Real, RealOp, Relation, TreeNode,
    Type, Value,
};

use super::draft::too_large;
use crate::import::Importer;
use crate::node::{Imported, Node, Problems};

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
/// Their nodes and the weights of their leaves. Trees may share nodes in the file
/// and do not once they are apart: a small file must not become a large module.
const SINGLE_NODES_MAX: usize = 1_000_000;
const SINGLE_WEIGHTS_MAX: usize = 2_000_000;

impl Aggregate {
    /// Reads the attribute of TreeEnsembleRegressor.
    pub(in crate::ops) fn by_name(node: &Node<'_>) -> Imported<Self> {
        let Some(name) = node.string(NAME)? else { return Ok(Self::Sum) };
        let found = NAMES.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or_else(|| unknown(node, &crate::listing::short(&name)))
    }

    /// Reads the attribute of TreeEnsemble.
    pub(in crate::ops) fn by_number(node: &Node<'_>) -> Imported<Self> {
        let number = node.int(NAME)?.unwrap_or(1);
        let found = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        found.map(|known| known.1).ok_or_else(|| unknown(node, &number.to_string()))
    }

    /// The numbers that `forest` makes of `input`, `elem[1xtargets]`; `base` has
    /// one number a target, or none.
    pub(in crate::ops) fn import(
        self,
        importer: &mut Importer<'_>,
        node: &Node<'_>,
        mut forest: Forest<Real>,
        mut base: Vec<f64>,
        input: Value,
    ) -> Imported<Value> {
        let origin = node.origin;
        let scored = Scored::of(&forest);
        for (base, range) in base.iter_mut().zip(&scored.range) {
            *base = if range.is_some() { *base } else { 0.0 };
        }
        let matters = |target: usize| match self {
            Self::Sum | Self::Average => base.get(target).is_some_and(|&base| base != 0.0),
            Self::Minimum | Self::Maximum => scored.range[target].is_some(),
        };
        let mut unscored = (0..scored.always.len()).filter(|&target| !scored.always[target]);
        let whole = unscored.any(matters).then(|| forest.clone());
        let result = match self {
            Self::Sum => {
                forest.base = if base.is_empty() { forest.base } else { base };
                ensemble(importer, forest, input, origin)
            }
            Self::Average => {
                let trees = forest.roots.len() as f64;
                let single = Type::new(forest.elem, &[1, 1]);
                let sums = ensemble(importer, forest, input, origin);
                let trees = importer.constant(trees, single, origin);
                let average = binary(importer, Binary::Divide, sums, trees, origin);
                with_base(importer, average, base, origin)
            }
            Self::Minimum | Self::Maximum => {
                let function =
                    if self == Self::Minimum { Binary::Minimum } else { Binary::Maximum };
                let extreme = extreme(importer, node, &forest, &scored, function, input)?;
                with_base(importer, extreme, base, origin)
            }
        };
        let Some(forest) = whole else { return Ok(result) };
        if matches!(self, Self::Sum | Self::Average) {
            warn_of_unscored(importer, node);
        }
        Ok(zero_where_unscored(importer, forest, result, input, origin))
    }
}

fn unknown(node: &Node<'_>, found: &str) -> Problems {
    let message = format!("`{NAME}` {found} of `{}` is not one of the specification", node.name());
    let names = NAMES.map(|known| known.0).join(", ");
    node.attribute_error(NAME, ATTRIBUTE_INVALID, message).help(format!("it knows {names}")).into()
}

fn warn_of_unscored(importer: &mut Importer<'_>, node: &Node<'_>) {
    let message = "some leaves lack a weight for some target; it is 0 then, without its base value";
    let warning = node.attribute_warning("base_values", AMBIGUOUS_LABEL, message);
    importer.warn(warning.note("as in ONNX Runtime; the specification would add the base value"));
}

/// `function` of two rows, of which `b` may have one element.
fn binary(
    importer: &mut Importer<'_>,
    function: Binary,
    a: Value,
    b: Value,
    origin: OriginId,
) -> Value {
    let ty = importer.module.ty(a).clone();
    importer.module.push(RealOp::Binary { function, a, b }, ty, origin)
}

fn with_base(
    importer: &mut Importer<'_>,
    result: Value,
    base: Vec<f64>,
    origin: OriginId,
) -> Value {
    if base.iter().all(|&base| base == 0.0) {
        return result;
    }
    let ty = importer.module.ty(result).clone();
    let constant = importer.module.constants.push(Constant { ty: ty.clone(), elements: base });
    let base = importer.module.push(RealOp::Constant { constant }, ty, origin);
    binary(importer, Binary::Add, result, base, origin)
}

fn ensemble(
    importer: &mut Importer<'_>,
    forest: Forest<Real>,
    input: Value,
    origin: OriginId,
) -> Value {
    let ty = Type::new(forest.elem, &[1, forest.targets]);
    let forest = importer.module.forests.push(forest);
    importer.module.push(RealOp::TreeEnsemble { forest, input }, ty, origin)
}

/// The least or the greatest weight of the leaves: a forest for each tree.
fn extreme(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    forest: &Forest<Real>,
    scored: &Scored,
    function: Binary,
    input: Value,
) -> Imported<Value> {
    check_work(node, forest)?;
    let fillers = scored.fillers(function);
    let mut result = None;
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        let tree = single(forest, root, &mut reach, |leaf| fill(leaf, &fillers));
        let value = ensemble(importer, tree, input, node.origin);
        result = Some(match result {
            None => value,
            Some(before) => binary(importer, function, before, value, node.origin),
        });
    }
    Ok(result.expect("an ensemble has a tree"))
}

/// What the trees become together, shared nodes counted for each of them and a
/// weight for each target in every leaf.
fn check_work(node: &Node<'_>, forest: &Forest<Real>) -> Imported<()> {
    let (mut nodes, mut leaves) = (0, 0);
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        reach.each(forest, root, |_, node| {
            nodes += 1;
            leaves += usize::from(matches!(node, TreeNode::Leaf { .. }));
        });
    }
    let weights = leaves.saturating_mul(forest.targets as usize);
    for (what, found, most) in [
        ("trees of MIN or MAX", forest.roots.len(), SINGLE_TREES_MAX),
        ("tree nodes of MIN or MAX", nodes, SINGLE_NODES_MAX),
        ("leaf weights of MIN or MAX", weights, SINGLE_WEIGHTS_MAX),
    ] {
        if found > most {
            return Err(too_large(node, what, found, most).into());
        }
    }
    Ok(())
}

/// `result`, or 0 for a target for which no leaf on the way has a weight.
fn zero_where_unscored(
    importer: &mut Importer<'_>,
    mut count: Forest<Real>,
    result: Value,
    input: Value,
    origin: OriginId,
) -> Value {
    let ty = importer.module.ty(result).clone();
    for weight in &mut count.weights {
        weight.weight = 1.0;
    }
    let count = ensemble(importer, count, input, origin);
    let zero = importer.constant(0.0, Type::new(ty.elem, &[1, 1]), origin);
    let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let op = RealOp::Compare { relation: Relation::Greater, a: count, b: zero };
    let condition = importer.module.push(op, truth, origin);
    importer.module.push(RealOp::Select { condition, a: result, b: zero }, ty, origin)
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
        if forest.targets == 1 {
            // A leaf without a weight counts as 0.
            return Self { range: vec![Some((0.0, 0.0))], always: vec![true] };
        }
        let mut range: Vec<Option<(f64, f64)>> = vec![None; forest.targets as usize];
        for &LeafWeight { target, weight } in &forest.weights {
            let range = &mut range[target as usize];
            let (least, most) = range.unwrap_or((weight, weight));
            *range = Some((least.min(weight), most.max(weight)));
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
fn fill(leaf: &[LeafWeight<Real>], fillers: &[f64]) -> Vec<LeafWeight<Real>> {
    let weights = fillers.iter().zip(0..).map(|(&weight, target)| LeafWeight { target, weight });
    let mut weights: Vec<_> = weights.collect();
    for weight in leaf {
        weights[weight.target as usize] = *weight;
    }
    weights
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

#[cfg(test)]
mod tests {
    //! What ONNX Runtime 1.32 makes of the same models is in the comments.

    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, model, numbers, regressor};

    /// Two trees `x0 <= 0.5` and `x0 <= 1.5`, whose leaves have the weights
    /// (tree, node, target, weight).
    fn two_trees(targets: i64, weights: &[(i64, i64, i64, f32)]) -> NodeProto {
        let list = |pick: fn(&(i64, i64, i64, f32)) -> i64| weights.iter().map(pick).collect();
        let (trees, nodes, ids): (Vec<_>, Vec<_>, Vec<_>) =
            (list(|w| w.0), list(|w| w.1), list(|w| w.2));
        let weights: Vec<f32> = weights.iter().map(|w| w.3).collect();
        regressor(targets, &[], &[])
            .ints("nodes_treeids", &[0, 0, 0, 1, 1, 1])
            .ints("nodes_nodeids", &[0, 1, 2, 0, 1, 2])
            .ints("nodes_featureids", &[0; 6])
            .strings("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"])
            .floats("nodes_values", &[0.5, 0.0, 0.0, 1.5, 0.0, 0.0])
            .ints("nodes_truenodeids", &[1, 0, 0, 1, 0, 0])
            .ints("nodes_falsenodeids", &[2, 0, 0, 2, 0, 0])
            .ints("target_treeids", &trees)
            .ints("target_nodeids", &nodes)
            .ints("target_ids", &ids)
            .floats("target_weights", &weights)
    }

    fn of(trees: NodeProto, aggregate: &str) -> Vec<Vec<f64>> {
        let trees = trees.string("aggregate_function", aggregate);
        numbers(&model(1, vec![trees], &["Y"]), 3)
    }

    #[test]
    fn one_target() {
        let weights = [(0, 1, 0, 1.0), (0, 2, 0, -2.0), (1, 1, 0, 0.5), (1, 2, 0, 4.0)];
        let trees = || two_trees(1, &weights).floats("base_values", &[8.0]);
        // [[9.5], [6.5], [10]], [[8.75], [7.25], [9]], [[8.5], [6], [6]], [[9], [8.5], [12]]
        assert_eq!(of(trees(), "SUM"), [[9.5], [6.5], [10.0]]);
        assert_eq!(of(trees(), "AVERAGE"), [[8.75], [7.25], [9.0]]);
        assert_eq!(of(trees(), "MIN"), [[8.5], [6.0], [6.0]]);
        assert_eq!(of(trees(), "MAX"), [[9.0], [8.5], [12.0]]);
    }

    #[test]
    fn a_target_that_no_leaf_scores_is_zero() {
        // Target 0 in both leaves of tree 0 and one of tree 1; target 1 in one leaf.
        let weights = [(0, 1, 0, 1.0), (0, 2, 0, -2.0), (1, 2, 0, -4.0), (1, 2, 1, 3.0)];
        // [[1, 0], [-2, 0], [-4, 3]] and [[1, 0], [-2, 0], [-2, 3]]
        assert_eq!(of(two_trees(2, &weights), "MIN"), [[1.0, 0.0], [-2.0, 0.0], [-4.0, 3.0]]);
        assert_eq!(of(two_trees(2, &weights), "MAX"), [[1.0, 0.0], [-2.0, 0.0], [-2.0, 3.0]]);
        // [[0.5, 0], [-1, 0], [-3, 1.5]]: the number of trees divides.
        assert_eq!(of(two_trees(2, &weights), "AVERAGE"), [[0.5, 0.0], [-1.0, 0.0], [-3.0, 1.5]]);
    }
}
