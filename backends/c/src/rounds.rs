//! A loop over the groups of a walk, in one of two forms.
//!
//! The verifier walks every round of a loop whose counter it knows, so that its
//! work grows with the trees; every kernel takes that. Where the kernel has
//! `may_goto`, the counter lies in the scratch: it is any number to the
//! verifier, the second round looks like the first, and nothing grows.

use crate::context::{Context, Part};
use crate::scratch::Member;
use skxc_backend_common::writer::Writer;

/// Member of the scratch that counts rounds.
pub(crate) fn scratch(part: &Part<'_>) -> Member {
    Member::number(4, format!("group{}", part.suffix))
}

/// The instruction as a macro.
pub(crate) fn define(out: &mut Writer, part: &Part<'_>) {
    let lower = &part.lower;
    out.comment(&[
        "may_goto: jumps if the kernel's own counter of rounds runs out, after millions. With \
         it in a loop the verifier need not see that the loop ends (Linux 6.9, BPF_JCOND in \
         include/uapi/linux/bpf.h). Written as bytes, since clang knows it from 19 on."
            .to_owned(),
    ]);
    out.line("#if !defined(__bpf__)");
    out.line(&format!("#define {lower}_may_goto(label) do {{ if (0) goto label; }} while (0)"));
    for (test, offset) in [
        ("#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__", "((%l0 - 1b - 8) / 8) & 0xffff"),
        ("#else", "(((%l0 - 1b - 8) / 8) & 0xffff) << 16"),
    ] {
        out.line(test);
        out.line(&format!("#define {lower}_may_goto(label) \\"));
        out.line("\t__asm__ goto(\"1: .byte 0xe5, 0\\n\" \\");
        out.line(&format!("\t\t \".long {offset}\\n\" \\"));
        out.line("\t\t \".short 0\\n\" : : : : label)");
    }
    out.line("#endif");
    out.line("");
}

/// `for` over `groups` rounds, at the end of a function; `body` is given the
/// counter. A single round is no loop. `label` names the end of the loop, if the
/// kernel is to count.
pub(crate) fn groups(
    out: &mut Writer,
    context: &Context<'_>,
    part: &Part<'_>,
    groups: usize,
    label: Option<&str>,
    body: impl FnOnce(&mut Writer, Option<&str>),
) {
    let Part { lower, suffix, .. } = part;
    match label {
        _ if groups == 1 => body(out, None),
        None => {
            out.open(&format!("for (i = 0; i < {groups}; i++)"));
            body(out, Some("i"));
            out.indent_to(1);
        }
        Some(label) => {
            out.line(&format!("s->group{suffix} = 0;"));
            out.open("for (;;) {");
            out.line(&format!("{}_forget(s);", context.prefix.lower));
            out.line(&format!("i = s->group{suffix};"));
            out.line(&format!("if (i >= {groups})"));
            out.line("\tbreak;");
            out.line(&format!("{lower}_may_goto({label});"));
            body(out, Some("i"));
            out.line(&format!("s->group{suffix} = i + 1;"));
            out.close("}");
            out.line(&format!("{label}:;"));
        }
    }
}
