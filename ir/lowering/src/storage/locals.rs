//! Values of one element: local variables, as far as the stack goes.

use std::collections::{BTreeMap, BTreeSet};

use super::Input;
use skxc_ir::module::{Int, Module, Operation as _, Value};

/// Variables of 8 bytes that are needed at the same time: a quarter of the stack of a BPF
/// program (`MAX_BPF_STACK`, include/linux/filter.h), which clang needs too.
const LOCALS_MAX: usize = 16;

/// Values of one element that are no local variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Locals {
    /// Functions read them.
    shared: BTreeSet<Value>,
    /// They were too many for the stack.
    spilled: BTreeSet<Value>,
}

impl Locals {
    pub(super) fn of(input: Input<'_>) -> Self {
        let shared = shared(input);
        let spilled = spilled(input, &shared);
        Self { shared, spilled }
    }

    /// Is the value held in a local variable?
    pub(super) fn holds(&self, module: &Module<Int>, value: Value) -> bool {
        module.shape(value).elements() == 1
            && !self.shared.contains(&value)
            && !self.is_spilled(value)
    }

    pub(super) fn is_spilled(&self, value: Value) -> bool {
        self.spilled.contains(&value)
    }
}

/// The values of which an element is an operand of a linear map with functions.
fn shared(input: Input<'_>) -> BTreeSet<Value> {
    let mut shared = BTreeSet::new();
    for (&map, _) in input.maps.iter().filter(|(_, map)| map.functions() > 0) {
        input.module.node(map).op.operands(&mut |operand| {
            let elements = input.elements.of_value(operand);
            shared.extend(elements.iter().filter_map(|it| it.computed_by()));
        });
    }
    shared
}

/// Of the values of one element that are needed at the same time, those that are
/// needed longest, where there are more than [`LOCALS_MAX`].
fn spilled(input: Input<'_>, shared: &BTreeSet<Value>) -> BTreeSet<Value> {
    let module = input.module;
    let mut last_read: BTreeMap<Value, Value> = BTreeMap::new();
    for reader in module.values() {
        module.node(reader).op.operands(&mut |operand| {
            let elements = input.elements.of_value(operand);
            let computed = elements.iter().filter_map(|it| it.computed_by());
            last_read.extend(computed.map(|value| (value, reader)));
        });
    }
    let is_local = |value: Value| module.shape(value).elements() == 1 && !shared.contains(&value);
    let mut live: BTreeSet<(Value, Value)> = BTreeSet::new();
    let mut spilled = BTreeSet::new();
    for value in module.values() {
        live.retain(|&(last, _)| last >= value);
        let last = last_read.get(&value).filter(|_| is_local(value));
        live.extend(last.map(|&last| (last, value)));
        if live.len() > LOCALS_MAX {
            spilled.extend(live.pop_last().map(|(_, value)| value));
        }
    }
    spilled
}
