//! Linear maps as a loop over a table of weights
//! ([`skxc_lowering::linear::table`]).
//!
//! The table holds, of each block of sums, the bases, then for each pair of
//! inputs what is added to the first and to the second for each sum, then the
//! weights of the last input if it has no other: in the order in which the code
//! reads them.

use skxc_lowering::linear::{Table, table::TableRow};

use super::{Map, barrier, last_and_lower, unsigned_table};
use crate::context::Context;
use crate::tensor::elementwise::assign;
use crate::tensor::operand::Operand;
use skxc_backend_common::writer::Writer;

/// Pairs of inputs that are one after another in the machine code: with a counter
/// less, all that a block needs fits the registers. Half as many and twice as many
/// are no faster, on the networks of `examples/networks`.
const UNROLLED_MAX: usize = 32;

/// The same of the products of inputs alone.
const INPUTS_UNROLLED: usize = 8;

impl Map<'_> {
    /// The table of weights, as C.
    pub(super) fn constants(&self, out: &mut Writer, context: &Context<'_>, table: &Table) {
        let blocks = table.rows.chunks(self.plan.together);
        let entries: Vec<i64> = blocks.flat_map(block).collect();
        unsigned_table(out, &self.weights(context), entries.iter());
    }

    fn weights(&self, context: &Context<'_>) -> String {
        format!("{}_w{}", context.prefix.lower, self.value.index())
    }

    /// The code of all sums.
    pub(super) fn table(&self, out: &mut Writer, context: &Context<'_>, table: &Table) {
        let (together, sums) = (self.plan.together, table.rows.len());
        let x = &Operand::all(context, self.value)[0];
        let count = together.min(sums);
        let names: Vec<String> = (0..count).map(|sum| format!("y{sum}")).collect();
        out.comment(&[format!(
            "Of two products, a * v + b * w = (a + w) * (b + v) - a * b - v * w: one \
             multiplication. The products of inputs are the same for all elements, those of \
             weights are part of what a sum begins with. Sums wrap, so they are unsigned{}.",
            if self.wraps() {
                "; elements share them, one above the other from the lowest bit on"
            } else {
                ""
            }
        )]);
        out.line(&format!("const __u64 *w = {};", self.weights(context)));
        out.line(&format!("__u64 {}, a, b, inputs = 0;", names.join(", ")));
        if x.is_in_memory() {
            out.line("const __s64 *x;");
        }
        if self.wraps() {
            out.line("__s64 l;");
        }
        self.declare_steps(out);
        self.declare_places(out);
        out.line("");
        out.line("(void)f;");
        self.find(out, context);
        unrolled(out, INPUTS_UNROLLED.min(table.pairs()));
        out.open(&format!("for (__u32 i = 0; i < {}; i += 2)", 2 * table.pairs()));
        out.wrapped(&[
            "inputs +=".to_owned(),
            format!("(__u64){} *", x.at(context, "i")),
            format!("(__u64){};", x.at(context, "i + 1")),
        ]);
        out.indent_to(1);
        let whole = sums / together * together;
        if whole > together {
            out.open(&format!("for (__u32 j = 0; j < {whole}; j += {together}) {{"));
            self.block(out, context, table, x, None, together);
            out.close("}");
        } else if whole > 0 {
            self.block(out, context, table, x, Some(0), together);
        }
        if whole < sums {
            self.block(out, context, table, x, Some(whole), sums - whole);
        }
        if self.wraps() {
            self.unpack(out, context);
        }
    }

    /// Computes `count` sums from number `first` on; from the variable `j` on, if
    /// there is none.
    fn block(
        &self,
        out: &mut Writer,
        context: &Context<'_>,
        table: &Table,
        x: &Operand,
        first: Option<usize>,
        count: usize,
    ) {
        let element = |sum: usize| match (first, sum) {
            (Some(first), _) => (first + sum).to_string(),
            (None, 0) => "j".to_owned(),
            (None, _) => format!("j + {sum}"),
        };
        for sum in 0..count {
            let mut pieces = vec![format!("y{sum} = w[{sum}] - inputs")];
            let looked_up = 0..self.plan.lookups.len();
            pieces.extend(looked_up.map(|number| format!("+ t{number}[{}]", element(sum))));
            pieces.last_mut().expect("it has a base").push(';');
            out.wrapped(&pieces);
        }
        out.line(&format!("w += {count};"));
        // A pointer that begins here fits the registers of the loop; clang would spill
        // the one that it comes from, and read it again for every input.
        let at = |index: &str| {
            if x.is_in_memory() { format!("x[{index}]") } else { x.at(context, index) }
        };
        if x.is_in_memory() {
            out.line(&format!("x = {};", x.pointer(0)));
            barrier(out, context, "x");
        }
        let pairs = table.pairs();
        let rounds = pairs.div_ceil(UNROLLED_MAX);
        unrolled(out, pairs.div_ceil(rounds));
        let (inputs, step) = (2 * pairs, 2 * count);
        out.open(&format!("for (__u32 i = 0; i < {inputs}; i += 2, w += {step}) {{"));
        out.line(&format!("a = (__u64){};", at("i")));
        out.line(&format!("b = (__u64){};", at("i + 1")));
        for sum in 0..count {
            let (first, second) = (2 * sum, 2 * sum + 1);
            out.line(&format!("y{sum} += (a + w[{first}]) * (b + w[{second}]);"));
            barrier(out, context, &format!("y{sum}"));
        }
        out.close("}");
        if table.inputs.len() % 2 == 1 {
            out.line(&format!("a = (__u64){};", at(&inputs.to_string())));
            for sum in 0..count {
                out.line(&format!("y{sum} += a * w[{sum}];"));
                barrier(out, context, &format!("y{sum}"));
            }
            out.line(&format!("w += {count};"));
        }
        for sum in 0..count {
            let (at, y) = (element(sum), format!("y{sum}"));
            if self.wraps() {
                assign(out, &format!("s->y{}[{at}]", self.value.index()), &y);
            } else {
                let target = format!("s->v{}[{at}]", self.last().index());
                self.store(out, context, &target, &format!("(__s64){y}"));
            }
        }
    }

    /// Takes the lanes out of all sums.
    fn unpack(&self, out: &mut Writer, context: &Context<'_>) {
        for (index, sum) in self.plan.sums.iter().enumerate() {
            let (last, lower) = last_and_lower(sum);
            out.line(&format!("a = s->y{}[{index}];", self.value.index()));
            self.lower_lanes(out, context, "a", lower);
            self.store(out, context, &self.element(context, last.row), "(__s64)a");
        }
    }
}

/// So many rounds of the loop that follows are one after another in the machine code.
fn unrolled(out: &mut Writer, rounds: usize) {
    out.line("#ifdef __clang__");
    out.line(&format!("#pragma clang loop unroll_count({rounds})"));
    out.line("#endif");
}

/// The entries of the table for a block of sums.
fn block(rows: &[TableRow]) -> Vec<i64> {
    let mut entries: Vec<i64> = rows.iter().map(|row| row.base).collect();
    let inputs = rows.first().map_or(0, |row| row.weights.len());
    for pair in 0..inputs / 2 {
        for row in rows {
            entries.extend([row.weights[2 * pair + 1], row.weights[2 * pair]]);
        }
    }
    if inputs % 2 == 1 {
        entries.extend(rows.iter().map(|row| row.weights[inputs - 1]));
    }
    entries
}
