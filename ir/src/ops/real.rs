//! Operations over floating point, with ONNX semantics.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::module::{Column, Constant, LabelTable, Operation, Real, Value};

/// An operation of the real domain.
#[derive(Clone, Debug, PartialEq)]
pub enum RealOp {
    /// `elem[1xn]`: the named columns, converted to the element type of the
    /// result (`f32(x)` rounds to nearest even beyond 2^24; `i64` is exact).
    Input {
        /// The columns, in order.
        columns: Vec<Handle<Column>>,
    },
    /// The constant.
    Constant {
        /// Which.
        constant: Handle<Constant<Real>>,
    },
    /// Converts to the element type of the result (ONNX Cast). A cast of labels
    /// to their own kind changes nothing.
    Cast {
        /// What is converted.
        input: Value,
    },
    /// Same elements, the shape of the result (ONNX Reshape, Flatten, Squeeze, Unsqueeze).
    Reshape {
        /// What is reshaped.
        input: Value,
    },
    /// Elements `indices` along the last axis (ai.onnx.ml ArrayFeatureExtractor,
    /// ONNX Gather and Slice with constant indices).
    Gather {
        /// What is taken from.
        input: Value,
        /// Positions along the last axis, all within it.
        indices: Vec<u32>,
    },
    /// Joins along the last axis (ONNX Concat).
    Concat {
        /// What is joined, in order; same element type and leading extents.
        inputs: Vec<Value>,
    },
    /// Elementwise `a - b`, shapes equal up to broadcasting (ONNX Sub).
    Subtract {
        /// Minuend.
        a: Value,
        /// Subtrahend.
        b: Value,
    },
    /// Elementwise `a > b` as `bool` (ONNX Greater).
    Greater {
        /// Left side.
        a: Value,
        /// Right side.
        b: Value,
    },
    /// `elem[1xtargets]`: the sums of a tree ensemble over a row, base values
    /// first, then the trees in order.
    TreeEnsemble {
        /// Which forest.
        forest: Handle<Forest<Real>>,
        /// The row of features, `elem[1xn]`.
        input: Value,
    },
    /// `i64[1]`: index of the greatest element of a row; the first of equals
    /// (ONNX ArgMax, `select_last_index` = 0).
    ArgMax {
        /// The row, `elem[1xn]`.
        input: Value,
    },
    /// The label of a class: from class indices (`i64` or `bool`) to `label`.
    Label {
        /// The labels.
        table: Handle<LabelTable>,
        /// The class.
        class: Value,
    },
}

impl Operation for RealOp {
    fn operands(&self, visit: &mut dyn FnMut(Value)) {
        self.clone().map_operands(&mut |value| {
            visit(value);
            value
        });
    }

    fn map_operands(&mut self, map: &mut dyn FnMut(Value) -> Value) {
        match self {
            Self::Input { .. } | Self::Constant { .. } => {}
            Self::Cast { input }
            | Self::Reshape { input }
            | Self::Gather { input, .. }
            | Self::TreeEnsemble { input, .. }
            | Self::ArgMax { input } => *input = map(*input),
            Self::Label { class, .. } => *class = map(*class),
            Self::Concat { inputs } => {
                for input in inputs {
                    *input = map(*input);
                }
            }
            Self::Subtract { a, b } | Self::Greater { a, b } => {
                *a = map(*a);
                *b = map(*b);
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Constant { .. } => "constant",
            Self::Cast { .. } => "cast",
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
