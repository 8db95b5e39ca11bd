//! Where a loop finds the elements of an operand.
//!
//! A loop needs them side by side: in an array that a value is computed into, in a
//! table of constants, or copied into an array of their own. A computed position
//! needs more: an array whose length is a power of two, so that a mask keeps the
//! position inside as the verifier sees it.

use std::collections::HashMap;

use super::{Input, Place, STRAIGHT_MAX, Storage, operand_elements};
use crate::Element;
use crate::linear::Code;
use skxc_ir::module::Value;
use skxc_ir::ops::IntOp;

/// The elements of an operand that a loop or a computed position reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Where they are.
    pub source: Source,
    /// Length of the array.
    pub length: usize,
}

/// An operand that has an array of its own, by the value whose code reads it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandId {
    /// The value that reads it.
    pub reader: Value,
    /// Its place among the operands of that value, from 0.
    pub number: usize,
}

/// Where the elements of an operand are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One element for all.
    One(Element),
    /// In the array that `value` is computed into, from an offset on.
    Array {
        /// The value that is read.
        value: Value,
        /// Position of the first element.
        offset: usize,
    },
    /// In a table of these constants.
    Table(OperandId, Vec<i64>),
    /// Copied before they are read.
    Copy(OperandId, Vec<Element>),
    /// In the table of another operand.
    SameTable(OperandId),
    /// In the copy of another operand.
    SameCopy(OperandId),
    /// In a variable of the loop that reads the operand: the loop computes it.
    Fused(Value),
}

/// How the code reads an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// In a loop: one element may stand for all.
    Each,
    /// Through a pointer to a row.
    Row,
    /// At computed positions.
    Position,
}

/// Operands with the same elements in an array of the same length.
type Known = HashMap<(Vec<Element>, usize), Source>;

/// Places the operands of all values that are computed; those with the same elements
/// once, so that what nothing reads must not own them.
pub(super) fn of(input: Input<'_>, storage: &Storage) -> Vec<Vec<Operand>> {
    let mut known = Known::new();
    let is_live = super::liveness::live(input);
    let mut operands = Vec::with_capacity(is_live.len());
    for value in input.module.values() {
        let needs = if is_live[value.index()] { needs(input, value) } else { Vec::new() };
        let needs = needs.into_iter().enumerate();
        let placed = needs.map(|(number, (elements, access))| {
            place(storage, &mut known, OperandId { reader: value, number }, elements, access)
        });
        operands.push(placed.collect());
    }
    operands
}

fn place(
    storage: &Storage,
    known: &mut Known,
    id: OperandId,
    elements: Vec<Element>,
    access: Access,
) -> Operand {
    let is_masked = access == Access::Position;
    let length = if is_masked { elements.len().next_power_of_two() } else { elements.len() };
    let is_one = elements.windows(2).all(|pair| pair[0] == pair[1]);
    if let (true, Access::Each, Some(&one)) = (is_one, access, elements.first()) {
        return Operand { source: Source::One(one), length };
    }
    if let Some(&Element::Cell { value, .. }) = elements.first()
        && storage.place(value) == Some(Place::Fused)
    {
        return Operand { source: Source::Fused(value), length };
    }
    if let Some(source) = array(storage, &elements, is_masked) {
        return Operand { source, length };
    }
    if let Some(source) = known.get(&(elements.clone(), length)) {
        return Operand { source: source.clone(), length };
    }
    let constant = |element: &Element| match *element {
        Element::Constant(x) => Some(x),
        Element::Column(_) | Element::Cell { .. } => None,
    };
    let constants: Option<Vec<i64>> = elements.iter().map(constant).collect();
    let (source, again) = match constants {
        Some(constants) => (Source::Table(id, constants), Source::SameTable(id)),
        None => (Source::Copy(id, elements.clone()), Source::SameCopy(id)),
    };
    known.insert((elements, length), again);
    Operand { source, length }
}

/// The array that holds these elements side by side, and where they begin.
/// With `is_masked`, only one whose length is a power of two, from its start.
fn array(storage: &Storage, elements: &[Element], is_masked: bool) -> Option<Source> {
    let Some(&Element::Cell { value, index: first }) = elements.first() else { return None };
    let mut in_order = (first..).zip(elements);
    if !in_order.all(|(index, &element)| element == Element::Cell { value, index }) {
        return None;
    }
    let source = Source::Array { value, offset: first as usize };
    match storage.place(value)? {
        Place::Sums => (!is_masked).then_some(source),
        Place::Array { .. } => (!is_masked || first == 0).then_some(source),
        Place::Local | Place::Fused => None,
    }
}

/// The operands of `value` that its code reads from memory.
fn needs(input: Input<'_>, value: Value) -> Vec<(Vec<Element>, Access)> {
    let module = input.module;
    let whole = module.shape(value);
    let elements = |operand: Value| input.elements.of_value(operand).to_vec();
    let is_wide = whole.elements() > STRAIGHT_MAX;
    let loops = |operands: &[Value]| -> Vec<(Vec<Element>, Access)> {
        let of = |&operand: &Value| {
            let elements = input.elements.of_value(operand);
            let positions = module.shape(operand).positions_in(whole);
            (positions.into_iter().map(|i| elements[i]).collect(), Access::Each)
        };
        operands.iter().filter(|_| is_wide).map(of).collect()
    };
    match module.node(value).op {
        IntOp::Binary { a, b, .. }
        | IntOp::Multiply { a, b, .. }
        | IntOp::Divide { a, b, .. }
        | IntOp::Compare { a, b, .. } => loops(&[a, b]),
        IntOp::Rescale { input: x, .. }
        | IntOp::Function { input: x, .. }
        | IntOp::Not { input: x }
        | IntOp::Greater { a: x, .. }
        | IntOp::Lookup { input: x, .. } => loops(&[x]),
        IntOp::Select { condition, a, b } => loops(&[condition, a, b]),
        IntOp::Reduce { input, .. } if module.shape(input).elements() <= STRAIGHT_MAX => Vec::new(),
        IntOp::ArgMax { input, .. } if module.shape(input).row() <= 2 => Vec::new(),
        IntOp::CumulativeSum { .. } if !is_wide => Vec::new(),
        IntOp::ArgSort { input, .. } if module.shape(input).row() == 1 => Vec::new(),
        IntOp::Reduce { input, .. }
        | IntOp::CumulativeSum { input }
        | IntOp::ArgSort { input, .. }
        | IntOp::ArgMax { input, .. } => vec![(elements(input), Access::Row)],
        IntOp::Take { input, index } | IntOp::TakeAlong { input, indices: index } => {
            let mut needs = vec![(elements(input), Access::Position)];
            needs.extend(loops(&[index]));
            needs
        }
        IntOp::Linear { .. } => match &input.maps[&value].code {
            Code::Straight(_) => Vec::new(),
            Code::Table(table) => {
                let all = operand_elements(module, input.elements, value);
                let inputs = table.inputs.iter().map(|&input| all[input as usize]);
                vec![(inputs.collect(), Access::Row)]
            }
        },
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::TreeEnsemble { .. }
        | IntOp::Label { .. } => Vec::new(),
    }
}
