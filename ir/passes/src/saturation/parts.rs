//! Rows that saturate on the way to what an argmax reads, such as the shares of one
//! classifier in a soft vote.
//!
//! A row whose elements are only added up is replaced by what it is beyond its
//! ends, exactly: two shares of 1 and 0 are as much as two of 0 and 1. Where the
//! row is divided by its sum, the numbers that it is made from are held, so that
//! the quotient is still known as the softmax that it is.
//!
//! What must hold: only the argmax reads what is computed anew, and no float of
//! the model is changed by it.

use std::collections::{BTreeMap, BTreeSet};

use skxc_ir::module::{Constant, Module, Node, Operation as _, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Relation};
use skxc_ir::types::{ElementType, Type};

use super::chain::{Chain, Facts};
use super::{held, plateaus, slack};
use crate::float_places::rounded;
use crate::rebuild::Rebuild;

/// A power of e that is nothing beside 1 in doubles.
const NOTHING: f64 = 40.0;

/// What an argmax reads, and what is computed anew on the way to it.
#[derive(Debug)]
pub(super) struct Parts {
    /// All that the argmax depends on, oldest first.
    cone: BTreeSet<Value>,
    held: Vec<Held>,
    replaced: BTreeMap<Value, Replaced>,
}

/// Numbers that are held for the rows that are functions of each of them.
#[derive(Debug)]
struct Held {
    /// The numbers that saturate.
    input: Value,
    /// Where they are held.
    ends: [Option<f64>; 2],
    /// The rows that are constant beyond these ends.
    rows: BTreeSet<Value>,
    /// The values that compute the rows from the numbers, and the rows.
    path: BTreeSet<Value>,
}

/// A row that is one number from each end on.
#[derive(Debug)]
struct Replaced {
    /// The numbers that it is made from.
    input: Value,
    /// From where on down, and from where on up, and what it is there.
    ends: [Option<(f64, f64)>; 2],
}

impl Parts {
    /// The rows that `choice` reads and that saturate; `None` if none does.
    pub(super) fn of(facts: &Facts<'_>, choice: Value) -> Option<Self> {
        let cone = below(facts.module, choice, |_| true);
        let is_map = |value| matches!(facts.module.node(value).op, RealOp::MatMul { .. });
        // What a map adds up is no share: it saturates in the middle of a network.
        let rows = below(facts.module, choice, |value| !is_map(value));
        let mut parts = Self { cone, held: Vec::new(), replaced: BTreeMap::new() };
        for row in rows {
            if let Some(saturated) = Saturated::of(facts, row) {
                parts.add(facts, row, saturated);
            }
        }
        (!parts.held.is_empty() || !parts.replaced.is_empty()).then_some(parts)
    }

    fn add(&mut self, facts: &Facts<'_>, row: Value, saturated: Saturated) {
        let Saturated { input, ends } = saturated;
        let mut made = above(facts.module, &self.cone, row);
        made.insert(row);
        if !is_voted(facts, &made) || self.is_done(facts, row, input) {
            return;
        }
        let mut path = below(facts.module, row, |_| true);
        path.insert(row);
        let path = above(facts.module, &path, input);
        if !is_divided(facts, &made) {
            // What is made of a row that is replaced has the same ends.
            if path.iter().all(|value| !self.replaced.contains_key(value)) {
                self.replaced.insert(row, Replaced { input, ends });
            }
            return;
        }
        let ends = ends.map(|end| end.map(|(from, _)| from));
        let same = |other: &&mut Held| (other.input, other.ends) == (input, ends);
        if let Some(other) = self.held.iter_mut().find(same) {
            other.rows.insert(row);
            other.path.extend(path);
        } else {
            self.held.push(Held { input, ends, rows: [row].into(), path });
        }
    }

    /// Was this row replaced before, or made from numbers that are held?
    fn is_done(&self, facts: &Facts<'_>, row: Value, input: Value) -> bool {
        self.cone.iter().any(|&value| {
            let RealOp::Select { a, b, .. } = facts.module.node(value).op else { return false };
            (a == row || value == input) && facts.affine.is_constant(b)
        })
    }

