//! Pieces of text that the code of every forest and every part of it has.

use crate::context::{Context, Part};
use skxc_backend_common::writer::Writer;

/// A place at which the verifier compares states, so that of the paths that lead
/// here one is followed. It keeps a state behind two jumps (is_state_visited in
/// kernel/bpf/verifier.c), and drops those it kept inside a loop once a few
/// rounds have missed them. `live` is a variable that code behind it reads.
pub(crate) fn join(out: &mut Writer, context: &Context<'_>, live: &str) {
    out.line(&format!("{}_join({live});", context.prefix.lower));
}

/// Begins the function `{lower}_add`, in which a part adds its trees.
pub(crate) fn begin_part(out: &mut Writer, context: &Context<'_>, part: &Part<'_>) {
    out.line("static __always_inline void");
    begin(out, context, &format!("{}_add(", part.lower));
}

/// Begins a function of the features and the scratch, whose name `open` ends with.
pub(crate) fn begin(out: &mut Writer, context: &Context<'_>, open: &str) {
    let name = &context.prefix.lower;
    out.line(&format!("{open}const struct {name}_features *f,"));
    out.line(&format!("{}struct {name}_scratch *s)", align(open)));
    out.open("{");
}

/// Tabs and blanks that reach the column behind `text`.
pub(crate) fn align(text: &str) -> String {
    format!("{}{}", "\t".repeat(text.len() / 8), " ".repeat(text.len() % 8))
}
