//! Parts of a module on operands that are given, for passes that compute
//! ahead: the same operations in the same two modes.

use super::{Machine, Number, Scalar, Tensor};
use crate::analysis::dependence;
use crate::forest::{Forest, LeafWeight};
use crate::module::{Module, Real, Value};

/// A module of which some values are known.
#[derive(Debug)]
pub struct Partial<'m, N> {
    machine: Machine<'m, N>,
}

impl<'m, N: Number> Partial<'m, N> {
    /// Nothing is known yet: every value is empty.
    pub fn new(module: &'m Module<Real>) -> Self {
        let values = vec![Ok(Vec::new()); module.nodes.len()];
        let machine = Machine {
            module,
            row: &[],
            values,
            stored: dependence::stored(module),
            floats: None,
            leaves: Vec::new(),
        };
        Self { machine }
    }

    /// Says what `value` is, row-major.
    pub fn set(&mut self, value: Value, elements: Vec<Scalar<N>>) {
        self.machine.values[value.index()] = Ok(elements);
    }

    /// Computes `value` from its operands, which must be known, remembers and
    /// returns it. It is undecided if the operation compares what it cannot.
    pub fn compute(&mut self, value: Value) -> Tensor<N> {
        let node = self.machine.module.node(value);
        let result = self.machine.compute(value, &node.op, &node.ty);
        self.machine.values[value.index()] = result.clone();
        result
    }
}

/// The sums of an ensemble of one tree that reaches a leaf with these weights.
pub fn sums_at_leaf<N: Number>(
    forest: &Forest<Real>,
    weights: &[LeafWeight<Real>],
) -> Vec<Scalar<N>> {
    let mut sums = vec![N::exact(0.0); forest.targets as usize];
    for weight in weights {
        let sum = &mut sums[weight.target as usize];
        *sum = sum.add(weight.weight, forest.elem);
    }
    let with_base = sums.iter().zip(&forest.base).map(|(sum, &base)| sum.add(base, forest.elem));
    let within = with_base.zip(&forest.folding_error).map(|(sum, &error)| sum.widened(error));
    within.map(Scalar::Number).collect()
}
