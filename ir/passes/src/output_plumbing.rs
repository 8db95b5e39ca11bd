//! Drops what skl2onnx puts around a model: casts to the same type, reshapes
//! to the same shape, gathers and concatenations that put a tensor back
//! together, reads of one element of a tensor just joined.
//!
//! Obligation: each replaced value has the elements, in row-major order, and
//! the element type of the value it is replaced by. Its shape may differ only
//! if nothing but outputs reads it: their elements count, not their shape.

use std::collections::HashMap;

use crate::dead_code::replace_values;
use crate::{Pass, PassContext};
use skxc_ir::module::{Module, Operation, Real, Value};
use skxc_ir::ops::{Movement, RealOp};

/// Removes data movement between ensembles and outputs.
#[derive(Clone, Copy, Debug)]
pub struct OutputPlumbing;

impl Pass<Real> for OutputPlumbing {
    fn name(&self) -> &'static str {
        "output-plumbing"
    }

    fn summary(&self) -> &'static str {
        "drop casts, reshapes and gathers that change nothing"
    }

    fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
        let composed = compose_gathers(module);
        let read_by_nodes = read_by_nodes(module);
        let mut same = HashMap::new();
        for value in module.values() {
            let Some(older) = same_as(module, value) else { continue };
            if module.shape(value) == module.shape(older) || !read_by_nodes[value.index()] {
                same.insert(value, older);
            }
        }
        replace_values(module, &same) | composed
    }
}

/// Which values some node reads.
fn read_by_nodes(module: &Module<Real>) -> Vec<bool> {
    let mut read = vec![false; module.nodes.len()];
    for (_, node) in module.nodes.iter() {
        node.op.operands(&mut |operand| read[operand.index()] = true);
    }
    read
}

/// Reads of a gather read what it gathers from.
fn compose_gathers(module: &mut Module<Real>) -> bool {
    let mut changed = false;
    for value in module.values() {
        let RealOp::Gather { input, indices } = &module.node(value).op else { continue };
        let RealOp::Gather { input: inner, indices: inner_indices } = &module.node(*input).op
        else {
            continue;
        };
        let indices = indices.iter().map(|&index| inner_indices[index as usize]).collect();
        module.node_mut(value).op = RealOp::Gather { input: *inner, indices };
        changed = true;
    }
    changed
}

/// An older value that holds the same elements in the same order, if the node
/// is plumbing.
fn same_as(module: &Module<Real>, value: Value) -> Option<Value> {
    let node = module.node(value);
    if let RealOp::Cast { input } = &node.op {
        // A cast of labels keeps their table.
        return (module.ty(*input).elem == node.ty.elem).then_some(*input);
    }
    match node.op.movement()? {
        // The label of a class is not the class.
        Movement::Same(input) if module.ty(input).elem != node.ty.elem => None,
        Movement::Same(input) => Some(input).filter(|&input| is_row(module, input)),
        Movement::Gather(input, indices) => {
            let width = module.shape(input).elements();
            let all = indices.iter().enumerate().all(|(at, &index)| at == index as usize);
            if all && indices.len() == width {
                return Some(input);
            }
            part_of_concat(module, input, indices)
        }
        Movement::Concat(inputs) => match inputs {
            [only] => Some(*only),
            _ => whole_of_gathers(module, inputs),
        },
    }
}

/// A tensor with at most one extent other than 1 reads the same in any shape.
fn is_row(module: &Module<Real>, value: Value) -> bool {
    module.shape(value).0.iter().filter(|&&extent| extent != 1).count() <= 1
}

/// `gather(concat(a, b), indices)` where the indices are all of `a` or of `b`.
fn part_of_concat(module: &Module<Real>, input: Value, indices: &[u32]) -> Option<Value> {
    let RealOp::Concat { inputs } = &module.node(input).op else { return None };
    let mut start = 0;
    for &part in inputs {
        let width = module.shape(part).elements();
        let range = start..start + width;
        if indices.iter().map(|&index| index as usize).eq(range) {
            return Some(part);
        }
        start += width;
    }
    None
}

/// `concat(gather(a, 0..k), gather(a, k..n))` is `a`.
fn whole_of_gathers(module: &Module<Real>, inputs: &[Value]) -> Option<Value> {
    let mut whole = None;
    let mut next = 0;
    for &part in inputs {
        let RealOp::Gather { input, indices } = &module.node(part).op else { return None };
        if *whole.get_or_insert(*input) != *input {
            return None;
        }
        for &index in indices {
            if index != next {
                return None;
            }
            next += 1;
        }
    }
    whole.filter(|&whole| module.shape(whole).elements() == next as usize)
}
