//! Linear maps as straight-line code with the weights as immediates.

use std::ops::Range;

use skxc_lowering::linear::Sum;

use super::{Map, barrier, last_and_lower};
use crate::context::Context;
use crate::tensor::operand;
use skxc_backend_common::writer::{Writer, literal};

impl Map<'_> {
    /// The code of a run of sums.
    pub(super) fn straight(&self, out: &mut Writer, context: &Context<'_>, run: &Range<usize>) {
        let sums = &self.plan.sums[run.clone()];
        let count = self.plan.together.min(sums.len());
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
        self.declare_steps(out);
        self.declare_places(out);
        if !self.plan.lookups.is_empty() {
            out.line("");
            self.find(out, context);
        }
        for (number, block) in sums.chunks(self.plan.together).enumerate() {
            let first = run.start + number * self.plan.together;
            out.line("");
            self.begin(out, first, block, wraps);
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

    fn is_split(&self) -> bool {
        self.matrix.low_bits > 0
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
        let (last, lower) = last_and_lower(sum);
        self.lower_lanes(out, context, &format!("y{index}"), lower);
        let own = match (self.is_split(), wraps) {
            (true, _) => format!("y{index} + (z{index} >> {})", self.matrix.low_bits),
            (false, true) => format!("(__s64)y{index}"),
            (false, false) => format!("y{index}"),
        };
        self.store(out, context, &self.element(context, last.row), &own);
    }

    /// What some sums, from number `first` on, have before their products.
    fn begin(&self, out: &mut Writer, first: usize, sums: &[Sum], wraps: bool) {
        let cast = if wraps { "" } else { "(__s64)" };
        for (index, sum) in sums.iter().enumerate() {
            let mut pieces = vec![format!("y{index} ="), number(sum.base, wraps)];
            for lookup in 0..self.plan.lookups.len() {
                pieces.push(format!("+ {cast}t{lookup}[{}]", first + index));
            }
            pieces.last_mut().expect("it has a base").push(';');
            out.wrapped(&pieces);
            if self.is_split() {
                out.line(&format!("z{index} = {};", number(self.matrix.half(), wraps)));
            }
        }
    }

    /// Adds up the products of some sums, of low parts of wide inputs in `z`, of
    /// all other parts in `y`; of unsigned integers if they wrap.
    fn products(&self, out: &mut Writer, context: &Context<'_>, sums: &[Sum], wraps: bool) {
        let mut next = vec![0; sums.len()];
        let at = |sum: usize, next: &[usize]| sums[sum].weights.get(next[sum]);
        loop {
            let heads = (0..sums.len()).filter_map(|sum| Some(at(sum, &next)?.input));
            let Some(input) = heads.min() else { break };
            let is_split = self.matrix.is_wide(input);
            let unsigned = if wraps { "(__u64)" } else { "" };
            let x = operand::wide(context, self.inputs[input as usize]);
            out.wrapped(&["x =".to_owned(), format!("{unsigned}{x};")]);
            if is_split {
                let mask = literal((1 << self.matrix.low_bits) - 1);
                out.line(&format!("h = x >> {};", self.matrix.low_bits));
                out.line(&format!("x &= {mask};"));
            }
            for sum in 0..sums.len() {
                let weight = at(sum, &next).filter(|weight| weight.input == input);
                let Some(weight) = weight else { continue };
                next[sum] += 1;
                let weight = number(weight.weight, wraps);
                let high = if is_split { "h" } else { "x" };
                out.line(&format!("y{sum} += {high} * {weight};"));
                barrier(out, context, &format!("y{sum}"));
                if is_split {
                    out.line(&format!("z{sum} += x * {weight};"));
                    barrier(out, context, &format!("z{sum}"));
                }
            }
        }
    }
}

/// A number of a sum; one modulo 2^64 if sums wrap.
fn number(x: i64, wraps: bool) -> String {
    if wraps { format!("{x:#x}ULL") } else { literal(x) }
}
