//! Operations over integers: what the generated C does, exactly.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::module::{Column, Constant, Int, LabelTable, Operation, Value};

/// An operation of the integer domain. Nothing rounds and nothing wraps: the
/// validator proves that every result fits its storage.
#[derive(Clone, Debug, PartialEq)]
pub enum IntOp {
    /// `i64[1xn]`: the named columns.
    Input {
        /// The columns, in order.
        columns: Vec<Handle<Column>>,
    },
    /// The constant.
    Constant {
        /// Which.
        constant: Handle<Constant<Int>>,
    },
    /// Same elements, the shape of the result.
    Reshape {
        /// What is reshaped.
        input: Value,
    },
    /// Elements `indices` along the last axis.
    Gather {
        /// What is taken from.
        input: Value,
        /// Positions along the last axis, all within it.
        indices: Vec<u32>,
    },
    /// Joins along the last axis.
    Concat {
        /// What is joined, in order.
        inputs: Vec<Value>,
    },
    /// Elementwise `a - b`; operands and result share one fixed-point format.
    Subtract {
        /// Minuend.
        a: Value,
        /// Subtrahend.
        b: Value,
    },
    /// Elementwise `a > threshold` as `bool`.
    Greater {
        /// Left side.
        a: Value,
        /// Right side, in the format of `a`.
        threshold: i64,
    },
    /// `fixed[1xtargets]`: the sums of a tree ensemble over a row.
    TreeEnsemble {
        /// Which forest.
        forest: Handle<Forest<Int>>,
        /// The row of features, `i64[1xn]`.
        input: Value,
    },
    /// `i64[1]`: the first index whose element is at least the greatest
    /// element less `margin`.
    ArgMax {
        /// The row, `elem[1xn]`.
        input: Value,
        /// Elements this close to the greatest are ties; at least 0.
        margin: i64,
    },
    /// The label of a class: from class indices (`i64` or `bool`) to `label`.
    Label {
        /// The labels.
        table: Handle<LabelTable>,
        /// The class.
        class: Value,
    },
}

impl Operation for IntOp {
    fn operands(&self, visit: &mut dyn FnMut(Value)) {
        self.clone().map_operands(&mut |value| {
            visit(value);
            value
        });
    }

    fn map_operands(&mut self, map: &mut dyn FnMut(Value) -> Value) {
        match self {
            Self::Input { .. } | Self::Constant { .. } => {}
            Self::Reshape { input }
            | Self::Gather { input, .. }
            | Self::TreeEnsemble { input, .. }
            | Self::ArgMax { input, .. } => *input = map(*input),
            Self::Greater { a, .. } => *a = map(*a),
            Self::Label { class, .. } => *class = map(*class),
            Self::Concat { inputs } => {
                for input in inputs {
                    *input = map(*input);
                }
            }
            Self::Subtract { a, b } => {
                *a = map(*a);
                *b = map(*b);
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Constant { .. } => "constant",
            Self::Reshape { .. } => "reshape",
            Self::Gather { .. } => "gather",
            Self::Concat { .. } => "concat",
            Self::Subtract { .. } => "subtract",
            Self::Greater { .. } => "greater",
            Self::TreeEnsemble { .. } => "tree_ensemble",
            Self::ArgMax { .. } => "argmax",
            Self::Label { .. } => "label",
        }
    }
}
