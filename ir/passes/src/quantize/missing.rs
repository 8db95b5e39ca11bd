//! Columns that can be missing.
//!
//! A missing value is NaN where it becomes a float, and an integer like any other
//! in the integer module. What decides on its column alone knows that integer;
//! what computes with it would take it for a number.
//!
//! Obligation: an operation reads a column that can be missing only if it selects
//! another number in its place.

use super::{QuantizeError, Quantizer};
use skxc_ir::arena::Handle;
use skxc_ir::interpret::Scalar;
use skxc_ir::module::{Column, Module, Operation, Real, Value};
use skxc_ir::ops::RealOp;

/// For each element of each value the column that it is, if that is a float
/// which can be missing.
pub(super) struct Missing(Vec<Vec<Option<Handle<Column>>>>);

impl Missing {
    pub(super) fn of(real: &Module<Real>) -> Self {
        let mut of_value: Vec<Vec<Option<Handle<Column>>>> = Vec::new();
        for value in real.values() {
            let node = real.node(value);
            let sources = real.sources(&node.op);
            let elements = match (&node.op, sources) {
                _ if !node.ty.elem.is_float() => Vec::new(),
                (RealOp::Input { columns }, _) => {
                    let can_be = |column: &Handle<Column>| real.columns[*column].missing.is_some();
                    columns.iter().map(|&column| Some(column).filter(can_be)).collect()
                }
                (RealOp::Cast { input }, _) => of_value[input.index()].clone(),
                (_, Some(sources)) => {
                    let source = |(value, at): (Value, usize)| {
                        of_value[value.index()].get(at).copied().flatten()
                    };
                    sources.into_iter().map(source).collect()
                }
                (_, None) => Vec::new(),
            };
            // None is there of most values.
            let is_any = elements.iter().any(Option::is_some);
            of_value.push(if is_any { elements } else { Vec::new() });
        }
        Self(of_value)
    }

    /// The column that an element is, if it can be missing.
    pub(super) fn column(&self, value: Value, element: usize) -> Option<Handle<Column>> {
        self.0[value.index()].get(element).copied().flatten()
    }

    fn any(&self, value: Value) -> Option<Handle<Column>> {
        self.0[value.index()].iter().copied().flatten().next()
    }
}

impl Quantizer<'_> {
    /// A column that an operation would take for a number where it is missing.
    pub(super) fn missing_operand(&self, value: Value) -> Option<Handle<Column>> {
        let (op, elem) = (&self.real.node(value).op, self.real.ty(value).elem);
        let is_cast = matches!(op, RealOp::Cast { .. }) && elem.is_float();
        if op.movement().is_some() || is_cast {
            return None;
        }
        let mut found = None;
        let mut look = |operand: Value| found = found.or_else(|| self.missing.any(operand));
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
            node: self.real.onnx_node(user),
            op: self.real.node(user).op.name(),
            column: self.real.columns[column].name.clone(),
        });
    }
}
