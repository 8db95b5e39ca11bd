//! The frame of `NAME.h`: what it says of itself, the structs, the guard.

use skxc_lowering::Exit;

use crate::EmitOptions;
use crate::context::{Context, Forest, Part};
use crate::result;
use crate::scratch::Member;
use skxc_backend_common::writer::Writer;

/// Everything up to the first forest.
pub(crate) fn begin(
    out: &mut Writer,
    context: &Context<'_>,
    members: &[Member],
    options: &EmitOptions,
) {
    let upper = &context.prefix.upper;
    out.line("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */");
    out.comment(&about(context, options));
    // Not `BPF_H`, which linux/bpf_common.h defines.
    out.line(&format!("#ifndef {upper}_SKXC_H"));
    out.line(&format!("#define {upper}_SKXC_H"));
    out.line("");
    out.line("#include <linux/types.h>");
    out.line("");
    out.comment(&["linux/stddef.h makes it a mere hint.".to_owned()]);
    out.line("#undef __always_inline");
    out.line("#define __always_inline inline __attribute__((always_inline))");
    out.line("");
    barriers(out, context);
    result::counts(out, context);
    features(out, context);
    memory(out, context, members);
    result::declaration(out, context);
    asserts(out, context);
}

/// Everything behind `NAME_predict`.
pub(crate) fn end(out: &mut Writer, context: &Context<'_>) {
    out.line(&format!("#endif /* {}_SKXC_H */", context.prefix.upper));
}

/// The comment at the top.
fn about(context: &Context<'_>, options: &EmitOptions) -> Vec<String> {
    let name = &context.prefix.lower;
    let mut text = vec![format!("{name}.h: made by {}; do not edit.", options.generator)];
    if !options.command.is_empty() {
        text.extend([String::new(), format!("\t{}", options.command)]);
    }
    if !options.build_id.is_empty() {
        text.extend([String::new(), format!("build_id {}", options.build_id)]);
    }
    text.extend([
        String::new(),
        "In: integers in host byte order, any in the stated range.".into(),
    ]);
    text.push(String::new());
    text.extend(context.layout.features.iter().map(|field| {
        let column = &context.module.columns[field.column];
        let (ty, range) = (field.ty.name(), column.range);
        let bounds = format!("{} to {}", range.min, range.max);
        let origin = if column.name == field.name { String::new() } else { column.name.clone() };
        format!("\t{:<20} {ty:<5} {bounds} {origin}", field.name).trim_end().to_owned()
    }));
    text.extend([String::new(), "Out:".into(), String::new()]);
    text.extend(result::about(context));
    text.push(String::new());
    for forest in context.forests() {
        text.extend(forest.parts.iter().map(|part| cost(context, part)));
        text.extend(forest.exit.map(|exit| leaving(forest, exit)));
    }
    text
}

fn leaving(forest: &Forest<'_>, exit: &Exit) -> String {
    let first = forest.parts[..exit.parts].iter().map(|part| part.trees.positions.len());
    format!(
        "Stops after {} of {} trees where they decide: for {}% of the rows of the profile.",
        first.sum::<usize>(),
        forest.trees.positions.len(),
        exit.percent(),
    )
}

fn cost(context: &Context<'_>, part: &Part<'_>) -> String {
    let cost = part.shape.cost();
    let origin = context.onnx(context.module.node(part.value).origin);
    format!(
        "{origin}: {} trees as {}, about {} ns, {} verifier instructions, {} bytes of \
         tables.",
        part.trees.positions.len(),
        part.shape.lowering().title(),
        cost.tenth_ns.div_ceil(10),
        cost.verifier_insns,
        cost.table_bytes,
    )
}

fn barriers(out: &mut Writer, context: &Context<'_>) {
    let name = &context.prefix.lower;
    out.comment(&[
        "barrier: the compiler forgets what it knows of an integer, so that it cannot turn \
         arithmetic on a sign back into a branch. forget: it also forgets what it read from \
         memory, so that the verifier meets an unknown number. join: of the paths that lead here \
         the verifier follows one. It keeps a state behind two jumps and compares later ones \
         with it; jumps to the next instruction are removed when the program is loaded."
            .to_owned(),
    ]);
    out.line("#ifdef __bpf__");
    out.line(&format!("#define {name}_barrier(x) __asm__ volatile(\"\" : \"+r\"(x))"));
    out.line(&format!(
        "#define {name}_forget(x) __asm__ volatile(\"\" : \"+r\"(x) : : \"memory\")"
    ));
    out.line(&format!("#define {name}_join(x) \\"));
    out.line("\t__asm__ volatile(\"goto +0\\ngoto +0\\n\" : \"+r\"(x) : : \"memory\")");
    out.line("#else");
    out.line(&format!("#define {name}_barrier(x) ((void)(x))"));
    out.line(&format!("#define {name}_forget(x) ((void)(x))"));
    out.line(&format!("#define {name}_join(x) ((void)(x))"));
    out.line("#endif");
    out.line("");
}

fn features(out: &mut Writer, context: &Context<'_>) {
    let name = &context.prefix.lower;
    out.comment(&["The columns that a decision reads, widest first: no holes.".to_owned()]);
    out.open(&format!("struct {name}_features {{"));
    for field in &context.layout.features {
        out.line(&format!("{} {};", field.ty.name(), field.name));
    }
    if context.layout.features.is_empty() {
        out.line("__u8 none; /* the decision is constant */");
    }
    out.close("};");
    out.line("");
}

fn memory(out: &mut Writer, context: &Context<'_>, members: &[Member]) {
    let name = &context.prefix.lower;
    let mut members: Vec<String> = members.iter().map(Member::declaration).collect();
    if members.is_empty() {
        members.push("__u64 none".to_owned());
    }
    out.comment(&[
        "Memory of one decision; needs no initial value. In a BPF program it lies in a map: \
         what is read from there is any number to the verifier, so that it follows one path \
         for all sums."
            .to_owned(),
    ]);
    out.open(&format!("struct {name}_scratch {{"));
    for member in members {
        out.line(&format!("{member};"));
    }
    out.close("};");
    out.line("");
}

/// The numbers that a loader relies on.
fn asserts(out: &mut Writer, context: &Context<'_>) {
    let (name, layout) = (&context.prefix.lower, context.layout);
    let assert = |what: String, bytes: u32| {
        [format!("_Static_assert({what} == {bytes},"), "\"layout\");".to_owned()]
    };
    out.wrapped(&assert(format!("sizeof(struct {name}_features)"), layout.features_bytes));
    for field in &layout.features {
        let what = format!("__builtin_offsetof(struct {name}_features, {})", field.name);
        out.wrapped(&assert(what, field.offset));
    }
    out.wrapped(&assert(format!("sizeof(struct {name}_result)"), layout.result_bytes));
    if layout.scores > 0 {
        let what = format!("__builtin_offsetof(struct {name}_result, score)");
        out.wrapped(&assert(what, layout.scores_offset));
    }
    out.line("");
}
