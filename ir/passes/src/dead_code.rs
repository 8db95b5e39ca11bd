//! Removes what no output needs: nodes, constants, forests, functions, label tables.
//!
//! Obligation: the outputs' values are made by the same operations on the same
//! operands. Columns stay, whether or not anything reads them.

use std::collections::HashMap;
use std::hash::Hash;

use crate::{Pass, PassContext};
use skxc_ir::module::{Domain, Module, Operation as _, Value};
use skxc_ir::validate::Rules;

/// Removes nodes that no output reads.
#[derive(Clone, Copy, Debug)]
pub struct DeadCode;

impl<D: Rules> Pass<D> for DeadCode {
    fn name(&self) -> &'static str {
        "dead-code"
    }
    fn summary(&self) -> &'static str {
        "remove what no output needs"
    }
    fn run(&self, module: &mut Module<D>, _: &mut PassContext<D>) -> bool {
        module.sweep()
    }
}

/// Replaces values by others in every operand and output. A value may be
/// replaced by one that is replaced itself.
pub(crate) fn replace_values<D: Domain>(
    module: &mut Module<D>,
    by: &HashMap<Value, Value>,
) -> bool {
    if by.is_empty() {
        return false;
    }
    let resolve = |value: Value| follow(by, value);
    for value in module.values() {
        module.node_mut(value).op.map_operands(&mut |operand| resolve(operand));
    }
    for output in &mut module.outputs {
        output.value = resolve(output.value);
    }
    true
}

/// The end of a chain of replacements, which lead to older values only.
fn follow<K: Copy + Eq + Hash>(by: &HashMap<K, K>, mut key: K) -> K {
    while let Some(&next) = by.get(&key) {
        key = next;
    }
    key
}
