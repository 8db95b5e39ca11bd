//! A forest as a function: the sums, what they start from, and the parts that
//! add to them one after another, with an exit where rows may be decided
//! ([`skxc_lowering::exits`]).

use skxc_lowering::Exit;

use crate::context::{Context, Forest, Part};
use crate::part::{begin, join};
use crate::scratch::Member;
use crate::tree_code;
use skxc_backend_common::writer::{Writer, literal};

/// Stores in a row of which clang may make one call to `memset`, which BPF does
/// not have. It expands up to 128 in place (LLVM, BPFSelectionDAGInfo.h:
/// `getCommonMaxStoresPerMemFunc`).
const STORES_MAX: usize = 64;

/// Members of the scratch.
pub(crate) fn scratch(forest: &Forest<'_>) -> Vec<Member> {
    let targets = forest.trees.forest.targets as usize;
    let mut members = vec![Member::signed(forest.sum.clone(), targets)];
    members.extend(forest.parts.iter().flat_map(tree_code::scratch));
    members
}

/// Functions and tables of all parts, and the function that fills the sums.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, forest: &Forest<'_>) {
    for part in &forest.parts {
        tree_code::emit(out, context, part);
    }
    out.comment(&about(context, forest));
    out.line("static __always_inline void");
    begin(out, context, &format!("{}_trees(", forest.lower));
    join(out, context, "s");
    start(out, context, forest);
    let first = forest.exit.map_or(forest.parts.len(), |exit| exit.parts);
    let (first, rest) = forest.parts.split_at(first);
    for part in first {
        out.line(&format!("{}_add(f, s);", part.lower));
    }
    if let Some(exit) = forest.exit {
        leave(out, context, forest, exit, rest);
    }
    out.close("}");
    out.line("");
}

/// Decided rows leave, the others meet the rest of the trees.
fn leave(
    out: &mut Writer,
    context: &Context<'_>,
    forest: &Forest<'_>,
    exit: &Exit,
    rest: &[Part<'_>],
) {
    let sum = format!("s->{}[0]", forest.sum);
    out.comment(&[
        format!(
            "The sum is only asked whether it is above {}, and the rest adds {} to {}. A row that \
             this does not carry over leaves with the end that keeps it on its side.",
            exit.threshold, exit.rest.min, exit.rest.max,
        ),
        "Verifier: the sum is any number, and all paths meet behind the tests.".to_owned(),
    ]);
    out.open(&format!("if ({sum} > {}) {{", literal(exit.surely_above())));
    move_by(out, &sum, exit.rest.min);
    out.close(&format!("}} else if ({sum} <= {}) {{", literal(exit.surely_not_above())));
    out.indent_to(2);
    move_by(out, &sum, exit.rest.max);
    out.close("} else {");
    out.indent_to(2);
    for part in rest {
        out.line(&format!("{}_add(f, s);", part.lower));
    }
    out.close("}");
    join(out, context, "s");
}

/// Sets each sum to what it starts from.
fn start(out: &mut Writer, context: &Context<'_>, forest: &Forest<'_>) {
    let name = &context.prefix.lower;
    let base = &forest.trees.forest.base;
    if base.len() > STORES_MAX {
        out.comment(&["clang: it would gather more stores into a call to memset.".to_owned()]);
    }
    for (target, &base) in base.iter().enumerate() {
        if target > 0 && target % STORES_MAX == 0 {
            out.line(&format!("{name}_forget(s);"));
        }
        out.line(&format!("s->{}[{target}] = {};", forest.sum, literal(base)));
    }
}

fn move_by(out: &mut Writer, sum: &str, by: i64) {
    match by {
        0 => out.comment(&["No offset.".to_owned()]),
        _ => out.line(&format!("{sum} += {};", literal(by))),
    }
}

/// What each sum is, and what it takes.
fn about(context: &Context<'_>, forest: &Forest<'_>) -> Vec<String> {
    let trees = forest.trees.forest;
    let elem = context.module.ty(forest.value).elem;
    let origin = context.onnx(context.module.node(forest.value).origin);
    let mut about = vec![
        format!("s->{} = sums of {} trees, {elem}. {origin}", forest.sum, trees.roots.len()),
        String::new(),
    ];
    let targets = trees.targets as usize;
    let shown = targets.min(16);
    for target in 0..shown {
        let bounds = context.ranges.of_value(forest.value)[target];
        let (min, max) =
            (context.real(forest.value, bounds.min), context.real(forest.value, bounds.max));
        let bits = context.bits(forest.value, target);
        about.push(format!(
            "sum[{target}] lies in [{min}, {max}] and takes {bits} bits of the s64."
        ));
    }
    if shown < targets {
        about.push(format!(
            "The other {} take at most as many as their type says.",
            targets - shown
        ));
    }
    about.extend([String::new(), "Conditions are exact for every integer.".to_owned()]);
    about
}
