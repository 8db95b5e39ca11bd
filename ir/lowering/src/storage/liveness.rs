//! The values that code computes: those of which it or an output reads an element.

use super::Input;
use crate::Element;
use skxc_ir::matrix::Matrix;
use skxc_ir::module::{Int, Module, Operation as _, Value};
use skxc_ir::ops::IntOp;

/// The values that code computes, each after its operands.
pub(super) fn computed(input: Input<'_>) -> Vec<Value> {
    let module = input.module;
    let is_computed = |value: &Value| {
        let op = &module.node(*value).op;
        op.movement().is_none() && !matches!(op, IntOp::Input { .. } | IntOp::Constant { .. })
    };
    let is_live = live(input);
    module.values().filter(is_computed).filter(|value| is_live[value.index()]).collect()
}

/// By value, whether code or an output reads an element of it.
pub(super) fn live(input: Input<'_>) -> Vec<bool> {
    let module = input.module;
    let mut is_live = vec![false; module.nodes.len()];
    let read = |is_live: &mut Vec<bool>, elements: &[Element]| {
        let values = elements.iter().filter_map(|element| element.computed_by());
        values.for_each(|value| is_live[value.index()] = true);
    };
    for output in &module.outputs {
        read(&mut is_live, input.elements.of_value(output.value));
    }
    for value in module.values().rev() {
        // The order of a single element is known.
        let is_known = match module.node(value).op {
            IntOp::ArgMax { input, .. } | IntOp::ArgSort { input, .. } => {
                module.shape(input).row() == 1
            }
            _ => false,
        };
        let is_moved = module.node(value).op.movement().is_some();
        if is_live[value.index()] && !is_known && !is_moved {
            read(&mut is_live, &reads(input, value));
        }
    }
    is_live
}

/// The elements that the code of a value reads.
pub(super) fn reads(input: Input<'_>, value: Value) -> Vec<Element> {
    let mut elements = operand_elements(input.module, input.elements, value);
    if let IntOp::Linear { matrix, .. } = input.module.node(value).op {
        retain_weighted(&input.module.matrices[matrix], &mut elements);
    }
    elements
}

/// The elements of the operands of a value, one operand after another.
#[must_use]
pub fn operand_elements(
    module: &Module<Int>,
    elements: &crate::Elements,
    value: Value,
) -> Vec<Element> {
    let mut all = Vec::new();
    module.node(value).op.operands(&mut |operand| {
        all.extend_from_slice(elements.of_value(operand));
    });
    all
}

/// Of the inputs of a map, keeps those that have a weight in some row.
fn retain_weighted(matrix: &Matrix, inputs: &mut Vec<Element>) {
    let mut is_read = vec![false; inputs.len()];
    let weights = matrix.rows.iter().flat_map(|row| &row.weights);
    weights.for_each(|weight| is_read[weight.input as usize] = true);
    let mut is_read = is_read.into_iter();
    inputs.retain(|_| is_read.next().unwrap_or(false));
}
