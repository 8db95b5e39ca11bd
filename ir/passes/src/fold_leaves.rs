//! Folds what the model computes from one tree alone into the leaves of the
//! tree: look-ups of the leaf, the class of the tree and its weight (AdaBoost),
//! the logarithm of a number of samples (IsolationForest), the calibration of a
//! tree's probability. What is left is one sum over trees.
//!
//! Each value that depends on a single tree and on constants is computed once
//! for every leaf, in the very float operations of the model, and a new forest
//! of that tree holds the results as weights. A tree of which only sums,
//! differences and multiples are used stays: these cost nothing later.
//!
//! Elements that mirror each other (`1 - p` beside `p`, one weight for and one
//! against) share a target.
//!
//! Obligation: floats are the same, bit for bit. Over the real numbers the
//! folded weights are off by the roundings that are now done ahead;
//! [`Forest::folding_error`] bounds that, computed leaf by leaf from the same
//! operations over intervals.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::arena::Handle;
use skxc_ir::forest::{Forest, LeafWeight, TreeNode};
use skxc_ir::interpret::{Enclosure, Number, Partial, Scalar, sums_at_leaf};
use skxc_ir::limits;
use skxc_ir::module::{Constant, Module, Node, Operation, Real, Value};
use skxc_ir::ops::{Binary, RealOp};
use skxc_ir::types::{ElementType, Type};

/// Computes at the leaves, once, what follows from one tree.
#[derive(Clone, Copy, Debug)]
pub struct FoldLeaves;

impl Pass<Real> for FoldLeaves {
    fn name(&self) -> &'static str {
        "fold-leaves"
    }

    fn summary(&self) -> &'static str {
        "fold what is computed from one tree into its leaves"
    }

    fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
        let folded: BTreeMap<Value, Folded> = cones(module)
            .into_iter()
            .filter_map(|cone| Some((cone.tree, Folded::of(module, cone)?)))
            .collect();
        if folded.is_empty() {
            return false;
        }
        replace(module, folded);
        true
    }
}

/// What a value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Constants,
    /// This ensemble, which has one tree, and constants.
    Tree(Value),
    More,
}

/// What is computed from one tree alone.
struct Cone {
    /// The ensemble, which has one tree.
    tree: Value,
    /// The floats that other operations and outputs need, in order.
    frontier: Vec<Value>,
    /// What must be computed for them, constants too, in order.
    inside: Vec<Value>,
}

/// The trees that are worth folding.
fn cones(module: &Module<Real>) -> Vec<Cone> {
    let sources = sources(module);
    let affine = Affine::of(module);
    let mut frontiers: HashMap<Value, BTreeSet<Value>> = HashMap::new();
    for value in needed_from_outside(module, &sources) {
        if let Source::Tree(tree) = sources[value.index()] {
            frontiers.entry(tree).or_default().insert(value);
        }
    }
    let mut trees: Vec<_> = frontiers.into_iter().collect();
    trees.sort_unstable_by_key(|(tree, _)| *tree);
    let worth = trees
        .into_iter()
        .filter(|(_, frontier)| frontier.iter().any(|&value| !affine.is_of_trees(value)));
    let cone = |(tree, frontier): (Value, BTreeSet<Value>)| Cone {
        tree,
        inside: operands_below(module, &frontier, tree),
        frontier: frontier.into_iter().collect(),
    };
    worth.map(cone).collect()
}

fn sources(module: &Module<Real>) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::with_capacity(module.nodes.len());
    for value in module.values() {
        let source = match &module.node(value).op {
            RealOp::Input { .. } => Source::More,
            RealOp::TreeEnsemble { forest, .. } if module.forests[*forest].roots.len() == 1 => {
                Source::Tree(value)
            }
            RealOp::TreeEnsemble { .. } => Source::More,
            op => {
                let mut joint = Source::Constants;
                op.operands(&mut |operand| {
                    joint = match (joint, sources[operand.index()]) {
                        (Source::Constants, other) | (other, Source::Constants) => other,
                        (a, b) if a == b => a,
                        _ => Source::More,
                    };
                });
                joint
            }
        };
        sources.push(source);
    }
    sources
}

/// The float values made of one tree that something else needs. Integers that
/// something else needs, such as the class of a tree, are computed from them.
fn needed_from_outside(module: &Module<Real>, sources: &[Source]) -> HashSet<Value> {
    let is_tree = |value: Value| matches!(sources[value.index()], Source::Tree(_));
    let mut pending: Vec<Value> = module.outputs.iter().map(|output| output.value).collect();
    for value in module.values().filter(|&value| sources[value.index()] == Source::More) {
        module.node(value).op.operands(&mut |operand| pending.push(operand));
    }
    let mut seen = HashSet::new();
    let mut floats = HashSet::new();
    while let Some(value) = pending.pop() {
        if !is_tree(value) || !seen.insert(value) {
            continue;
        }
        if module.ty(value).elem.is_float() {
            floats.insert(value);
        } else {
            module.node(value).op.operands(&mut |operand| pending.push(operand));
        }
    }
    floats
}

