//! Operations along the last axis.

use skxc_ir::{Extreme, IntOp, IntReduction, Value};
use skxc_lowering::order;

use super::elementwise::{assign, target};
use super::operand::Operand;
use super::{about, operand};
use crate::context::Context;
use crate::scratch::Member;
use skxc_backend_common::writer::{Writer, literal};
use skxc_lowering::storage::STRAIGHT_MAX;

/// Reduces each row.
pub(super) fn reduce(
    out: &mut Writer,
    context: &Context<'_>,
    value: Value,
    function: IntReduction,
) {
    let name = &context.prefix.lower;
    let IntOp::Reduce { input, .. } = context.module.node(value).op else { return };
    let of = |a: &str, b: &str| match function {
        IntReduction::Sum => format!("{a} + {b}"),
        IntReduction::Minimum => format!("{name}_minimum({a}, {b})"),
        IntReduction::Maximum => format!("{name}_maximum({a}, {b})"),
    };
    out.comment(&[about(context, value)]);
    let width = context.module.shape(input).row();
    let rows = context.module.shape(value).elements();
    let elements = context.plan.elements.of_value(input);
    if elements.len() <= STRAIGHT_MAX {
        for (row, elements) in elements.chunks_exact(width).enumerate() {
            let target = target(context, value, row);
            assign(out, &target, &operand::wide(context, elements[0]));
            for &element in &elements[1..] {
                assign(out, &target, &of(&target, &operand::wide(context, element)));
            }
        }
        return;
    }
    let sources = Operand::all(context, value);
    let source = &sources[0];
    source.prepare(out, context);
    for row in 0..rows {
        let target = target(context, value, row);
        assign(out, &target, &source.at(context, &(row * width).to_string()));
        if width > 1 {
            let (from, to) = (row * width + 1, (row + 1) * width);
            out.open(&format!("for (__u32 i = {from}; i < {to}; i++) {{"));
            assign(out, &target, &of(&target, &source.at(context, "i")));
            out.close("}");
        }
    }
}

/// The sums of the elements of each row up to and with each one.
pub(super) fn cumulative_sum(out: &mut Writer, context: &Context<'_>, value: Value) {
    let IntOp::CumulativeSum { input } = context.module.node(value).op else { return };
    out.comment(&[about(context, value)]);
    let shape = context.module.shape(value);
    let (width, count) = (shape.row(), shape.elements());
    if count <= STRAIGHT_MAX {
        for (index, &element) in context.plan.elements.of_value(input).iter().enumerate() {
            let element = operand::wide(context, element);
            let sum = match index % width {
                0 => element,
                _ => format!("{} + {element}", target(context, value, index - 1)),
            };
            assign(out, &target(context, value, index), &sum);
        }
        return;
    }
    let sources = Operand::all(context, value);
    let source = &sources[0];
    source.prepare(out, context);
    let own = format!("s->v{}", value.index());
    for row in 0..count / width {
        let first = (row * width).to_string();
        assign(out, &format!("{own}[{first}]"), &source.at(context, &first));
        if width > 1 {
            let (from, to) = (row * width + 1, (row + 1) * width);
            out.open(&format!("for (__u32 i = {from}; i < {to}; i++) {{"));
            let sum = format!("{own}[i - 1] + {}", source.at(context, "i"));
            assign(out, &format!("{own}[i]"), &sum);
            out.close("}");
        }
    }
}

