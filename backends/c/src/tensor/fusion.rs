//! Values without a place of their own: the code of the only value that reads
//! them, element by element, computes them on its way; or that of a linear map
//! goes on with what it has in a register.
//!
//! Obligation: whatever reads an element of such a value is computed with it.

use std::collections::{BTreeMap, BTreeSet};

use skxc_ir::{Operation as _, Value};
use skxc_lowering::Element;

use super::linear::is_map;
use super::{STRAIGHT_MAX, elementwise};
use crate::context::Context;

/// Which values are computed with the one that reads them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fusion {
    user: BTreeMap<Value, Value>,
    /// Those that the code of a linear map computes.
    after_map: BTreeSet<Value>,
}

impl Fusion {
    /// Looks at all values that are computed.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        let mut fusion = Self::default();
        let computed = super::computed(context);
        let mut readers: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
        for &value in &computed {
            for read in values(&super::reads(context, value)) {
                let readers = readers.entry(read).or_default();
                if readers.last() != Some(&value) {
                    readers.push(value);
                }
            }
        }
        for output in &context.module.outputs {
            for read in values(context.plan.elements.of_value(output.value)) {
                // What a result reads has a place.
                readers.remove(&read);
            }
        }
        for value in computed {
            let Some(&[user]) = readers.get(&value).map(Vec::as_slice) else { continue };
            let is_with_map = is_map(context, value) || fusion.after_map.contains(&value);
            if !is_each(context, value, user) {
                continue;
            }
            if is_with_map && goes_on(context, value, user) {
                fusion.after_map.insert(user);
                fusion.user.insert(value, user);
            } else if !is_with_map && is_looped(context, value) {
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
    pub(super) fn has_code(&self, context: &Context<'_>, value: Value) -> bool {
        is_map(context, value) || !(self.is_fused(value) || self.after_map.contains(&value))
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

fn is_looped(context: &Context<'_>, value: Value) -> bool {
    elementwise::is_elementwise(&context.module.node(value).op)
        && context.module.shape(value).elements() > STRAIGHT_MAX
}

/// Does each element of the user read the element of the value at its own place
/// and no other of it?
fn is_each(context: &Context<'_>, value: Value, user: Value) -> bool {
    let op = &context.module.node(user).op;
    let whole = context.module.shape(user);
    if !elementwise::is_elementwise(op) || whole.elements() == 1 {
        return false;
    }
    let mut is_each = true;
    op.operands(&mut |operand| {
        let elements = context.plan.elements.of_value(operand);
        if values(elements).any(|of| of == value) {
            let positions = context.module.shape(operand).positions_in(whole);
            let at = positions.into_iter().map(|position| elements[position]);
            let own = (0..).map(|index| Element::Cell { value, index });
            is_each &= at.zip(own).all(|(element, own)| element == own)
                && context.module.shape(value).elements() == whole.elements();
        }
    });
    is_each
}

/// Does the user read but one constant beside the value?
fn goes_on(context: &Context<'_>, value: Value, user: Value) -> bool {
    let mut goes_on = true;
    context.module.node(user).op.operands(&mut |operand| {
        let elements = context.plan.elements.of_value(operand);
        let is_value = values(elements).any(|of| of == value);
        let is_one = matches!(elements[0], Element::Constant(_))
            && elements.iter().all(|element| *element == elements[0]);
        goes_on &= is_value || is_one;
    });
    goes_on
}
