//! What depends on one input column alone, and so which decisions belong to
//! floats.
//!
//! A test, comparison, conversion to an integer or look-up of something that is
//! computed from one column is a set of integers of that column, and the model
//! as deployed has the set that its floats make: `f32(x * 0.1) <= 0.3` is a
//! different set over the reals. Like `f32(x)` itself, these roundings are part
//! of the meaning of the model, in every mode.

use crate::arena::Handle;
use crate::module::{Column, Module, Operation, Real, Value};
use crate::ops::RealOp;
use crate::types::Type;

/// What an element depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependsOn {
    /// Depends on no input.
    Nothing,
    /// Depends on this column alone.
    Column(Handle<Column>),
    /// More, or what trees and sorting give.
    Several,
}

impl DependsOn {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, of) | (of, Self::Nothing) => of,
            (Self::Column(a), Self::Column(b)) if a == b => self,
            _ => Self::Several,
        }
    }

    fn all(of: impl IntoIterator<Item = Self>) -> Self {
        of.into_iter().fold(Self::Nothing, Self::and)
    }
}

/// What each element of each value depends on.
#[derive(Debug)]
pub struct Dependence {
    of: Vec<Vec<DependsOn>>,
    stored: Vec<bool>,
}

impl Dependence {
    /// Analyses a module whose handles and shapes are sound.
    pub fn of(module: &Module<Real>) -> Self {
        let mut dependence = Self { of: Vec::new(), stored: stored(module) };
        for (_, node) in module.nodes.iter() {
            let of = dependence.of_op(module, &node.op, &node.ty);
            dependence.of.push(of);
        }
        dependence
    }

    /// What the elements of `value` depend on, row-major.
    pub fn of_value(&self, value: Value) -> &[DependsOn] {
        &self.of[value.index()]
    }

    /// Do floats say what the element is, which a decision reads or is? Columns
    /// and constants are the same in every mode.
    pub fn is_of_floats(&self, value: Value, element: usize) -> bool {
        !self.stored[value.index()] && self.of_value(value)[element] != DependsOn::Several
    }

    /// For a decision other than that of trees, its operands.
    pub(crate) fn decides(module: &Module<Real>, value: Value) -> Vec<Value> {
        let node = module.node(value);
        match &node.op {
            RealOp::Compare { a, b, .. } if module.ty(*a).elem.is_float() => vec![*a, *b],
            RealOp::Cast { input } | RealOp::Lookup { input, .. } => {
                let to_integer =
                    matches!(node.op, RealOp::Lookup { .. }) || !node.ty.elem.is_float();
                let decides = module.ty(*input).elem.is_float() && to_integer;
                if decides { vec![*input] } else { vec![] }
            }
            _ => vec![],
        }
    }

    /// Is it a decision about one column each that floats take? Not if it is
    /// the same in every mode.
    pub fn is_decided(&self, module: &Module<Real>, value: Value) -> bool {
        let operands = Self::decides(module, value);
        operands.iter().any(|operand| !self.stored[operand.index()])
            && self.of_value(value).iter().all(|of| *of != DependsOn::Several)
    }

    fn of_op(&self, module: &Module<Real>, op: &RealOp, ty: &Type) -> Vec<DependsOn> {
        let count = ty.shape.elements();
        if let Some(sources) = module.sources(op) {
            return sources.into_iter().map(|(value, i)| self.of_value(value)[i]).collect();
        }
        match op {
            RealOp::Input { columns } => columns.iter().copied().map(DependsOn::Column).collect(),
            RealOp::Constant { .. } => vec![DependsOn::Nothing; count],
            RealOp::Cast { input } | RealOp::Unary { input, .. } | RealOp::Lookup { input, .. } => {
                self.of_value(*input).to_vec()
            }
            RealOp::Binary { .. } | RealOp::Compare { .. } | RealOp::Select { .. } => {
                let mut of = vec![DependsOn::Nothing; count];
                op.operands(&mut |operand| {
                    let positions = module.shape(operand).positions_in(&ty.shape);
                    for (of, position) in of.iter_mut().zip(positions) {
                        *of = of.and(self.of_value(operand)[position]);
                    }
                });
                of
            }
            RealOp::Reduce { input, .. } | RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
                self.rows(module, *input).map(|row| DependsOn::all(row.iter().copied())).collect()
            }
            RealOp::Softmax { input } | RealOp::CumulativeSum { input } => {
                let rows = self.rows(module, *input);
                rows.flat_map(|row| vec![DependsOn::all(row.iter().copied()); row.len()]).collect()
            }
            RealOp::Take { input, index } => {
                let row = DependsOn::all(self.of_value(*input).iter().copied());
                self.of_value(*index).iter().map(|index| index.and(row)).collect()
            }
            RealOp::TakeAlong { input, indices } => {
                let rows = self.rows(module, *input).zip(self.rows(module, *indices));
                let taken = |(row, indices): (&[DependsOn], &[DependsOn])| {
                    let row = DependsOn::all(row.iter().copied());
                    indices.iter().map(|index| index.and(row)).collect::<Vec<_>>()
                };
                rows.flat_map(taken).collect()
            }
            RealOp::MatMul { a, b } => {
                let width = module.shape(*b).row();
                let column = |column: usize| {
                    DependsOn::all(self.of_value(*b).iter().copied().skip(column).step_by(width))
                };
                let columns: Vec<DependsOn> = (0..width).map(column).collect();
                let rows = self.rows(module, *a).map(|row| DependsOn::all(row.iter().copied()));
                rows.flat_map(|row| columns.iter().map(move |column| row.and(*column))).collect()
            }
            RealOp::ArgSort { .. } | RealOp::TreeEnsemble { .. } => vec![DependsOn::Several; count],
            RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Label { .. } => unreachable!("{} moves elements", op.name()),
        }
    }

    fn rows(&self, module: &Module<Real>, value: Value) -> impl Iterator<Item = &[DependsOn]> {
        self.of_value(value).chunks(module.shape(value).row())
    }
}

/// By value, whether it is an input or a constant, moved, chosen or looked up: no
/// arithmetic rounds it.
#[must_use]
pub fn stored(module: &Module<Real>) -> Vec<bool> {
    let mut stored: Vec<bool> = Vec::with_capacity(module.nodes.len());
    for (_, node) in module.nodes.iter() {
        let is_stored = |value: &Value| stored[value.index()];
        let of_node = match &node.op {
            RealOp::Input { .. } | RealOp::Constant { .. } | RealOp::Lookup { .. } => true,
            RealOp::Cast { input }
            | RealOp::Reshape { input }
            | RealOp::Gather { input, .. }
            | RealOp::Take { input, .. }
            | RealOp::TakeAlong { input, .. } => is_stored(input),
            RealOp::Concat { inputs } => inputs.iter().all(is_stored),
            RealOp::Select { a, b, .. } => is_stored(a) && is_stored(b),
            RealOp::Unary { .. }
            | RealOp::Binary { .. }
            | RealOp::Compare { .. }
            | RealOp::Reduce { .. }
            | RealOp::MatMul { .. }
            | RealOp::Softmax { .. }
            | RealOp::CumulativeSum { .. }
            | RealOp::ArgSort { .. }
            | RealOp::TreeEnsemble { .. }
            | RealOp::ArgMax { .. }
            | RealOp::ArgMin { .. }
            | RealOp::Label { .. } => false,
        };
        stored.push(of_node);
    }
    stored
}
