//! Notation of the integer domain.

use super::lexer::{Cursor, Parsed};
use super::notation;
use super::printer::{Names, print_list, put, put_value};
use super::scope::Scope;
use crate::forest::IntTest;
use crate::limits;
use crate::module::{Int, Operation};
use crate::ops::{Extreme, IntBinary, IntOp, IntReduction, Relation, Rounding};

impl notation::Notation for Int {
    const ZERO: i64 = 0;

    fn write_number(out: &mut String, number: i64) {
        put(out, format_args!("{number}"));
    }

    fn write_test(out: &mut String, test: IntTest) {
        put(out, format_args!("x{} <= {}", test.feature, test.at_most));
    }

    fn write_op(out: &mut String, names: &Names, op: &IntOp) {
        out.push_str(op.name());
        match op {
            IntOp::Input { columns } => names.put_columns(out, columns),
            IntOp::Constant { constant } => put(out, format_args!(" @w{}", constant.index())),
            IntOp::Reshape { input }
            | IntOp::Not { input }
            | IntOp::Reduce { input, .. }
            | IntOp::CumulativeSum { input } => {
                out.push(' ');
                put_value(out, *input);
            }
            IntOp::Gather { input, indices } => {
                put(out, format_args!(" %{} {indices:?}", input.index()));
            }
            IntOp::Concat { inputs } => {
                out.push(' ');
                print_list(out, inputs, |out, &input| put_value(out, input));
            }
            IntOp::Binary { a, b, .. }
            | IntOp::Compare { a, b, .. }
            | IntOp::Take { input: a, index: b }
            | IntOp::TakeAlong { input: a, indices: b } => {
                put(out, format_args!(" %{}, %{}", a.index(), b.index()));
            }
            IntOp::Multiply { a, b, shift } | IntOp::Divide { a, b, shift } => {
                put(out, format_args!(" %{}, %{}, shift {shift}", a.index(), b.index()));
            }
            IntOp::Rescale { input, rounding } => {
                put(out, format_args!(" %{}, {}", input.index(), rounding.name()));
            }
            IntOp::Function { function, input } => {
                put(out, format_args!(" @f{}, %{}", function.index(), input.index()));
            }
            IntOp::Linear { matrix, inputs } => {
                put(out, format_args!(" @m{}, ", matrix.index()));
                print_list(out, inputs, |out, &input| put_value(out, input));
            }
            IntOp::Select { condition, a, b } => {
                let (condition, a, b) = (condition.index(), a.index(), b.index());
                put(out, format_args!(" %{condition}, %{a}, %{b}"));
            }
            IntOp::ArgSort { input, first } => {
                let first = match first {
                    Extreme::Greatest => "greatest",
                    Extreme::Least => "least",
                };
                put(out, format_args!(" %{}, {first} first", input.index()));
            }
            IntOp::Lookup { input, keys, values } => {
                let (keys, values) = (keys.index(), values.index());
                put(out, format_args!(" %{}, @w{keys}, @w{values}", input.index()));
            }
            IntOp::Greater { a, threshold } => {
                put(out, format_args!(" %{}, {threshold}", a.index()));
            }
            IntOp::TreeEnsemble { forest, input } => {
                put(out, format_args!(" @t{}, %{}", forest.index(), input.index()));
            }
            IntOp::ArgMax { input, margin } => {
                put(out, format_args!(" %{}, margin {margin}", input.index()));
            }
            IntOp::Label { table, class } => {
                put(out, format_args!(" @l{}, %{}", table.index(), class.index()));
            }
        }
    }

    fn number(cursor: &mut Cursor<'_>) -> Parsed<i64> {
        cursor.integer()
    }

    fn test(cursor: &mut Cursor<'_>, feature: u32) -> Parsed<IntTest> {
        cursor.expect("<=")?;
        Ok(IntTest { feature, at_most: cursor.integer()? })
    }

