//! Notation of the real domain.

use super::lexer::{Cursor, Parsed};
use super::notation;
use super::printer::{Names, print_list, put, put_float, put_value};
use super::scope::Scope;
use crate::forest::{Mode, RealTest};
use crate::limits;
use crate::module::{Operation, Real};
use crate::ops::{Binary, Extreme, RealOp, Reduction, Relation, Unary};

impl notation::Notation for Real {
    const ZERO: f64 = 0.0;

    /// The shortest decimal that reads back as the same `f64`.
    fn write_number(out: &mut String, number: f64) {
        put_float(out, number);
    }

    fn write_test(out: &mut String, test: RealTest) {
        put(out, format_args!("x{} {} ", test.feature, test.mode.symbol()));
        Self::write_number(out, test.threshold);
        if test.missing_is_yes {
            out.push_str(" or missing");
        }
    }

    fn write_op(out: &mut String, names: &Names, op: &RealOp) {
        out.push_str(op.name());
        match op {
            RealOp::Input { columns } => names.put_columns(out, columns),
            RealOp::Constant { constant } => put(out, format_args!(" @w{}", constant.index())),
            RealOp::Cast { input }
            | RealOp::Reshape { input }
            | RealOp::Unary { input, .. }
            | RealOp::Reduce { input, .. }
            | RealOp::Softmax { input }
            | RealOp::CumulativeSum { input }
            | RealOp::ArgMax { input }
            | RealOp::ArgMin { input } => {
                out.push(' ');
                put_value(out, *input);
            }
            RealOp::Gather { input, indices } => {
                put(out, format_args!(" %{} {indices:?}", input.index()));
            }
            RealOp::Concat { inputs } => {
                out.push(' ');
                print_list(out, inputs, |out, &input| put_value(out, input));
            }
            RealOp::Binary { a, b, .. }
            | RealOp::Compare { a, b, .. }
            | RealOp::MatMul { a, b }
            | RealOp::Take { input: a, index: b }
            | RealOp::TakeAlong { input: a, indices: b } => {
                put(out, format_args!(" %{}, %{}", a.index(), b.index()));
            }
            RealOp::Select { condition, a, b } => {
                put(out, format_args!(" %{}, %{}, %{}", condition.index(), a.index(), b.index()));
            }
            RealOp::ArgSort { input, first } => {
                let first = match first {
                    Extreme::Greatest => "greatest",
                    Extreme::Least => "least",
                };
                put(out, format_args!(" %{}, {first} first", input.index()));
            }
            RealOp::Lookup { input, keys, values } => {
                let (input, keys, values) = (input.index(), keys.index(), values.index());
                put(out, format_args!(" %{input}, @w{keys}, @w{values}"));
            }
            RealOp::TreeEnsemble { forest, input } => {
                put(out, format_args!(" @t{}, %{}", forest.index(), input.index()));
            }
            RealOp::Label { table, class } => {
                put(out, format_args!(" @l{}, %{}", table.index(), class.index()));
            }
        }
    }

    fn number(cursor: &mut Cursor<'_>) -> Parsed<f64> {
        cursor.float()
    }

    fn test(cursor: &mut Cursor<'_>, feature: u32) -> Parsed<RealTest> {
        // The longer symbols first: `<` begins `<=`.
        let mut modes = Mode::ALL;
        modes.sort_by_key(|mode| std::cmp::Reverse(mode.symbol().len()));
        let mode = modes.into_iter().find(|mode| cursor.eat(mode.symbol()));
        let mode = mode.ok_or_else(|| cursor.expected("a comparison such as `<=`"))?;
        let threshold = cursor.float()?;
        let missing_is_yes = cursor.eat("or");
        if missing_is_yes {
            cursor.expect("missing")?;
        }
        Ok(RealTest { feature, mode, threshold, missing_is_yes })
    }

    fn op(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<RealOp>> {
        Ok(Some(match word {
            "input" => {
                RealOp::Input { columns: cursor.list(limits::COLUMNS_MAX, |c| scope.column(c))? }
            }
            "constant" => RealOp::Constant { constant: scope.constant(cursor)? },
            "cast" => RealOp::Cast { input: scope.value(cursor)? },
            "reshape" => RealOp::Reshape { input: scope.value(cursor)? },
            "gather" => RealOp::Gather {
                input: scope.value(cursor)?,
                indices: cursor.list(limits::ELEMENTS_MAX, Cursor::integer)?,
            },
            "concat" => {
                RealOp::Concat { inputs: cursor.list(limits::NODES_MAX, |c| scope.value(c))? }
            }
            "tree_ensemble" => {
                let forest = scope.forest(cursor)?;
                cursor.expect(",")?;
                RealOp::TreeEnsemble { forest, input: scope.value(cursor)? }
            }
            "softmax" => RealOp::Softmax { input: scope.value(cursor)? },
            "cumulative_sum" => RealOp::CumulativeSum { input: scope.value(cursor)? },
            "argmax" => RealOp::ArgMax { input: scope.value(cursor)? },
            "argmin" => RealOp::ArgMin { input: scope.value(cursor)? },
            "select" => {
                let condition = scope.value(cursor)?;
                cursor.expect(",")?;
                let (a, b) = scope.values(cursor)?;
                RealOp::Select { condition, a, b }
            }
            "matmul" => {
                let (a, b) = scope.values(cursor)?;
                RealOp::MatMul { a, b }
            }
            "take" => {
                let (input, index) = scope.values(cursor)?;
                RealOp::Take { input, index }
            }
            "take_along" => {
                let (input, indices) = scope.values(cursor)?;
                RealOp::TakeAlong { input, indices }
            }
            "argsort" => {
                let input = scope.value(cursor)?;
                cursor.expect(",")?;
                let first = if cursor.eat("greatest") {
                    Extreme::Greatest
                } else {
                    cursor.expect("least")?;
                    Extreme::Least
                };
                cursor.expect("first")?;
                RealOp::ArgSort { input, first }
            }
            "lookup" => {
                let input = scope.value(cursor)?;
                cursor.expect(",")?;
                let keys = scope.constant(cursor)?;
                cursor.expect(",")?;
                RealOp::Lookup { input, keys, values: scope.constant(cursor)? }
            }
            "label" => {
                let table = scope.labels(cursor)?;
                cursor.expect(",")?;
                RealOp::Label { table, class: scope.value(cursor)? }
            }
            _ => return elementwise(scope, cursor, word),
        }))
    }
}

/// The operations that are named by the function they apply.
fn elementwise(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<RealOp>> {
    if let Some(function) = Unary::ALL.into_iter().find(|function| function.name() == word) {
        return Ok(Some(RealOp::Unary { function, input: scope.value(cursor)? }));
    }
    if let Some(function) = Reduction::ALL.into_iter().find(|function| function.name() == word) {
        return Ok(Some(RealOp::Reduce { function, input: scope.value(cursor)? }));
    }
    if let Some(function) = Binary::ALL.into_iter().find(|function| function.name() == word) {
        let (a, b) = scope.values(cursor)?;
        return Ok(Some(RealOp::Binary { function, a, b }));
    }
    if let Some(relation) = Relation::ALL.into_iter().find(|relation| relation.name() == word) {
        let (a, b) = scope.values(cursor)?;
        return Ok(Some(RealOp::Compare { relation, a, b }));
    }
    Ok(None)
}
