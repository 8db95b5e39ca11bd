//! Linear maps: sums of products with constants ([`skxc_ir::lowering::linear`]).
//!
//! Constants are immediates in straight-line code: a table would cost a load for
//! each product, and a loop a counter. Sums are computed a few at a time, so that
//! an input is read once for all of them; barriers between the products keep
//! clang from adding them up in another order, with every product live at once.
//! Long maps are cut into functions of their own, which bounds the work of
//! clang: what it does grows faster than the length of a function.

use skxc_ir::lowering::Element;
use skxc_ir::lowering::linear::{self, Lane, Sum};
use skxc_ir::{Handle, IntOp, Matrix, Operation as _, Value};

use super::elementwise::{assign, target};
use super::{about, operand};
use crate::context::Context;
use crate::writer::{Writer, literal};

/// Sums that are computed together: with an input and a product they fit the
/// registers beside two pointers.
const TOGETHER: usize = 4;
/// The same where each has a part for the low parts of inputs.
const SPLIT_TOGETHER: usize = 2;
/// Products of a function.
const PRODUCTS_MAX: usize = 512;
/// Functions of a map: a program has 256 (`BPF_MAX_SUBPROGS`,
/// include/linux/bpf_verifier.h), its own among them.
const FUNCTIONS_MAX: usize = 64;

/// A linear map on its way to C.
struct Map<'a> {
    value: Value,
    matrix: &'a Matrix,
    inputs: Vec<Input>,
    sums: Vec<Sum>,
}

/// What the sums read.
struct Input {
    element: Element,
    /// Is it multiplied in two parts?
    is_split: bool,
}

/// The functions that compute a long map.
pub(super) fn functions(out: &mut Writer, context: &Context<'_>, value: Value) {
    let IntOp::Linear { matrix, .. } = context.module.node(value).op else { return };
    let map = Map::new(context, value, matrix);
    let chunks = map.chunks();
    if chunks.len() == 1 {
        return;
    }
    let name = &context.prefix.lower;
    for (number, sums) in chunks.into_iter().enumerate() {
        let lanes = || sums.iter().flat_map(|sum| &sum.lanes).map(|lane| lane.row);
        let (from, to) = (lanes().min().unwrap_or(0), lanes().max().unwrap_or(0));
        out.comment(&[format!("Elements {from} to {to} of v{}.", value.index())]);
        out.line("static __attribute__((noinline)) void");
        out.line(&format!("{}(", function(context, value, number)));
        out.line(&format!("\t\tconst struct {name}_features *f, struct {name}_scratch *s)"));
        out.open("{");
        map.chunk(out, context, sums);
        out.close("}");
        out.line("");
    }
}

/// Computes all elements of `value`.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, value: Value, matrix: Handle<Matrix>) {
    out.comment(&[about(context, value)]);
    let map = Map::new(context, value, matrix);
    let chunks = map.chunks();
    if let [all] = chunks.as_slice() {
        out.open("{");
        map.chunk(out, context, all);
        out.close("}");
        return;
    }
    for number in 0..chunks.len() {
        out.line(&format!("{}(f, s);", function(context, value, number)));
    }
}

/// Of the inputs of a map, keeps those that have a weight in some row.
pub(super) fn retain_weighted(matrix: &Matrix, inputs: &mut Vec<Element>) {
    let mut is_read = vec![false; inputs.len()];
    let weights = matrix.rows.iter().flat_map(|row| &row.weights);
    weights.for_each(|weight| is_read[weight.input as usize] = true);
    let mut is_read = is_read.into_iter();
    inputs.retain(|_| is_read.next().unwrap_or(false));
}

/// What the inputs of a map are.
fn elements(context: &Context<'_>, value: Value) -> Vec<Element> {
    let mut elements = Vec::new();
    context.module.node(value).op.operands(&mut |operand| {
        elements.extend_from_slice(context.plan.elements.of_value(operand));
    });
    elements
}

fn function(context: &Context<'_>, value: Value, number: usize) -> String {
    format!("{}_linear{}_{number}", context.prefix.lower, value.index())
}

impl<'a> Map<'a> {
    fn new(context: &Context<'a>, value: Value, matrix: Handle<Matrix>) -> Self {
        let matrix = &context.module.matrices[matrix];
        let inputs = (0..).zip(elements(context, value));
        let inputs =
            inputs.map(|(input, element)| Input { element, is_split: matrix.is_wide(input) });
        let sums = linear::sums(matrix, context.ranges.of_value(value));
        Self { value, matrix, inputs: inputs.collect(), sums }
    }

    /// The sums in runs of few enough products; `NAME_predict` holds the code of a
    /// lone run.
    fn chunks(&self) -> Vec<&[Sum]> {
        let products = |sums: &[Sum]| linear::products(self.matrix, sums);
        let most = PRODUCTS_MAX.max(products(&self.sums).div_ceil(FUNCTIONS_MAX));
        let mut chunks = Vec::new();
        let (mut first, mut end, mut held) = (0, 0, 0);
        for block in self.sums.chunks(self.together()) {
            let more = products(block);
            if held > 0 && held + more > most {
                chunks.push(&self.sums[first..end]);
                (first, held) = (end, 0);
            }
            held += more;
            end += block.len();
        }
        chunks.push(&self.sums[first..]);
        chunks
    }

