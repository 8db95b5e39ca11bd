//! Folds column selection, joining and conversion into the `input` itself:
//! `gather(input)`, `concat(input, input)`, `cast(input)`, where a row remains.
//!
//! Obligation: a conversion of a conversion is the conversion when the first
//! is exact. Integers up to 2^53 are exact in `f64`, up to 2^24 in `f32`, all
//! are in `i64`; the ranges of the columns decide.

use crate::{Pass, PassContext};
use skxc_ir::arena::Handle;
use skxc_ir::module::{Column, Module, Operation as _, Real, Value};
use skxc_ir::ops::{Movement, RealOp};
use skxc_ir::types::ElementType;

/// Lets forests read columns directly.
#[derive(Clone, Copy, Debug)]
pub struct FoldInputs;

impl Pass<Real> for FoldInputs {
    fn name(&self) -> &'static str {
        "fold-inputs"
    }

    fn summary(&self) -> &'static str {
        "fold column selection and conversion into the inputs"
    }

    fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
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
    if let RealOp::Cast { input } = &node.op {
        let columns = input_columns(module, *input)?;
        let from = module.ty(*input).elem;
        let is_number =
            matches!(node.ty.elem, ElementType::F32 | ElementType::F64 | ElementType::I64);
        let exact = columns.iter().all(|&column| is_exact(&module.columns[column], from));
        return (is_number && exact).then(|| columns.to_vec());
    }
    match node.op.movement()? {
        // The label of a class is not the column that gives the class.
        Movement::Same(input) if module.ty(input).elem != node.ty.elem => None,
        Movement::Same(input) => Some(input_columns(module, input)?.to_vec()),
        Movement::Gather(input, indices) => {
            let columns = input_columns(module, input)?;
            Some(indices.iter().map(|&index| columns[index as usize]).collect())
        }
        Movement::Concat(inputs) => {
            let mut columns = Vec::new();
            for &input in inputs {
                columns.extend(input_columns(module, input)?);
            }
            Some(columns)
        }
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
