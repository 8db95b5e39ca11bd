//! The operations between the forests and the result, and `NAME_predict`.
//!
//! Operations that move elements are gone already ([`skxc_lowering::elements`]).
//! A value of one element is a local variable; longer ones lie in the scratch.
//! Few elements are computed one after another, many in a loop with a literal
//! bound. Nothing branches on data: a path per element would be verified to
//! its end.

mod elementwise;
mod helpers;
mod linear;
mod lookup;
mod operand;
mod rows;
mod table;

use skxc_ir::{IntOp, Operation as _, Value};
use skxc_lowering::Element;
use skxc_lowering::storage::{self, Place};

use crate::context::Context;
use crate::part::join;
use crate::result;
use crate::scratch::Member;
use skxc_backend_common::writer::Writer;

use self::operand::Operand;

/// Members of the scratch that tensors need.
pub(crate) fn scratch(context: &Context<'_>) -> Vec<Member> {
    let mut members = Vec::new();
    for &value in context.plan.storage.computed() {
        if let Some(Place::Array { length }) = context.plan.storage.place(value) {
            members.push(Member::signed(format!("v{}", value.index()), length));
        }
        for operand in Operand::all(context, value) {
            members.extend(operand.scratch());
        }
        members.extend(rows::ranks(context, value));
        members.extend(linear::scratch(context, value));
    }
    members
}

/// The function that a program calls, and the tables and helpers of it.
pub(crate) fn predict(out: &mut Writer, context: &Context<'_>) {
    let name = &context.prefix.lower;
    let storage = &context.plan.storage;
    let computed = storage.computed();
    helpers::emit(out, context, computed);
    for function in context.module.functions.handles() {
        table::emit(out, context, function);
    }
    for &value in computed {
        for operand in Operand::all(context, value) {
            operand.table(out);
        }
        lookup::tables(out, context, value);
    }
    for &value in computed {
        linear::functions(out, context, value);
    }
    out.comment(&[
        "Decides one row of features. `s` must point into a map value in a BPF program: the \
         verifier would follow sums on the stack along every path."
            .to_owned(),
    ]);
    out.line("static __always_inline void");
    out.line(&format!("{name}_predict(const struct {name}_features *f,"));
    out.line(&format!("\t\tstruct {name}_scratch *s, struct {name}_result *r)"));
    out.open("{");
    for &value in computed.iter().filter(|&&value| context.is_local(value)) {
        out.line(&format!("__s64 v{};", value.index()));
    }
    if computed.iter().any(|&value| context.is_local(value)) {
        out.line("");
    }
    if context.layout.features.is_empty() || context.forests().is_empty() {
        out.line("(void)f;");
    }
    // A forest begins with one of its own.
    if computed.first().is_none_or(|&value| context.forest(value).is_none()) {
        out.comment(&[
            "Verifier: of all paths through a parser it follows one from here on, with any features."
                .to_owned(),
        ]);
        join(out, context, "s");
    }
    for &value in computed.iter().filter(|&&value| storage.has_code(context.module, value)) {
        operation(out, context, value);
        if storage.is_spilled(value) {
            out.line(&format!("{name}_forget(s);"));
        }
    }
    result::assignment(out, context);
    out.close("}");
    out.line("");
}

/// The elements of the operands of a value, one operand after another.
fn operands(context: &Context<'_>, value: Value) -> Vec<Element> {
    storage::operand_elements(context.module, &context.plan.elements, value)
}

fn operation(out: &mut Writer, context: &Context<'_>, value: Value) {
    match context.module.node(value).op {
        IntOp::TreeEnsemble { .. } => {
            let forest = context.forest(value).expect("every forest has a plan");
            out.line(&format!("{}_trees(f, s);", forest.lower));
        }
        IntOp::Linear { matrix, .. } => linear::emit(out, context, value, matrix),
        IntOp::Reduce { function, .. } => rows::reduce(out, context, value, function),
        IntOp::CumulativeSum { .. } => rows::cumulative_sum(out, context, value),
        IntOp::ArgSort { first, .. } => rows::argsort(out, context, value, first),
        IntOp::ArgMax { margin, .. } => rows::argmax(out, context, value, margin),
        IntOp::Take { input, index } | IntOp::TakeAlong { input, indices: index } => {
            lookup::take(out, context, value, input, index);
        }
        _ => elementwise::emit(out, context, value),
    }
}

/// What a value is, in a comment: the operation, the format, the bounds.
fn about(context: &Context<'_>, value: Value) -> String {
    let node = context.module.node(value);
    let bounds = context.ranges.of_value(value).iter().copied();
    let all = bounds.reduce(skxc_ir::analysis::ranges::Bounds::union);
    let within = all.map_or_else(String::new, |all| {
        let (min, max) = (context.real(value, all.min), context.real(value, all.max));
        format!(", in [{min}, {max}]")
    });
    let origin = context.onnx(node.origin);
    format!("v{}: {}, {}{within}. {origin}", value.index(), node.op.name(), node.ty)
}
