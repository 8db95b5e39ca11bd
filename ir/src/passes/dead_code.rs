//! Removes what no output needs: nodes, constants, forests, functions, label tables.
//!
//! Obligation: the outputs' values are made by the same operations on the same
//! operands. Columns stay, whether or not anything reads them.

use std::collections::HashMap;
use std::hash::Hash;

use crate::arena::{Arena, Handle};
use crate::module::{Domain, Int, LabelTable, Module, Operation, Real, Value};
use crate::ops::{IntOp, RealOp};
use crate::passes::Pass;
use crate::types::{ElementType, Type};

/// The pass.
#[derive(Clone, Copy, Debug)]
pub struct DeadCode;

const NAME: &str = "dead-code";
const SUMMARY: &str = "remove what no output needs";

impl Pass<Real> for DeadCode {
    fn name(&self) -> &'static str {
        NAME
    }
    fn summary(&self) -> &'static str {
        SUMMARY
    }
    fn run(&self, module: &mut Module<Real>) -> bool {
        sweep(module, |op, kept| match op {
            RealOp::Constant { constant } => kept.constants.keep(constant),
            RealOp::TreeEnsemble { forest, .. } => kept.forests.keep(forest),
            RealOp::Label { table, .. } => kept.labels.keep(table),
            RealOp::Lookup { keys, values, .. } => {
                kept.constants.keep(keys);
                kept.constants.keep(values);
            }
            RealOp::Input { .. }
            | RealOp::Cast { .. }
            | RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Unary { .. }
            | RealOp::Binary { .. }
            | RealOp::Compare { .. }
            | RealOp::Select { .. }
            | RealOp::Reduce { .. }
            | RealOp::MatMul { .. }
            | RealOp::Softmax { .. }
            | RealOp::CumulativeSum { .. }
            | RealOp::ArgSort { .. }
            | RealOp::Take { .. }
            | RealOp::TakeAlong { .. }
            | RealOp::ArgMax { .. }
            | RealOp::ArgMin { .. } => {}
        })
    }
}

impl Pass<Int> for DeadCode {
    fn name(&self) -> &'static str {
        NAME
    }
    fn summary(&self) -> &'static str {
        SUMMARY
    }
    fn run(&self, module: &mut Module<Int>) -> bool {
        sweep(module, |op, kept| match op {
            IntOp::Constant { constant } => kept.constants.keep(constant),
            IntOp::TreeEnsemble { forest, .. } => kept.forests.keep(forest),
            IntOp::Label { table, .. } => kept.labels.keep(table),
            IntOp::Function { function, .. } => kept.functions.keep(function),
            IntOp::Linear { matrix, .. } => kept.matrices.keep(matrix),
            IntOp::Lookup { keys, values, .. } => {
                kept.constants.keep(keys);
                kept.constants.keep(values);
            }
            IntOp::Input { .. }
            | IntOp::Reshape { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::Binary { .. }
            | IntOp::Multiply { .. }
            | IntOp::Divide { .. }
            | IntOp::Rescale { .. }
            | IntOp::Not { .. }
            | IntOp::Compare { .. }
            | IntOp::Greater { .. }
            | IntOp::Select { .. }
            | IntOp::Reduce { .. }
            | IntOp::CumulativeSum { .. }
            | IntOp::ArgSort { .. }
            | IntOp::Take { .. }
            | IntOp::TakeAlong { .. }
            | IntOp::ArgMax { .. } => {}
        })
    }
}

/// New handles of what is kept of one arena, in the old order.
struct Kept<T> {
    old: Vec<Handle<T>>,
    new_of_old: HashMap<Handle<T>, Handle<T>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { old: Vec::new(), new_of_old: HashMap::new() }
    }
}

impl<T> Kept<T> {
    /// Keeps what `handle` names and makes `handle` the new name.
    fn keep(&mut self, handle: &mut Handle<T>) {
        let next = Handle::from_index(self.old.len());
        let new = *self.new_of_old.entry(*handle).or_insert(next);
        if new == next {
            self.old.push(*handle);
        }
        *handle = new;
    }

    /// Replaces the arena by what was kept; says whether that is less.
    fn apply(self, arena: &mut Arena<T>) -> bool
    where
        T: Clone,
    {
        let changed = self.old.len() < arena.len();
        if changed || self.old.iter().enumerate().any(|(i, handle)| handle.index() != i) {
            *arena = self.old.into_iter().map(|handle| arena[handle].clone()).collect();
        }
        changed
    }
}

/// What is kept beside the nodes.
struct KeptData<D: Domain> {
    constants: Kept<crate::module::Constant<D>>,
    forests: Kept<crate::forest::Forest<D>>,
    functions: Kept<crate::function::Function>,
    matrices: Kept<crate::matrix::Matrix>,
    labels: Kept<LabelTable>,
}

fn sweep<D: Domain>(
    module: &mut Module<D>,
    mut keep_data: impl FnMut(&mut D::Op, &mut KeptData<D>),
) -> bool {
    let live = live_nodes(module);
    let mut data = KeptData {
        constants: Kept::default(),
        forests: Kept::default(),
        functions: Kept::default(),
        matrices: Kept::default(),
        labels: Kept::default(),
    };
    let mut new_value = vec![None; live.len()];
    let mut nodes = Arena::new();
    for (handle, node) in module.nodes.iter() {
        if !live[handle.index()] {
            continue;
        }
        let mut node = node.clone();
        node.op.map_operands(&mut |value| renamed(&new_value, value));
        keep_data(&mut node.op, &mut data);
        keep_labels(&mut node.ty, &mut data.labels);
        new_value[handle.index()] = Some(Handle::from_index(nodes.push(node).index()));
    }
    let changed = nodes.len() < module.nodes.len();
    module.nodes = nodes;
    for output in &mut module.outputs {
        output.value = renamed(&new_value, output.value);
    }
    let constants = data.constants.apply(&mut module.constants);
    let forests = data.forests.apply(&mut module.forests);
    let functions = data.functions.apply(&mut module.functions);
    let matrices = data.matrices.apply(&mut module.matrices);
    let labels = data.labels.apply(&mut module.labels);
    changed | constants | forests | functions | matrices | labels
}

/// Which nodes some output needs.
fn live_nodes<D: Domain>(module: &Module<D>) -> Vec<bool> {
    let mut live = vec![false; module.nodes.len()];
    for output in &module.outputs {
        live[output.value.index()] = true;
    }
    for value in module.values().rev() {
        if live[value.index()] {
            module.node(value).op.operands(&mut |operand| live[operand.index()] = true);
        }
    }
    live
}

fn renamed(new_value: &[Option<Value>], value: Value) -> Value {
    new_value[value.index()].expect("what a live node reads is live and older")
}

/// A type can name a label table, too.
fn keep_labels(ty: &mut Type, labels: &mut Kept<LabelTable>) {
    if let ElementType::Label(table) = &mut ty.elem {
        labels.keep(table);
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
