//! The arrays in which loops find the elements of their operands, by name
//! ([`skxc_lowering::storage`] decides which).

use skxc_ir::Value;
use skxc_lowering::Element;
use skxc_lowering::storage::{self, OperandId};

use crate::context::Context;
use crate::scratch::Member;
use skxc_backend_common::writer::{Writer, literal, wide_literal};

/// Stores in a row that clang may gather; see `crate::forest`.
const STORES_MAX: usize = 64;

/// The elements of an operand that a loop or a computed position reads.
#[derive(Clone, Debug)]
pub(super) struct Operand<'a> {
    pub(super) source: Source<'a>,
    /// Length of the array.
    pub(super) length: usize,
}

/// Where the elements are.
#[derive(Clone, Debug)]
pub(super) enum Source<'a> {
    /// One element for all.
    One(Element),
    /// An array from an offset on.
    Array(String, usize),
    /// A table of constants.
    Table(String, &'a [i64]),
    /// A copy in the scratch.
    Copy(String, &'a [Element]),
    /// A variable of the loop that reads it.
    Fused(Value),
}

impl<'a> Operand<'a> {
    /// The operands of `value` in the order of the plan.
    pub(super) fn all(context: &Context<'a>, value: Value) -> Vec<Self> {
        let operands = context.plan.storage.operands(value).iter();
        operands.map(|operand| Self::new(context, operand)).collect()
    }

    fn new(context: &Context<'a>, operand: &'a storage::Operand) -> Self {
        let number = |id: OperandId| format!("{}_{}", id.reader.index(), id.number);
        let table = |id| format!("{}_c{}", context.prefix.lower, number(id));
        let copy = |id| format!("x{}", number(id));
        let source = match &operand.source {
            storage::Source::One(element) => Source::One(*element),
            storage::Source::Array { value, offset } => {
                let name = match context.forest(*value) {
                    Some(forest) => format!("s->{}", forest.sum),
                    None => format!("s->v{}", value.index()),
                };
                Source::Array(name, *offset)
            }
            storage::Source::Table(id, constants) => Source::Table(table(*id), constants),
            storage::Source::Copy(id, elements) => Source::Copy(copy(*id), elements),
            storage::Source::SameTable(id) => Source::Array(table(*id), 0),
            storage::Source::SameCopy(id) => Source::Array(format!("s->{}", copy(*id)), 0),
            storage::Source::Fused(value) => Source::Fused(*value),
        };
        Self { source, length: operand.length }
    }

    /// The member of the scratch that it needs.
    pub(super) fn scratch(&self) -> Option<Member> {
        match &self.source {
            Source::Copy(name, _) => Some(Member::signed(name.clone(), self.length)),
            Source::One(_) | Source::Array(..) | Source::Table(..) | Source::Fused(_) => None,
        }
    }

    /// The value that is computed on the way, if it is one.
    pub(super) fn fused(&self) -> Option<Value> {
        match self.source {
            Source::Fused(value) => Some(value),
            _ => None,
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
            Source::Fused(value) => format!("v{}", value.index()),
        }
    }

    /// Are the elements side by side?
    pub(super) fn is_in_memory(&self) -> bool {
        !matches!(self.source, Source::One(_) | Source::Fused(_))
    }

    /// A pointer to the element at `offset`.
    pub(super) fn pointer(&self, offset: usize) -> String {
        let (name, offset) = match &self.source {
            Source::One(_) | Source::Fused(_) => unreachable!("rows are in memory"),
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

/// An element as `__s64`, so that what is computed with it has 64 bits.
pub(super) fn wide(context: &Context<'_>, element: Element) -> String {
    match element {
        Element::Column(_) => format!("(__s64){}", context.element(element)),
        Element::Constant(x) => wide_literal(x),
        Element::Cell { .. } => context.element(element),
    }
}
