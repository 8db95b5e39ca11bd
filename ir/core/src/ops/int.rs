//! Operations over integers: what the generated C does, exactly.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::function::Function;
use crate::matrix::Matrix;
use crate::module::{Column, Constant, Int, LabelTable, Value};
use crate::ops::declare::{Field, operations};
use crate::ops::{Extreme, Movement, OpKind, Relation};

operations! {
    /// An operation of the integer domain. Nothing wraps: the validator proves that
    /// every result, and every number on the way to it, fits its storage. What
    /// rounds says so.
    ///
    /// Numbers are `i64` or fixed point; a format is the element type. Elementwise
    /// operations broadcast as in ONNX.
    pub enum IntOp of Int {
        /// `i64[1xn]`: the named columns.
        Input("input", OpKind::Leaf) {
            /// The columns, in order.
            columns: Vec<Handle<Column>>,
        }
        /// The elements of a constant.
        Constant("constant", OpKind::Leaf) {
            /// The constant that is given.
            constant: Handle<Constant<Int>>,
        }
        /// Same elements, the shape of the result.
        Reshape("reshape", OpKind::Moves(Movement::Same(*input))) {
            /// What is reshaped.
            input: Value,
        }
        /// Elements `indices` along the last axis.
        Gather("gather", OpKind::Moves(Movement::Gather(*input, indices))) {
            /// What is taken from.
            input: Value,
            /// Positions along the last axis, all within it.
            indices: Vec<u32>,
        }
        /// Joins along the last axis.
        Concat("concat", OpKind::Moves(Movement::Concat(inputs))) {
            /// What is joined, in order.
            inputs: Vec<Value>,
        }
        /// A function of two elements; operands and result share one format, which
        /// for the logical ones is `bool`.
        Binary(function.name(), OpKind::Elementwise) {
            /// The function of two operands.
            function: IntBinary,
            /// The first operand.
            a: Value,
            /// The second operand.
            b: Value,
        }
        /// `a * b`, of any two formats, then divided by 2^`shift` and rounded to
        /// nearest, halves up. Both factors are below 2^62; their product need not be.
        Multiply("multiply", OpKind::Elementwise) {
            /// The first factor.
            a: Value,
            /// The second factor.
            b: Value,
            /// Fraction bits of both factors together less those of the result; at most 62.
            shift: u8,
        }
        /// `a * 2^shift / b`, of any two formats, rounded to nearest, halves away
        /// from 0. The shifted numerator is below 2^62, and `b` is not 0.
        Divide("divide", OpKind::Elementwise) {
            /// The numerator, any format.
            a: Value,
            /// The denominator, never 0.
            b: Value,
            /// Fraction bits of the result and of `b` together less those of `a`; at most 62.
            shift: u8,
        }
        /// The same number in the format of the result: `bool`, `i64` and fixed
        /// point to `i64` and fixed point.
        Rescale("rescale", OpKind::Elementwise) {
            /// What is converted.
            input: Value,
            /// How bits are dropped, where the result has fewer behind the point.
            rounding: Rounding,
        }
        /// A tabulated function of each element.
        Function("function", OpKind::Elementwise) {
            /// The table of the function.
            function: Handle<Function>,
            /// The operand, in the input format of the function.
            input: Value,
        }
        /// Of `bool`: the other truth value.
        Not("not", OpKind::Elementwise) {
            /// The only operand.
            input: Value,
        }
        /// `fixed[1xn]`: sums of products of the elements of all inputs, one after
        /// the other, with constants.
        Linear("linear", OpKind::Combines) {
            /// The weights and bases.
            matrix: Handle<Matrix>,
            /// Numbers and truth values of any formats.
            inputs: Vec<Value>,
        }
        /// Does a relation hold between two elements of one format? As `bool`.
        Compare(relation.name(), OpKind::Elementwise) {
            /// The relation that is tested.
            relation: Relation,
            /// The left side.
            a: Value,
            /// The right side.
            b: Value,
        }
        /// Elementwise `a > threshold` as `bool`.
        Greater("greater", OpKind::Elementwise) {
            /// The left side.
            a: Value,
            /// Right side, in the format of `a`.
            threshold: i64,
        }
        /// `a` where the condition holds, else `b`; of one element type.
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
            function: IntReduction,
            /// The only operand.
            input: Value,
        }
        /// Sums of the elements up to and with each one, along the last axis.
        CumulativeSum("cumulative_sum", OpKind::Combines) {
            /// The only operand.
            input: Value,
        }
        /// `i64`: the positions of the elements of the last axis in sorted order;
        /// equal elements in the order of their positions.
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
        /// positions that the same row of `indices` holds.
        TakeAlong("take_along", OpKind::Combines) {
            /// What is taken from, `elem[..xn]`.
            input: Value,
            /// The positions, `i64[..xk]`.
            indices: Value,
        }
        /// The value of the first key that equals an element, or the default.
        Lookup("lookup", OpKind::Elementwise) {
            /// What is looked up.
            input: Value,
            /// The keys, `[n]`, of the element type of `input`.
            keys: Handle<Constant<Int>>,
            /// Their values and then the default, `[n + 1]`.
            values: Handle<Constant<Int>>,
        }
        /// `fixed[1xtargets]`: the sums of a tree ensemble over a row.
        TreeEnsemble("tree_ensemble", OpKind::Combines) {
            /// The forest that is summed.
            forest: Handle<Forest<Int>>,
            /// The row of features, `i64[1xn]`.
            input: Value,
        }
        /// `i64`: along the last axis, which the result does not have, the first
        /// index whose element is at least the greatest element less `margin`.
        ArgMax("argmax", OpKind::Combines) {
            /// What is compared, `elem[..xn]`.
            input: Value,
            /// Elements this close to the greatest are ties; at least 0.
            margin: i64,
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

/// An exact function of two integers of one format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntBinary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Subtract,
    /// The lesser of both.
    Minimum,
    /// The greater of both.
    Maximum,
    /// Of `bool`: both.
    And,
    /// Of `bool`: at least one.
    Or,
    /// Of `bool`: exactly one.
    Xor,
}

impl IntBinary {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Add, Self::Subtract, Self::Minimum, Self::Maximum, Self::And, Self::Or, Self::Xor];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }

    /// Is it a function of truth values?
    #[must_use]
    pub fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor)
    }
}

/// What a reduction makes of the elements of the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntReduction {
    /// Sum of the elements.
    Sum,
    /// The least element.
    Minimum,
    /// The greatest element.
    Maximum,
}

impl IntReduction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sum, Self::Minimum, Self::Maximum];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "reduce_sum",
            Self::Minimum => "reduce_minimum",
            Self::Maximum => "reduce_maximum",
        }
    }
}

/// How a number loses bits behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest, halves up.
    Nearest,
    /// To the nearest, halves to even.
    NearestEven,
    /// To the greatest that is not above.
    Floor,
    /// To the least that is not below.
    Ceil,
    /// Rounds towards 0.
    Truncate,
}

impl Rounding {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Nearest, Self::NearestEven, Self::Floor, Self::Ceil, Self::Truncate];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::NearestEven => "nearest_even",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Truncate => "truncate",
        }
    }
}
