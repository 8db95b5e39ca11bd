//! Rows that saturate on the way to what an argmax reads, such as the shares of one
//! classifier in a soft vote.
//!
//! What must hold: only the argmax reads what is computed from held numbers.

use std::collections::{BTreeMap, BTreeSet};

use skxc_ir::module::{Module, Node, Operation as _, Real, Value};

use super::chain::{Chain, Facts};
use super::{held, plateaus, slack};
use crate::rebuild::Rebuild;

/// What an argmax reads, and the rows of it that are computed anew.
#[derive(Debug)]
pub(super) struct Parts {
    /// All that the argmax depends on, oldest first.
    cone: BTreeSet<Value>,
    parts: Vec<Part>,
}

/// A row that is a function of each of its numbers.
#[derive(Debug)]
struct Part {
    /// The row.
    row: Value,
    /// Its numbers.
    input: Value,
    /// The values that compute the row from its numbers, the row among them.
    path: BTreeSet<Value>,
    /// Where the numbers are held.
    ends: [Option<f64>; 2],
}

impl Parts {
    /// The rows that `choice` reads and that saturate; `None` if none does.
    pub(super) fn of(facts: &Facts<'_>, choice: Value) -> Option<Self> {
        let cone = below(facts.module, choice);
        let mut parts: Vec<Part> = Vec::new();
        for &row in cone.iter().rev() {
            // Within a row that is held nothing is left to hold.
            if !parts.iter().any(|part| part.path.contains(&row)) {
                parts.extend(Part::of(facts, row));
            }
        }
        (!parts.is_empty()).then_some(Self { cone, parts })
    }

    /// The argmax of what is computed anew.
    pub(super) fn rebuilt(
        &self,
        rebuild: &mut Rebuild<Real>,
        module: &mut Module<Real>,
        choice: Value,
    ) -> Value {
        let mut anew: BTreeMap<Value, Value> = BTreeMap::new();
        let mut paths: Vec<BTreeMap<Value, Value>> = vec![BTreeMap::new(); self.parts.len()];
        for &value in &self.cone {
            for (part, path) in self.parts.iter().zip(&mut paths) {
                if part.input == value {
                    let input = anew.get(&value).copied().unwrap_or_else(|| rebuild.of(value));
                    path.insert(value, held(rebuild, module, input, part.ends));
                } else if part.path.contains(&value) {
                    let new = copied(rebuild, module, value, &[path, &anew]);
                    path.insert(value, new);
                }
                if part.row == value {
                    anew.insert(value, path[&value]);
                }
            }
            if !anew.contains_key(&value) && reads(module, value, &anew) {
                let new = copied(rebuild, module, value, &[&anew]);
                anew.insert(value, new);
            }
        }
        copied(rebuild, module, choice, &[&anew])
    }
}

impl Part {
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
        let elem = module.ty(input).elem;
        let ends = facts.ranges.of_value(input).iter().map(|range| range.ends());
        let ends: Vec<(f64, f64)> = ends.collect::<Option<_>>()?;
        let slack = slack(&ends);
        let [low, high] = plateaus(module, &chain, elem);
        let low = low.filter(|low| ends.iter().any(|(min, _)| min - slack < *low));
        let high = high.filter(|high| ends.iter().any(|(_, max)| max + slack > *high));
        if low.is_none() && high.is_none() {
            return None;
        }
        let above = |value: &Value| *value > input && below(module, *value).contains(&input);
        let mut path: BTreeSet<Value> = below(module, row).into_iter().filter(above).collect();
        path.insert(row);
        Some(Self { row, input, path, ends: [low, high] })
    }
}

/// All values that `value` depends on.
fn below(module: &Module<Real>, value: Value) -> BTreeSet<Value> {
    let mut found = BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        module.node(value).op.operands(&mut |operand| {
            if found.insert(operand) {
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
