//! Removes from a module all that no output needs: nodes, constants, forests,
//! functions, linear maps, label tables.
//!
//! What must hold: the values of the outputs are made by the same operations on
//! the same operands; columns stay, whether or not anything reads them.

use std::collections::HashMap;

use super::{Constant, Domain, LabelTable, Module, Operation as _, Value};
use crate::arena::{Arena, Handle};
use crate::forest::Forest;
use crate::function::Function;
use crate::matrix::Matrix;
use crate::ops::ReferenceMut;
use crate::types::{ElementType, Type};

impl<D: Domain> Module<D> {
    /// Removes what no output needs; says whether there was any.
    pub fn sweep(&mut self) -> bool {
        sweep(self)
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

/// The data of a module that is kept.
struct KeptData<D: Domain> {
    constants: Kept<Constant<D>>,
    forests: Kept<Forest<D>>,
    functions: Kept<Function>,
    matrices: Kept<Matrix>,
    labels: Kept<LabelTable>,
}

impl<D: Domain> KeptData<D> {
    /// Keeps the data that an operation refers to. Columns all stay.
    fn keep(&mut self, reference: ReferenceMut<'_, D>) {
        match reference {
            ReferenceMut::Column(_) => {}
            ReferenceMut::Constant(constant) => self.constants.keep(constant),
            ReferenceMut::Forest(forest) => self.forests.keep(forest),
            ReferenceMut::Function(function) => self.functions.keep(function),
            ReferenceMut::Matrix(matrix) => self.matrices.keep(matrix),
            ReferenceMut::Labels(table) => self.labels.keep(table),
        }
    }
}

fn sweep<D: Domain>(module: &mut Module<D>) -> bool {
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
        node.op.references_mut(&mut |reference| data.keep(reference));
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

/// For each node, whether an output needs it.
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