    fn op(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<IntOp>> {
        Ok(Some(match word {
            "input" => {
                IntOp::Input { columns: cursor.list(limits::COLUMNS_MAX, |c| scope.column(c))? }
            }
            "constant" => IntOp::Constant { constant: scope.constant(cursor)? },
            "reshape" => IntOp::Reshape { input: scope.value(cursor)? },
            "gather" => IntOp::Gather {
                input: scope.value(cursor)?,
                indices: cursor.list(limits::ELEMENTS_MAX, Cursor::integer)?,
            },
            "concat" => {
                IntOp::Concat { inputs: cursor.list(limits::NODES_MAX, |c| scope.value(c))? }
            }
            "greater" => {
                let a = scope.value(cursor)?;
                cursor.expect(",")?;
                if cursor.is_handle("%") {
                    IntOp::Compare { relation: Relation::Greater, a, b: scope.value(cursor)? }
                } else {
                    IntOp::Greater { a, threshold: cursor.integer()? }
                }
            }
            "tree_ensemble" => {
                let forest = scope.forest(cursor)?;
                cursor.expect(",")?;
                IntOp::TreeEnsemble { forest, input: scope.value(cursor)? }
            }
            "argmax" => {
                let input = scope.value(cursor)?;
                cursor.expect(",")?;
                cursor.expect("margin")?;
                IntOp::ArgMax { input, margin: cursor.integer()? }
            }
            "label" => {
                let table = scope.labels(cursor)?;
                cursor.expect(",")?;
                IntOp::Label { table, class: scope.value(cursor)? }
            }
            _ => return tensor_op(scope, cursor, word),
        }))
    }
}

/// Operations that only compute on tensors.
fn tensor_op(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<IntOp>> {
    if let Some(op) = named(scope, cursor, word)? {
        return Ok(Some(op));
    }
    Ok(Some(match word {
        "multiply" | "divide" => {
            let (a, b) = scope.values(cursor)?;
            cursor.expect(",")?;
            cursor.expect("shift")?;
            let shift = cursor.integer()?;
            if word == "multiply" {
                IntOp::Multiply { a, b, shift }
            } else {
                IntOp::Divide { a, b, shift }
            }
        }
        "rescale" => {
            let input = scope.value(cursor)?;
            cursor.expect(",")?;
            let rounding = Rounding::ALL.into_iter().find(|rounding| cursor.eat(rounding.name()));
            let rounding = rounding.ok_or_else(|| cursor.expected("a rounding such as `nearest`"));
            IntOp::Rescale { input, rounding: rounding? }
        }
        "function" => {
            let function = scope.function(cursor)?;
            cursor.expect(",")?;
            IntOp::Function { function, input: scope.value(cursor)? }
        }
        "linear" => {
            let matrix = scope.matrix(cursor)?;
            cursor.expect(",")?;
            let inputs = cursor.list(limits::NODES_MAX, |c| scope.value(c))?;
            IntOp::Linear { matrix, inputs }
        }
        "not" => IntOp::Not { input: scope.value(cursor)? },
        "select" => {
            let condition = scope.value(cursor)?;
            cursor.expect(",")?;
            let (a, b) = scope.values(cursor)?;
            IntOp::Select { condition, a, b }
        }
        "cumulative_sum" => IntOp::CumulativeSum { input: scope.value(cursor)? },
        "argsort" => {
            let input = scope.value(cursor)?;
            cursor.expect(",")?;
            IntOp::ArgSort { input, first: first(cursor)? }
        }
        "take" => {
            let (input, index) = scope.values(cursor)?;
            IntOp::Take { input, index }
        }
        "take_along" => {
            let (input, indices) = scope.values(cursor)?;
            IntOp::TakeAlong { input, indices }
        }
        "lookup" => {
            let input = scope.value(cursor)?;
            cursor.expect(",")?;
            let keys = scope.constant(cursor)?;
            cursor.expect(",")?;
            IntOp::Lookup { input, keys, values: scope.constant(cursor)? }
        }
        _ => return Ok(None),
    }))
}

/// Takes `greatest first` or `least first`.
fn first(cursor: &mut Cursor<'_>) -> Parsed<Extreme> {
    let first = if cursor.eat("greatest") {
        Extreme::Greatest
    } else {
        cursor.expect("least")?;
        Extreme::Least
    };
    cursor.expect("first")?;
    Ok(first)
}

/// Operations that a function of theirs names.
fn named(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<IntOp>> {
    if let Some(function) = IntBinary::ALL.into_iter().find(|function| function.name() == word) {
        let (a, b) = scope.values(cursor)?;
        return Ok(Some(IntOp::Binary { function, a, b }));
    }
    if let Some(relation) = Relation::ALL.into_iter().find(|relation| relation.name() == word) {
        let (a, b) = scope.values(cursor)?;
        return Ok(Some(IntOp::Compare { relation, a, b }));
    }
    if let Some(function) = IntReduction::ALL.into_iter().find(|function| function.name() == word) {
        return Ok(Some(IntOp::Reduce { function, input: scope.value(cursor)? }));
    }
    Ok(None)
}
