//! Where a loop finds the elements of an operand.
//!
//! A loop needs them side by side: in an array of the scratch, in a table of
//! constants, or copied there. A computed position needs more: an array whose
//! length is a power of two, so that a mask keeps the position inside as the
//! verifier sees it.

use skxc_ir::lowering::Element;
use skxc_ir::{IntOp, Value};

use super::STRAIGHT_MAX;
use crate::context::Context;
use crate::writer::{Writer, literal};

/// Stores in a row that clang may gather; see `crate::forest`.
const STORES_MAX: usize = 64;

/// The elements of an operand that a loop or a computed position reads.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    source: Source,
    /// Length of the array.
    length: usize,
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

#[derive(Clone, Debug)]
enum Source {
    /// One element for all.
    One(Element),
    /// An array from an offset on.
    Array(String, usize),
    /// A table of constants.
    Table(String, Vec<i64>),
    /// A copy in the scratch.
    Copy(String, Vec<Element>),
}

/// The operands of `value` that its code reads in this way, in the order in
/// which the code asks for them.
pub(super) fn of(context: &Context<'_>, value: Value) -> Vec<Operand> {
    let whole = context.module.shape(value);
    let elements = |operand: Value| context.plan.elements.of_value(operand).to_vec();
    let broadcast = |operand: Value| {
        let elements = context.plan.elements.of_value(operand);
        let positions = context.module.shape(operand).positions_in(whole);
        positions.into_iter().map(|i| elements[i]).collect::<Vec<_>>()
    };
    let is_wide = whole.elements() > STRAIGHT_MAX;
    let loops = |operands: &[Value]| -> Vec<(Vec<Element>, Access)> {
        let all = operands.iter().filter(|_| is_wide);
        all.map(|&operand| (broadcast(operand), Access::Each)).collect()
    };
    let needs = match context.module.node(value).op {
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
        IntOp::Reduce { input, .. } if context.module.shape(input).elements() <= STRAIGHT_MAX => {
            Vec::new()
        }
        IntOp::ArgMax { input, .. } if context.module.shape(input).row() <= 2 => Vec::new(),
        IntOp::CumulativeSum { .. } if !is_wide => Vec::new(),
        IntOp::Reduce { input, .. }
        | IntOp::CumulativeSum { input }
        | IntOp::ArgSort { input, .. }
        | IntOp::ArgMax { input, .. } => vec![(elements(input), Access::Row)],
        IntOp::Take { input, index } | IntOp::TakeAlong { input, indices: index } => {
            let mut needs = vec![(elements(input), Access::Position)];
            needs.extend(loops(&[index]));
            needs
        }
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::TreeEnsemble { .. }
        | IntOp::Label { .. } => Vec::new(),
    };
    let numbered = needs.into_iter().enumerate();
    numbered
        .map(|(which, (elements, access))| {
            Operand::new(context, &format!("{}_{which}", value.index()), elements, access)
        })
        .collect()
}

/// Elements of the array of the scratch that holds a value: a power of two
/// where a computed position may read it.
pub(super) fn allocated(context: &Context<'_>, value: Value) -> usize {
    let elements = context.module.shape(value).elements();
    let takes = |value: Value| {
        matches!(context.module.node(value).op, IntOp::Take { .. } | IntOp::TakeAlong { .. })
    };
    let is_sorted = matches!(context.module.node(value).op, IntOp::ArgSort { .. });
    if is_sorted || context.module.values().any(takes) {
        elements.next_power_of_two()
    } else {
        elements
    }
}

impl Operand {
    fn new(context: &Context<'_>, id: &str, elements: Vec<Element>, access: Access) -> Self {
        let padded = access == Access::Position;
        let length = if padded { elements.len().next_power_of_two() } else { elements.len() };
        let constants: Option<Vec<i64>> = elements
            .iter()
            .map(|&element| if let Element::Constant(x) = element { Some(x) } else { None })
            .collect();
        let is_one = elements.windows(2).all(|pair| pair[0] == pair[1]);
        let source = if let (true, Access::Each, Some(&one)) = (is_one, access, elements.first()) {
            Source::One(one)
        } else if let Some(constants) = constants {
            Source::Table(format!("{}_c{id}", context.prefix.lower), constants)
        } else if let Some((name, offset)) = array(context, &elements, padded) {
            Source::Array(name, offset)
        } else {
            Source::Copy(format!("x{id}"), elements)
        };
        Self { source, length }
    }

