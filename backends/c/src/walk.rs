//! The table walk as C ([`skxc_lowering::walk`]).

use skxc_lowering::walk::{Format, Node, Plan, Run};

use crate::context::{Context, Part};
use crate::part::{align, begin_part};
use crate::scratch::Member;
use crate::{rounds, slots};
use skxc_backend_common::writer::{Writer, literal};

/// Members of the scratch beside the sums.
pub(crate) fn scratch(part: &Part<'_>, plan: &Plan) -> Vec<Member> {
    let bytes = plan.format.feature_bytes() as u32;
    let x = Member::array(bytes, format!("x{}", part.suffix), plan.slot_entries);
    let counter = plan.kernel_counts.then(|| rounds::scratch(part));
    counter.into_iter().chain([x]).collect()
}

/// Type of a feature.
fn number(format: Format) -> &'static str {
    match format {
        Format::Narrow => "__u32",
        Format::Wide => "__u64",
    }
}

/// Tables and functions of one part.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    if slots::is_searched(&plan.slots) {
        slots::unroll(out, part);
    }
    slots::tables(out, context, part, &plan.slots);
    if plan.kernel_counts {
        rounds::define(out, part);
    }
    nodes(out, part, plan);
    weights(out, context, part, plan);
    roots(out, part, plan);
    step(out, context, part, plan);
    row(out, part);
    group(out, context, part, plan);
    trees(out, context, part, plan);
}

