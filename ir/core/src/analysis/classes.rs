//! Which classes a label can be, whatever the inputs.
//!
//! For every value that the label is computed from, the set of the integers that
//! its elements can be is found from the operands: from constants, from the leaves
//! of a single tree, from comparisons whose outcome the ranges of their sides
//! decide, and from the scores that an argmax compares.
//!
//! What must hold: a class that is found impossible is never decided for. The other
//! direction is not promised: ranges take no notice of what two numbers have in
//! common.

mod argmax;

use std::collections::{BTreeSet, HashMap};

use crate::analysis::ranges::{Bounds, Ranges};
use crate::analysis::reach::Reach;
use crate::arena::Handle;
use crate::forest::{Forest, TreeNode};
use crate::module::{Constant, Int, Module, Operation, Value};
use crate::ops::{IntBinary, IntOp, IntReduction, Relation};
use crate::types::{ElementType, Type};

/// What an element can be; `None` for more integers than are counted.
type Set = Option<BTreeSet<i64>>;

/// A set of more integers is not kept: that of the classes has fewer.
const SET_MAX: usize = 1024;
/// Tensors with more elements are known by their ranges alone.
const ELEMENTS_MAX: usize = 4096;

/// For each class of the label `label`, by index: can it be decided for?
///
/// # Panics
/// If `label` is not a label of one element.
#[must_use]
pub fn possible_classes(module: &Module<Int>, label: Value) -> Vec<bool> {
    let ElementType::Label(table) = module.ty(label).elem else {
        panic!("the value is a label");
    };
    let mut sets = Sets { module, ranges: Ranges::of(module), of_value: HashMap::new() };
    for value in cone(module, label) {
        sets.add(value);
    }
    let classes = sets.element(label, 0);
    let is_possible =
        |class: usize| classes.as_ref().is_none_or(|set| set.contains(&(class as i64)));
    (0..module.labels[table].len()).map(is_possible).collect()
}

/// All that a value is computed from and the value itself, in order.
fn cone(module: &Module<Int>, value: Value) -> BTreeSet<Value> {
    let mut cone = BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if cone.insert(value) {
            module.node(value).op.operands(&mut |operand| pending.push(operand));
        }
    }
    cone
}

struct Sets<'m> {
    module: &'m Module<Int>,
    ranges: Ranges,
    /// Of values about which more is known than their ranges.
    of_value: HashMap<Value, Vec<Set>>,
}