    /// The member of the scratch that it needs.
    pub(super) fn scratch(&self) -> Option<String> {
        match &self.source {
            Source::Copy(name, _) => Some(format!("__s64 {name}[{}]", self.length)),
            Source::One(_) | Source::Array(..) | Source::Table(..) => None,
        }
    }

    /// The table of constants that it needs.
    pub(super) fn table(&self, out: &mut Writer) {
        if let Source::Table(name, constants) = &self.source {
            constant_table(out, name, constants, self.length);
        }
    }

    /// Copies what must be copied.
    pub(super) fn prepare(&self, out: &mut Writer, context: &Context<'_>) {
        let Source::Copy(name, elements) = &self.source else { return };
        for (index, &element) in elements.iter().enumerate() {
            if index > 0 && index % STORES_MAX == 0 {
                out.line(&format!("{}_forget(s);", context.prefix.lower));
            }
            out.wrapped(&[format!("s->{name}[{index}] ="), wide(context, element) + ";"]);
        }
    }

    /// The element that the expression `index` names.
    pub(super) fn at(&self, context: &Context<'_>, index: &str) -> String {
        match &self.source {
            Source::One(element) => wide(context, *element),
            Source::Array(name, 0) => format!("{name}[{index}]"),
            Source::Array(name, offset) => format!("{name}[{index} + {offset}]"),
            Source::Table(name, _) => format!("{name}[{index}]"),
            Source::Copy(name, _) => format!("s->{name}[{index}]"),
        }
    }

    /// A pointer to the element at `offset`.
    pub(super) fn pointer(&self, offset: usize) -> String {
        let (name, offset) = match &self.source {
            Source::One(_) => unreachable!("rows of more than one element are not one for all"),
            Source::Array(name, first) => (name.clone(), first + offset),
            Source::Table(name, _) => (name.clone(), offset),
            Source::Copy(name, _) => (format!("s->{name}"), offset),
        };
        if offset == 0 { name } else { format!("{name} + {offset}") }
    }

    /// Keeps a position inside as the verifier sees it; the length is a power of two.
    pub(super) fn mask(&self) -> usize {
        self.length - 1
    }
}

/// A table of constants, as long as `length` with zeros at its end.
pub(super) fn constant_table(out: &mut Writer, name: &str, constants: &[i64], length: usize) {
    out.open(&format!("static const __s64 {name}[{length}] = {{"));
    let entries: Vec<String> = constants.iter().map(|&x| literal(x)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// An element as `__s64`.
pub(super) fn wide(context: &Context<'_>, element: Element) -> String {
    let text = context.element(element);
    match element {
        Element::Column(_) => format!("(__s64){text}"),
        Element::Constant(_) | Element::Cell { .. } => text,
    }
}

/// The array that holds these elements side by side, and where they begin. With
/// `padded`, only one whose length is a power of two, from its start.
fn array(context: &Context<'_>, elements: &[Element], padded: bool) -> Option<(String, usize)> {
    let Some(&Element::Cell { value, index: first }) = elements.first() else { return None };
    let in_order =
        (first..).zip(elements).all(|(index, &element)| element == Element::Cell { value, index });
    if !in_order {
        return None;
    }
    match context.forest(value) {
        Some(_) if padded => None,
        Some(forest) => Some((format!("s->{}", forest.sum), first as usize)),
        None if context.is_scalar(value) => None,
        None if padded && first > 0 => None,
        None if padded && elements.len().next_power_of_two() > allocated(context, value) => None,
        None => Some((format!("s->v{}", value.index()), first as usize)),
    }
}
