//! Branch code as C ([`skxc_lowering::branch`]).
//!
//! Every path ends in a `return`, so that no `else` is needed: the smaller side
//! of a test is nested, the larger one follows behind it. What would be nested
//! too deep, or is reached from several places, stands behind a label.

use std::collections::HashMap;

use skxc_ir::{IntTest, NodeId};
use skxc_lowering::branch::{Plan, leaf_row};

use crate::context::{Context, Part};
use crate::part::{begin_part, join};
use crate::scratch::Member;
use skxc_backend_common::writer::{Writer, literal};

/// Tabs of a nested block, beyond which it gets a label: 80 columns remain readable.
const TABS_MAX: usize = 4;

/// Members of the scratch beside the sums.
pub(crate) fn scratch(part: &Part<'_>, plan: &Plan) -> Vec<Member> {
    let suffix = &part.suffix;
    if plan.returns_weight() { Vec::new() } else { vec![Member::number(8, format!("row{suffix}"))] }
}

/// Functions of one part.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    if !plan.returns_weight() {
        weights(out, context, part, plan);
    }
    if !plan.functions.is_empty() {
        linkage(out, part, plan);
    }
    // Children follow their parents: what is called stands before its call.
    for &root in plan.functions.iter().rev() {
        Tree::new(context, part, plan, root).emit_function(out);
    }
    for (&tree, &root) in part.trees.positions.iter().zip(&plan.roots) {
        Tree::new(context, part, plan, root).emit(out, tree);
    }
    trees(out, context, part, plan);
}

/// What stands before the functions of subtrees.
fn linkage(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let upper = &part.upper;
    out.comment(&[match plan.global {
        true => {
            "Subtrees of large trees. Verifier: it follows a global function once, by itself, \
                 with any features; what it returns is any number."
        }
        false => "Subtrees of large trees.",
    }
    .to_owned()]);
    if plan.global {
        out.line("#ifdef __bpf__");
        out.line(&format!("#define {upper}_SUBTREE __attribute__((noinline))"));
        out.line("#else");
        out.line(&format!("#define {upper}_SUBTREE static"));
        out.line("#endif");
    } else {
        out.line(&format!("#define {upper}_SUBTREE static __attribute__((noinline))"));
    }
    out.line("");
}

