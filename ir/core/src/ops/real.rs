//! Operations over floating point, with ONNX semantics.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::module::{Column, Constant, LabelTable, Real, Value};
use crate::ops::declare::{Field, operations};
use crate::ops::{Binary, Extreme, Movement, OpKind, Reduction, Relation, Unary};

operations! {
    /// An operation of the real domain.
    pub enum RealOp of Real {
        /// `elem[1xn]`: the named columns, converted to the element type of the
        /// result (`f32(x)` rounds to nearest even beyond 2^24; `i64` is exact).
        Input("input", OpKind::Leaf) {
            /// The columns, in order.
            columns: Vec<Handle<Column>>,
        }
        /// The elements of a constant.
        Constant("constant", OpKind::Leaf) {
            /// The constant that is given.
            constant: Handle<Constant<Real>>,
        }
        /// Converts to the element type of the result (ONNX Cast). A cast of labels
        /// to their own kind changes nothing.
        Cast("cast", OpKind::Elementwise) {
            /// What is converted.
            input: Value,
        }
        /// Same elements, the shape of the result (ONNX Reshape, Flatten, Squeeze, Unsqueeze).
        Reshape("reshape", OpKind::Moves(Movement::Same(*input))) {
            /// What is reshaped.
            input: Value,
        }
        /// Elements `indices` along the last axis (ai.onnx.ml ArrayFeatureExtractor,
        /// ONNX Gather and Slice with constant indices).
        Gather("gather", OpKind::Moves(Movement::Gather(*input, indices))) {
            /// What is taken from.
            input: Value,
            /// Positions along the last axis, all within it.
            indices: Vec<u32>,
        }
        /// Joins along the last axis (ONNX Concat).
        Concat("concat", OpKind::Moves(Movement::Concat(inputs))) {
            /// What is joined, in order; same element type and leading extents.
            inputs: Vec<Value>,
        }
        /// A function of each element.
        Unary(function.name(), OpKind::Elementwise) {
            /// The function of one operand.
            function: Unary,
            /// The only operand.
            input: Value,
        }
        /// A function of two elements, elementwise; shapes broadcast as in ONNX.
        Binary(function.name(), OpKind::Elementwise) {
            /// The function of two operands.
            function: Binary,
            /// The first operand.
            a: Value,
            /// The second operand.
            b: Value,
        }
        /// Does a relation hold? Elementwise, as `bool`; shapes broadcast.
        Compare(relation.name(), OpKind::Elementwise) {
            /// The relation that is tested.
            relation: Relation,
            /// The left side.
            a: Value,
            /// The right side.
            b: Value,
        }
        /// `a` where the condition holds, else `b`; shapes broadcast (ONNX Where).
        Select("select", OpKind::Elementwise) {
            /// The condition, `bool`.
            condition: Value,
            /// Taken where it holds.
            a: Value,
            /// Taken where it does not.
            b: Value,
        }
        /// Reduces the last axis, which the result does not have.
        Reduce(function.name(), OpKind::Combines) {
            /// The kind of reduction.
            function: Reduction,
            /// The only operand.
            input: Value,
        }
        /// `e^(x - m) / sum of e^(x - m)` along the last axis, with `m` its greatest
        /// element (ONNX Softmax, post-transform SOFTMAX).
        Softmax("softmax", OpKind::Combines) {
            /// The only operand.
            input: Value,
        }
        /// Sums of the elements up to and with each one, along the last axis
        /// (ONNX CumSum, inclusive and forward).
        CumulativeSum("cumulative_sum", OpKind::Combines) {
            /// The only operand.
            input: Value,
        }
        /// `i64`: the positions of the elements of the last axis in sorted order;
        /// equal elements in the order of their positions (ONNX TopK).
        ArgSort("argsort", OpKind::Combines) {
            /// What is sorted.
            input: Value,
            /// What comes first.
            first: Extreme,
        }
        /// The elements of a row at computed positions, in the shape of the
        /// positions. One outside the row counts as the nearest inside.
        Take("take", OpKind::Combines) {
            /// The row, `elem[1xn]` or `elem[n]`.
            input: Value,
            /// The positions, counted from 0: `i64`, `bool` or label.
            index: Value,
        }
        /// As `Take` for each row of a tensor: the elements of the last axis at the
        /// positions that the same row of `indices` holds (ONNX GatherElements).
        TakeAlong("take_along", OpKind::Combines) {
            /// What is taken from, `elem[..xn]`.
            input: Value,
            /// The positions, `i64[..xk]`.
            indices: Value,
        }
        /// The value of the first key that equals an element, or the default
        /// (ai.onnx.ml LabelEncoder).
        Lookup("lookup", OpKind::Elementwise) {
            /// What is looked up.
            input: Value,
            /// The keys, `[n]`, of the element type of `input`.
            keys: Handle<Constant<Real>>,
            /// Their values and then the default, `[n + 1]`.
            values: Handle<Constant<Real>>,
        }
        /// `elem[mxn]` of `elem[mxk]` and `elem[kxn]`: each element the sum of the
        /// products along `k`, in order (ONNX MatMul and Gemm).
        MatMul("matmul", OpKind::Combines) {
            /// The first operand.
            a: Value,
            /// The second operand.
            b: Value,
        }
        /// `elem[1xtargets]`: the sums of a tree ensemble over a row, the trees in
        /// order, then the base values.
        TreeEnsemble("tree_ensemble", OpKind::Combines) {
            /// The forest that is summed.
            forest: Handle<Forest<Real>>,
            /// The row of features, `elem[1xn]`.
            input: Value,
        }
        /// `i64`: the index of the greatest element of the last axis, which the
        /// result does not have; the first of equals (ONNX ArgMax).
        ArgMax("argmax", OpKind::Combines) {
            /// What is compared, `elem[..xn]`.
            input: Value,
        }
        /// As `ArgMax`, of the least element (ONNX ArgMin).
        ArgMin("argmin", OpKind::Combines) {
            /// What is compared, `elem[..xn]`.
            input: Value,
        }
        /// The label of a class: from class indices (`i64` or `bool`) to `label`.
        Label("label", OpKind::Moves(Movement::Same(*class))) {
            /// The table of labels.
            table: Handle<LabelTable>,
            /// Index of the class.
            class: Value,
        }
    }
}
