//! Where the operands of all values lie.

use std::collections::HashMap;

use skxc_ir::{IntOp, Value};
use skxc_lowering::Element;
use skxc_lowering::linear::Code;

use super::STRAIGHT_MAX;
use super::operand::{Operand, Source};
use crate::context::Context;

/// The operands of all values that loops and computed positions read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Of each value, in the order in which its code asks for them.
    operands: Vec<Vec<Operand>>,
    /// Arrays of values have a power of two as their length.
    is_padded: bool,
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

impl Memory {
    /// Places the operands of all values that are computed; those with the same
    /// elements once, so that what nothing reads must not own them.
    pub(crate) fn new(context: &Context<'_>) -> Self {
        let takes = |value: Value| {
            matches!(context.module.node(value).op, IntOp::Take { .. } | IntOp::TakeAlong { .. })
        };
        let is_padded = context.module.values().any(takes);
        let mut memory = Self { operands: Vec::new(), is_padded };
        let mut known = HashMap::new();
        let is_live = super::live(context);
        for value in context.module.values() {
            let needs = if is_live[value.index()] { needs(context, value) } else { Vec::new() };
            let needs = needs.into_iter().enumerate();
            let placed = needs.map(|(which, (elements, access))| {
                let id = format!("{}_{which}", value.index());
                memory.place(context, &mut known, &id, elements, access)
            });
            let placed = placed.collect();
            memory.operands.push(placed);
        }
        memory
    }

    /// The operands of `value`.
    pub(super) fn operands(&self, value: Value) -> &[Operand] {
        &self.operands[value.index()]
    }

    /// Elements of the array of the scratch that holds a value: a power of two
    /// where a computed position may read or write it.
    pub(super) fn allocated(&self, context: &Context<'_>, value: Value) -> usize {
        let elements = context.module.shape(value).elements();
        let is_sorted = matches!(context.module.node(value).op, IntOp::ArgSort { .. });
        if is_sorted || self.is_padded { elements.next_power_of_two() } else { elements }
    }

    fn place(
        &self,
        context: &Context<'_>,
        known: &mut HashMap<(Vec<Element>, usize), String>,
        id: &str,
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
            && context.fusion.is_fused(value)
        {
            return Operand { source: Source::Fused(value), length };
        }
        if let Some((name, offset)) = self.array(context, &elements, is_masked) {
            return Operand { source: Source::Array(name, offset), length };
        }
        if let Some(name) = known.get(&(elements.clone(), length)) {
            return Operand { source: Source::Array(name.clone(), 0), length };
        }
        let constant = |element: &Element| match *element {
            Element::Constant(x) => Some(x),
            Element::Column(_) | Element::Cell { .. } => None,
        };
        let constants: Option<Vec<i64>> = elements.iter().map(constant).collect();
        let (source, name) = match constants {
            Some(constants) => {
                let name = format!("{}_c{id}", context.prefix.lower);
                (Source::Table(name.clone(), constants), name)
            }
            None => (Source::Copy(format!("x{id}"), elements.clone()), format!("s->x{id}")),
        };
        known.insert((elements, length), name);
        Operand { source, length }
    }

    /// The array that holds these elements side by side, and where they begin.
    /// With `is_masked`, only one whose length is a power of two, from its start.
    fn array(
        &self,
        context: &Context<'_>,
        elements: &[Element],
        is_masked: bool,
    ) -> Option<(String, usize)> {
        let Some(&Element::Cell { value, index: first }) = elements.first() else { return None };
        let mut in_order = (first..).zip(elements);
        if !in_order.all(|(index, &element)| element == Element::Cell { value, index }) {
            return None;
        }
        match context.forest(value) {
            Some(_) if is_masked => None,
            Some(forest) => Some((format!("s->{}", forest.sum), first as usize)),
            None if context.is_scalar(value) => None,
            None if is_masked && first > 0 => None,
            None => Some((format!("s->v{}", value.index()), first as usize)),
        }
    }
}

/// The operands of `value` that its code reads from memory.
fn needs(context: &Context<'_>, value: Value) -> Vec<(Vec<Element>, Access)> {
    let module = context.module;
    let whole = module.shape(value);
    let elements = |operand: Value| context.plan.elements.of_value(operand).to_vec();
    let is_wide = whole.elements() > STRAIGHT_MAX;
    let loops = |operands: &[Value]| -> Vec<(Vec<Element>, Access)> {
        let of = |&operand: &Value| {
            let elements = context.plan.elements.of_value(operand);
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
        IntOp::Rescale { input, .. }
        | IntOp::Function { input, .. }
        | IntOp::Not { input }
        | IntOp::Greater { a: input, .. }
        | IntOp::Lookup { input, .. } => loops(&[input]),
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
        IntOp::Linear { .. } => match &context.plan.maps[&value].code {
            Code::Straight(_) => Vec::new(),
            Code::Table(table) => {
                let all = super::operands(context, value);
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