impl Sets<'_> {
    /// The set of an element of a value that was added.
    fn element(&self, value: Value, at: usize) -> Set {
        match self.of_value.get(&value) {
            Some(sets) => sets[at].clone(),
            None => within(self.bounds(value, at)),
        }
    }

    fn bounds(&self, value: Value, at: usize) -> Bounds {
        self.ranges.of_value(value)[at]
    }

    /// Notes what can be said of a value beyond its ranges.
    fn add(&mut self, value: Value) {
        let node = self.module.node(value);
        if node.ty.shape.elements() > ELEMENTS_MAX {
            return;
        }
        if let Some(sets) = self.of_op(&node.op, &node.ty) {
            self.of_value.insert(value, sets);
        }
    }

    fn of_op(&self, op: &IntOp, ty: &Type) -> Option<Vec<Set>> {
        let module = self.module;
        if let Some(sources) = module.sources(op) {
            return Some(sources.into_iter().map(|(value, i)| self.element(value, i)).collect());
        }
        match op {
            IntOp::Binary { function, a, b } => {
                Some(self.pairs([*a, *b], ty, |a, b| apply(*function, a, b)))
            }
            IntOp::Rescale { input, .. } => {
                // From truth values and integers to integers nothing changes.
                let is_same = module.ty(*input).elem.frac_bits() == ty.elem.frac_bits();
                is_same.then(|| self.all(*input))
            }
            IntOp::Not { input } => {
                let sets = self.all(*input).into_iter();
                Some(sets.map(|set| map(&set, |x| 1 - x)).collect())
            }
            IntOp::Compare { relation, a, b } => {
                let holds = |a: &Set, b: &Set, bounds: [Bounds; 2]| match (a, b) {
                    (Some(_), Some(_)) => both(a, b, |a, b| decide(*relation, a, b).into()),
                    _ => outcomes(*relation, bounds),
                };
                Some(self.met([*a, *b], ty, holds))
            }
            IntOp::Greater { a, threshold } => {
                let of = |at| match self.element(*a, at) {
                    Some(set) => map(&Some(set), |x| i64::from(x > *threshold)),
                    None => {
                        let limit = i128::from(*threshold);
                        let limit = Bounds { min: limit, max: limit };
                        outcomes(Relation::Greater, [self.bounds(*a, at), limit])
                    }
                };
                Some((0..ty.shape.elements()).map(of).collect())
            }
            IntOp::Select { condition, a, b } => Some(self.select(*condition, *a, *b, ty)),
            IntOp::Reduce { function, input } => {
                let row = module.shape(*input).row();
                let sets = self.all(*input);
                Some(sets.chunks(row).map(|row| reduce(*function, row)).collect())
            }
            IntOp::Take { input, index } => {
                let row = self.all(*input);
                Some(self.all(*index).iter().map(|at| taken(&row, at)).collect())
            }
            IntOp::Lookup { input, keys, values } => Some(
                self.all(*input).iter().map(|set| self.looked_up(set, *keys, *values)).collect(),
            ),
            IntOp::TreeEnsemble { forest, .. } => of_one_tree(&module.forests[*forest]),
            IntOp::ArgMax { input, margin } => Some(self.argmax(*input, *margin)),
            IntOp::Input { .. }
            | IntOp::Constant { .. }
            | IntOp::Reshape { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::Label { .. }
            | IntOp::Multiply { .. }
            | IntOp::Divide { .. }
            | IntOp::Function { .. }
            | IntOp::Linear { .. }
            | IntOp::CumulativeSum { .. }
            | IntOp::ArgSort { .. }
            | IntOp::TakeAlong { .. } => None,
        }
    }

    fn all(&self, value: Value) -> Vec<Set> {
        (0..self.module.shape(value).elements()).map(|at| self.element(value, at)).collect()
    }

    /// The sets that meet in each element of a result of type `ty`, combined.
    fn pairs(&self, operands: [Value; 2], ty: &Type, f: impl Fn(i64, i64) -> i64) -> Vec<Set> {
        self.met(operands, ty, |a, b, _| both(a, b, &f))
    }

    /// What meets in each element of a result of type `ty`, combined.
    fn met(
        &self,
        [a, b]: [Value; 2],
        ty: &Type,
        combine: impl Fn(&Set, &Set, [Bounds; 2]) -> Set,
    ) -> Vec<Set> {
        let positions = [a, b].map(|it| self.module.shape(it).positions_in(&ty.shape));
        let [of_a, of_b] = positions;
        let pairs = of_a.into_iter().zip(of_b).map(|(i, j)| {
            let bounds = [self.bounds(a, i), self.bounds(b, j)];
            combine(&self.element(a, i), &self.element(b, j), bounds)
        });
        pairs.collect()
    }

    fn select(&self, condition: Value, a: Value, b: Value, ty: &Type) -> Vec<Set> {
        let at = |value: Value| self.module.shape(value).positions_in(&ty.shape);
        let (conditions, of_a, of_b) = (at(condition), at(a), at(b));
        let one = |i: usize| {
            let truth = self.element(condition, conditions[i]);
            let can_be = |x: i64| truth.as_ref().is_none_or(|set| set.contains(&x));
            let yes = can_be(1).then(|| self.element(a, of_a[i]));
            let no = can_be(0).then(|| self.element(b, of_b[i]));
            yes.into_iter().chain(no).reduce(union).unwrap_or(None)
        };
        (0..ty.shape.elements()).map(one).collect()
    }

    fn looked_up(
        &self,
        input: &Set,
        keys: Handle<Constant<Int>>,
        values: Handle<Constant<Int>>,
    ) -> Set {
        let (keys, values) =
            (&self.module.constants[keys].elements, &self.module.constants[values].elements);
        let at = |x: i64| keys.iter().position(|key| *key == x).unwrap_or(keys.len());
        match input {
            Some(_) => map(input, |x| values[at(x)]),
            None => limited(values.iter().copied().collect()),
        }
    }
}

/// All integers within bounds, if they are few.
fn within(bounds: Bounds) -> Set {
    let (min, max) = (i64::try_from(bounds.min).ok()?, i64::try_from(bounds.max).ok()?);
    (bounds.span() < SET_MAX as u128).then(|| (min..=max).collect())
}

fn limited(set: BTreeSet<i64>) -> Set {
    (set.len() <= SET_MAX).then_some(set)
}

