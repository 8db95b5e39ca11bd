//! The sums of a forest, the same in every lowering: what they start from, and
//! what is said of them.

use skxc_ir::lowering::ForestPlan;

use crate::context::{Context, Part};
use crate::writer::{Writer, literal};

/// Stores in a row of which clang may make one call to `memset`, which BPF does
/// not have. It expands up to 128 in place (LLVM, BPFSelectionDAGInfo.h:
/// `getCommonMaxStoresPerMemFunc`).
const STORES_MAX: usize = 64;

/// Sets each sum to what it starts from.
pub(crate) fn start(out: &mut Writer, context: &Context<'_>, part: &Part<'_>) {
    let (name, suffix) = (&context.prefix.lower, &part.suffix);
    let base = &part.trees.forest.base;
    if base.len() > STORES_MAX {
        out.comment(&["clang: it would gather more stores into a call to memset.".to_owned()]);
    }
    for (target, &base) in base.iter().enumerate() {
        if target > 0 && target % STORES_MAX == 0 {
            out.line(&format!("{name}_forget(s);"));
        }
        out.line(&format!("s->sum{suffix}[{target}] = {};", literal(base)));
    }
}

/// What each sum is, and what it takes.
pub(crate) fn about(context: &Context<'_>, part: &Part<'_>) -> Vec<String> {
    let forest = part.trees.forest;
    let elem = context.module.ty(part.value).elem;
    let origin = context.onnx(context.module.node(part.value).origin);
    let mut about = vec![
        format!("s->sum{} = sums of {} trees, {elem}. {origin}", part.suffix, forest.roots.len()),
        String::new(),
    ];
    let targets = forest.targets as usize;
    let shown = targets.min(16);
    for target in 0..shown {
        let bounds = context.ranges.of_value(part.value)[target];
        let (min, max) =
            (context.real(part.value, bounds.min), context.real(part.value, bounds.max));
        let bits = context.bits(part.value, target);
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
    if matches!(part.plan, ForestPlan::Walk(_)) {
        about.push(String::new());
        about.push("Conditions are exact for every integer.".to_owned());
    }
    about
}
