//! Notation of the real domain.

use super::lexer::{Cursor, Parsed};
use super::notation;
use super::printer::{Names, print_list, put, put_value};
use super::scope::Scope;
use crate::forest::{Mode, RealTest};
use crate::limits;
use crate::module::{Operation, Real};
use crate::ops::RealOp;

impl notation::Notation for Real {
    const ZERO: f64 = 0.0;

    /// The shortest decimal that reads back as the same `f64`.
    fn write_number(out: &mut String, number: f64) {
        if number.is_nan() { out.push_str("nan") } else { put(out, format_args!("{number:?}")) }
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
            RealOp::Cast { input } | RealOp::Reshape { input } | RealOp::ArgMax { input } => {
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
            RealOp::Subtract { a, b } | RealOp::Greater { a, b } => {
                put(out, format_args!(" %{}, %{}", a.index(), b.index()));
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
            "subtract" => {
                let (a, b) = scope.values(cursor)?;
                RealOp::Subtract { a, b }
            }
            "greater" => {
                let (a, b) = scope.values(cursor)?;
                RealOp::Greater { a, b }
            }
            "tree_ensemble" => {
                let forest = scope.forest(cursor)?;
                cursor.expect(",")?;
                RealOp::TreeEnsemble { forest, input: scope.value(cursor)? }
            }
            "argmax" => RealOp::ArgMax { input: scope.value(cursor)? },
            "label" => {
                let table = scope.labels(cursor)?;
                cursor.expect(",")?;
                RealOp::Label { table, class: scope.value(cursor)? }
            }
            _ => return Ok(None),
        }))
    }
}
