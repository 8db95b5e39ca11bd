//! Columns that can be missing.
//!
//! A missing value is NaN where it becomes a float, and an integer like any other
//! in the integer module. What decides on its column alone knows that integer;
//! what computes with it would take it for a number.
//!
//! Obligation: an operation reads a column that can be missing only if it selects
//! another number in its place.

use super::matrices::stored_column;
use super::{QuantizeError, Quantizer, onnx_node};
use crate::analysis::affine::Atom;
use crate::arena::Handle;
use crate::interpret::Scalar;
use crate::module::{Column, Module, Operation, Real, Value};
use crate::ops::RealOp;

/// The column that an atom is, if it can be missing there.
pub(super) fn missing_column(real: &Module<Real>, atom: Atom) -> Option<Handle<Column>> {
    let stored = stored_column(real, atom)?;
    let can_be = stored.elem.is_float() && real.columns[stored.column].missing.is_some();
    can_be.then_some(stored.column)
}

impl Quantizer<'_> {
    /// A column that an operation would take for a number where it is missing.
    pub(super) fn missing_operand(&self, value: Value) -> Option<Handle<Column>> {
        let op = &self.real.node(value).op;
        if self.real.sources(op).is_some() || matches!(op, RealOp::Cast { .. }) {
            return None;
        }
        let mut found = None;
        let mut look = |operand: Value| {
            let elements = 0..self.real.shape(operand).elements() as u32;
            let mut atoms = elements.map(|element| Atom { value: operand, element });
            found = found.or_else(|| atoms.find_map(|atom| missing_column(self.real, atom)));
        };
        match self.needs.chains.get(&value) {
            Some(chain) => chain.inputs().into_iter().for_each(look),
            None => op.operands(&mut look),
        }
        let is_replaced = matches!(op, RealOp::Select { .. }) && self.replaces_missing(value);
        found.filter(|_| !is_replaced)
    }

    /// Is no element NaN where its column is missing?
    fn replaces_missing(&self, value: Value) -> bool {
        let mut scratch = Vec::new();
        (0..self.real.shape(value).elements()).all(|element| {
            let Some(column) = self.univariate.column(value, element) else { return false };
            let Some(column) = column.map(|column| &self.real.columns[column]) else { return true };
            let Some(missing) = column.missing else { return true };
            let function = self.univariate.function(value, element);
            let element = function.map(|it| it.at(column, missing, &mut scratch));
            matches!(element, Some(Scalar::Number(number)) if !number.is_nan())
        })
    }

    /// Says that an operation computes with what is no number.
    pub(super) fn refuse_missing(&mut self, user: Value, column: Handle<Column>) {
        self.errors.push(QuantizeError::Missing {
            node: onnx_node(self.real, user),
            op: self.real.node(user).op.name(),
            column: self.real.columns[column].name.clone(),
        });
    }
}
