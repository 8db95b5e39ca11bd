//! The operations between the forests and the result, and `NAME_predict`.
//!
//! Operations that move elements are gone already ([`skxc_ir::lowering::elements`]).
//! A value of one element is a local variable; longer ones lie in the scratch.

use skxc_ir::lowering::Element;
use skxc_ir::{IntOp, Value};

use crate::context::Context;
use crate::result;
use crate::writer::{Writer, literal};

/// Members of the scratch that tensors need: declarations without the semicolon.
pub(crate) fn scratch(context: &Context<'_>) -> Vec<String> {
    let mut members = Vec::new();
    for value in context.module.values() {
        let elements = context.module.shape(value).elements();
        let name = format!("v{}", value.index());
        match context.module.node(value).op {
            IntOp::Binary { .. } | IntOp::Greater { .. } if elements > 1 => {
                members.push(format!("__s64 {name}[{elements}]"));
            }
            IntOp::ArgMax { .. } => {
                if let Some(row) = context.wide_argmax(value)
                    && contiguous(context, row).is_none()
                {
                    members.push(format!("__s64 row{}[{}]", value.index(), row.len()));
                }
            }
            IntOp::Binary { .. }
            | IntOp::Multiply { .. }
            | IntOp::Divide { .. }
            | IntOp::Rescale { .. }
            | IntOp::Function { .. }
            | IntOp::Not { .. }
            | IntOp::Compare { .. }
            | IntOp::Select { .. }
            | IntOp::Reduce { .. }
            | IntOp::CumulativeSum { .. }
            | IntOp::ArgSort { .. }
            | IntOp::Take { .. }
            | IntOp::TakeAlong { .. }
            | IntOp::Lookup { .. }
            | IntOp::Greater { .. }
            | IntOp::Input { .. }
            | IntOp::Constant { .. }
            | IntOp::Reshape { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::TreeEnsemble { .. }
            | IntOp::Label { .. } => {}
        }
    }
    members
}

/// The function that a program calls, and the helper of argmax if needed.
pub(crate) fn predict(out: &mut Writer, context: &Context<'_>) {
    let name = &context.prefix.lower;
    if context.has_wide_argmax() {
        argmax_helper(out, context);
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
    let computed = computed(context);
    for &value in computed.iter().filter(|&&value| is_local(context, value)) {
        out.line(&format!("__s64 v{};", value.index()));
    }
    if computed.iter().any(|&value| is_local(context, value)) {
        out.line("");
    }
    if context.layout.features.is_empty() || context.forests().is_empty() {
        out.line("(void)f;");
    }
    if context.forests().is_empty() {
        out.line("(void)s;");
    }
    for &value in &computed {
        operation(out, context, value);
    }
    result::assignment(out, context);
    out.close("}");
    out.line("");
}

/// The values that some code computes, oldest first.
fn computed(context: &Context<'_>) -> Vec<Value> {
    let computes = |value: &Value| match context.module.node(*value).op {
        IntOp::Binary { .. }
        | IntOp::Multiply { .. }
        | IntOp::Divide { .. }
        | IntOp::Rescale { .. }
        | IntOp::Function { .. }
        | IntOp::Not { .. }
        | IntOp::Compare { .. }
        | IntOp::Select { .. }
        | IntOp::Reduce { .. }
        | IntOp::CumulativeSum { .. }
        | IntOp::ArgSort { .. }
        | IntOp::Take { .. }
        | IntOp::TakeAlong { .. }
        | IntOp::Lookup { .. }
        | IntOp::Greater { .. }
        | IntOp::TreeEnsemble { .. }
        | IntOp::ArgMax { .. } => true,
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::Label { .. } => false,
    };
    context.module.values().filter(computes).collect()
}

fn is_local(context: &Context<'_>, value: Value) -> bool {
    context.forest(value).is_none() && context.is_scalar(value)
}

fn operation(out: &mut Writer, context: &Context<'_>, value: Value) {
    let of = |value: Value| context.plan.elements.of_value(value);
    match context.module.node(value).op {
        IntOp::TreeEnsemble { .. } => {
            let forest = context.forest(value).expect("every forest has a plan");
            out.line(&format!("{}_trees(f, s);", forest.lower));
        }
        IntOp::Binary { a, b, .. } => {
            for (index, target) in of(value).iter().enumerate() {
                // Shapes broadcast: a smaller side is repeated as a whole.
                let side = |side: Value| wide(context, of(side)[index % of(side).len()]);
                let (a, b) = (side(a), side(b));
                out.wrapped(&[context.element(*target), format!("= {a} -"), format!("{b};")]);
            }
        }
        IntOp::Greater { a, threshold } => {
            let real = context.real(a, threshold.into());
            for (target, &a) in of(value).iter().zip(of(a)) {
                let test = format!("= {} > {};", wide(context, a), literal(threshold));
                if threshold != 0 {
                    out.comment(&[format!("The threshold is {real}.")]);
                }
                out.wrapped(&[context.element(*target), test]);
            }
        }
        IntOp::ArgMax { input, margin } => argmax(out, context, value, of(input), margin),
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::Multiply { .. }
        | IntOp::Divide { .. }
        | IntOp::Rescale { .. }
        | IntOp::Function { .. }
        | IntOp::Not { .. }
        | IntOp::Compare { .. }
        | IntOp::Select { .. }
        | IntOp::Reduce { .. }
        | IntOp::CumulativeSum { .. }
        | IntOp::ArgSort { .. }
        | IntOp::Take { .. }
        | IntOp::TakeAlong { .. }
        | IntOp::Lookup { .. }
        | IntOp::Label { .. } => {}
    }
}

/// An element as `__s64`.
fn wide(context: &Context<'_>, element: Element) -> String {
    let text = context.element(element);
    match element {
        Element::Column(_) => format!("(__s64){text}"),
        Element::Constant(_) | Element::Cell { .. } => text,
    }
}

/// The first class whose score is at least the greatest less the margin.
fn argmax(out: &mut Writer, context: &Context<'_>, value: Value, row: &[Element], margin: i64) {
    let target = context.element(Element::Cell { value, index: 0 });
    if margin > 0 {
        out.comment(&[
            "Scores this close differ by no more than rounding of the exported weights: a tie, \
             which the first class wins."
                .to_owned(),
        ]);
    }
    match row {
        [] | [_] => out.line(&format!("{target} = 0;")),
        [first, second] => {
            let (first, second) = (wide(context, *first), wide(context, *second));
            let test = format!("> {};", literal(margin));
            out.wrapped(&[format!("{target} = {second} -"), first, test]);
        }
        _ => {
            let from = contiguous(context, row).unwrap_or_else(|| {
                let copy = format!("s->row{}", value.index());
                for (index, &element) in row.iter().enumerate() {
                    out.wrapped(&[format!("{copy}[{index}] ="), wide(context, element) + ";"]);
                }
                copy
            });
            let name = &context.prefix.lower;
            let (count, margin) = (row.len(), literal(margin));
            out.wrapped(&[
                format!("{target} ="),
                format!("{name}_first_of_greatest({from}, {count}, {margin});"),
            ]);
        }
    }
}

/// The array that holds exactly this row, if one does.
fn contiguous(context: &Context<'_>, row: &[Element]) -> Option<String> {
    let Some(Element::Cell { value, index: 0 }) = row.first().copied() else { return None };
    let in_order =
        (0..).zip(row).all(|(index, &element)| element == Element::Cell { value, index });
    if !in_order || (is_local(context, value) && row.len() > 1) {
        return None;
    }
    let first = context.element(row[0]);
    first.strip_suffix("[0]").map(str::to_owned)
}

fn argmax_helper(out: &mut Writer, context: &Context<'_>) {
    let name = &context.prefix.lower;
    out.comment(&[
        "Index of the first of n elements that is at least the greatest less the margin. Masks \
         instead of branches: a path per class would be verified to its end. Elements take at \
         most 62 bits, so that no difference overflows."
            .to_owned(),
    ]);
    out.line("static __always_inline __u32");
    out.line(&format!("{name}_first_of_greatest(const __s64 *x, const __u32 n,"));
    out.line("\t\t\t\t const __s64 margin)");
    out.open("{");
    out.lines("__s64 greatest = x[0];\n__s64 below, d;\n__u32 label = 0;\n__u32 i;\n");
    out.line("");
    out.open("for (i = 1; i < n; i++) {");
    out.lines("d = x[i] - greatest;\nbelow = -(__s64)((__u64)d >> 63);");
    out.line(&format!("{name}_barrier(below);"));
    out.line("greatest += d & ~below;");
    out.close("}");
    out.open("for (i = n; i > 0; i--) {");
    out.lines("d = x[i - 1] - greatest + margin;\nbelow = -(__s64)((__u64)d >> 63);");
    out.line(&format!("{name}_barrier(below);"));
    out.line("label = (label & (__u32)below) | ((i - 1) & ~(__u32)below);");
    out.close("}");
    out.line("return label;");
    out.close("}");
    out.line("");
}
