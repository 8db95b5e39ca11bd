//! Elements at computed positions, and values of keys.

use skxc_ir::{IntOp, Value};

use super::operand::Operand;
use super::{about, elementwise, operand};
use crate::context::Context;
use skxc_backend_common::writer::{Writer, literal};

/// So many keys are compared without a loop.
const KEYS_STRAIGHT_MAX: usize = 8;

/// The elements of `input` at the positions `index`, each in the row of its own.
pub(super) fn take(
    out: &mut Writer,
    context: &Context<'_>,
    value: Value,
    input: Value,
    index: Value,
) {
    let name = &context.prefix.lower;
    out.comment(&[about(context, value)]);
    let sources = Operand::all(context, value);
    let source = &sources[0];
    source.prepare(out, context);
    let last = context.module.shape(input).row() - 1;
    let (below, above) = leaves(context, input, index);
    let inside = |position: &str| {
        let position =
            if below { format!("{name}_maximum({position}, 0)") } else { position.to_owned() };
        if above { format!("{name}_minimum({position}, {last})") } else { position }
    };
    let mask = source.mask();
    let at = |row: usize, position: &str| {
        let position = inside(position);
        let position =
            if row == 0 { position } else { format!("{} + {position}", row * (last + 1)) };
        source.at(context, &format!("{name}_inside({position}, {mask})"))
    };
    let rows = context.module.shape(input).elements() / (last + 1);
    if rows == 1 {
        return elementwise::each(out, context, value, &[index], |position| at(0, &position[0]));
    }
    let width = context.module.shape(value).row();
    let positions = context.plan.elements.of_value(index);
    for (i, &position) in positions.iter().enumerate() {
        let element = at(i / width, &operand::wide(context, position));
        elementwise::assign(out, &elementwise::target(context, value, i), &element);
    }
}

pub(super) fn inside_helper(out: &mut Writer, name: &str) {
    out.comment(&[
        "A position that is at most the mask. Clang may know that and would leave the mask out; \
         the verifier does not, to Linux 6.1 it loses the bounds of an OR."
            .to_owned(),
    ]);
    out.line("static __always_inline __u64");
    out.line(&format!("{name}_inside(__s64 at, const __u64 mask)"));
    out.open("{");
    out.line(&format!("{name}_barrier(at);"));
    out.line("return (__u64)at & mask;");
    out.close("}");
    out.line("");
}

/// Can a position lie before the first element of its row, or behind the last?
pub(super) fn leaves(context: &Context<'_>, input: Value, index: Value) -> (bool, bool) {
    let last = context.module.shape(input).row() as i128 - 1;
    let bounds = context.ranges.of_value(index);
    (bounds.iter().any(|it| it.min < 0), bounds.iter().any(|it| it.max > last))
}

/// The function of a look-up by keys, and its tables.
pub(super) fn tables(out: &mut Writer, context: &Context<'_>, value: Value) {
    let IntOp::Lookup { keys, values, .. } = context.module.node(value).op else { return };
    let name = &context.prefix.lower;
    let function = format!("{name}_lookup{}", value.index());
    let keys = &context.module.constants[keys].elements;
    let values = &context.module.constants[values].elements;
    let default = literal(values[keys.len()]);
    let is_looped = keys.len() > KEYS_STRAIGHT_MAX;
    if is_looped {
        operand::constant_table(out, &format!("{function}_keys"), keys, keys.len());
        operand::constant_table(
            out,
            &format!("{function}_values"),
            &values[..keys.len()],
            keys.len(),
        );
    }
    out.comment(&[format!(
        "The value of the first of {} keys that x is, else {default}.",
        keys.len()
    )]);
    out.line("static __always_inline __s64");
    out.line(&format!("{function}(__s64 x)"));
    out.open("{");
    out.line(&format!("__s64 y = {default};"));
    out.line("");
    let pick = |key: &str, of: &str| format!("{name}_pick({name}_differ(x, {key}), y, {of})");
    if is_looped {
        out.open(&format!("for (__u32 i = {}; i > 0; i--) {{", keys.len()));
        let (key, of) = (format!("{function}_keys[i - 1]"), format!("{function}_values[i - 1]"));
        elementwise::assign(out, "y", &pick(&key, &of));
        out.close("}");
    } else {
        for (&key, &of) in keys.iter().zip(values).rev() {
            elementwise::assign(out, "y", &pick(&literal(key), &literal(of)));
        }
    }
    if keys.is_empty() {
        out.line("(void)x;");
    }
    out.line("return y;");
    out.close("}");
    out.line("");
}
