//! Values without a place of their own: the code of the only value that reads
//! them, element by element, computes them on its way; or that of a linear map
//! goes on with what it has in a register.
//!
//! Obligation: whatever reads an element of such a value is computed with it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, STRAIGHT_MAX, liveness};
use crate::Element;
use skxc_ir::module::{Int, Module, Operation as _, Value};
use skxc_ir::ops::{IntOp, OpKind};

/// Which values are computed with the one that reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fusion {
    user: BTreeMap<Value, Value>,
    /// Those that the code of a linear map computes.
    after_map: BTreeSet<Value>,
}

impl Fusion {
    /// Looks at all values that code computes.
    pub(super) fn of(input: Input<'_>, computed: &[Value]) -> Self {
        let mut fusion = Self::default();
        let mut readers: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
        for &value in computed {
            for read in values(&liveness::reads(input, value)) {
                let readers = readers.entry(read).or_default();
                if readers.last() != Some(&value) {
                    readers.push(value);
                }
            }
        }
        for output in &input.module.outputs {
            for read in values(input.elements.of_value(output.value)) {
                // What a result reads has a place.
                readers.remove(&read);
            }
        }
        for &value in computed {
            let Some(&[user]) = readers.get(&value).map(Vec::as_slice) else { continue };
            let is_with_map = is_map(input.module, value) || fusion.after_map.contains(&value);
            if !is_each(input, value, user) {
                continue;
            }
            if is_with_map && goes_on(input, value, user) {
                fusion.after_map.insert(user);
                fusion.user.insert(value, user);
            } else if !is_with_map && is_looped(input, value) {
                fusion.user.insert(value, user);
            }
        }
        fusion
    }

    /// Is the value computed with the one that reads it?
    pub(super) fn is_fused(&self, value: Value) -> bool {
        self.user.contains_key(&value)
    }

    /// Is there code that begins with the value, and not with one that it is
    /// computed with?
    pub(super) fn has_code(&self, module: &Module<Int>, value: Value) -> bool {
        is_map(module, value) || !(self.is_fused(value) || self.after_map.contains(&value))
    }

    /// The values that are computed with a linear map, each from the one before.
    pub(super) fn after(&self, map: Value) -> Vec<Value> {
        std::iter::successors(self.user.get(&map), |user| self.user.get(user)).copied().collect()
    }
}

/// The values of the elements.
fn values(elements: &[Element]) -> impl Iterator<Item = Value> {
    elements.iter().filter_map(|element| element.computed_by())
}

fn is_looped(input: Input<'_>, value: Value) -> bool {
    is_elementwise(&input.module.node(value).op)
        && input.module.shape(value).elements() > STRAIGHT_MAX
}

/// Does each element of the user read the element of the value at its own place
/// and no other of it?
fn is_each(input: Input<'_>, value: Value, user: Value) -> bool {
    let op = &input.module.node(user).op;
    let whole = input.module.shape(user);
    if !is_elementwise(op) || whole.elements() == 1 {
        return false;
    }
    let mut is_each = true;
    op.operands(&mut |operand| {
        let elements = input.elements.of_value(operand);
        if values(elements).any(|of| of == value) {
            let positions = input.module.shape(operand).positions_in(whole);
            let at = positions.into_iter().map(|position| elements[position]);
            let own = (0..).map(|index| Element::Cell { value, index });
            is_each &= at.zip(own).all(|(element, own)| element == own)
                && input.module.shape(value).elements() == whole.elements();
        }
    });
    is_each
}

/// Does the user read but one constant beside the value?
fn goes_on(input: Input<'_>, value: Value, user: Value) -> bool {
    let mut goes_on = true;
    input.module.node(user).op.operands(&mut |operand| {
        let elements = input.elements.of_value(operand);
        let is_value = values(elements).any(|of| of == value);
        let is_one = matches!(elements[0], Element::Constant(_))
            && elements.iter().all(|element| *element == elements[0]);
        goes_on &= is_value || is_one;
    });
    goes_on
}

fn is_map(module: &Module<Int>, value: Value) -> bool {
    matches!(module.node(value).op, IntOp::Linear { .. })
}

fn is_elementwise(op: &IntOp) -> bool {
    matches!(op.kind(), OpKind::Elementwise)
}