/// All that `values` are computed from, down to `tree` and without it, in order.
fn operands_below(module: &Module<Real>, values: &BTreeSet<Value>, tree: Value) -> Vec<Value> {
    let mut inside = BTreeSet::new();
    let mut pending: Vec<Value> = values.iter().copied().collect();
    while let Some(value) = pending.pop() {
        if value != tree && inside.insert(value) {
            module.node(value).op.operands(&mut |operand| pending.push(operand));
        }
    }
    inside.into_iter().collect()
}

/// A tree with its results as weights.
struct Folded {
    forest: Forest<Real>,
    /// Where the elements of each value of the frontier are computed.
    places: HashMap<Value, Vec<Place>>,
}

/// An element of the frontier: a target, or a constant less a target.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    target: u32,
    /// What the target is subtracted from.
    less_than: Option<f64>,
}

/// An element of the frontier at every leaf.
struct Column {
    weights: Vec<f64>,
    reals: Vec<Enclosure>,
}

impl Folded {
    /// Computes the cone for every leaf. `None` if some result is no finite
    /// number, is undecided over the reals, or there are too many.
    fn of(module: &Module<Real>, cone: Cone) -> Option<Self> {
        let RealOp::TreeEnsemble { forest, .. } = module.node(cone.tree).op else {
            unreachable!("a cone begins with an ensemble")
        };
        let old = &module.forests[forest];
        let elements: usize =
            cone.frontier.iter().map(|&value| module.shape(value).elements()).sum();
        let leaves = old.nodes.iter().filter(|node| matches!(node, TreeNode::Leaf { .. })).count();
        if elements > limits::CLASSES_MAX || leaves * elements > limits::LEAF_WEIGHTS_MAX {
            return None;
        }
        let wide = cone.frontier.iter().any(|&value| module.ty(value).elem == ElementType::F64);
        let elem = if wide { ElementType::F64 } else { ElementType::F32 };
        let table = Table::of(module, &cone, old)?;
        let mut targets = FoldedTargets { elem, columns: Vec::new(), errors: Vec::new() };
        let mut places = HashMap::new();
        for &value in &cone.frontier {
            let columns = table.columns(value, module.shape(value).elements())?;
            let of_value = columns.into_iter().map(|column| targets.place(column));
            places.insert(value, of_value.collect::<Option<Vec<Place>>>()?);
        }
        let mut forest = Forest::new(old.features, targets.columns.len() as u32, elem, 0.0);
        forest.roots.clone_from(&old.roots);
        forest.nodes.clone_from(&old.nodes);
        targets.write(&mut forest);
        Some(Self { forest, places })
    }
}

/// The targets of a forest to be.
struct FoldedTargets {
    elem: ElementType,
    columns: Vec<Column>,
    errors: Vec<f64>,
}

impl FoldedTargets {
    /// Where a column is computed: from an equal target or a mirror image of
    /// it (`1 - p` beside `p`), else from one of its own.
    fn place(&mut self, column: Column) -> Option<Place> {
        let like = self.columns.iter().position(|known| known.weights == column.weights);
        let (target, less_than) = match like {
            Some(target) => (target, None),
            None => match self.mirror_of(&column) {
                Some((target, sum)) => (target, Some(sum)),
                None => {
                    self.columns
                        .push(Column { weights: column.weights.clone(), reals: Vec::new() });
                    self.errors.push(0.0);
                    (self.columns.len() - 1, None)
                }
            },
        };
        for (weight, real) in self.columns[target].weights.iter().zip(&column.reals) {
            // Over the reals, the mirror image is not rounded.
            let weight = Enclosure::exact(*weight);
            let given = match less_than {
                None => weight,
                Some(sum) => Enclosure::exact(sum).binary(Binary::Subtract, &weight, self.elem),
            };
            let error = &mut self.errors[target];
            *error = error.max(distance(&given, real)?);
        }
        Some(Place { target: target as u32, less_than })
    }

    /// A target that, subtracted from a constant, is the column at every leaf,
    /// and the constant.
    fn mirror_of(&self, column: &Column) -> Option<(usize, f64)> {
        let rounded = |x: f64| if self.elem == ElementType::F32 { f64::from(x as f32) } else { x };
        let mirrors = self.columns.iter().enumerate().find_map(|(target, known)| {
            let mut pairs = known.weights.iter().zip(&column.weights);
            let (first, of_first) = pairs.clone().next()?;
            let sum = rounded(first + of_first);
            pairs.all(|(known, x)| rounded(sum - known) == *x).then_some((target, sum))
        });
        mirrors.filter(|(_, sum)| sum.is_finite())
    }