fn nodes(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let (lower, upper) = (&part.lower, &part.upper);
    let bytes = plan.format.node_bytes();
    let about = vec![
        format!(
            "A test `x <= at_most` of a tree. Its two children are adjacent, \"yes\" first, at \
             byte offset {} of the table.",
            match plan.format {
                Format::Narrow => "link & 0xffffff; link >> 24 is the slot of x",
                Format::Wide => "children",
            }
        ),
        "A leaf is its own child: it reads slot 0, which is 0, and at_most is where its row \
         of weights begins."
            .to_owned(),
    ];
    out.comment(&about);
    out.open(&format!("struct {lower}_node {{"));
    match plan.format {
        Format::Narrow => out.lines("__u32 at_most;\n__u32 link;"),
        Format::Wide => out.lines("__u64 at_most;\n__u32 children;\n__u32 slot;"),
    }
    out.close("};");
    out.line("");
    out.comment(&["A power of two: a mask keeps every offset inside.".to_owned()]);
    out.line(&format!("#define {upper}_NODES {}", plan.node_entries));
    let mask = plan.node_entries * bytes - bytes;
    out.line(&format!("#define {upper}_NODES_MASK {mask:#x}"));
    out.line("");
    out.open(&format!("static const struct {lower}_node {lower}_nodes[{upper}_NODES] = {{"));
    let entry = |node: &Node| {
        let children = node.children as usize * bytes;
        match plan.format {
            Format::Narrow => {
                format!("{{{},{:#x}}}", node.at_most, (node.slot as usize) << 24 | children)
            }
            Format::Wide => format!("{{{},{children:#x},{}}}", node.at_most, node.slot),
        }
    };
    let entries: Vec<String> = plan.nodes.iter().map(entry).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

fn weights(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let (lower, upper) = (&part.lower, &part.upper);
    let elem = context.module.ty(part.value).elem;
    out.comment(&[format!(
        "What leaves add, {elem}: {} distinct rows of {}.",
        plan.rows.len(),
        plan.rows.targets
    )]);
    out.line(&format!("#define {upper}_WEIGHTS {}", plan.weight_entries));
    out.line(&format!("#define {upper}_WEIGHTS_MASK {:#x}", plan.weight_mask()));
    out.line("");
    out.open(&format!("static const __s64 {lower}_weights[{upper}_WEIGHTS] = {{"));
    let entries: Vec<String> = plan.rows.weights.iter().map(|&weight| literal(weight)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

fn roots(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let lower = &part.lower;
    let bytes = plan.format.node_bytes();
    out.comment(&[format!(
        "Byte offsets of the roots, deepest trees first, {} to a group.",
        plan.lanes
    )]);
    out.open(&format!("static const __u32 {lower}_roots[{}] = {{", plan.roots.len()));
    let entries: Vec<String> =
        plan.roots.iter().map(|&root| format!("{:#x}", root as usize * bytes)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// One level down, for one lane.
fn step(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let Part { lower, upper, suffix, .. } = part;
    let name = &context.prefix.lower;
    out.line(&format!("static __always_inline const struct {lower}_node *"));
    out.line(&format!("{lower}_node_at(__u64 at)"));
    out.open("{");
    out.line(&format!("return (const void *)((const char *){lower}_nodes + at);"));
    out.close("}");
    out.line("");
    out.comment(&[
        format!(
            "One level down, without a branch: the sign of at_most - x adds {} if x is greater, \
             and the mask leaves {} of them, the size of a node.",
            past(plan.format),
            plan.format.node_bytes()
        ),
        "In the kernel by instructions, since clang would spill more than it computes where many \
         lanes walk."
            .to_owned(),
    ]);
    out.line("static __always_inline __u64");
    out.line(&format!("{lower}_step(const struct {name}_scratch *s, __u64 at)"));
    out.open("{");
    out.line("#ifdef __bpf__");
    out.line(&format!("const void *nodes = {lower}_nodes;"));
    out.line(&format!("const void *features = s->x{suffix};"));
    out.line("__u64 d, x;");
    out.line("");
    out.open("__asm__ volatile(");
    for instruction in instructions(plan) {
        out.line(&format!("\"{instruction}\\n\""));
    }
    out.line(": [at] \"+r\"(at), [d] \"=&r\"(d), [x] \"=&r\"(x)");
    out.line(": [nodes] \"r\"(nodes), [features] \"r\"(features),");
    out.line(&format!("  [mask] \"i\"({upper}_NODES_MASK)"));
    out.line(": \"memory\");");
    out.indent_to(1);
    out.line("return at;");
    out.line("#else");
    user_space_step(out, part, plan);
    out.line("#endif");
    out.close("}");
    out.line("");
}

/// Bits that a sign shifts in: all of them below the size of two nodes.
fn past(format: Format) -> usize {
    2 * format.node_bytes() - 1
}

/// Right shift that leaves [`past`] of a negative difference.
fn shift(format: Format) -> u32 {
    past(format).leading_zeros() - (usize::BITS - u64::BITS)
}

/// A step as BPF instructions. What must hold for the verifier: `at` is masked
/// behind every step, and the slot cannot leave the array of features.
fn instructions(plan: &Plan) -> Vec<String> {
    let load: &[&str] = match plan.format {
        Format::Narrow => &[
            "%[d] = *(u32 *)(%[at] + 0)",
            "%[at] = *(u32 *)(%[at] + 4)",
            "%[x] = %[at]",
            "%[x] >>= 24",
            "%[x] <<= 2",
            "%[x] += %[features]",
            "%[x] = *(u32 *)(%[x] + 0)",
        ],
        Format::Wide => &[
            "%[d] = *(u64 *)(%[at] + 0)",
            "%[x] = *(u32 *)(%[at] + 12)",
            "%[at] = *(u32 *)(%[at] + 8)",
            "%[x] &= SLOTS",
            "%[x] <<= 3",
            "%[x] += %[features]",
            "%[x] = *(u64 *)(%[x] + 0)",
        ],
    };
    let slots = (plan.slot_entries - 1).to_string();
    let mut all = vec!["%[at] += %[nodes]".to_owned()];
    all.extend(load.iter().map(|instruction| instruction.replace("SLOTS", &slots)));
    all.push("%[d] -= %[x]".to_owned());
    all.push(format!("%[d] >>= {}", shift(plan.format)));
    all.extend(["%[at] += %[d]".to_owned(), "%[at] &= %[mask]".to_owned()]);
    all
}

/// The same step in C.
fn user_space_step(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let Part { lower, upper, suffix, .. } = part;
    let shift = shift(plan.format);
    out.line(&format!("const struct {lower}_node *node = {lower}_node_at(at);"));
    match plan.format {
        Format::Narrow => {
            out.line("__s64 d = (__s64)node->at_most -");
            out.line(&format!("\t  (__s64)s->x{suffix}[node->link >> 24];"));
            out.line("");
            out.line(&format!("return (node->link + ((__u64)d >> {shift})) & {upper}_NODES_MASK;"));
        }
        Format::Wide => {
            let slots = plan.slot_entries - 1;
            out.line(&format!("__u64 d = node->at_most - s->x{suffix}[node->slot & {slots:#x}];"));
            out.line("");
            out.line(&format!("return (node->children + (d >> {shift})) & {upper}_NODES_MASK;"));
        }
    }
}

/// The row of a leaf.
fn row(out: &mut Writer, part: &Part<'_>) {
    let Part { lower, upper, .. } = part;
    let at_most = format!("{lower}_node_at(at)->at_most");
    out.comment(&["The weights of the leaf that a lane has reached.".to_owned()]);
    out.line("static __always_inline const __s64 *");
    out.line(&format!("{lower}_row(__u64 at)"));
    out.open("{");
    out.wrapped(&[
        format!("return {lower}_weights +"),
        format!("({at_most} &"),
        format!("{upper}_WEIGHTS_MASK);"),
    ]);
    out.close("}");
    out.line("");
}

/// The walk of one group of lanes, until all are at a leaf.
fn group(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let (name, Part { lower, upper, .. }) = (&context.prefix.lower, part);
    let lanes = plan.lanes;
    out.comment(&[match plan.kernel_counts {
        true => format!(
            "Walks {lanes} trees at once, until all are at a leaf; checked every `levels` steps."
        ),
        false => format!(
            "Walks {lanes} trees at once, until all are at a leaf; checked every `levels` steps, \
             at most `checks` times."
        ),
    }]);
    out.line("static __always_inline void");
    let open = format!("{lower}_walk(");
    let align = align(&open);
    out.line(&format!("{open}struct {name}_scratch *s, const __u32 *root,"));
    match plan.kernel_counts {
        true => out.line(&format!("{align}const __u32 levels)")),
        false => out.line(&format!("{align}const __u32 checks, const __u32 levels)")),
    }
    out.open("{");
    for lane in 0..lanes {
        out.line(&format!("__u64 at{lane} = root[{lane}] & {upper}_NODES_MASK;"));
    }
    for lane in 0..lanes {
        if plan.rows.targets > 1 {
            out.line(&format!("const __s64 *row{lane};"));
        }
    }
    out.line("__u64 before, moved;");
    out.line("__u32 i;");
    if plan.kernel_counts {
        out.line("");
        out.open("for (;;) {");
        out.line(&format!("{lower}_may_goto(done);"));
    } else {
        out.line("__u32 check;");
        out.line("");
        out.open("for (check = 0; check < checks; check++) {");
    }
    until(out, part, name, lanes);
    out.close("}");
    if plan.kernel_counts {
        out.line("done:");
    }
    sum(out, part, plan);
    out.close("}");
    out.line("");
}

/// Some steps of all lanes, and a look at whether the last moved one.
fn until(out: &mut Writer, part: &Part<'_>, name: &str, lanes: usize) {
    let lower = &part.lower;
    out.open("for (i = 1; i < levels; i++) {");
    for lane in 0..lanes {
        out.line(&format!("at{lane} = {lower}_step(s, at{lane});"));
    }
    out.close("}");
    out.line("moved = 0;");
    for lane in 0..lanes {
        out.line(&format!("before = at{lane};"));
        out.line(&format!("at{lane} = {lower}_step(s, at{lane});"));
        out.line(&format!("moved |= at{lane} ^ before;"));
    }
    out.line(&format!("{name}_barrier(moved);"));
    out.line("if (!moved)");
    out.line("\tbreak;");
}

fn sum(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let Part { lower, sum, .. } = part;
    let targets = plan.rows.targets;
    if targets == 1 {
        let mut pieces = vec![format!("s->{sum}[0] +=")];
        pieces.extend((0..plan.lanes).map(|lane| {
            let end = if lane + 1 == plan.lanes { ";" } else { " +" };
            format!("*{lower}_row(at{lane}){end}")
        }));
        out.wrapped(&pieces);
        return;
    }
    for lane in 0..plan.lanes {
        out.line(&format!("row{lane} = {lower}_row(at{lane});"));
    }
    out.open(&format!("for (i = 0; i < {targets}; i++)"));
    let mut pieces = vec![format!("s->{sum}[i] +=")];
    pieces.extend((0..plan.lanes).map(|lane| {
        let end = if lane + 1 == plan.lanes { ";" } else { " +" };
        format!("row{lane}[i]{end}")
    }));
    out.wrapped(&pieces);
    out.indent_to(1);
}

/// The function that adds all trees.
fn trees(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let suffix = &part.suffix;
    out.comment(&["Copies the features, then walks all groups.".to_owned()]);
    begin_part(out, context, part);
    if plan.runs.iter().any(|run| run.groups > 1) {
        out.line("__u32 i;");
        out.line("");
    }
    out.line(&format!("s->x{suffix}[0] = 0;"));
    slots::fill(out, context, part, &plan.slots, number(plan.format), 1, 0);
    let mut first = 0;
    for run in &plan.runs {
        let label = plan.kernel_counts.then_some("done");
        rounds::groups(out, context, part, run.groups as usize, label, |out, i| {
            run_group(out, part, plan, run, first, i);
        });
        first += run.groups as usize * plan.lanes;
    }
    out.close("}");
    out.line("");
}

fn run_group(
    out: &mut Writer,
    part: &Part<'_>,
    plan: &Plan,
    run: &Run,
    first: usize,
    i: Option<&str>,
) {
    let lower = &part.lower;
    let mut root = format!("{lower}_roots");
    if first > 0 {
        root.push_str(&format!(" + {first}"));
    }
    if let Some(i) = i {
        root.push_str(&format!(" + {} * {i}", plan.lanes));
    }
    let arguments = match plan.kernel_counts {
        true => format!("{});", run.check_every),
        false => format!("{}, {});", run.levels.div_ceil(run.check_every), run.check_every),
    };
    out.wrapped(&[format!("{lower}_walk(s, {root},"), arguments]);
}
