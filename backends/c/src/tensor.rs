//! The operations between the forests and the result, and `NAME_predict`.
//!
//! Operations that move elements are gone already ([`skxc_lowering::elements`]).
//! A value of one element is a local variable; longer ones lie in the scratch.
//! Few elements are computed one after another, many in a loop with a literal
//! bound. Nothing branches on data: a path per element would be verified to
//! its end.

mod elementwise;
mod fusion;
mod helpers;
mod linear;
mod lookup;
mod memory;
mod operand;
mod rows;
mod table;

use skxc_ir::{IntOp, Operation as _, Value};
use skxc_lowering::Element;

use crate::context::Context;
use crate::forest;
use crate::result;
use crate::scratch::Member;
use skxc_backend_common::writer::Writer;

pub(crate) use fusion::Fusion;
pub(crate) use memory::Memory;

/// So many elements are computed without a loop.
const STRAIGHT_MAX: usize = 8;

/// Members of the scratch that tensors need.
pub(crate) fn scratch(context: &Context<'_>) -> Vec<Member> {
    let mut members = Vec::new();
    for value in computed(context) {
        let has_array = context.forest(value).is_none() && !context.is_scalar(value);
        if has_array && !context.fusion.is_fused(value) {
            let elements = context.memory.allocated(context, value);
            members.push(Member::signed(format!("v{}", value.index()), elements));
        }
        for operand in context.memory.operands(value) {
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
    let computed = computed(context);
    helpers::emit(out, context, &computed);
    for function in context.module.functions.handles() {
        table::emit(out, context, function);
    }
    for &value in &computed {
        for operand in context.memory.operands(value) {
            operand.table(out);
        }
        lookup::tables(out, context, value);
    }
    for &value in &computed {
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
    for &value in computed.iter().filter(|&&value| is_local(context, value)) {
        out.line(&format!("__s64 v{};", value.index()));
    }
    if computed.iter().any(|&value| is_local(context, value)) {
        out.line("");
    }
    if context.layout.features.is_empty() || context.forests().is_empty() {
        out.line("(void)f;");
    }
    // A forest begins with one of its own.
    if computed.first().is_none_or(|&value| context.forest(value).is_none()) {
        out.comment(&[
            "Verifier: of all ways through a parser it follows one from here on, with any features."
                .to_owned(),
        ]);
        forest::join(out, context, "s");
    }
    for &value in computed.iter().filter(|&&value| context.fusion.has_code(context, value)) {
        operation(out, context, value);
        if context.is_beyond_the_stack(value) {
            out.line(&format!("{name}_forget(s);"));
        }
    }
    result::assignment(out, context);
    out.close("}");
    out.line("");
}

/// The values that some code computes, oldest first.
fn computed(context: &Context<'_>) -> Vec<Value> {
    let computes = |value: &Value| {
        let op = &context.module.node(*value).op;
        op.movement().is_none() && !matches!(op, IntOp::Input { .. } | IntOp::Constant { .. })
    };
    let is_live = live(context);
    context.module.values().filter(computes).filter(|value| is_live[value.index()]).collect()
}

/// The values of which some code or the result reads an element.
fn live(context: &Context<'_>) -> Vec<bool> {
    let module = context.module;
    let mut is_live = vec![false; module.nodes.len()];
    let read = |is_live: &mut Vec<bool>, elements: &[Element]| {
        let values = elements.iter().filter_map(|element| element.computed_by());
        values.for_each(|value| is_live[value.index()] = true);
    };
    for output in &module.outputs {
        read(&mut is_live, context.plan.elements.of_value(output.value));
    }
    for value in module.values().rev() {
        // The order of a single element is known.
        let is_known = match module.node(value).op {
            IntOp::ArgMax { input, .. } | IntOp::ArgSort { input, .. } => {
                module.shape(input).row() == 1
            }
            _ => false,
        };
        let is_moved = module.node(value).op.movement().is_some();
        if is_live[value.index()] && !is_known && !is_moved {
            read(&mut is_live, &reads(context, value));
        }
    }
    is_live
}

/// The elements that the code of a value reads.
fn reads(context: &Context<'_>, value: Value) -> Vec<Element> {
    let mut elements = operands(context, value);
    if let IntOp::Linear { matrix, .. } = context.module.node(value).op {
        linear::retain_weighted(&context.module.matrices[matrix], &mut elements);
    }
    elements
}

/// The elements of the operands of a value, one operand after another.
fn operands(context: &Context<'_>, value: Value) -> Vec<Element> {
    let mut elements = Vec::new();
    context.module.node(value).op.operands(&mut |operand| {
        elements.extend_from_slice(context.plan.elements.of_value(operand));
    });
    elements
}

fn is_local(context: &Context<'_>, value: Value) -> bool {
    context.forest(value).is_none() && context.is_scalar(value)
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
