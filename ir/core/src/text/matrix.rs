//! Notation of linear maps: a line of their format, a line a row, `end`.

use std::ops::Range;

use super::lexer::{Cursor, Parsed};
use super::listing::{Listed, Listing, Listings};
use super::printer::{print_list, put};
use super::scope::Scope;
use super::spans::Spans;
use crate::limits;
use crate::matrix::{Matrix, MatrixRow, MatrixWeight};
use crate::module::{Domain, Module};

/// Appends the definition of `@m` number `index`.
pub(super) fn print(out: &mut String, index: usize, matrix: &Matrix) {
    let Matrix { elem, inputs, low_bits, wide, .. } = matrix;
    put(out, format_args!("@m{index} = matrix {elem}, {inputs} inputs"));
    if *low_bits > 0 || !wide.is_empty() {
        put(out, format_args!(", low {low_bits} of {wide:?}"));
    }
    out.push('\n');
    for (id, row) in matrix.rows.iter().enumerate() {
        put(out, format_args!("  r{id} = base {}, rounding {:?} ", row.base, row.rounding));
        print_list(out, &row.weights, |out, MatrixWeight { input, weight }| {
            put(out, format_args!("{input}: {weight}"));
        });
        out.push('\n');
    }
    out.push_str("end\n");
}

impl Listed for Matrix {
    type Part = MatrixRow;

    const NAME: &'static str = "matrix";
    const PART: &'static str = "row";
    const PREFIX: &'static str = "r";
    const PARTS_MAX: usize = limits::PRODUCTS_MAX;

    fn first_line(scope: &Scope, cursor: &mut Cursor<'_>) -> Parsed<Self> {
        cursor.expect("=")?;
        cursor.expect("matrix")?;
        let elem = scope.elem(cursor)?;
        cursor.expect(",")?;
        let inputs = cursor.integer()?;
        cursor.expect("inputs")?;
        let (mut low_bits, mut wide) = (0, Vec::new());
        if cursor.eat(",") {
            cursor.expect("low")?;
            low_bits = cursor.integer()?;
            cursor.expect("of")?;
            wide = cursor.list(limits::PRODUCTS_MAX, Cursor::integer)?;
        }
        Ok(Matrix { elem, low_bits, wide, inputs, rows: Vec::new() })
    }

    fn part(cursor: &mut Cursor<'_>) -> Parsed<MatrixRow> {
        cursor.expect("base")?;
        let base = cursor.integer()?;
        cursor.expect(",")?;
        cursor.expect("rounding")?;
        let rounding = cursor.float()?;
        let weights = cursor.list(limits::PRODUCTS_MAX, |cursor| {
            let input = cursor.integer()?;
            cursor.expect(":")?;
            Ok(MatrixWeight { input, weight: cursor.integer()? })
        })?;
        Ok(MatrixRow { base, weights, rounding })
    }

    fn push(&mut self, row: MatrixRow) {
        self.rows.push(row);
    }

    fn current(listings: &mut Listings) -> &mut Option<Listing<Self>> {
        &mut listings.matrix
    }

    fn spans(spans: &mut Spans) -> &mut Vec<Range<usize>> {
        &mut spans.matrices
    }

    fn add_to<D: Domain>(self, module: &mut Module<D>) {
        module.matrices.push(self);
    }
}
