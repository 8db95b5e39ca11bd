//! Where each element of each value lives: operations that only move elements
//! cost nothing, because their results are other names for the same places.

use skxc_ir::arena::Handle;
use skxc_ir::module::{Column, Int, Module, Value};
use skxc_ir::ops::IntOp;

/// Place of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// An input column.
    Column(Handle<Column>),
    /// A number known at compile time.
    Constant(i64),
    /// Element `index` of what the node of `value` computes.
    Cell {
        /// The value whose node computes it.
        value: Value,
        /// Position in that value, row-major.
        index: u32,
    },
}

impl Element {
    /// The value whose node computes it, if one does.
    #[must_use]
    pub fn computed_by(self) -> Option<Value> {
        match self {
            Self::Cell { value, .. } => Some(value),
            Self::Column(_) | Self::Constant(_) => None,
        }
    }
}

/// Places of the elements of all values of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    of_value: Vec<Vec<Element>>,
}

impl Elements {
    /// Resolves a valid module.
    #[must_use]
    pub fn of(module: &Module<Int>) -> Self {
        let mut elements = Self { of_value: Vec::with_capacity(module.nodes.len()) };
        for value in module.values() {
            let places = elements.of_op(module, value);
            elements.of_value.push(places);
        }
        elements
    }

    /// Places of the elements of `value`, row-major.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[Element] {
        &self.of_value[value.index()]
    }

    fn of_op(&self, module: &Module<Int>, value: Value) -> Vec<Element> {
        let node = module.node(value);
        if let IntOp::Input { columns } = &node.op {
            return columns.iter().map(|&column| Element::Column(column)).collect();
        }
        if let IntOp::Constant { constant } = &node.op {
            let elements = &module.constants[*constant].elements;
            return elements.iter().map(|&x| Element::Constant(x)).collect();
        }
        if let Some(sources) = module.sources(&node.op) {
            return sources.into_iter().map(|(value, i)| self.of_value(value)[i]).collect();
        }
        let count = u32::try_from(node.ty.shape.elements());
        let count = count.expect("limits::ELEMENTS_MAX is below 2^32");
        (0..count).map(|index| Element::Cell { value, index }).collect()
    }
}