    /// The argmax of what is computed anew.
    pub(super) fn rebuilt(
        &self,
        rebuild: &mut Rebuild<Real>,
        module: &mut Module<Real>,
        choice: Value,
    ) -> Value {
        let mut anew: BTreeMap<Value, Value> = BTreeMap::new();
        let mut paths: Vec<BTreeMap<Value, Value>> = vec![BTreeMap::new(); self.held.len()];
        for &value in &self.cone {
            for (part, path) in self.held.iter().zip(&mut paths) {
                if part.input == value {
                    let input = anew.get(&value).copied().unwrap_or_else(|| rebuild.of(value));
                    path.insert(value, part.rebuilt(rebuild, module, input));
                } else if part.path.contains(&value) {
                    let new = copied(rebuild, module, value, &[path, &anew]);
                    path.insert(value, new);
                }
                if part.rows.contains(&value) {
                    anew.insert(value, path[&value]);
                }
            }
            if !anew.contains_key(&value) && reads(module, value, &anew) {
                let new = copied(rebuild, module, value, &[&anew]);
                anew.insert(value, new);
            }
            if let Some(replaced) = self.replaced.get(&value) {
                let of = |value| anew.get(&value).copied().unwrap_or_else(|| rebuild.of(value));
                let [row, input] = [value, replaced.input].map(of);
                anew.insert(value, replaced.rebuilt(rebuild, module, row, input));
            }
        }
        copied(rebuild, module, choice, &[&anew])
    }
}

/// A row that is a function of each of its numbers, constant from both ends on.
struct Saturated {
    /// The numbers that saturate.
    input: Value,
    /// The ends that the numbers can reach, and what the row is there.
    ends: [Option<(f64, f64)>; 2],
}

impl Saturated {
    fn of(facts: &Facts<'_>, row: Value) -> Option<Self> {
        let module = facts.module;
        let is_moved = module.node(row).op.movement().is_some();
        if is_moved || !module.ty(row).elem.is_float() {
            return None;
        }
        let chain = Chain::of(facts, row)?;
        // The numbers of the row are a value of its shape, and it depends on each alone.
        let (input, _) = *chain.below.first()?;
        let is_whole = chain.below.iter().enumerate().all(|(at, it)| *it == (input, at))
            && module.shape(input).elements() == chain.below.len();
        if !is_whole || !chain.is_of_each(row) {
            return None;
        }
        let ends = facts.ranges.of_value(input).iter().map(|range| range.ends());
        let ends: Vec<(f64, f64)> = ends.collect::<Option<_>>()?;
        let slack = slack(&ends);
        // A function that grows without end, such as a power of e, is no share.
        let [low, high] = plateaus(module, &chain, module.ty(input).elem);
        let [low, high] = [low?, high?];
        let is_low = ends.iter().any(|(min, _)| min - slack < low);
        let is_high = ends.iter().any(|(_, max)| max + slack > high);
        let at = |end: f64| Some((end, chain.at(module, end)?));
        let low = if is_low { Some(at(low)?) } else { None };
        let high = if is_high { Some(at(high)?) } else { None };
        (is_low || is_high).then_some(Self { input, ends: [low, high] })
    }
}

impl Held {
    /// The numbers, held. Below the lower end the row is 0 in floats, also beside
    /// one that is barely above it: such numbers go on to where they are nothing
    /// beside those, and all to the same.
    fn rebuilt(
        &self,
        rebuild: &mut Rebuild<Real>,
        module: &mut Module<Real>,
        input: Value,
    ) -> Value {
        let between = held(rebuild, module, input, self.ends);
        let Some(low) = self.ends[0] else { return between };
        let nothing = (low, low - NOTHING);
        beyond(rebuild, module, [input, between], Relation::Greater, nothing)
    }
}

