//! The features of a walk as C ([`skxc_lowering::slots`]): the search for
//! ranks, and the statements that fill the array.

use skxc_ir::limits::FEATURE_MAGNITUDE_MAX;
use skxc_lowering::slots::{Slot, Slots, Stored};

use crate::context::{Context, Part};
use crate::part::align;
use skxc_backend_common::writer::{Writer, literal};

/// Before a loop whose rounds need constants: leaves no loop.
pub(crate) fn unroll(out: &mut Writer, part: &Part<'_>) {
    let upper = &part.upper;
    out.comment(&["Before a loop of which every round is written out.".to_owned()]);
    out.line("#ifdef __clang__");
    out.line(&format!("#define {upper}_UNROLL _Pragma(\"clang loop unroll(full)\")"));
    out.line("#else");
    out.line(&format!("#define {upper}_UNROLL"));
    out.line("#endif");
    out.line("");
}

/// Is there a search for a rank, which needs [`unroll`] above it?
pub(crate) fn is_searched(slots: &Slots) -> bool {
    slots.slots.iter().any(|slot| matches!(slot.stored, Stored::Rank { .. }))
}

/// The tables of thresholds, and the search in them. Nothing if no feature is
/// stored by rank.
pub(crate) fn tables(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, slots: &Slots) {
    for (index, slot) in slots.slots.iter().enumerate() {
        if let Stored::Rank { thresholds } = &slot.stored {
            let x = context.element(part.trees.features[slot.feature as usize]);
            table(out, part, index, &x, slot, thresholds);
        }
    }
    if is_searched(slots) {
        search(out, context, part);
    }
}

fn table(
    out: &mut Writer,
    part: &Part<'_>,
    index: usize,
    x: &str,
    slot: &Slot,
    thresholds: &[i64],
) {
    let lower = &part.lower;
    let entries = (1_usize << slot.search_steps()) - 1;
    let count = thresholds.len();
    let mut about = format!("The {count} thresholds of {x}, ascending.");
    if count < entries {
        about.push_str(" The rest is not below any feature.");
    }
    out.comment(&[about]);
    out.open(&format!("static const __s64 {lower}_thresholds_{index}[{entries}] = {{"));
    let filled = thresholds.iter().chain(std::iter::repeat(&FEATURE_MAGNITUDE_MAX));
    let filled: Vec<String> = filled.take(entries).map(|&it| literal(it)).collect();
    out.elements(filled.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// A search without a branch.
fn search(out: &mut Writer, context: &Context<'_>, part: &Part<'_>) {
    let (name, Part { lower, upper, .. }) = (&context.prefix.lower, part);
    out.comment(&["How many of 2^bits - 1 thresholds lie below x, bit by bit from the top: the \
                   sign of a difference is the bit."
        .to_owned()]);
    out.line("static __always_inline __u32");
    let open = format!("{lower}_rank(");
    out.line(&format!("{open}const __s64 *threshold, const __u32 bits,"));
    out.line(&format!("{}__s64 x)", align(&open)));
    out.open("{");
    out.lines("__u32 rank = 0;\n__u32 bit;\n__s64 d;");
    out.line("");
    out.line(&format!("{upper}_UNROLL"));
    out.open("for (bit = bits; bit-- > 0; ) {");
    out.line("d = threshold[rank + (1U << bit) - 1] - x;");
    out.line(&format!("{name}_barrier(d);"));
    out.line("rank += (__u32)((__u64)d >> 63) << bit;");
    out.close("}");
    out.line("return rank;");
    out.close("}");
    out.line("");
}

/// The statements that fill the array `s->x` from element `first` on, whose
/// elements are of type `ty`; each is shifted left by `shift` bits.
pub(crate) fn fill(
    out: &mut Writer,
    context: &Context<'_>,
    part: &Part<'_>,
    slots: &Slots,
    ty: &str,
    first: usize,
    shift: u32,
) {
    let Part { lower, suffix, .. } = part;
    for (index, slot) in slots.slots.iter().enumerate() {
        let x = context.element(part.trees.features[slot.feature as usize]);
        let target = format!("s->x{suffix}[{}] =", first + index);
        let stored = match &slot.stored {
            Stored::Distance { least: 0 } => format!("({ty}){x}"),
            Stored::Distance { least } if *least < 0 => {
                format!("({ty})((__s64){x} + {})", literal(-least))
            }
            Stored::Distance { least } => format!("({ty})((__s64){x} - {})", literal(*least)),
            Stored::Rank { .. } => {
                let bits = slot.search_steps();
                format!("({ty}){lower}_rank({lower}_thresholds_{index}, {bits}, {x})")
            }
        };
        match shift {
            0 => out.wrapped(&[target, stored + ";"]),
            _ => out.wrapped(&[target, stored, format!("<< {shift};")]),
        }
    }
    if slots.slots.is_empty() {
        out.line("(void)f;");
    }
}
