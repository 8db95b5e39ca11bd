//! The integer domain: what C does, checked.

use super::{Outcome, Trace, Walk, is_label, leaf_of, weights_of};
use crate::arena::Handle;
use crate::forest::{Forest, NodeId};
use crate::module::{Column, Int, Module, Output, Value};
use crate::ops::IntOp;
use crate::types::{ElementType, Type};

struct Machine<'m> {
    module: &'m Module<Int>,
    row: &'m [Option<i64>],
    values: Vec<Vec<i64>>,
    leaves: Vec<(Handle<Forest<Int>>, Vec<NodeId>)>,
}

/// Runs `module` on `row`.
pub(super) fn run(module: &Module<Int>, row: &[Option<i64>]) -> Trace<Int, Outcome<i64>> {
    let mut machine = Machine { module, row, values: Vec::new(), leaves: Vec::new() };
    for (_, node) in module.nodes.iter() {
        let elements = machine.compute(&node.op, &node.ty);
        check_storage(&elements, node.ty.elem);
        machine.values.push(elements);
    }
    let outcome = |output: &Output| {
        let elements = machine.get(output.value);
        if is_label(output.kind) {
            let label = usize::try_from(elements[0]);
            Outcome::Label(label.expect("a label is an index of its table"))
        } else {
            Outcome::Numbers(elements.to_vec())
        }
    };
    let outcomes = module.outputs.iter().map(outcome).collect();
    Trace { outcomes, leaves: machine.leaves }
}

impl Machine<'_> {
    fn get(&self, value: Value) -> &[i64] {
        &self.values[value.index()]
    }

    fn compute(&mut self, op: &IntOp, ty: &Type) -> Vec<i64> {
        match op {
            IntOp::Input { columns } => columns.iter().map(|&column| self.input(column)).collect(),
            IntOp::Constant { constant } => self.module.constants[*constant].elements.clone(),
            IntOp::Reshape { input } => self.get(*input).to_vec(),
            IntOp::Gather { input, indices } => {
                let elements = self.get(*input);
                indices.iter().map(|&index| elements[index as usize]).collect()
            }
            IntOp::Concat { inputs } => {
                inputs.iter().flat_map(|&input| self.get(input)).copied().collect()
            }
            IntOp::Subtract { a, b } => {
                let (a, b) = (self.get(*a), self.get(*b));
                let elements = 0..ty.shape.elements();
                elements.map(|i| subtract(a[i % a.len()], b[i % b.len()])).collect()
            }
            IntOp::Greater { a, threshold } => {
                self.get(*a).iter().map(|x| i64::from(x > threshold)).collect()
            }
            IntOp::TreeEnsemble { forest, input } => self.ensemble(*forest, *input),
            IntOp::ArgMax { input, margin } => vec![argmax(self.get(*input), *margin)],
            IntOp::Label { class, .. } => self.get(*class).to_vec(),
        }
    }

    fn input(&self, column: Handle<Column>) -> i64 {
        let missing = self.module.columns[column].missing;
        let x = self.row[column.index()].or(missing);
        x.expect("a row has no missing value where its column declares none")
    }

    fn ensemble(&mut self, handle: Handle<Forest<Int>>, input: Value) -> Vec<i64> {
        let forest = &self.module.forests[handle];
        let features = self.get(input);
        let mut sums = forest.base.clone();
        let mut leaves = Vec::with_capacity(forest.roots.len());
        for &root in &forest.roots {
            let holds = |test| Ok::<_, std::convert::Infallible>(Int::holds(test, features));
            let Ok(leaf) = leaf_of(forest, root, holds);
            let (first, count) = weights_of(forest, leaf);
            for weight in forest.leaf_weights(first, count) {
                let sum = &mut sums[weight.target as usize];
                let added = sum.checked_add(weight.weight);
                *sum = added.expect("the sum of any of the trees fits 62 bits");
            }
            leaves.push(leaf);
        }
        self.leaves.push((handle, leaves));
        sums
    }
}

fn subtract(a: i64, b: i64) -> i64 {
    a.checked_sub(b).expect("a difference fits its storage")
}

/// The first element that is at least the greatest less `margin`.
fn argmax(elements: &[i64], margin: i64) -> i64 {
    let greatest = elements.iter().copied().max().expect("argmax has an element");
    let least = greatest.checked_sub(margin).expect("a margin keeps within 64 bits");
    let first = elements.iter().position(|&x| x >= least);
    first.expect("the greatest element is at least that") as i64
}

fn check_storage(elements: &[i64], elem: ElementType) {
    let ElementType::Fixed { bits, .. } = elem else { return };
    let fits = |x: &i64| x.unsigned_abs() >> bits == 0;
    assert!(elements.iter().all(fits), "{elements:?} fit {bits} bits");
}
