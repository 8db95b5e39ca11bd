//! Folds column selection, joining and conversion into the `input` itself:
//! `gather(input)`, `concat(input, input)`, `cast(input)`, where a row remains.
//!
//! Obligation: a conversion of a conversion is the conversion when the first
//! is exact. Integers up to 2^53 are exact in `f64`, up to 2^24 in `f32`, all
//! are in `i64`; the ranges of the columns decide.

use crate::arena::Handle;
use crate::module::{Column, Module, Real, Value};
use crate::ops::RealOp;
use crate::passes::Pass;
use crate::types::ElementType;

/// The pass.
#[derive(Clone, Copy, Debug)]
pub struct FoldInputs;

impl Pass<Real> for FoldInputs {
    fn name(&self) -> &'static str {
        "fold-inputs"
    }

    fn summary(&self) -> &'static str {
        "fold column selection and conversion into the inputs"
    }

    fn run(&self, module: &mut Module<Real>) -> bool {
        let mut changed = false;
        for value in module.values() {
            let is_row = |columns: &Columns| module.shape(value).0 == [1, columns.len() as u32];
            if let Some(columns) = columns_of(module, value).filter(is_row) {
                module.node_mut(value).op = RealOp::Input { columns };
                changed = true;
            }
        }
        changed
    }
}

type Columns = Vec<Handle<Column>>;

/// The columns that a node amounts to, if it is a selection of inputs.
fn columns_of(module: &Module<Real>, value: Value) -> Option<Columns> {
    let node = module.node(value);
    match &node.op {
        RealOp::Gather { input, indices } => {
            let columns = input_columns(module, *input)?;
            Some(indices.iter().map(|&index| columns[index as usize]).collect())
        }
        RealOp::Concat { inputs } => {
            let mut columns = Vec::new();
            for &input in inputs {
                columns.extend(input_columns(module, input)?);
            }
            Some(columns)
        }
        RealOp::Reshape { input } => Some(input_columns(module, *input)?.to_vec()),
        RealOp::Cast { input } => {
            let columns = input_columns(module, *input)?;
            let from = module.ty(*input).elem;
            let is_number =
                matches!(node.ty.elem, ElementType::F32 | ElementType::F64 | ElementType::I64);
            let exact = columns.iter().all(|&column| is_exact(&module.columns[column], from));
            (is_number && exact).then(|| columns.to_vec())
        }
        RealOp::Input { .. }
        | RealOp::Constant { .. }
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

fn input_columns(module: &Module<Real>, value: Value) -> Option<&[Handle<Column>]> {
    match &module.node(value).op {
        RealOp::Input { columns } => Some(columns),
        _ => None,
    }
}

/// Does `elem` hold every value of the column exactly?
fn is_exact(column: &Column, elem: ElementType) -> bool {
    let exact_bits = match elem {
        ElementType::F32 => f32::MANTISSA_DIGITS,
        ElementType::F64 => f64::MANTISSA_DIGITS,
        ElementType::I64 => return column.missing.is_none(),
        ElementType::Bool | ElementType::Label(_) | ElementType::Fixed { .. } => return false,
    };
    let magnitude = column.range.magnitude();
    magnitude <= 1 << exact_bits
}
