//! Linear maps: sums of products with constants ([`skxc_lowering::linear`]).
//!
//! A few sums are computed at a time, so that an input is read once for all of
//! them; barriers between the products keep clang from adding them up in another
//! order, with every product live at once.

mod straight;
mod table;

use skxc_ir::{Handle, IntOp, Matrix, Value};
use skxc_lowering::Element;
use skxc_lowering::linear::{Code, Lane, Plan, Sum};

use super::elementwise::{self, assign, target};
use super::operand::Operand;
use super::{about, operand};
use crate::context::Context;
use crate::scratch::Member;
use skxc_backend_common::writer::{Writer, literal};

/// A linear map on its way to C.
struct Map<'a> {
    value: Value,
    matrix: &'a Matrix,
    inputs: Vec<Element>,
    plan: &'a Plan,
    /// What is computed with each element, one from the other.
    after: Vec<Value>,
}

/// The functions and tables that compute a map, where it needs any.
pub(super) fn functions(out: &mut Writer, context: &Context<'_>, value: Value) {
    let IntOp::Linear { matrix, .. } = context.module.node(value).op else { return };
    let map = Map::new(context, value, matrix);
    map.looked_up(out, context);
    match &map.plan.code {
        Code::Straight(runs) if runs.len() > 1 => {
            for (number, run) in runs.iter().enumerate() {
                let sums = &map.plan.sums[run.clone()];
                let lanes = || sums.iter().flat_map(|sum| &sum.lanes).map(|lane| lane.row);
                let (from, to) = (lanes().min().unwrap_or(0), lanes().max().unwrap_or(0));
                out.comment(&[format!("Elements {from} to {to} of v{}.", value.index())]);
                map.function(out, context, number, |out| map.straight(out, context, run));
            }
        }
        Code::Straight(_) => {}
        Code::Table(table) => {
            map.constants(out, context, table);
            out.comment(&[format!("All elements of v{}.", value.index())]);
            map.function(out, context, 0, |out| map.table(out, context, table));
        }
    }
}

/// Members of the scratch that the code of a map needs beside its operands.
pub(super) fn scratch(context: &Context<'_>, value: Value) -> Option<Member> {
    let IntOp::Linear { matrix, .. } = context.module.node(value).op else { return None };
    let map = Map::new(context, value, matrix);
    let is_kept = matches!(map.plan.code, Code::Table(_)) && map.wraps();
    is_kept.then(|| Member::array(8, format!("y{}", value.index()), map.plan.sums.len()))
}

/// Computes all elements of `value`.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, value: Value, matrix: Handle<Matrix>) {
    let map = Map::new(context, value, matrix);
    let after = map.after.iter().map(|&after| elementwise::comment(context, after));
    let comments: Vec<String> = std::iter::once(about(context, value)).chain(after).collect();
    out.comment(&comments);
    if let Code::Straight(runs) = &map.plan.code
        && let [all] = runs.as_slice()
    {
        out.open("{");
        map.straight(out, context, all);
        out.close("}");
        return;
    }
    for operand in Operand::all(context, value) {
        operand.prepare(out, context);
    }
    for number in 0..map.plan.functions() {
        out.line(&format!("{}(f, s);", map.name(context, number)));
    }
}

impl<'a> Map<'a> {
    fn new(context: &Context<'a>, value: Value, matrix: Handle<Matrix>) -> Self {
        let (matrix, plan) = (&context.module.matrices[matrix], &context.plan.maps[&value]);
        let (inputs, after) = (super::operands(context, value), context.plan.storage.after(value));
        Self { value, matrix, inputs, plan, after }
    }

    /// The name of one of its functions.
    fn name(&self, context: &Context<'_>, number: usize) -> String {
        format!("{}_linear{}_{number}", context.prefix.lower, self.value.index())
    }

    /// A function of the map with what `body` prints.
    fn function(
        &self,
        out: &mut Writer,
        context: &Context<'_>,
        number: usize,
        body: impl FnOnce(&mut Writer),
    ) {
        let name = &context.prefix.lower;
        out.line("static __attribute__((noinline)) void");
        out.line(&format!("{}(", self.name(context, number)));
        out.line(&format!("\t\tconst struct {name}_features *f,"));
        out.line(&format!("\t\tstruct {name}_scratch *s)"));
        out.open("{");
        body(out);
        out.close("}");
        out.line("");
    }

    /// The tables of what is looked up.
    fn looked_up(&self, out: &mut Writer, context: &Context<'_>) {
        for (number, lookup) in self.plan.lookups.iter().enumerate() {
            let inputs = lookup.inputs.iter().map(|it| it.input.to_string());
            out.comment(&[format!(
                "What each sum of v{} has of inputs {}: a row for all that they can be together.",
                self.value.index(),
                inputs.collect::<Vec<_>>().join(", ")
            )]);
            unsigned_table(
                out,
                &self.looked_up_name(context, number),
                lookup.rows.iter().flatten(),
            );
        }
    }

