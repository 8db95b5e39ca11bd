//! Where in the text the parts of a module stand.

use std::ops::Range;

use crate::validate::Location;

type Span = Range<usize>;

/// The line of each definition, by position in its arena or list.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) module: Span,
    pub(super) columns: Vec<Span>,
    pub(super) labels: Vec<Span>,
    pub(super) constants: Vec<Span>,
    pub(super) forests: Vec<Span>,
    /// For each forest, the lines of its nodes.
    pub(super) tree_nodes: Vec<Vec<Span>>,
    pub(super) functions: Vec<Span>,
    pub(super) matrices: Vec<Span>,
    pub(super) values: Vec<Span>,
    pub(super) outputs: Vec<Span>,
}

impl Spans {
    /// The line of `location`; the first of the module where it has none.
    pub(super) fn of(&self, location: Location) -> Span {
        let span = match location {
            Location::Module => None,
            Location::Column(index) => self.columns.get(index),
            Location::Labels(index) => self.labels.get(index),
            Location::Constant(index) => self.constants.get(index),
            Location::Forest(index) => self.forests.get(index),
            Location::TreeNode(forest, node) => {
                self.tree_nodes.get(forest).and_then(|nodes| nodes.get(node))
            }
            Location::Function(index) => self.functions.get(index),
            Location::Matrix(index) => self.matrices.get(index),
            Location::Value(value) => self.values.get(value.index()),
            Location::Output(index) => self.outputs.get(index),
        };
        span.unwrap_or(&self.module).clone()
    }
}