    fn is_split(&self) -> bool {
        self.matrix.low_bits > 0
    }

    /// Sums that are computed together.
    fn together(&self) -> usize {
        if self.is_split() { SPLIT_TOGETHER } else { TOGETHER }
    }

    /// The code of a run.
    fn chunk(&self, out: &mut Writer, context: &Context<'_>, sums: &[Sum]) {
        let count = self.together().min(sums.len());
        let locals = |name: &str| (0..count).map(|sum| format!("{name}{sum}")).collect::<Vec<_>>();
        let mut read = sums.iter().flat_map(|sum| &sum.weights).map(|weight| weight.input);
        let mut names = locals("y");
        if read.clone().next().is_some() {
            names.push("x".to_owned());
        }
        if read.any(|input| self.matrix.is_wide(input)) {
            names.push("h".to_owned());
        }
        if self.is_split() {
            names.extend(locals("z"));
        }
        let names = names.join(", ");
        let wraps = sums.iter().any(|sum| sum.lanes.len() > 1);
        if wraps {
            out.comment(&[
                "Elements share sums, one above the other from the lowest bit on: bounds \
                 prove that each fits its bits. Sums wrap, so they are unsigned."
                    .to_owned(),
            ]);
            out.line(&format!("__u64 {names};"));
            out.line("__s64 l;");
        } else {
            out.line(&format!("__s64 {names};"));
        }
        for block in sums.chunks(self.together()) {
            out.line("");
            self.products(out, context, block, wraps);
            for (index, sum) in block.iter().enumerate() {
                self.results(out, context, index, sum, wraps);
            }
            if sums.len() > count {
                // What was read for these sums is not kept for the next.
                out.line(&format!("{}_forget(s);", context.prefix.lower));
            }
        }
    }

    /// Assigns the lanes of the sum that `y` number `index` holds, an unsigned
    /// integer if it `wraps`.
    fn results(
        &self,
        out: &mut Writer,
        context: &Context<'_>,
        index: usize,
        sum: &Sum,
        wraps: bool,
    ) {
        let target = |row: usize| target(context, self.value, row);
        let (last, lower) = sum.lanes.split_last().expect("a sum has a lane");
        for Lane { row, bits } in lower {
            let above = i64::BITS - bits;
            out.line(&format!("l = (__s64)(y{index} << {above}) >> {above};"));
            assign(out, &target(*row), "l");
            out.line(&format!("y{index} = (__u64)((__s64)(y{index} - (__u64)l) >> {bits});"));
        }
        let own = match (self.is_split(), wraps) {
            (true, _) => format!("y{index} + (z{index} >> {})", self.matrix.low_bits),
            (false, true) => format!("(__s64)y{index}"),
            (false, false) => format!("y{index}"),
        };
        assign(out, &target(last.row), &own);
    }

    /// Adds up the products of some sums, of low parts of wide inputs in `z`, of
    /// all other parts in `y`; of unsigned integers if they wrap.
    fn products(&self, out: &mut Writer, context: &Context<'_>, sums: &[Sum], wraps: bool) {
        let literal = |x: i64| if wraps { format!("{x:#x}ULL") } else { literal(x) };
        for (index, sum) in sums.iter().enumerate() {
            out.line(&format!("y{index} = {};", literal(sum.base)));
            if self.is_split() {
                out.line(&format!("z{index} = {};", literal(self.matrix.half())));
            }
        }
        let barrier = |out: &mut Writer, name: &str| {
            out.line(&format!("{}_barrier({name});", context.prefix.lower));
        };
        let mut next = vec![0; sums.len()];
        let at = |sum: usize, next: &[usize]| sums[sum].weights.get(next[sum]);
        loop {
            let heads = (0..sums.len()).filter_map(|sum| Some(at(sum, &next)?.input));
            let Some(input) = heads.min() else { break };
            let Input { element, is_split } = &self.inputs[input as usize];
            let unsigned = if wraps { "(__u64)" } else { "" };
            let x = format!("{unsigned}{};", operand::wide(context, *element));
            out.wrapped(&["x =".to_owned(), x]);
            if *is_split {
                let mask = literal((1 << self.matrix.low_bits) - 1);
                out.line(&format!("h = x >> {};", self.matrix.low_bits));
                out.line(&format!("x &= {mask};"));
            }
            for sum in 0..sums.len() {
                let weight = at(sum, &next).filter(|weight| weight.input == input);
                let Some(weight) = weight else { continue };
                next[sum] += 1;
                let weight = literal(weight.weight);
                let high = if *is_split { "h" } else { "x" };
                out.line(&format!("y{sum} += {high} * {weight};"));
                barrier(out, &format!("y{sum}"));
                if *is_split {
                    out.line(&format!("z{sum} += x * {weight};"));
                    barrier(out, &format!("z{sum}"));
                }
            }
        }
    }
}
