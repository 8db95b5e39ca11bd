//! Linear maps: sums of products with constants.
//!
//! Constants are immediates in straight-line code: a table would cost a load for
//! each product, and a loop a counter. Rows are computed a few at a time, so that
//! an input is read once for all of them; barriers between the products keep
//! clang from adding them up in another order, with every product live at once.
//! Long maps are cut into functions of their own, which bounds the work of
//! clang: what it does grows faster than the length of a function.

use skxc_ir::lowering::Element;
use skxc_ir::{Handle, IntOp, Matrix, MatrixRow, Value};

use super::elementwise::{assign, target};
use super::{about, operand};
use crate::context::Context;
use crate::writer::{Writer, literal};

/// Rows that are computed together: their sums, an input and a product fit the
/// registers beside two pointers.
const ROWS: usize = 4;
/// The same where each row has two sums.
const SPLIT_ROWS: usize = 2;
/// Products of a function.
const PRODUCTS_MAX: usize = 512;

/// Rows from `first` on that one function computes.
struct Chunk<'m> {
    matrix: &'m Matrix,
    first: usize,
    rows: &'m [MatrixRow],
}

/// What the rows read.
struct Input {
    element: Element,
    /// Is it multiplied in two parts?
    is_split: bool,
}

/// The functions that compute a long map.
pub(super) fn functions(out: &mut Writer, context: &Context<'_>, value: Value) {
    let IntOp::Linear { matrix, .. } = context.module.node(value).op else { return };
    let matrix = &context.module.matrices[matrix];
    if is_inline(matrix) {
        return;
    }
    let name = &context.prefix.lower;
    for (number, chunk) in chunks(matrix).enumerate() {
        let (from, to) = (chunk.first, chunk.first + chunk.rows.len() - 1);
        out.comment(&[format!("Elements {from} to {to} of v{}.", value.index())]);
        out.line("static __attribute__((noinline)) void");
        out.line(&format!("{}(", function(context, value, number)));
        out.line(&format!("\t\tconst struct {name}_features *f, struct {name}_scratch *s)"));
        out.open("{");
        rows(out, context, value, &chunk);
        out.close("}");
        out.line("");
    }
}

/// Computes all elements of `value`.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, value: Value, matrix: Handle<Matrix>) {
    out.comment(&[about(context, value)]);
    let matrix = &context.module.matrices[matrix];
    if !is_inline(matrix) {
        for number in 0..chunks(matrix).count() {
            out.line(&format!("{}(f, s);", function(context, value, number)));
        }
        return;
    }
    out.open("{");
    for chunk in chunks(matrix) {
        rows(out, context, value, &chunk);
    }
    out.close("}");
}

fn function(context: &Context<'_>, value: Value, number: usize) -> String {
    format!("{}_linear{}_{number}", context.prefix.lower, value.index())
}

/// Does `NAME_predict` hold the code itself?
fn is_inline(matrix: &Matrix) -> bool {
    matrix.products() <= PRODUCTS_MAX || matrix.rows.len() == 1
}

/// The rows in runs that have few enough products.
fn chunks(matrix: &Matrix) -> impl Iterator<Item = Chunk<'_>> {
    let widest = matrix.rows.iter().map(|row| row.weights.len()).max().unwrap_or(0);
    let rows = (PRODUCTS_MAX / widest.max(1)).next_multiple_of(ROWS).max(ROWS);
    let runs = matrix.rows.chunks(rows).enumerate();
    runs.map(move |(index, run)| Chunk { matrix, first: index * rows, rows: run })
}

fn rows(out: &mut Writer, context: &Context<'_>, value: Value, chunk: &Chunk<'_>) {
    let IntOp::Linear { inputs, .. } = &context.module.node(value).op else { return };
    let elements = inputs.iter().flat_map(|&it| context.plan.elements.of_value(it)).copied();
    let inputs: Vec<Input> = (0..)
        .zip(elements)
        .map(|(input, element)| Input { element, is_split: chunk.matrix.is_wide(input) })
        .collect();
    let is_split = chunk.matrix.low_bits > 0;
    let together = if is_split { SPLIT_ROWS } else { ROWS };
    let count = together.min(chunk.rows.len());
    let mut locals = vec!["x".to_owned()];
    locals.extend((0..count).map(|row| format!("y{row}")));
    if is_split {
        locals.push("h".to_owned());
        locals.extend((0..count).map(|row| format!("z{row}")));
    }
    out.line(&format!("__s64 {};", locals.join(", ")));
    for (index, block) in chunk.rows.chunks(together).enumerate() {
        out.line("");
        let first = chunk.first + index * together;
        products(out, context, chunk.matrix, &inputs, block);
        for (row, element) in (first..first + block.len()).enumerate() {
            let low = format!("(z{row} >> {})", chunk.matrix.low_bits);
            let sum = if is_split { format!("y{row} + {low}") } else { format!("y{row}") };
            assign(out, &target(context, value, element), &sum);
        }
        if chunk.rows.len() > together {
            // What was read for these rows is not kept for the next.
            out.line(&format!("{}_forget(s);", context.prefix.lower));
        }
    }
}

/// Adds up the products of some rows, of low parts of wide inputs in `z`, of all
/// other parts in `y`.
fn products(
    out: &mut Writer,
    context: &Context<'_>,
    matrix: &Matrix,
    inputs: &[Input],
    rows: &[MatrixRow],
) {
    for (sum, row) in rows.iter().enumerate() {
        out.line(&format!("y{sum} = {};", literal(row.base)));
        if matrix.low_bits > 0 {
            out.line(&format!("z{sum} = {};", literal(matrix.half())));
        }
    }
    let mut next = vec![0; rows.len()];
    let at = |row: usize, next: &[usize]| rows[row].weights.get(next[row]);
    loop {
        let heads = (0..rows.len()).filter_map(|row| Some(at(row, &next)?.input));
        let Some(input) = heads.min() else { break };
        let Input { element, is_split } = &inputs[input as usize];
        out.wrapped(&["x =".to_owned(), operand::wide(context, *element) + ";"]);
        if *is_split {
            let mask = literal((1 << matrix.low_bits) - 1);
            out.line(&format!("h = x >> {};", matrix.low_bits));
            out.line(&format!("x &= {mask};"));
        }
        for row in 0..rows.len() {
            let Some(weight) = at(row, &next).filter(|weight| weight.input == input) else {
                continue;
            };
            next[row] += 1;
            let weight = literal(weight.weight);
            let high = if *is_split { "h" } else { "x" };
            out.line(&format!("y{row} += {high} * {weight};"));
            out.line(&format!("{}_barrier(y{row});", context.prefix.lower));
            if *is_split {
                out.line(&format!("z{row} += x * {weight};"));
                out.line(&format!("{}_barrier(z{row});", context.prefix.lower));
            }
        }
    }
}