/// The first class whose score is at least the greatest less the margin.
pub(super) fn argmax(out: &mut Writer, context: &Context<'_>, value: Value, margin: i64) {
    let IntOp::ArgMax { input, .. } = context.module.node(value).op else { return };
    if margin > 0 {
        out.comment(&[
            "Scores this close differ by no more than rounding of the exported weights: a tie, \
             which the first class wins."
                .to_owned(),
        ]);
    }
    let name = &context.prefix.lower;
    let width = context.module.shape(input).row();
    let sources = Operand::all(context, value);
    if let Some(source) = sources.first() {
        source.prepare(out, context);
    }
    let rows = context.plan.elements.of_value(input).chunks_exact(width);
    let is_used = context.plan.storage.is_read(value);
    for (index, row) in rows.enumerate() {
        let target = target(context, value, index);
        match (row, sources.first()) {
            ([_], _) => assign(out, &target, "0"),
            (&[first, second], _) => {
                let (first, second) =
                    (operand::wide(context, first), operand::wide(context, second));
                if is_used && meets(context, input, index, margin) {
                    // Verifier: what is computed with a decision would be followed
                    // once for each side of a branch.
                    let least =
                        if margin == 0 { first } else { format!("{first} + {}", literal(margin)) };
                    assign(out, &target, &format!("{name}_less({least}, {second})"));
                    continue;
                }
                let test = format!("> {};", literal(margin));
                out.wrapped(&[format!("{target} = {second} -"), first, test]);
            }
            (_, Some(source)) => {
                let (from, margin) = (source.pointer(index * width), literal(margin));
                out.wrapped(&[
                    format!("{target} ="),
                    format!("{name}_first_of_greatest({from}, {width}, {margin});"),
                ]);
            }
            (_, None) => unreachable!("a row of more than two elements is in memory"),
        }
    }
}

/// Is the lesser of some pair found by a function?
pub(super) fn has_less(context: &Context<'_>, value: Value) -> bool {
    let IntOp::ArgMax { input, margin } = context.module.node(value).op else { return false };
    let rows = 0..context.module.shape(value).elements();
    context.module.shape(input).row() == 2
        && context.plan.storage.is_read(value)
        && rows.into_iter().any(|row| meets(context, input, row, margin))
}

/// Does the difference of the two elements of a row fit 64 bits with the margin?
fn meets(context: &Context<'_>, input: Value, row: usize, margin: i64) -> bool {
    let [first, second] = [0, 1].map(|i| context.ranges.of_value(input)[2 * row + i]);
    let most = first.max + i128::from(margin) - second.min;
    let least = first.min + i128::from(margin) - second.max;
    -(1 << 63) <= least && most < 1 << 63
}

pub(super) fn argmax_helper(out: &mut Writer, name: &str) {
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
    out.line("d = x[i] - greatest;");
    out.line(&format!("{name}_barrier(d);"));
    out.line("below = -(__s64)((__u64)d >> 63);");
    out.line(&format!("{name}_barrier(below);"));
    out.line("greatest += d & ~below;");
    out.close("}");
    out.open("for (i = n; i > 0; i--) {");
    out.line("d = x[i - 1] - greatest + margin;");
    out.line(&format!("{name}_barrier(d);"));
    out.line("below = -(__s64)((__u64)d >> 63);");
    out.line(&format!("{name}_barrier(below);"));
    out.line("label = (label & (__u32)below) | ((i - 1) & ~(__u32)below);");
    out.close("}");
    out.line("return label;");
    out.close("}");
    out.line("");
}

/// The positions of each row in sorted order.
pub(super) fn argsort(out: &mut Writer, context: &Context<'_>, value: Value, first: Extreme) {
    let name = &context.prefix.lower;
    out.comment(&[about(context, value)]);
    let shape = context.module.shape(value);
    let (width, count) = (shape.row(), shape.elements());
    let sources = Operand::all(context, value);
    let own = format!("s->v{}", value.index());
    if width == 1 {
        (0..count).for_each(|index| assign(out, &target(context, value, index), "0"));
        return;
    }
    sources[0].prepare(out, context);
    let sign = match first {
        Extreme::Least => 0,
        Extreme::Greatest => -1,
    };
    let mask = context.plan.storage.array_length(value) - 1;
    let first = order::first_read(context.module, value);
    for row in 0..count / width {
        let from = sources[0].pointer(row * width);
        let mut pieces = vec![
            format!("{name}_{}({from},", if first.is_some() { "select" } else { "argsort" }),
            format!("s->rank{},", value.index()),
            format!("{own}, {}, {width},", row * width),
        ];
        pieces.extend(first.map(|first| format!("{first}, {},", width.next_power_of_two() - 1)));
        pieces.push(format!("{mask}, {sign});"));
        out.wrapped(&pieces);
    }
}