    fn looked_up_name(&self, context: &Context<'_>, number: usize) -> String {
        format!("{}_t{}_{number}", context.prefix.lower, self.value.index())
    }

    /// Declares what [`Map::find`] assigns.
    fn declare_places(&self, out: &mut Writer) {
        for number in 0..self.plan.lookups.len() {
            out.line(&format!("const __u64 *t{number};"));
        }
        if !self.plan.lookups.is_empty() {
            out.line("__u64 p;");
        }
    }

    /// Finds what is looked up: entry `k` of `t` number `n` is what sum `k` has of
    /// the inputs of look-up `n`.
    fn find(&self, out: &mut Writer, context: &Context<'_>) {
        for (number, lookup) in self.plan.lookups.iter().enumerate() {
            let mut shift = 0;
            let mut pieces = vec!["p =".to_owned()];
            for input in &lookup.inputs {
                let element = self.inputs[input.input as usize];
                let x = match input.min {
                    0 => context.element(element),
                    min => format!("({} - {})", operand::wide(context, element), literal(min)),
                };
                let own = format!("(__u64){x}");
                pieces.push(if shift == 0 { own } else { format!("({own} << {shift})") });
                shift += input.bits;
                pieces.push("+".to_owned());
            }
            pieces.pop();
            pieces.last_mut().expect("a look-up has an input").push(';');
            out.wrapped(&pieces);
            let (name, mask) = (self.looked_up_name(context, number), lookup.rows.len() - 1);
            out.line(&format!("t{number} = {name} + (p & {mask}) * {};", self.plan.sums.len()));
            // Verifiers of 5.10 and 6.1 keep the bounds of a pointer that clang spills,
            // but not those of an offset.
            barrier(out, context, &format!("t{number}"));
        }
    }

    /// Where what is made of the element of a row goes.
    fn element(&self, context: &Context<'_>, row: usize) -> String {
        target(context, self.last(), row)
    }

    /// The value that has a place: the map, or the last that is computed with it.
    fn last(&self) -> Value {
        *self.after.last().unwrap_or(&self.value)
    }

    /// Declares the variables that [`Map::store`] needs.
    fn declare_steps(&self, out: &mut Writer) {
        let steps = std::iter::once(&self.value).chain(&self.after).take(self.after.len());
        let names: Vec<String> = steps.map(|step| format!("v{}", step.index())).collect();
        if !names.is_empty() {
            out.line(&format!("__s64 {};", names.join(", ")));
        }
    }

    /// Assigns an element, or what is computed from it.
    fn store(&self, out: &mut Writer, context: &Context<'_>, target: &str, element: &str) {
        let (mut value, mut expression) = (self.value, element.to_owned());
        for &after in &self.after {
            let name = format!("v{}", value.index());
            assign(out, &name, &expression);
            (value, expression) = (after, elementwise::of_one(context, after, &name));
        }
        assign(out, target, &expression);
    }

    /// Do some rows share a sum?
    fn wraps(&self) -> bool {
        self.plan.sums.iter().any(|sum| sum.lanes.len() > 1)
    }

    /// Assigns all lanes of a sum but the last to their elements, and leaves the
    /// last in the variable `sum`, an unsigned integer.
    fn lower_lanes(&self, out: &mut Writer, context: &Context<'_>, sum: &str, lanes: &[Lane]) {
        for Lane { row, bits } in lanes {
            let above = i64::BITS - bits;
            out.line(&format!("l = (__s64)({sum} << {above}) >> {above};"));
            self.store(out, context, &self.element(context, *row), "l");
            out.line(&format!("{sum} = (__u64)((__s64)({sum} - (__u64)l) >> {bits});"));
        }
    }
}

/// A table of numbers modulo 2^64.
fn unsigned_table<'n>(out: &mut Writer, name: &str, numbers: impl Iterator<Item = &'n i64>) {
    let entries: Vec<String> = numbers.map(|number| format!("{number:#x}ULL")).collect();
    out.open(&format!("static const __u64 {name}[{}] = {{", entries.len()));
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

fn barrier(out: &mut Writer, context: &Context<'_>, name: &str) {
    out.line(&format!("{}_barrier({name});", context.prefix.lower));
}

/// The last lane of a sum and those below it.
fn last_and_lower(sum: &Sum) -> (&Lane, &[Lane]) {
    sum.lanes.split_last().expect("a sum has a lane")
}
