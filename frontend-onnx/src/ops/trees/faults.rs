//! Collects what is wrong with tree nodes: one diagnostic for each kind of
//! fault, however many nodes have it.

use skxc_diagnostics::codes::{BAD_NUMBER, INDEX_OUT_OF_RANGE, LIMIT_EXCEEDED};
use skxc_diagnostics::{Code, Diagnostic};

use crate::node::{Imported, Node, Problems};

/// The faults of one ensemble so far.
pub(super) struct Faults<'f, 'n> {
    node: &'f Node<'n>,
    found: Vec<Fault>,
}

struct Fault {
    code: Code,
    attribute: &'static str,
    first: Diagnostic,
    count: usize,
}

impl<'f, 'n> Faults<'f, 'n> {
    pub(super) fn new(node: &'f Node<'n>) -> Self {
        Self { node, found: Vec::new() }
    }

    /// Adds a fault of `attribute`; only the first of its kind is described.
    pub(super) fn add(
        &mut self,
        code: Code,
        attribute: &'static str,
        message: impl FnOnce() -> String,
    ) {
        let known =
            self.found.iter_mut().find(|fault| fault.code == code && fault.attribute == attribute);
        if let Some(fault) = known {
            fault.count += 1;
        } else {
            let first = self.node.attribute_error(attribute, code, message());
            self.found.push(Fault { code, attribute, first, count: 1 });
        }
    }

    /// The faults so far, as an error.
    pub(super) fn check(&mut self) -> Imported<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        let faults = std::mem::take(&mut self.found).into_iter();
        let diagnostics = faults.map(|fault| {
            let diagnostic = fault.first.help(help(fault.code));
            match fault.count {
                1 => diagnostic,
                count => diagnostic.note(format!("and {} more of this kind", count - 1)),
            }
        });
        Err(Problems(diagnostics.collect()))
    }
}

/// What to do about a fault of a tree.
fn help(code: Code) -> &'static str {
    match code {
        BAD_NUMBER => "look for NaN, and for values beyond float32, in the training data",
        INDEX_OUT_OF_RANGE => {
            "export with as many columns and classes as the model was trained with"
        }
        LIMIT_EXCEEDED => "train fewer or shallower trees",
        _ => "export the model again: its trees are damaged",
    }
}
