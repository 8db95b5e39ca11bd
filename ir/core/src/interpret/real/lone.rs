//! What depends on one input column alone, and so which decisions belong to
//! floats.
//!
//! A test, comparison, conversion to an integer or look-up of something that is
//! computed from one column is a set of integers of that column, and the model
//! as deployed has the set that its floats make: `f32(x * 0.1) <= 0.3` is a
//! different set over the reals. Like `f32(x)` itself, these roundings are part
//! of the meaning of the model, in every mode.

use super::partial::Partial;
use super::{Machine, Number, Scalar, Tensor};
use crate::arena::Handle;
use crate::interpret::Undecided;
use crate::module::{Column, Module, Operation, Real, Value};
use crate::ops::RealOp;
use crate::types::Type;

/// What an element depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// No input.
    Nothing,
    /// This column.
    Column(Handle<Column>),
    /// More, or what trees and sorting give.
    Several,
}

impl Of {
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
pub struct Lone {
    of: Vec<Vec<Of>>,
    stored: Vec<bool>,
}

impl Lone {
    /// Analyses a module whose handles and shapes are sound.
    pub fn of(module: &Module<Real>) -> Self {
        let mut lone = Self { of: Vec::new(), stored: Partial::<f64>::new(module).stored() };
        for (_, node) in module.nodes.iter() {
            let of = lone.of_op(module, &node.op, &node.ty);
            lone.of.push(of);
        }
        lone
    }

    /// What the elements of `value` depend on, row-major.
    pub fn of_value(&self, value: Value) -> &[Of] {
        &self.of[value.index()]
    }

    /// Do floats say what the element is, which a decision reads or is? Columns
    /// and constants are the same in every mode.
    pub fn is_of_floats(&self, value: Value, element: usize) -> bool {
        !self.stored[value.index()] && self.of_value(value)[element] != Of::Several
    }

    /// For a decision other than that of trees, its operands.
    fn decides(module: &Module<Real>, value: Value) -> Vec<Value> {
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
            && self.of_value(value).iter().all(|of| *of != Of::Several)
    }

    fn of_op(&self, module: &Module<Real>, op: &RealOp, ty: &Type) -> Vec<Of> {
        let count = ty.shape.elements();
        if let Some(sources) = module.sources(op) {
            return sources.into_iter().map(|(value, i)| self.of_value(value)[i]).collect();
        }
        match op {
            RealOp::Input { columns } => columns.iter().copied().map(Of::Column).collect(),
            RealOp::Constant { .. } => vec![Of::Nothing; count],
            RealOp::Cast { input } | RealOp::Unary { input, .. } | RealOp::Lookup { input, .. } => {
                self.of_value(*input).to_vec()
            }
            RealOp::Binary { .. } | RealOp::Compare { .. } | RealOp::Select { .. } => {
                let mut of = vec![Of::Nothing; count];
                op.operands(&mut |operand| {
                    let positions = module.shape(operand).positions_in(&ty.shape);
                    for (of, position) in of.iter_mut().zip(positions) {
                        *of = of.and(self.of_value(operand)[position]);
                    }
                });
                of
            }
            RealOp::Reduce { input, .. } | RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
                self.rows(module, *input).map(|row| Of::all(row.iter().copied())).collect()
            }
            RealOp::Softmax { input } | RealOp::CumulativeSum { input } => {
                let rows = self.rows(module, *input);
                rows.flat_map(|row| vec![Of::all(row.iter().copied()); row.len()]).collect()
            }
            RealOp::Take { input, index } => {
                let row = Of::all(self.of_value(*input).iter().copied());
                self.of_value(*index).iter().map(|index| index.and(row)).collect()
            }
            RealOp::TakeAlong { input, indices } => {
                let rows = self.rows(module, *input).zip(self.rows(module, *indices));
                let taken = |(row, indices): (&[Of], &[Of])| {
                    let row = Of::all(row.iter().copied());
                    indices.iter().map(|index| index.and(row)).collect::<Vec<_>>()
                };
                rows.flat_map(taken).collect()
            }
            RealOp::MatMul { a, b } => {
                let width = module.shape(*b).row();
                let column = |column: usize| {
                    Of::all(self.of_value(*b).iter().copied().skip(column).step_by(width))
                };
                let columns: Vec<Of> = (0..width).map(column).collect();
                let rows = self.rows(module, *a).map(|row| Of::all(row.iter().copied()));
                rows.flat_map(|row| columns.iter().map(move |column| row.and(*column))).collect()
            }
            RealOp::ArgSort { .. } | RealOp::TreeEnsemble { .. } => vec![Of::Several; count],
            RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Label { .. } => unreachable!("{} moves elements", op.name()),
        }
    }

    fn rows(&self, module: &Module<Real>, value: Value) -> impl Iterator<Item = &[Of]> {
        self.of_value(value).chunks(module.shape(value).row())
    }
}

/// The floats of a row, for the decisions that belong to them.
#[derive(Debug)]
pub(super) struct Floats {
    lone: Lone,
    values: Vec<Tensor<f64>>,
}

impl Floats {
    /// The floats of `row`, if the module has decisions that need them.
    pub(super) fn of(module: &Module<Real>, row: &[Option<i64>]) -> Option<Self> {
        let stored = Partial::<f64>::new(module).stored();
        let may_need = |value: Value| match module.node(value).op {
            RealOp::TreeEnsemble { input, .. } => !stored[input.index()],
            _ => Lone::decides(module, value).iter().any(|operand| !stored[operand.index()]),
        };
        if !module.values().any(may_need) {
            return None;
        }
        let lone = Lone::of(module);
        let needs = |value: Value| match module.node(value).op {
            RealOp::TreeEnsemble { input, .. } => {
                (0..lone.of_value(input).len()).any(|i| lone.is_of_floats(input, i))
            }
            _ => lone.is_decided(module, value),
        };
        if !module.values().any(needs) {
            return None;
        }
        Some(Self { values: Machine::<f64>::run(module, row).values, lone })
    }

    /// The result of an operation, if it is a decision of floats.
    pub(super) fn decided<N: Number>(
        &self,
        module: &Module<Real>,
        value: Value,
    ) -> Option<Tensor<N>> {
        let decides = self.lone.is_decided(module, value);
        let exactly = |floats: Vec<Scalar<f64>>| floats.into_iter().map(exactly).collect();
        decides.then(|| self.values[value.index()].clone().map(exactly))
    }

    /// A row of features with those of one column as floats have them.
    pub(super) fn features<N: Number>(
        &self,
        value: Value,
        row: &Tensor<N>,
    ) -> Result<Vec<Scalar<N>>, Undecided> {
        let floats = self.values[value.index()].clone()?;
        let is_of_floats = |i| self.lone.is_of_floats(value, i);
        if (0..floats.len()).all(is_of_floats) {
            return Ok(floats.into_iter().map(exactly).collect());
        }
        let pairs = row.clone()?.into_iter().zip(floats).enumerate();
        let feature = |(i, (x, float))| if is_of_floats(i) { exactly(float) } else { x };
        Ok(pairs.map(feature).collect())
    }
}

fn exactly<N: Number>(x: Scalar<f64>) -> Scalar<N> {
    match x {
        Scalar::Number(x) => Scalar::Number(N::exact(x)),
        Scalar::Integer(x) => Scalar::Integer(x),
    }
}
