//! Notation of linear maps: a line of their format, a line a row, `end`.

use std::ops::Range;

use skxc_diagnostics::codes;

use super::TextError;
use super::lexer::{Cursor, Parsed};
use super::printer::{print_list, put};
use super::scope::Scope;
use crate::limits;
use crate::matrix::{Matrix, MatrixRow, MatrixWeight};

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

/// A linear map whose lines are being read.
#[derive(Debug)]
pub(super) struct Body {
    /// What was read so far; `None` if the first line has an error.
    matrix: Option<Matrix>,
    /// Rows so far, those with errors included.
    seen: u32,
    /// The first line.
    pub(super) span: Range<usize>,
}

impl Body {
    /// Reads the first line from behind the name. The lines of rows follow
    /// whether or not it has an error.
    pub(super) fn begin(
        scope: &Scope,
        cursor: &mut Cursor<'_>,
        span: Range<usize>,
    ) -> (Self, Parsed<()>) {
        let (matrix, result) = match signature(scope, cursor) {
            Ok(matrix) => (Some(matrix), Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { matrix, seen: 0, span }, result)
    }

    /// Reads the line of a row.
    pub(super) fn row(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.position();
        let id = cursor.handle("r")?;
        if id != self.seen || self.seen as usize == limits::PRODUCTS_MAX {
            let message = format!("expected the row `r{}`", self.seen);
            return Err(cursor.error(codes::TEXT_NAME, start, message));
        }
        self.seen += 1;
        cursor.expect("=")?;
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
        if let Some(matrix) = &mut self.matrix {
            matrix.rows.push(MatrixRow { base, weights, rounding });
        }
        Ok(())
    }

    /// The map, if its first line is right.
    pub(super) fn end(self) -> Option<Matrix> {
        self.matrix
    }

    /// The problem of a map without an `end`.
    pub(super) fn unfinished(&self) -> TextError {
        let (code, label) = (codes::TEXT_SYNTAX, String::new());
        let message = "the matrix has no `end`".to_owned();
        TextError { code, message, span: self.span.clone(), label }
    }
}

fn signature(scope: &Scope, cursor: &mut Cursor<'_>) -> Parsed<Matrix> {
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
