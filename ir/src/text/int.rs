//! Notation of the integer domain.

use super::lexer::{Cursor, Parsed};
use super::notation;
use super::printer::{Names, print_list, put, put_value};
use super::scope::Scope;
use crate::forest::IntTest;
use crate::limits;
use crate::module::{Int, Operation};
use crate::ops::IntOp;

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
            IntOp::Reshape { input } => {
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
            IntOp::Subtract { a, b } => put(out, format_args!(" %{}, %{}", a.index(), b.index())),
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
            "subtract" => {
                let (a, b) = scope.values(cursor)?;
                IntOp::Subtract { a, b }
            }
            "greater" => {
                let a = scope.value(cursor)?;
                cursor.expect(",")?;
                IntOp::Greater { a, threshold: cursor.integer()? }
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
            _ => return Ok(None),
        }))
    }
}
