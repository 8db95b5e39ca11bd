//! The integer domain: what C does, checked.

mod arithmetic;
mod order;

use super::{Outcome, Trace, Walk, is_label, leaf_of, weights_of};
use crate::arena::Handle;
use crate::forest::{Forest, NodeId};
use crate::matrix::{Matrix, MatrixRow};
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
    let machine = Machine::run(module, row);
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

/// Every value that `module` computes of `row`, by index.
pub(super) fn values(module: &Module<Int>, row: &[Option<i64>]) -> Vec<Vec<i64>> {
    Machine::run(module, row).values
}

impl<'m> Machine<'m> {
    fn run(module: &'m Module<Int>, row: &'m [Option<i64>]) -> Self {
        let mut machine = Self { module, row, values: Vec::new(), leaves: Vec::new() };
        for (_, node) in module.nodes.iter() {
            let elements = machine.compute(&node.op, &node.ty);
            check_storage(&elements, node.ty.elem);
            machine.values.push(elements);
        }
        machine
    }

    fn get(&self, value: Value) -> &[i64] {
        &self.values[value.index()]
    }

    fn compute(&mut self, op: &IntOp, ty: &Type) -> Vec<i64> {
        match op {
            IntOp::Input { columns } => columns.iter().map(|&column| self.input(column)).collect(),
            IntOp::Constant { constant } => self.module.constants[*constant].elements.clone(),
            IntOp::Reshape { input } => self.get(*input).to_vec(),
            IntOp::Gather { .. } | IntOp::Concat { .. } | IntOp::Label { .. } => {
                let sources = self.module.sources(op).expect("the operation moves elements");
                sources.into_iter().map(|(value, i)| self.get(value)[i]).collect()
            }
            IntOp::Binary { function, a, b } => {
                self.each(ty, [*a, *b], |[a, b]| arithmetic::binary(*function, a, b))
            }
            IntOp::Multiply { a, b, shift } => {
                self.each(ty, [*a, *b], |[a, b]| arithmetic::multiply(a, b, *shift))
            }
            IntOp::Divide { a, b, shift } => {
                self.each(ty, [*a, *b], |[a, b]| arithmetic::divide(a, b, *shift))
            }
            IntOp::Rescale { input, rounding } => {
                let (from, to) = (self.module.ty(*input).elem.frac_bits(), ty.elem.frac_bits());
                self.each(ty, [*input], |[x]| arithmetic::rescale(x, from, to, *rounding))
            }
            IntOp::Function { function, input } => {
                let function = &self.module.functions[*function];
                self.each(ty, [*input], |[x]| function.at(x))
            }
            IntOp::Linear { matrix, inputs } => self.linear(*matrix, inputs),
            IntOp::Not { input } => self.each(ty, [*input], |[x]| 1 - x),
            IntOp::Compare { relation, a, b } => {
                self.each(ty, [*a, *b], |[a, b]| i64::from(relation.holds(&a, &b)))
            }
            IntOp::Greater { a, threshold } => self.each(ty, [*a], |[a]| i64::from(a > *threshold)),
            IntOp::Select { condition, a, b } => {
                self.each(ty, [*condition, *a, *b], |[c, a, b]| if c == 1 { a } else { b })
            }
            IntOp::Reduce { function, input } => {
                self.rows(*input).map(|row| arithmetic::reduce(*function, row)).collect()
            }
            IntOp::CumulativeSum { input } => {
                self.rows(*input).flat_map(arithmetic::cumulative_sum).collect()
            }
            IntOp::ArgSort { input, first } => {
                self.rows(*input).flat_map(|row| order::argsort(row, *first)).collect()
            }
            IntOp::Take { input, index } => {
                let row = self.get(*input);
                self.get(*index).iter().map(|&index| order::take(row, index)).collect()
            }
            IntOp::TakeAlong { input, indices } => {
                let pairs = self.rows(*input).zip(self.rows(*indices));
                pairs
                    .flat_map(|(row, indices)| indices.iter().map(|&i| order::take(row, i)))
                    .collect()
            }
            IntOp::Lookup { input, keys, values } => {
                let keys = &self.module.constants[*keys].elements;
                let values = &self.module.constants[*values].elements;
                let of = |x: i64| values[keys.iter().position(|&k| k == x).unwrap_or(keys.len())];
                self.each(ty, [*input], |[x]| of(x))
            }
            IntOp::TreeEnsemble { forest, input } => self.ensemble(*forest, *input),
            IntOp::ArgMax { input, margin } => {
                self.rows(*input).map(|row| order::argmax(row, *margin)).collect()
            }
        }
    }

    /// Applies `function` to the elements of the operands that meet in each
    /// element of the result.
    fn each<const N: usize>(
        &self,
        ty: &Type,
        operands: [Value; N],
        function: impl Fn([i64; N]) -> i64,
    ) -> Vec<i64> {
        let positions = operands.map(|operand| self.module.shape(operand).positions_in(&ty.shape));
        let element = |i: usize, n: usize| self.get(operands[n])[positions[n][i]];
        (0..ty.shape.elements()).map(|i| function(std::array::from_fn(|n| element(i, n)))).collect()
    }

    /// The elements of a value along its last axis.
    fn rows(&self, value: Value) -> std::slice::ChunksExact<'_, i64> {
        self.get(value).chunks_exact(self.module.shape(value).row())
    }

    fn input(&self, column: Handle<Column>) -> i64 {
        let missing = self.module.columns[column].missing;
        let x = self.row[column.index()].or(missing);
        x.expect("a row has no missing value where its column declares none")
    }

    /// The rows of a linear map. Products of wide inputs are added on their own, and
    /// their sum is shifted.
    fn linear(&self, matrix: Handle<Matrix>, inputs: &[Value]) -> Vec<i64> {
        let matrix = &self.module.matrices[matrix];
        let elements: Vec<i64> =
            inputs.iter().flat_map(|&input| self.get(input)).copied().collect();
        let is_wide: Vec<bool> = (0..matrix.inputs).map(|input| matrix.is_wide(input)).collect();
        let result = |row: &MatrixRow| {
            let (mut narrow, mut wide) = (0_i128, 0_i128);
            for weight in &row.weights {
                let input = weight.input as usize;
                let product = i128::from(weight.weight) * i128::from(elements[input]);
                if is_wide[input] {
                    wide += product;
                } else {
                    narrow += product;
                }
            }
            let wide = (wide + i128::from(matrix.half())) >> matrix.low_bits;
            i64::try_from(i128::from(row.base) + narrow + wide)
                .expect("the validator proves that every result fits")
        };
        matrix.rows.iter().map(result).collect()
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

fn check_storage(elements: &[i64], elem: ElementType) {
    let ElementType::Fixed { bits, .. } = elem else { return };
    let fits = |x: &i64| x.unsigned_abs() >> bits == 0;
    assert!(elements.iter().all(fits), "{elements:?} fit {bits} bits");
}
