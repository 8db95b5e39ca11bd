//! Writes the nodes of a module anew, for passes that put nodes between others.

use skxc_ir::arena::Arena;
use skxc_ir::module::{Domain, Module, Node, Operation, Value};

/// The nodes so far, and what became of the old ones.
#[derive(Debug)]
pub(crate) struct Rebuild<D: Domain> {
    nodes: Arena<Node<D>>,
    new_of_old: Vec<Value>,
}

impl<D: Domain> Rebuild<D> {
    /// Rebuilds the nodes of `module`. For each, in order, `node` says what it
    /// becomes: the result of [`Self::copy`], or of a node it pushed, or of an
    /// older one.
    pub(crate) fn run(
        module: &mut Module<D>,
        mut node: impl FnMut(&mut Self, &mut Module<D>, Value) -> Value,
    ) {
        let count = module.nodes.len();
        let mut rebuild = Self { nodes: Arena::new(), new_of_old: Vec::with_capacity(count) };
        for value in module.values() {
            let new = node(&mut rebuild, module, value);
            rebuild.new_of_old.push(new);
        }
        module.nodes = rebuild.nodes;
        for output in &mut module.outputs {
            output.value = rebuild.new_of_old[output.value.index()];
        }
    }

    /// What became of an older node.
    pub(crate) fn of(&self, old: Value) -> Value {
        self.new_of_old[old.index()]
    }

    /// Type of a new node.
    pub(crate) fn node(&self, new: Value) -> &Node<D> {
        &self.nodes[skxc_ir::arena::Handle::from_index(new.index())]
    }

    /// Appends a node whose operands are new.
    pub(crate) fn push(&mut self, node: Node<D>) -> Value {
        Value::from_index(self.nodes.push(node).index())
    }

    /// Appends the old node with its operands as they are now.
    pub(crate) fn copy(&mut self, module: &Module<D>, old: Value) -> Value {
        let mut node = module.node(old).clone();
        node.op.map_operands(&mut |operand| self.of(operand));
        self.push(node)
    }
}