    /// Gives the leaves of `forest` their weights.
    fn write(self, forest: &mut Forest<Real>) {
        let mut leaf = 0;
        for at in 0..forest.nodes.len() {
            let TreeNode::Leaf { origin, .. } = forest.nodes[at] else { continue };
            let first = forest.weights.len() as u32;
            let weights = self.columns.iter().map(|column| column.weights[leaf]);
            let weights = (0..).zip(weights).filter(|(_, weight)| *weight != 0.0);
            forest.weights.extend(weights.map(|(target, weight)| LeafWeight { target, weight }));
            let count = forest.weights.len() as u32 - first;
            forest.nodes[at] = TreeNode::Leaf { first, count, origin };
            leaf += 1;
        }
        forest.folding_error = self.errors;
    }
}

/// What a value is at every leaf: leaves that agree on it share an entry.
struct Entries {
    /// For each leaf, which of the entries.
    of_leaf: Vec<u32>,
    floats: Vec<Vec<Scalar<f64>>>,
    reals: Vec<Vec<Scalar<Enclosure>>>,
}

/// The values of a cone at every leaf.
struct Table {
    of_value: HashMap<Value, Entries>,
}

impl Table {
    fn of(module: &Module<Real>, cone: &Cone, forest: &Forest<Real>) -> Option<Self> {
        let mut of_value = HashMap::new();
        of_value.insert(cone.tree, Entries::of_leaves(forest));
        let mut floats = Partial::<f64>::new(module);
        let mut reals = Partial::<Enclosure>::new(module);
        let mut table = Self { of_value };
        for &value in &cone.inside {
            let mut varying = Vec::new();
            module.node(value).op.operands(&mut |operand| {
                if table.of_value.contains_key(&operand) && !varying.contains(&operand) {
                    varying.push(operand);
                }
            });
            if varying.is_empty() {
                floats.compute(value).ok()?;
                reals.compute(value).ok()?;
            } else {
                let entries = table.compute(value, &varying, &mut floats, &mut reals)?;
                table.of_value.insert(value, entries);
            }
        }
        Some(table)
    }

    /// Computes `value` for each combination of its operands that occurs.
    fn compute(
        &self,
        value: Value,
        varying: &[Value],
        floats: &mut Partial<'_, f64>,
        reals: &mut Partial<'_, Enclosure>,
    ) -> Option<Entries> {
        let operands: Vec<_> = varying.iter().map(|operand| &self.of_value[operand]).collect();
        let leaves = operands[0].of_leaf.len();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut entries = Interning::new(leaves);
        for leaf in 0..leaves {
            let combination: Vec<u32> =
                operands.iter().map(|entries| entries.of_leaf[leaf]).collect();
            let entry = match known.get(&combination) {
                Some(&entry) => entry,
                None => {
                    for ((&operand, entries), &entry) in
                        varying.iter().zip(&operands).zip(&combination)
                    {
                        floats.set(operand, entries.floats[entry as usize].clone());
                        reals.set(operand, entries.reals[entry as usize].clone());
                    }
                    let entry =
                        entries.add(floats.compute(value).ok()?, reals.compute(value).ok()?);
                    known.insert(combination, entry);
                    entry
                }
            };
            entries.entries.of_leaf.push(entry);
        }
        Some(entries.entries)
    }

    /// The elements of a value of the frontier; `None` if one is no finite number.
    fn columns(&self, value: Value, elements: usize) -> Option<Vec<Column>> {
        let Entries { of_leaf, floats, reals } = &self.of_value[&value];
        let column = |element: usize| {
            let (mut weights, mut enclosed) = (Vec::new(), Vec::new());
            for &entry in of_leaf {
                let (float, real) = (&floats[entry as usize], &reals[entry as usize]);
                let (Scalar::Number(float), Scalar::Number(real)) =
                    (&float[element], &real[element])
                else {
                    unreachable!("the frontier is made of floats")
                };
                weights.push(Some(*float).filter(|float| float.is_finite())?);
                enclosed.push(real.clone());
            }
            Some(Column { weights, reals: enclosed })
        };
        (0..elements).map(column).collect()
    }
}

impl Entries {
    /// The sums of an ensemble of one tree.
    fn of_leaves(forest: &Forest<Real>) -> Self {
        let mut entries = Interning::new(forest.nodes.len());
        for node in &forest.nodes {
            let TreeNode::Leaf { first, count, .. } = *node else { continue };
            let weights = forest.leaf_weights(first, count);
            let entry = entries.add(sums_at_leaf(forest, weights), sums_at_leaf(forest, weights));
            entries.entries.of_leaf.push(entry);
        }
        entries.entries
    }
}

