//! Which values hold nothing but elements of another one: its greatest or least,
//! those at some positions, the same in another shape.
//!
//! What must hold: if two values are chosen from one, an element of one and an
//! element of the other are either the same number, bit for bit, or are computed
//! apart. A comparison of them must therefore see one and the same rounding of it.

use std::collections::BTreeSet;

use skxc_ir::module::{Module, Operation as _, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Reduction};

/// Are the elements of both chosen from a value that they have in common, and is
/// at least one of them a choice that rows make: an extreme, or what is at a
/// computed position?
pub(super) fn are_of_one_value(module: &Module<Real>, a: Value, b: Value) -> bool {
    let [(of_a, a_chosen), (of_b, b_chosen)] = [sources(module, a), sources(module, b)];
    (a_chosen || b_chosen) && of_a.intersection(&of_b).next().is_some()
}

/// The values whose elements those of `value` are, and whether it hangs on the row
/// which ones.
fn sources(module: &Module<Real>, value: Value) -> (BTreeSet<Value>, bool) {
    let (mut found, mut visited, mut by_row) = (BTreeSet::new(), BTreeSet::new(), false);
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if !visited.insert(value) {
            continue;
        }
        match &module.node(value).op {
            op if op.movement().is_some() => op.operands(&mut |operand| pending.push(operand)),
            RealOp::Reduce { function: Reduction::Minimum | Reduction::Maximum, input }
            | RealOp::Take { input, .. }
            | RealOp::TakeAlong { input, .. } => {
                by_row = true;
                pending.push(*input);
            }
            RealOp::Binary { function: Binary::Minimum | Binary::Maximum, a, b }
            | RealOp::Select { a, b, .. } => {
                by_row = true;
                pending.extend([*a, *b]);
            }
            RealOp::Constant { .. } => {}
            _ => drop(found.insert(value)),
        }
    }
    (found, by_row)
}
