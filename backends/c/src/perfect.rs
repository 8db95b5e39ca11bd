//! The walk of perfect trees as C ([`skxc_lowering::perfect`]).

use skxc_lowering::perfect::{Format, Plan, Run, Tree};

use crate::context::{Context, Part};
use crate::part::{align, begin_part};
use crate::scratch::Member;
use crate::{rounds, slots};
use skxc_backend_common::writer::{Writer, literal};

/// Members of the scratch beside the sums.
pub(crate) fn scratch(part: &Part<'_>, plan: &Plan) -> Vec<Member> {
    let bytes = plan.format.bytes() as u32;
    let x = Member::array(bytes, format!("x{}", part.suffix), plan.slot_entries);
    let counter = plan.kernel_counts.then(|| rounds::scratch(part));
    counter.into_iter().chain([x]).collect()
}

/// Tables and functions of one part.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    slots::unroll(out, part);
    slots::tables(out, context, part, &plan.slots);
    if plan.kernel_counts {
        rounds::define(out, part);
    }
    if !plan.leaf_is_weight {
        weights(out, context, part, plan);
    }
    about_trees(out, context, part, plan);
    for run in &plan.runs {
        trees(out, part, plan, run);
    }
    down(out, context, part, plan);
    for run in &plan.runs {
        walk(out, context, part, plan, run);
    }
    add(out, context, part, plan);
}

/// Type of nodes and of features.
fn number(format: Format) -> &'static str {
    match format {
        Format::Word => "__u64",
        Format::Half => "__u32",
    }
}