impl Replaced {
    fn rebuilt(
        &self,
        rebuild: &mut Rebuild<Real>,
        module: &mut Module<Real>,
        mut row: Value,
        input: Value,
    ) -> Value {
        for (relation, end) in [Relation::Greater, Relation::Less].into_iter().zip(self.ends) {
            if let Some(end) = end {
                row = beyond(rebuild, module, [input, row], relation, end);
            }
        }
        row
    }
}

/// `row` where the relation holds between `input` and the end, else what the end is said to be.
fn beyond(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    [input, row]: [Value; 2],
    relation: Relation,
    (end, is): (f64, f64),
) -> Value {
    let Node { ty, origin, .. } = rebuild.node(row).clone();
    let elements = [(input, end), (row, is)];
    let [end, is] = elements.map(|(beside, number)| {
        let ty = Type::new(rebuild.node(beside).ty.elem, &[1]);
        let constant = Constant { ty: ty.clone(), elements: vec![rounded(number, ty.elem)] };
        let op = RealOp::Constant { constant: module.constants.push(constant) };
        rebuild.push(Node { op, ty, origin })
    });
    let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let op = RealOp::Compare { relation, a: input, b: end };
    let condition = rebuild.push(Node { op, ty: truth, origin });
    rebuild.push(Node { op: RealOp::Select { condition, a: row, b: is }, ty, origin })
}

/// Does a row meet another one that is computed? `made` has it, and what is made of it.
/// Alone it is in the order of its numbers, and decided on them.
fn is_voted(facts: &Facts<'_>, made: &BTreeSet<Value>) -> bool {
    made.iter().skip(1).any(|&value| {
        let mut meets = false;
        facts.module.node(value).op.operands(&mut |operand| {
            meets |= !made.contains(&operand) && !facts.affine.is_constant(operand);
        });
        meets
    })
}

/// Is there a quotient of a row by what is no number? `made` has the row, and what is
/// made of it.
fn is_divided(facts: &Facts<'_>, made: &BTreeSet<Value>) -> bool {
    made.iter().any(|&value| {
        let RealOp::Binary { function: Binary::Divide, a, b } = facts.module.node(value).op else {
            return false;
        };
        !facts.affine.is_constant(b) && (made.contains(&a) || made.contains(&b))
    })
}

/// Those of `values` that depend on `from`.
fn above(module: &Module<Real>, values: &BTreeSet<Value>, from: Value) -> BTreeSet<Value> {
    let mut found = BTreeSet::new();
    // Operands are older than what reads them.
    for &value in values.range(from..) {
        let mut depends = false;
        module.node(value).op.operands(&mut |operand| {
            depends |= operand == from || found.contains(&operand);
        });
        if depends {
            found.insert(value);
        }
    }
    found
}

/// All values that `value` depends on, the operands only of those that `is_open`.
fn below(module: &Module<Real>, value: Value, is_open: impl Fn(Value) -> bool) -> BTreeSet<Value> {
    let mut found = BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        module.node(value).op.operands(&mut |operand| {
            if found.insert(operand) && is_open(operand) {
                pending.push(operand);
            }
        });
    }
    found
}

/// Does an operation read a value that has been computed anew?
fn reads(module: &Module<Real>, value: Value, anew: &BTreeMap<Value, Value>) -> bool {
    let mut is_read = false;
    module.node(value).op.operands(&mut |operand| is_read |= anew.contains_key(&operand));
    is_read
}

/// The operation on what the first of `anew` that has an operand holds for it.
fn copied(
    rebuild: &mut Rebuild<Real>,
    module: &Module<Real>,
    value: Value,
    anew: &[&BTreeMap<Value, Value>],
) -> Value {
    let Node { mut op, ty, origin } = module.node(value).clone();
    op.map_operands(&mut |operand| {
        let new = anew.iter().find_map(|new| new.get(&operand));
        new.copied().unwrap_or_else(|| rebuild.of(operand))
    });
    rebuild.push(Node::<Real> { op, ty, origin })
}
