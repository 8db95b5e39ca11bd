//! Operations over floating point, with ONNX semantics.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::module::{Column, Constant, LabelTable, Operation, Real, Value};
use crate::ops::{Binary, Extreme, Reduction, Relation, Unary};

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
    /// A function of each element.
    Unary {
        /// Which.
        function: Unary,
        /// Of what.
        input: Value,
    },
    /// A function of two elements, elementwise; shapes broadcast as in ONNX.
    Binary {
        /// Which.
        function: Binary,
        /// First operand.
        a: Value,
        /// Second operand.
        b: Value,
    },
    /// Does a relation hold? Elementwise, as `bool`; shapes broadcast.
    Compare {
        /// Which.
        relation: Relation,
        /// Left side.
        a: Value,
        /// Right side.
        b: Value,
    },
    /// `a` where the condition holds, else `b`; shapes broadcast (ONNX Where).
    Select {
        /// The condition, `bool`.
        condition: Value,
        /// Taken where it holds.
        a: Value,
        /// Taken where it does not.
        b: Value,
    },
    /// Reduces the last axis, which the result does not have.
    Reduce {
        /// How.
        function: Reduction,
        /// What.
        input: Value,
    },
    /// `e^(x - m) / sum of e^(x - m)` along the last axis, with `m` its greatest
    /// element (ONNX Softmax, post-transform SOFTMAX).
    Softmax {
        /// Of what.
        input: Value,
    },
    /// Sums of the elements up to and with each one, along the last axis
    /// (ONNX CumSum, inclusive and forward).
    CumulativeSum {
        /// Of what.
        input: Value,
    },
    /// `i64`: the positions of the elements of the last axis in sorted order;
    /// equal elements in the order of their positions (ONNX TopK).
    ArgSort {
        /// What is sorted.
        input: Value,
        /// What comes first.
        first: Extreme,
    },
    /// The elements of a row at computed positions, in the shape of the
    /// positions. One outside the row counts as the nearest inside.
    Take {
        /// The row, `elem[1xn]` or `elem[n]`.
        input: Value,
        /// The positions, counted from 0: `i64`, `bool` or label.
        index: Value,
    },
    /// As `Take` for each row of a tensor: the elements of the last axis at the
    /// positions that the same row of `indices` holds (ONNX GatherElements).
    TakeAlong {
        /// What is taken from, `elem[..xn]`.
        input: Value,
        /// The positions, `i64[..xk]`.
        indices: Value,
    },
    /// The value of the first key that equals an element, or the default
    /// (ai.onnx.ml LabelEncoder).
    Lookup {
        /// What is looked up.
        input: Value,
        /// The keys, `[n]`, of the element type of `input`.
        keys: Handle<Constant<Real>>,
        /// Their values and then the default, `[n + 1]`.
        values: Handle<Constant<Real>>,
    },
    /// `elem[mxn]` of `elem[mxk]` and `elem[kxn]`: each element the sum of the
    /// products along `k`, in order (ONNX MatMul and Gemm).
    MatMul {
        /// First operand.
        a: Value,
        /// Second operand.
        b: Value,
    },
    /// `elem[1xtargets]`: the sums of a tree ensemble over a row, the trees in
    /// order, then the base values.
    TreeEnsemble {
        /// Which forest.
        forest: Handle<Forest<Real>>,
        /// The row of features, `elem[1xn]`.
        input: Value,
    },
    /// `i64`: the index of the greatest element of the last axis, which the
    /// result does not have; the first of equals (ONNX ArgMax).
    ArgMax {
        /// What is compared, `elem[..xn]`.
        input: Value,
    },
    /// As `ArgMax`, of the least element (ONNX ArgMin).
    ArgMin {
        /// What is compared, `elem[..xn]`.
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
            | Self::Unary { input, .. }
            | Self::Reduce { input, .. }
            | Self::Softmax { input }
            | Self::CumulativeSum { input }
            | Self::ArgSort { input, .. }
            | Self::Lookup { input, .. }
            | Self::TreeEnsemble { input, .. }
            | Self::ArgMax { input }
            | Self::ArgMin { input } => *input = map(*input),
            Self::Label { class, .. } => *class = map(*class),
            Self::Concat { inputs } => {
                for input in inputs {
                    *input = map(*input);
                }
            }
            Self::Binary { a, b, .. } | Self::Compare { a, b, .. } | Self::MatMul { a, b } => {
                *a = map(*a);
                *b = map(*b);
            }
            Self::Select { condition, a, b } => {
                *condition = map(*condition);
                *a = map(*a);
                *b = map(*b);
            }
            Self::Take { input, index: second } | Self::TakeAlong { input, indices: second } => {
                *input = map(*input);
                *second = map(*second);
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
            Self::Unary { function, .. } => function.name(),
            Self::Binary { function, .. } => function.name(),
            Self::Compare { relation, .. } => relation.name(),
            Self::Select { .. } => "select",
            Self::Reduce { function, .. } => function.name(),
            Self::Softmax { .. } => "softmax",
            Self::CumulativeSum { .. } => "cumulative_sum",
            Self::ArgSort { .. } => "argsort",
            Self::Take { .. } => "take",
            Self::TakeAlong { .. } => "take_along",
            Self::Lookup { .. } => "lookup",
            Self::MatMul { .. } => "matmul",
            Self::TreeEnsemble { .. } => "tree_ensemble",
            Self::ArgMax { .. } => "argmax",
            Self::ArgMin { .. } => "argmin",
            Self::Label { .. } => "label",
        }
    }
}
