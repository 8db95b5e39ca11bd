//! What the tests of an ensemble read: columns, through conversions.

use std::collections::HashMap;
use std::rc::Rc;

use crate::arena::Handle;
use crate::module::{Column, Module, Real, Value};
use crate::ops::RealOp;
use crate::types::ElementType;

/// A column, and what it was converted to on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Feature {
    /// The column.
    pub(super) column: Handle<Column>,
    /// One after the other; each coarser than the one before.
    pub(super) conversions: Rc<[ElementType]>,
}

impl Feature {
    /// The feature after one conversion more, to a float.
    fn converted(&self, elem: ElementType) -> Self {
        // An `f32` is the same number in every float, an `f64` in `f64`.
        let is_coarser = match self.conversions.last() {
            Some(ElementType::F32) => false,
            last => last != Some(&elem),
        };
        if !is_coarser {
            return self.clone();
        }
        let conversions = self.conversions.iter().copied().chain([elem]).collect();
        Self { column: self.column, conversions }
    }
}

/// The values that are nothing but columns, with the feature of each element.
pub(super) type Rows = HashMap<Value, Rc<[Feature]>>;

/// Finds the rows of columns of a module.
pub(super) fn of(module: &Module<Real>) -> Rows {
    let mut rows = Rows::new();
    for value in module.values() {
        if let Some(row) = row(module, &rows, value) {
            rows.insert(value, row);
        }
    }
    rows
}

fn row(module: &Module<Real>, rows: &Rows, value: Value) -> Option<Rc<[Feature]>> {
    let node = module.node(value);
    match &node.op {
        RealOp::Input { columns } => {
            let conversions: Rc<[ElementType]> = Rc::from([node.ty.elem]);
            let feature = |&column| Feature { column, conversions: Rc::clone(&conversions) };
            Some(columns.iter().map(feature).collect())
        }
        RealOp::Cast { input } => {
            let is_float = matches!(node.ty.elem, ElementType::F32 | ElementType::F64);
            let row = rows.get(input).filter(|_| is_float)?;
            Some(row.iter().map(|feature| feature.converted(node.ty.elem)).collect())
        }
        RealOp::Reshape { input } => rows.get(input).cloned(),
        RealOp::Gather { input, indices } => {
            let row = rows.get(input)?;
            let width = module.shape(*input).row();
            let starts = (0..row.len()).step_by(width.max(1));
            let part = |start: usize| indices.iter().map(move |&i| row[start + i as usize].clone());
            Some(starts.flat_map(part).collect())
        }
        RealOp::Concat { inputs } => {
            if !inputs.iter().all(|input| rows.contains_key(input)) {
                return None;
            }
            let sources = module.sources(&node.op).expect("a concatenation moves elements");
            Some(sources.into_iter().map(|(value, i)| rows[&value][i].clone()).collect())
        }
        RealOp::Constant { .. }
        | RealOp::Unary { .. }
        | RealOp::Binary { .. }
        | RealOp::Compare { .. }
        | RealOp::Select { .. }
        | RealOp::Reduce { .. }
        | RealOp::MatMul { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::ArgSort { .. }
        | RealOp::Take { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::Lookup { .. }
        | RealOp::TreeEnsemble { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::Label { .. } => None,
    }
}