/// Entries to be, each once.
struct Interning {
    entries: Entries,
    by_floats: HashMap<Vec<u64>, Vec<u32>>,
}

impl Interning {
    fn new(leaves: usize) -> Self {
        let of_leaf = Vec::with_capacity(leaves);
        let entries = Entries { of_leaf, floats: Vec::new(), reals: Vec::new() };
        Self { entries, by_floats: HashMap::new() }
    }

    fn add(&mut self, floats: Vec<Scalar<f64>>, reals: Vec<Scalar<Enclosure>>) -> u32 {
        let bits = floats.iter().map(|x| match x {
            Scalar::Number(x) => x.to_bits(),
            Scalar::Integer(x) => *x as u64,
        });
        let same_floats = self.by_floats.entry(bits.collect()).or_default();
        let known = &self.entries.reals;
        if let Some(&entry) = same_floats.iter().find(|&&entry| known[entry as usize] == reals) {
            return entry;
        }
        let entry = known.len() as u32;
        same_floats.push(entry);
        self.entries.floats.push(floats);
        self.entries.reals.push(reals);
        entry
    }
}

/// A bound on the distance between two numbers; `None` if there is none.
fn distance(given: &Enclosure, real: &Enclosure) -> Option<f64> {
    let off = real.binary(Binary::Subtract, given, ElementType::F64);
    let error = off.lower().abs().max(off.upper().abs());
    error.is_finite().then_some(error)
}

/// Puts the folded forests behind the trees, and their sums in the place of the
/// frontiers. What is not needed any more is left to `dead-code`.
fn replace(module: &mut Module<Real>, folded: BTreeMap<Value, Folded>) {
    let mut forest_of: HashMap<Value, (Handle<Forest<Real>>, ElementType, u32)> = HashMap::new();
    let mut places_of: HashMap<Value, (Value, Vec<Place>)> = HashMap::new();
    for (tree, Folded { forest, places }) in folded {
        places_of.extend(places.into_iter().map(|(value, places)| (value, (tree, places))));
        let (elem, targets) = (forest.elem, forest.targets);
        forest_of.insert(tree, (module.forests.push(forest), elem, targets));
    }
    let mut sums_of: HashMap<Value, Value> = HashMap::new();
    Rebuild::run(module, |rebuild, module, value| {
        let copied = rebuild.copy(module, value);
        if let Some(&(forest, elem, targets)) = forest_of.get(&value) {
            let RealOp::TreeEnsemble { input, .. } = rebuild.node(copied).op else {
                unreachable!("only ensembles are folded")
            };
            let origin = module.node(value).origin;
            let op = RealOp::TreeEnsemble { forest, input };
            let ty = Type::new(elem, &[1, targets]);
            sums_of.insert(value, rebuild.push(Node { op, ty, origin }));
        }
        match places_of.get(&value) {
            Some((tree, places)) => take(rebuild, module, sums_of[tree], places, value),
            None => copied,
        }
    });
}

/// The elements of the frontier value `old`, from the sums.
fn take(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    sums: Value,
    places: &[Place],
    old: Value,
) -> Value {
    let Node { ty: old_ty, origin, .. } = module.node(old).clone();
    let ty = Type::new(rebuild.node(sums).ty.elem, &[1, places.len() as u32]);
    let indices = places.iter().map(|place| place.target).collect();
    let gather = RealOp::Gather { input: sums, indices };
    let mut part = rebuild.push(Node { op: gather, ty: ty.clone(), origin });
    // `sum - x` is `sum + -1 x`, exactly as long as nothing but the sum rounds.
    let mut with = |rebuild: &mut Rebuild<Real>, a: Value, function: Binary, elements: Vec<f64>| {
        let constant = module.constants.push(Constant { ty: ty.clone(), elements });
        let op = RealOp::Constant { constant };
        let b = rebuild.push(Node { op, ty: ty.clone(), origin });
        rebuild.push(Node { op: RealOp::Binary { function, a, b }, ty: ty.clone(), origin })
    };
    if places.iter().any(|place| place.less_than.is_some()) {
        let sign = |place: &Place| if place.less_than.is_some() { -1.0 } else { 1.0 };
        let signs = places.iter().map(sign).collect();
        part = with(rebuild, part, Binary::Multiply, signs);
    }
    if places.iter().any(|place| place.less_than.is_some_and(|sum| sum != 0.0)) {
        let sums = places.iter().map(|place| place.less_than.unwrap_or(0.0)).collect();
        part = with(rebuild, part, Binary::Add, sums);
    }
    if ty.elem != old_ty.elem {
        let ty = Type { elem: old_ty.elem, shape: ty.shape };
        part = rebuild.push(Node { op: RealOp::Cast { input: part }, ty, origin });
    }
    rebuild.push(Node { op: RealOp::Reshape { input: part }, ty: old_ty, origin })
}