/// Member of the scratch for what becomes of a row on the way to its order.
pub(super) fn ranks(context: &Context<'_>, value: Value) -> Option<Member> {
    let is_sorted = matches!(context.module.node(value).op, IntOp::ArgSort { .. });
    let width = context.module.shape(value).row();
    let length = match order::first_read(context.module, value) {
        Some(_) => width.next_power_of_two(),
        None => width,
    };
    (is_sorted && width > 1).then(|| Member::signed(format!("rank{}", value.index()), length))
}

pub(super) fn select_helper(out: &mut Writer, name: &str) {
    out.comment(&[
        "The first positions of n elements in sorted order, from the entry `at` of `order` on; \
         sign is -1 for the greatest first, else 0. Each is that of the least of `rest`, the \
         first of equal ones, which then becomes greater than all. Elements take at most 62 \
         bits, so that no difference overflows. What the place begins with is no matter, but the \
         verifier must not know it: it would follow each of two known ones."
            .to_owned(),
    ]);
    out.line("static __always_inline void");
    out.line(&format!("{name}_select(const __s64 *x, __s64 *rest, __s64 *order,"));
    out.line("\t\tconst __u32 at, const __u32 n, const __u32 first,");
    out.line("\t\tconst __u64 inside, const __u64 mask, const __s64 sign)");
    out.open("{");
    out.lines("__s64 least, place, below, d;\n__u32 i, j;\n");
    out.line("");
    out.open("for (i = 0; i < n; i++)");
    out.line("rest[i] = (x[i] ^ sign) - sign;");
    out.indent_to(1);
    out.open("for (j = 0; j < first; j++) {");
    out.lines("least = 1LL << 62;\nplace = rest[0];");
    out.open("for (i = 0; i < n; i++) {");
    out.line("d = rest[i] - least;");
    out.line(&format!("{name}_barrier(d);"));
    out.line("below = -(__s64)((__u64)d >> 63);");
    out.line(&format!("{name}_barrier(below);"));
    out.lines("least += d & below;\nplace += (i - place) & below;");
    out.close("}");
    out.lines("rest[(__u64)place & inside] = 1LL << 62;");
    out.line("order[(at + j) & mask] = place;");
    out.close("}");
    out.close("}");
    out.line("");
}

pub(super) fn argsort_helper(out: &mut Writer, name: &str) {
    out.comment(&[
        "The positions of n elements in sorted order, from the entry `at` of `order` on; sign \
         is -1 for the greatest first, else 0. An element goes behind those before it, and for \
         each pair in the wrong order one steps forward and one back: no branch depends on \
         data. Elements take at most 62 bits."
            .to_owned(),
    ]);
    out.line("static __always_inline void");
    out.line(&format!("{name}_argsort(const __s64 *x, __s64 *rank, __s64 *order,"));
    out.line("\t\tconst __u32 at, const __u32 n, const __u64 mask,");
    out.line("\t\tconst __s64 sign)");
    out.open("{");
    out.lines("__s64 own, place, d;\n__u32 i, j;\n");
    out.line("");
    out.open("for (i = 0; i < n; i++)");
    out.line("rank[i] = i;");
    out.indent_to(1);
    out.open("for (i = 0; i < n; i++) {");
    out.lines("own = x[i];\nplace = rank[i];");
    out.open("for (j = i + 1; j < n; j++) {");
    out.line("d = ((x[j] - own) ^ sign) - sign;");
    out.line(&format!("{name}_barrier(d);"));
    out.lines("d = (__s64)((__u64)d >> 63);\nplace += d;\nrank[j] -= d;");
    out.close("}");
    out.line("order[(at + (__u64)place) & mask] = i;");
    out.close("}");
    out.close("}");
    out.line("");
}
