//! Rows and results as the interpreter and the object see them.

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Domain, ElementType, Int, LabelTable, Module, OutputKind};

/// What the integer module says of a row, in the order of `struct NAME_result`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Class index of the first output of kind label; 0 if there is none, as
    /// in the object.
    pub label: u32,
    /// The elements of the outputs that are not labels, as stored, in order.
    pub scores: Vec<i64>,
}

/// A row for the interpreter: a cell that holds the value declared for
/// "missing" is none.
#[must_use]
pub fn cells<D: Domain>(module: &Module<D>, row: &[i64]) -> Vec<Option<i64>> {
    let columns = module.columns.iter().zip(row);
    columns.map(|((_, column), &x)| (column.missing != Some(x)).then_some(x)).collect()
}

/// Interprets the integer module on a row of all declared columns.
///
/// # Panics
/// If a cell is outside the range of its column.
#[must_use]
pub fn decide(module: &Module<Int>, row: &[i64]) -> Decision {
    let mut decision = Decision { label: 0, scores: Vec::new() };
    let mut labelled = false;
    for outcome in interpret::integer(module, &cells(module, row)) {
        match outcome {
            Outcome::Label(class) if !labelled => {
                decision.label = class as u32;
                labelled = true;
            }
            Outcome::Label(_) => {}
            Outcome::Numbers(numbers) => decision.scores.extend(numbers),
        }
    }
    decision
}

/// Text of the class with this index, of the first output of kind label.
pub(crate) fn label_text<D: Domain>(module: &Module<D>, class: usize) -> String {
    match labels(module).filter(|labels| class < labels.len()) {
        Some(labels) => labels.text(class),
        None => class.to_string(),
    }
}

/// Classes of the first output of kind label; 0 without one.
#[cfg(feature = "oracle")]
pub(crate) fn classes<D: Domain>(module: &Module<D>) -> usize {
    labels(module).map_or(0, LabelTable::len)
}

pub(crate) fn labels<D: Domain>(module: &Module<D>) -> Option<&LabelTable> {
    module.label_output().and_then(|output| match module.ty(output.value).elem {
        ElementType::Label(table) => Some(&module.labels[table]),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Fixed { .. } => None,
    })
}

/// Has the module anything to compare?
pub(crate) fn decides<D: Domain>(module: &Module<D>) -> bool {
    module.outputs.iter().any(|output| match output.kind {
        OutputKind::Label | OutputKind::Score(_) | OutputKind::Value => true,
    })
}