fn weights(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let Part { lower, upper, .. } = part;
    let elem = context.module.ty(part.value).elem;
    let (rows, targets) = (plan.rows.len(), plan.rows.targets);
    out.comment(&[format!("What leaves add, {elem}: {rows} distinct rows of {targets}.")]);
    out.line(&format!("#define {upper}_WEIGHTS {}", plan.weight_entries));
    out.line(&format!("#define {upper}_WEIGHTS_MASK {:#x}", plan.weight_mask()));
    out.line("");
    out.open(&format!("static const __s64 {lower}_weights[{upper}_WEIGHTS] = {{"));
    let entries: Vec<String> = plan.rows.weights.iter().map(|&weight| literal(weight)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

fn about_trees(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let elem = context.module.ty(part.value).elem;
    let bits = plan.place_bits;
    let leaf = match plan.leaf_is_weight {
        true => format!("A leaf is what it adds, {elem}."),
        false => "A leaf is where its row of weights begins.".to_owned(),
    };
    out.comment(&[
        format!(
            "A tree, filled up with tests that always hold: all leaves are equally deep. A node \
             is a test `x <= at_most`, at_most << {bits} | the offset of x in the array of \
             features, in bytes."
        ),
        "A level follows the other, from the root. The children of the node at place p of level \
         l are at p, \"yes\", and at p + 2^l, \"no\", of the next level."
            .to_owned(),
        leaf,
    ]);
    out.line(&format!("#define {}_X {:#x}", part.upper, plan.place_mask()));
    out.line("");
}

fn trees(out: &mut Writer, part: &Part<'_>, plan: &Plan, run: &Run) {
    let (lower, levels) = (&part.lower, run.levels);
    let leaves = 1_usize << levels;
    let (node, leaf) = (number(plan.format), leaf_type(plan));
    out.open(&format!("struct {lower}_tree_{levels} {{"));
    out.line(&format!("{node} node[{}];", leaves - 1));
    out.line(&format!("{leaf} leaf[{leaves}];"));
    out.close("};");
    out.line("");
    let count = run.trees.len();
    out.line(&format!("static const struct {lower}_tree_{levels}"));
    out.open(&format!("{lower}_trees_{levels}[{count}] = {{"));
    for tree in &run.trees {
        entry(out, plan, tree);
    }
    out.close("};");
    out.line("");
}

fn leaf_type(plan: &Plan) -> &'static str {
    if plan.leaf_is_weight { "__s64" } else { number(plan.format) }
}

fn entry(out: &mut Writer, plan: &Plan, tree: &Tree) {
    out.comment(&[match tree.position {
        Some(position) => format!("Tree {position}."),
        None => "Adds nothing; fills the last group.".to_owned(),
    }]);
    out.open("{{");
    let nodes: Vec<String> = tree.nodes.iter().map(|node| format!("{node:#x}")).collect();
    out.elements(nodes.iter().map(String::as_str));
    out.close("}, {");
    out.indent_to(2);
    let leaf = |&row: &u32| match plan.leaf_is_weight {
        true => literal(plan.rows.weights[row as usize]),
        false => (row as usize * plan.rows.targets).to_string(),
    };
    let leaves: Vec<String> = tree.leaves.iter().map(leaf).collect();
    out.elements(leaves.iter().map(String::as_str));
    out.close("}},");
}

/// One level down, for one lane.
fn down(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let (name, Part { lower, upper, suffix, .. }) = (&context.prefix.lower, part);
    let ty = number(plan.format);
    let (load, bytes) = match plan.format {
        Format::Word => ("u64", 8),
        Format::Half => ("u32", 4),
    };
    out.comment(&[
        "One level down, without a branch: the sign of at_most - x, what lies below them not \
         counting, is 1 for \"no\"."
            .to_owned(),
        "In the kernel by instructions, since clang would mix the steps of many lanes and \
         exceed the stack. The verifier knows the place of x by its mask, and that of the node \
         by the sum of what was added."
            .to_owned(),
    ]);
    out.line(&format!("static __always_inline const {ty} *"));
    let open = format!("{lower}_down(");
    out.line(&format!("{open}const struct {name}_scratch *s, const {ty} *at,"));
    out.line(&format!("{}const __u32 level)", align(&open)));
    out.open("{");
    out.line("#ifdef __bpf__");
    out.line(&format!("const void *features = s->x{suffix};"));
    out.line("__u64 test, x;");
    out.line("");
    out.open("__asm__ volatile(");
    for instruction in [
        format!("%[test] = *({load} *)(%[at] + %[nodes])"),
        "%[x] = %[test]".to_owned(),
        "%[x] &= %[mask]".to_owned(),
        "%[x] += %[features]".to_owned(),
        format!("%[x] = *({load} *)(%[x] + 0)"),
        "%[test] -= %[x]".to_owned(),
        "%[test] >>= 63".to_owned(),
        "%[test] <<= %[shift]".to_owned(),
        "%[at] += %[test]".to_owned(),
    ] {
        out.line(&format!("\"{instruction}\\n\""));
    }
    out.line(": [at] \"+r\"(at), [test] \"=&r\"(test), [x] \"=&r\"(x)");
    out.line(&format!(": [features] \"r\"(features), [mask] \"i\"({upper}_X),"));
    out.line(&format!("  [nodes] \"i\"({bytes} * ((1 << level) - 1)),"));
    out.line(&format!("  [shift] \"i\"({} + level)", u32::ilog2(bytes)));
    out.line(": \"memory\");");
    out.indent_to(1);
    out.line("return at;");
    out.line("#else");
    out.line(&format!("const {ty} test = at[(1U << level) - 1];"));
    out.line(&format!("const {ty} x = s->x{suffix}[(test & {upper}_X) / {bytes}];"));
    out.line("");
    out.line("return at + ((((__u64)test - x) >> 63) << level);");
    out.line("#endif");
    out.close("}");
    out.line("");
}

/// The walk of one group of lanes.
fn walk(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan, run: &Run) {
    let (name, Part { lower, upper, .. }) = (&context.prefix.lower, part);
    let Run { levels, lanes, .. } = *run;
    let targets = plan.rows.targets;
    let ty = number(plan.format);
    out.comment(&[format!("Walks {lanes} trees at once, {levels} levels down.")]);
    out.line("static __always_inline void");
    let open = format!("{lower}_walk_{levels}(");
    out.line(&format!("{open}struct {name}_scratch *s,"));
    out.line(&format!("{}const struct {lower}_tree_{levels} *tree)", align(&open)));
    out.open("{");
    for lane in 0..lanes {
        out.line(&format!("const {ty} *at{lane} = tree[{lane}].node;"));
    }
    if targets > 1 {
        for lane in 0..lanes {
            out.line(&format!("const __s64 *row{lane};"));
        }
        out.line("__u32 i;");
    }
    out.line("__u32 level;");
    out.line("");
    out.line(&format!("{upper}_UNROLL"));
    out.open(&format!("for (level = 0; level < {levels}; level++) {{"));
    for lane in 0..lanes {
        out.line(&format!("at{lane} = {lower}_down(s, at{lane}, level);"));
    }
    out.close("}");
    sum(out, part, plan, run);
    out.close("}");
    out.line("");
}

/// Adds the leaves of a group.
fn sum(out: &mut Writer, part: &Part<'_>, plan: &Plan, run: &Run) {
    let Part { lower, upper, sum, .. } = part;
    let (lanes, targets, behind) = (run.lanes, plan.rows.targets, (1_u32 << run.levels) - 1);
    let row = |lane| format!("{lower}_weights + (at{lane}[{behind}] & {upper}_WEIGHTS_MASK)");
    let end = |lane| if lane + 1 == lanes { ";" } else { " +" };
    if targets > 1 {
        for lane in 0..lanes {
            out.wrapped(&[format!("row{lane} ="), row(lane) + ";"]);
        }
        out.open(&format!("for (i = 0; i < {targets}; i++)"));
        let mut pieces = vec![format!("s->{sum}[i] +=")];
        pieces.extend((0..lanes).map(|lane| format!("row{lane}[i]{}", end(lane))));
        out.wrapped(&pieces);
        out.indent_to(1);
        return;
    }
    let mut pieces = vec![format!("s->{sum}[0] +=")];
    for lane in 0..lanes {
        if plan.leaf_is_weight {
            pieces.push(format!("(__s64)at{lane}[{behind}]{}", end(lane)));
        } else {
            pieces.push(format!("*({lower}_weights +"));
            let place = format!("(at{lane}[{behind}] & {upper}_WEIGHTS_MASK))");
            pieces.push(place + end(lane));
        }
    }
    out.wrapped(&pieces);
}

/// The function that adds all trees.
fn add(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let lower = &part.lower;
    out.comment(&["Copies the features, then walks all groups.".to_owned()]);
    begin_part(out, context, part);
    let is_repeated = |run: &Run| run.trees.len() > run.lanes;
    if plan.runs.iter().any(is_repeated) {
        out.line("__u32 i;");
        out.line("");
    }
    if plan.slots.slots.is_empty() {
        // A padded test reads it.
        out.line(&format!("s->x{}[0] = 0;", part.suffix));
    }
    slots::fill(out, context, part, &plan.slots, number(plan.format), 0, plan.place_bits);
    for run in &plan.runs {
        let Run { levels, lanes, .. } = *run;
        let label = format!("done_{levels}");
        let label = plan.kernel_counts.then_some(label.as_str());
        rounds::groups(out, context, part, run.trees.len() / lanes, label, |out, i| {
            let tree = format!("{lower}_trees_{levels}");
            let tree = i.map_or(tree.clone(), |i| format!("{tree} + {lanes} * {i}"));
            out.wrapped(&[format!("{lower}_walk_{levels}(s,"), format!("{tree});")]);
        });
    }
    out.close("}");
    out.line("");
}