/// The table that the trees point into where a leaf adds to several sums.
fn weights(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let (lower, upper) = (&part.lower, &part.upper);
    let elem = context.module.ty(part.value).elem;
    let targets = plan.rows.targets;
    let starts = (plan.rows.len() - 1) * targets;
    let mask = (starts + 1).next_power_of_two() - 1;
    out.comment(&[format!(
        "What leaves add, {elem}: {} distinct rows of {targets}. Zeros behind them: a mask keeps \
         every row inside.",
        plan.rows.len()
    )]);
    out.line(&format!("#define {upper}_WEIGHTS {}", mask + targets));
    out.line(&format!("#define {upper}_WEIGHTS_MASK {mask:#x}"));
    out.line("");
    out.open(&format!("static const __s64 {lower}_weights[{upper}_WEIGHTS] = {{"));
    let entries: Vec<String> = plan.rows.weights.iter().map(|&weight| literal(weight)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// One tree while it is printed.
struct Tree<'a> {
    context: &'a Context<'a>,
    part: &'a Part<'a>,
    plan: &'a Plan,
    root: NodeId,
    /// Branches that several paths lead to, and whether they are printed.
    shared: HashMap<NodeId, bool>,
    nodes: usize,
    /// Blocks behind labels, to be printed at the end.
    behind: Vec<NodeId>,
}

impl<'a> Tree<'a> {
    fn new(context: &'a Context<'a>, part: &'a Part<'a>, plan: &'a Plan, root: NodeId) -> Self {
        let mut paths: HashMap<NodeId, u32> = HashMap::new();
        let mut pending = vec![root];
        while let Some(id) = pending.pop() {
            let count = paths.entry(id).or_insert(0);
            *count += 1;
            if let (1, Some((_, yes, no))) = (*count, branch(part, plan, root, id)) {
                pending.extend([no, yes]);
            }
        }
        let is_branch = |id: NodeId| branch(part, plan, root, id).is_some();
        let nodes = paths.len();
        let shared = paths.into_iter().filter(|&(id, count)| count > 1 && is_branch(id));
        let shared = shared.map(|(id, _)| (id, false)).collect();
        Self { context, part, plan, root, shared, nodes, behind: Vec::new() }
    }

    fn emit(self, out: &mut Writer, tree: u32) {
        let name = &self.context.prefix.lower;
        let lower = &self.part.lower;
        let origin = self.context.onnx(self.part.trees.forest.nodes[self.root as usize].origin());
        let what = match self.plan.returns_weight() {
            true => "what it adds to the sum",
            false => "where its row of weights begins",
        };
        out.comment(&[
            format!("Tree {tree}, {} nodes: {what}.", self.nodes),
            format!("Behind a test: its place in {origin}."),
        ]);
        let ty = if self.plan.returns_weight() { "__s64" } else { "__u32" };
        out.line(&format!("static __always_inline {ty}"));
        out.line(&format!("{lower}_tree_{tree}(const struct {name}_features *f)"));
        out.open("{");
        if self.branch(self.root).is_none() {
            out.line("(void)f;");
        }
        self.body(out);
    }

    /// A subtree that is called.
    fn emit_function(self, out: &mut Writer) {
        let (name, lower, upper) = (&self.context.prefix.lower, &self.part.lower, &self.part.upper);
        let ty = if self.plan.returns_weight() { "__s64" } else { "__u32" };
        out.comment(&[format!("{} nodes.", self.nodes)]);
        out.line(&format!("{upper}_SUBTREE {ty}"));
        out.line(&format!("{lower}_below_{}(const struct {name}_features *f)", self.root));
        out.open("{");
        if self.plan.global {
            out.comment(&["Verifier: any pointer may be null to a global function.".to_owned()]);
            out.line("if (!f)");
            out.line("\treturn 0;");
        }
        self.body(out);
    }

    /// What leads on from a node; none if it is a leaf or a call.
    fn branch(&self, id: NodeId) -> Option<(IntTest, NodeId, NodeId)> {
        branch(self.part, self.plan, self.root, id)
    }

    /// All blocks, and the end of the function.
    fn body(mut self, out: &mut Writer) {
        self.block(out, self.root);
        while let Some(id) = self.behind.pop() {
            if self.shared.get(&id) == Some(&true) {
                continue;
            }
            out.indent_to(0);
            out.line(&format!("node_{id}:"));
            out.indent_to(1);
            self.shared.insert(id, true);
            self.block(out, id);
        }
        out.indent_to(0);
        out.line("}");
        out.line("");
    }

    /// Prints a subtree at one tab. Blocks that stay open are on a list of
    /// their own: the way of a tree may be as long as it has nodes.
    fn block(&mut self, out: &mut Writer, root: NodeId) {
        let mut open: Vec<NodeId> = Vec::new();
        let mut next = Some((root, true));
        while let Some((id, here)) = next.take() {
            let tabs = 1 + open.len();
            out.indent_to(tabs);
            match self.branch(id) {
                Some((test, yes, no)) if here || !self.goes_elsewhere(out, id) => {
                    let yes_first = self.plan.sizes[yes as usize] <= self.plan.sizes[no as usize];
                    let (first, then) = if yes_first { (yes, no) } else { (no, yes) };
                    let nests = self.nests(first, tabs);
                    self.test(out, id, test, yes_first, nests);
                    if nests {
                        open.push(then);
                        next = Some((first, false));
                        continue;
                    }
                    if self.branch(first).is_none() {
                        out.line(&format!("\t{}", self.leaf(first)));
                    } else {
                        out.line(&format!("\tgoto node_{first};"));
                        self.shared.entry(first).or_insert(false);
                        self.behind.push(first);
                    }
                    next = Some((then, false));
                }
                branch => {
                    if branch.is_none() {
                        out.line(&self.leaf(id));
                    }
                    if let Some(then) = open.pop() {
                        out.indent_to(1 + open.len());
                        out.line("}");
                        next = Some((then, false));
                    }
                }
            }
        }
    }

    /// Leaves for a node that has a label; true if nothing is left to print here.
    fn goes_elsewhere(&mut self, out: &mut Writer, id: NodeId) -> bool {
        if !self.shared.contains_key(&id) {
            return false;
        }
        out.line(&format!("goto node_{id};"));
        self.behind.push(id);
        true
    }

    /// Is this branch printed within a block of its own, below so many tabs?
    fn nests(&self, id: NodeId, tabs: usize) -> bool {
        let is_branch = self.branch(id).is_some();
        is_branch && tabs < TABS_MAX && !self.shared.contains_key(&id)
    }

    /// The `if` of a branch, with its place in the model behind or, where that
    /// would be too long, before it.
    fn test(&self, out: &mut Writer, id: NodeId, test: IntTest, holds: bool, brace: bool) {
        let x = self.context.element(self.part.trees.features[test.feature as usize]);
        let relation = if holds { "<=" } else { ">" };
        let brace = if brace { " {" } else { "" };
        let node = &self.part.trees.forest.nodes[id as usize];
        let places = self.context.module.origins.places(node.origin(), 2);
        let place = places.first().and_then(|place| place.tree_node);
        let more = if places.len() > 1 { "+" } else { "" };
        let place = place.map(|(tree, id)| format!("/* {tree}.{id}{more} */"));
        let condition = format!("{x} {relation} {}", literal(test.at_most));
        // What the rows of a profile mostly do falls through.
        let condition = match self.plan.likely.get(id as usize).copied().flatten() {
            None => condition,
            Some(yes) => format!("__builtin_expect({condition}, {})", u32::from(yes == holds)),
        };
        let condition = format!("if ({condition}){brace}");
        match place {
            None => out.line(&condition),
            Some(place) if out.fits(&condition, &place) => {
                out.line(&format!("{condition} {place}"));
            }
            Some(place) => out.lines(&format!("{place}\n{condition}")),
        }
    }

    fn leaf(&self, id: NodeId) -> String {
        if self.part.trees.branch(id).is_some() {
            return format!("return {}_below_{id}(f);", self.part.lower);
        }
        let (row, weights) = leaf_row(self.plan, &self.part.trees, id);
        match self.plan.returns_weight() {
            true => {
                let real = self.context.real(self.part.value, weights[0].into());
                format!("return {}; /* {real} */", literal(weights[0]))
            }
            false => format!("return {};", row as usize * self.plan.rows.targets),
        }
    }
}

/// What leads on from a node within the function of `root`.
fn branch(
    part: &Part<'_>,
    plan: &Plan,
    root: NodeId,
    id: NodeId,
) -> Option<(IntTest, NodeId, NodeId)> {
    let is_call = id != root && plan.functions.binary_search(&id).is_ok();
    if is_call { None } else { part.trees.branch(id) }
}

/// The function that adds all trees.
fn trees(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let Part { lower, upper, sum, suffix, .. } = part;
    let name = &context.prefix.lower;
    let targets = plan.rows.targets;
    if !plan.returns_weight() {
        out.comment(&["Adds the row that a tree has found.".to_owned()]);
        out.line("static __always_inline void");
        out.line(&format!("{lower}_add_row(struct {name}_scratch *s)"));
        out.open("{");
        out.line("const __s64 *row;");
        out.line("__u32 i;");
        out.line("");
        out.comment(&[
            "Verifier: read back from the map, the place is any number; else each leaf would be \
             a path of its own."
                .to_owned(),
        ]);
        out.line(&format!("{name}_forget(s);"));
        out.line(&format!("row = {lower}_weights + (s->row{suffix} & {upper}_WEIGHTS_MASK);"));
        out.open(&format!("for (i = 0; i < {targets}; i++)"));
        out.line(&format!("s->{sum}[i] += row[i];"));
        out.indent_to(0);
        out.line("}");
        out.line("");
    }
    out.comment(&[
        "Verifier: between two trees it forgets the sum and the ranges of the features, so \
                   that the paths of one tree do not multiply with those of the next."
            .to_owned(),
    ]);
    begin_part(out, context, part);
    out.line(&format!("{name}_forget(f);"));
    for tree in &part.trees.positions {
        match plan.returns_weight() {
            true => out.line(&format!("s->{sum}[0] += {lower}_tree_{tree}(f);")),
            false => {
                out.line(&format!("s->row{suffix} = {lower}_tree_{tree}(f);"));
                out.line(&format!("{lower}_add_row(s);"));
            }
        }
        out.line(&format!("{name}_forget(f);"));
        join(out, context, "s");
    }
    out.close("}");
    out.line("");
}
