//! `struct NAME_result`: what its members are, and how `NAME_predict` fills them.
//!
//! What must hold: a label is a number when there is one, an array when there
//! are several, and not there when there is none; so are the scores. Both go in
//! the order of the outputs, and [`skxc_backend_common::layout`] says where they lie.

use skxc_ir::{Output, OutputKind, ScoreKind};

use crate::context::Context;
use skxc_backend_common::layout;
use skxc_backend_common::writer::Writer;

/// How many of what there are.
pub(crate) fn counts(out: &mut Writer, context: &Context<'_>) {
    let (upper, layout) = (&context.prefix.upper, context.layout);
    if layout.labels.len() > 1 {
        out.comment(
            &["The classes of all labels together, those of the first label first.".into()],
        );
    }
    out.line(&format!("#define {upper}_CLASSES {}", layout.classes()));
    if layout.labels.len() > 1 {
        out.line(&format!("#define {upper}_LABELS {}", layout.labels.len()));
    }
    out.line(&format!("#define {upper}_SCORES {}", layout.scores));
    out.line("");
}

/// The structure of the result, as C.
pub(crate) fn declaration(out: &mut Writer, context: &Context<'_>) {
    let (name, upper) = (&context.prefix.lower, &context.prefix.upper);
    out.open(&format!("struct {name}_result {{"));
    match context.layout.labels.len() {
        0 => {}
        1 => out.line("__u32 label;"),
        _ => out.line(&format!("__u32 label[{upper}_LABELS];")),
    }
    if context.layout.scores > 0 {
        out.line(&format!("__s64 score[{upper}_SCORES];"));
    }
    out.close("};");
    out.line("");
}

/// Every label with its classes, every score with its scale and its range.
pub(crate) fn about(context: &Context<'_>) -> Vec<String> {
    let mut text = Vec::new();
    for (index, (output, table)) in layout::labels(context.module).enumerate() {
        let member = label(context, index);
        text.push(format!("{member}, an index; the classes of `{}`:", output.name));
        text.extend((0..table.len()).map(|class| format!("\t{class:<3} {}", table.text(class))));
    }
    let mut score = 0;
    for (output, value) in layout::scores(context.module) {
        let elem = context.module.ty(value).elem;
        for (index, bounds) in context.ranges.of_value(value).iter().enumerate() {
            let (min, max) = (context.real(value, bounds.min), context.real(value, bounds.max));
            let (what, bits) = (kind(output), context.bits(value, index));
            text.push(format!(
                "score[{score}], {what}, {elem}, in [{min}, {max}]: {bits} bits of the s64"
            ));
            score += 1;
        }
    }
    text
}

/// Fills the structure.
pub(crate) fn assignment(out: &mut Writer, context: &Context<'_>) {
    for (index, (output, _)) in layout::labels(context.module).enumerate() {
        let class = match context.plan.elements.of_value(output.value) {
            [class] => context.element(*class),
            _ => unreachable!("a label is one element"),
        };
        out.wrapped(&[format!("r->{} =", label(context, index)), format!("(__u32){class};")]);
    }
    let elements = |(_, value)| context.plan.elements.of_value(value);
    let scores = layout::scores(context.module).flat_map(elements);
    for (index, &element) in scores.enumerate() {
        out.wrapped(&[format!("r->score[{index}] ="), context.element(element) + ";"]);
    }
}

/// The member that holds a label.
fn label(context: &Context<'_>, index: usize) -> String {
    if context.layout.labels.len() == 1 { "label".to_owned() } else { format!("label[{index}]") }
}

/// What the elements of an output are.
fn kind(output: &Output) -> &'static str {
    match output.kind {
        OutputKind::Label => "a label",
        OutputKind::Score(ScoreKind::Probability) => "a probability",
        OutputKind::Score(ScoreKind::Raw) => "a raw score",
        OutputKind::Value => "the prediction",
    }
}