fn union(a: Set, b: Set) -> Set {
    let mut union = a?;
    union.extend(b?);
    limited(union)
}

fn map(set: &Set, f: impl Fn(i64) -> i64) -> Set {
    Some(set.as_ref()?.iter().map(|&x| f(x)).collect())
}

fn both(a: &Set, b: &Set, f: impl Fn(i64, i64) -> i64) -> Set {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    if a.len() * b.len() > SET_MAX * SET_MAX {
        return None;
    }
    limited(a.iter().flat_map(|&x| b.iter().map(move |&y| (x, y))).map(|(x, y)| f(x, y)).collect())
}

/// The validator proves that nothing leaves 64 bits for values that can meet;
/// those of a set need not.
fn apply(function: IntBinary, a: i64, b: i64) -> i64 {
    match function {
        IntBinary::Add => a.saturating_add(b),
        IntBinary::Subtract => a.saturating_sub(b),
        IntBinary::Minimum => a.min(b),
        IntBinary::Maximum => a.max(b),
        IntBinary::And => a & b,
        IntBinary::Or => a | b,
        IntBinary::Xor => a ^ b,
    }
}

fn reduce(function: IntReduction, row: &[Set]) -> Set {
    let function = match function {
        IntReduction::Sum => IntBinary::Add,
        IntReduction::Minimum => IntBinary::Minimum,
        IntReduction::Maximum => IntBinary::Maximum,
    };
    let combine = |a: Set, b: Set| both(&a, &b, |a, b| apply(function, a, b));
    row.iter().cloned().reduce(combine).unwrap_or(None)
}

/// The elements of a row at possible positions; one outside the row counts as
/// the nearest inside.
fn taken(row: &[Set], at: &Set) -> Set {
    let last = row.len() as i64 - 1;
    let positions: BTreeSet<i64> = match at {
        Some(set) => set.iter().map(|&x| x.clamp(0, last)).collect(),
        None => (0..=last).collect(),
    };
    let sets = positions.into_iter().map(|at| row[at as usize].clone());
    sets.reduce(union).unwrap_or(None)
}

fn decide(relation: Relation, a: i64, b: i64) -> bool {
    match relation {
        Relation::Less => a < b,
        Relation::LessOrEqual => a <= b,
        Relation::Equal => a == b,
        Relation::GreaterOrEqual => a >= b,
        Relation::Greater => a > b,
    }
}

/// The truth values that a relation can have between numbers within bounds.
fn outcomes(relation: Relation, [a, b]: [Bounds; 2]) -> Set {
    let (holds, fails) = match relation {
        Relation::Less => (a.min < b.max, a.max >= b.min),
        Relation::LessOrEqual => (a.min <= b.max, a.max > b.min),
        Relation::Equal => (
            a.min <= b.max && b.min <= a.max,
            !(a.min == a.max && b.min == b.max && a.min == b.min),
        ),
        Relation::GreaterOrEqual => (a.max >= b.min, a.min < b.max),
        Relation::Greater => (a.max > b.min, a.min <= b.max),
    };
    let truths = [(0, fails), (1, holds)];
    Some(truths.into_iter().filter(|(_, can)| *can).map(|(truth, _)| truth).collect())
}

/// The sums that the leaves of a single tree give, by target.
fn of_one_tree(forest: &Forest<Int>) -> Option<Vec<Set>> {
    let leaves = leaf_sums(forest)?;
    let of_target = |target: usize| limited(leaves.iter().map(|sums| sums[target]).collect());
    Some((0..forest.targets as usize).map(of_target).collect())
}

/// The sums at each leaf of a single tree; `None` for several trees, or too many
/// leaves.
fn leaf_sums(forest: &Forest<Int>) -> Option<Vec<Vec<i64>>> {
    /// Sums that are looked at.
    const SUMS_MAX: usize = 1 << 22;

    let [root] = forest.roots[..] else { return None };
    if forest.nodes.len() * forest.targets as usize > SUMS_MAX {
        return None;
    }
    let mut leaves = Vec::new();
    Reach::new(forest.nodes.len()).each(forest, root, |_, node| {
        let TreeNode::Leaf { first, count, .. } = *node else { return };
        let mut sums = forest.base.clone();
        for weight in forest.leaf_weights(first, count) {
            let sum = &mut sums[weight.target as usize];
            *sum = sum.saturating_add(weight.weight);
        }
        leaves.push(sums);
    });
    Some(leaves)
}

#[cfg(test)]
mod tests;
