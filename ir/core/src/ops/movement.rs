//! Operations that only move elements: each element of the result is one of an
//! operand. Analyses, interpreter and lowerings treat them all by
//! [`Module::sources`].

use crate::module::{Domain, Module, Operation as _, Value};

/// How the elements of a result are those of the operands.
#[derive(Clone, Copy, Debug)]
pub enum Movement<'a> {
    /// In the same order.
    Same(Value),
    /// These positions of each row, which is along the last axis.
    Gather(Value, &'a [u32]),
    /// The rows of the operands one behind the other.
    Concat(&'a [Value]),
}

impl<D: Domain> Module<D> {
    /// For each element of the result of an operation that only moves elements,
    /// row-major: the operand and the position in it. `None` if it computes.
    #[must_use]
    pub fn sources(&self, op: &D::Op) -> Option<Vec<(Value, usize)>> {
        let width = |value: Value| self.shape(value).row();
        let count = |value: Value| self.shape(value).elements();
        Some(match op.movement()? {
            Movement::Same(input) => (0..count(input)).map(|i| (input, i)).collect(),
            Movement::Gather(input, indices) => {
                let rows = (0..count(input)).step_by(width(input).max(1));
                rows.flat_map(|row| indices.iter().map(move |&i| (input, row + i as usize)))
                    .collect()
            }
            Movement::Concat(inputs) => {
                let first = inputs.first().copied();
                let rows = first.map_or(0, |first| count(first) / width(first).max(1));
                let part = |row: usize, input: Value| {
                    let width = width(input);
                    (0..width).map(move |i| (input, row * width + i))
                };
                (0..rows)
                    .flat_map(|row| inputs.iter().flat_map(move |&input| part(row, input)))
                    .collect()
            }
        })
    }
}
