//! Checks of the graph as a whole: names, order, operator sets.
//!
//! What must hold afterwards, unless an error was reported: every name is
//! defined once, every operand before its user, every operator is known.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use skxc_diagnostics::Diagnostic;
use skxc_diagnostics::codes::{
    DUPLICATE_NAME, GRAPH_CYCLE, OPSET, UNDEFINED_NAME, UNKNOWN_OPERATOR, UNSUPPORTED_PART,
};

use crate::limits::{ML_OPSET_MAX, OPSET_MAX};
use crate::listing::{Listing, Span, counted, domain_name, operator_name, short};
use crate::ops::{self, Operator};
use crate::proto::{GraphProto, ModelProto, ValueInfoProto};
use crate::report::Report;

/// A graph whose parts are known.
pub(crate) struct Graph<'a> {
    /// The graph itself.
    pub(crate) proto: &'a GraphProto,
    /// The inputs that are not initializers, with their positions.
    pub(crate) inputs: Vec<(usize, &'a ValueInfoProto)>,
    /// What each node does, and in which version of its operator set.
    pub(crate) operators: Vec<Option<(&'static Operator, u32)>>,
    /// The nodes, operands before users. Those on a cycle are missing.
    pub(crate) order: Vec<usize>,
    /// The version of each imported domain that is known.
    pub(crate) opsets: HashMap<String, u32>,
    /// Size of the file, by which what the nodes may make goes.
    pub(crate) file_bytes: usize,
}

/// What helps where the graph is not one.
const EXPORT: &str = "export the model again; `onnx.checker.check_model` tells more";
const MAKERS: &str = "a value is an input of the graph, an initializer, or made by a node";

/// Who makes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Input(usize),
    Initializer(usize),
    Node(usize, usize),
}

/// Checks `graph` and orders its nodes.
pub(crate) fn check<'a>(
    model: &ModelProto,
    graph: &'a GraphProto,
    file_bytes: usize,
    listing: &Listing,
    report: &mut Report,
) -> Graph<'a> {
    refuse_parts(model, graph, report);
    let opsets = read_opsets(model, listing, report);
    let operators = find_operators(graph, &opsets, listing, report);
    let makers = define_names(graph, listing, report);
    let order = order_nodes(graph, &makers, listing, report);
    check_outputs(graph, &makers, listing, report);
    let inputs = graph.input.iter().enumerate();
    let inputs = inputs
        .filter(|&(index, input)| makers.get(input.name.as_str()) == Some(&Maker::Input(index)));
    let opsets = opsets.into_iter().map(|(domain, version)| (domain.to_owned(), version));
    let opsets = opsets.collect();
    Graph { proto: graph, inputs: inputs.collect(), operators, order, opsets, file_bytes }
}

fn refuse_parts(model: &ModelProto, graph: &GraphProto, report: &mut Report) {
    let parts = [
        (model.training_info.len(), "training information", "export the model for inference"),
        (
            model.functions.len(),
            "functions of its own",
            "inline them: `onnx.inliner.inline_local_functions`",
        ),
        (graph.sparse_initializer.len(), "sparse tensors", "export with dense tensors"),
    ];
    for (count, what, help) in parts {
        if count > 0 {
            let message = format!("the model has {what} ({count})");
            report.add(Diagnostic::error(UNSUPPORTED_PART, message).help(help));
        }
    }
}

/// The version of each imported domain. A domain may be listed twice; the
/// highest version counts (onnx.proto3, `ModelProto.opset_import`).
fn read_opsets<'a>(
    model: &'a ModelProto,
    listing: &Listing,
    report: &mut Report,
) -> HashMap<&'a str, u32> {
    let mut opsets = HashMap::new();
    for (opset, span) in model.opset_import.iter().zip(&listing.opsets) {
        let domain = domain_name(&opset.domain);
        let most = match domain {
            "ai.onnx" => OPSET_MAX,
            "ai.onnx.ml" => ML_OPSET_MAX,
            _ => continue,
        };
        match u32::try_from(opset.version) {
            Ok(version) if (1..=most).contains(&version) => {
                let highest = opsets.entry(domain).or_insert(version);
                *highest = version.max(*highest);
            }
            _ => {
                let message = format!(
                    "operator set {} of `{domain}` is not known; known are 1 to {most}",
                    opset.version
                );
                let error = report.error(OPSET, message, span, "");
                report.add(
                    error
                        .note("a later operator set may give an operator another meaning")
                        .help(format!("export with `target_opset={{'': {OPSET_MAX}, 'ai.onnx.ml': {ML_OPSET_MAX}}}` or lower")),
                );
                // What its nodes mean is then a guess, and errors about them idle.
                opsets.entry(domain).or_insert(most);
            }
        }
    }
    opsets
}

fn find_operators(
    graph: &GraphProto,
    opsets: &HashMap<&str, u32>,
    listing: &Listing,
    report: &mut Report,
) -> Vec<Option<(&'static Operator, u32)>> {
    // Unknown operators by name: the first node and how many there are.
    let mut unknown: BTreeMap<(usize, &str, &str), usize> = BTreeMap::new();
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = Vec::with_capacity(graph.node.len());
    for (index, node) in graph.node.iter().enumerate() {
        let domain = domain_name(&node.domain);
        let operator = ops::find(domain, &node.op_type);
        let version = opsets.get(domain).copied();
        if operator.is_none() {
            let first = *first.entry((domain, &node.op_type)).or_insert(index);
            *unknown.entry((first, domain, &node.op_type)).or_default() += 1;
        } else if version.is_none() {
            let message = format!("the model imports no operator set of `{domain}`");
            let span = &listing.nodes[index].operator;
            let error = report.error(OPSET, message, span, "is of this domain");
            report.add(error.help("export the model again; `onnx.checker` shows the same"));
        }
        found.push(operator.zip(version));
    }
    for ((index, domain, name), count) in unknown {
        report.add(unknown_operator(domain, name, count, &listing.nodes[index].operator, report));
    }
    check_versions(graph, &mut found, listing, report);
    found
}

fn unknown_operator(
    domain: &str,
    name: &str,
    count: usize,
    span: &Span,
    report: &Report,
) -> Diagnostic {
    let qualified = operator_name(domain, name);
    let message = match domain {
        _ if name.is_empty() => "a node names no operator".to_owned(),
        "ai.onnx" | "ai.onnx.ml" => format!("operator `{qualified}` is not supported"),
        _ => format!("operator `{qualified}` is of a domain that skxc does not know"),
    };
    let label =
        if count > 1 { format!("and {} more", counted(count - 1, "node")) } else { String::new() };
    report
        .error(UNKNOWN_OPERATOR, message, span, &label)
        .help("`skxc explain SKX0101` lists the operators that are supported")
}

/// Drops, with an error, operators that their operator set does not have yet.
fn check_versions(
    graph: &GraphProto,
    found: &mut [Option<(&'static Operator, u32)>],
    listing: &Listing,
    report: &mut Report,
) {
    for (index, entry) in found.iter_mut().enumerate() {
        let Some((operator, version)) = *entry else { continue };
        if version < operator.since {
            let node = &graph.node[index];
            let message = format!(
                "operator `{}` came with operator set {}, but the model imports {version}",
                operator_name(&node.domain, &node.op_type),
                operator.since
            );
            report.add(report.error(OPSET, message, &listing.nodes[index].operator, ""));
            *entry = None;
        }
    }
}

/// Finds who makes each name, and reports names made twice.
fn define_names<'a>(
    graph: &'a GraphProto,
    listing: &Listing,
    report: &mut Report,
) -> HashMap<&'a str, Maker> {
    let mut makers: HashMap<&str, Maker> = HashMap::new();
    let span_of = |maker: Maker| match maker {
        Maker::Input(index) => &listing.inputs[index],
        Maker::Initializer(index) => &listing.initializers[index],
        Maker::Node(node, output) => &listing.nodes[node].outputs[output],
    };
    let initializers = graph.initializer.iter().enumerate();
    let initializers =
        initializers.map(|(i, tensor)| (tensor.name.as_str(), Maker::Initializer(i)));
    let inputs = graph.input.iter().enumerate();
    let inputs = inputs.map(|(i, input)| (input.name.as_str(), Maker::Input(i)));
    let nodes = graph.node.iter().enumerate().flat_map(|(node, proto)| {
        let outputs = proto.output.iter().enumerate();
        outputs.map(move |(output, name)| (name.as_str(), Maker::Node(node, output)))
    });
    // An output without a name is one that nobody wants (docs/IR.md).
    let nodes = nodes.filter(|(name, _)| !name.is_empty());
    for (name, maker) in initializers.chain(inputs).chain(nodes) {
        match makers.get(name) {
            None => {
                makers.insert(name, maker);
            }
            // An input may name an initializer, which is then its default.
            Some(Maker::Initializer(_)) if matches!(maker, Maker::Input(_)) => {}
            Some(&first) => {
                let message = format!("value `{}` is made twice", short(name));
                let error = report.error(DUPLICATE_NAME, message, span_of(maker), "again here");
                report.add(
                    error.see(listing.source, span_of(first).clone(), "first here").help(EXPORT),
                );
            }
        }
    }
    makers
}

/// Orders the nodes; ties go by position in the file (Kahn's algorithm).
fn order_nodes(
    graph: &GraphProto,
    makers: &HashMap<&str, Maker>,
    listing: &Listing,
    report: &mut Report,
) -> Vec<usize> {
    let count = graph.node.len();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut missing = vec![0usize; count];
    for (index, node) in graph.node.iter().enumerate() {
        for (position, name) in node.input.iter().enumerate() {
            match makers.get(name.as_str()) {
                Some(&Maker::Node(maker, _)) => {
                    users[maker].push(index);
                    missing[index] += 1;
                }
                Some(Maker::Input(_) | Maker::Initializer(_)) => {}
                // An input without a name is an optional one that is left out.
                None if name.is_empty() => {}
                None => {
                    let message = format!("value `{}` is used but nobody makes it", short(name));
                    let span = &listing.nodes[index].inputs[position];
                    let error = report.error(UNDEFINED_NAME, message, span, "used here");
                    report.add(error.note(MAKERS).help(EXPORT));
                }
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..count).filter(|&node| missing[node] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &user in &users[node] {
            missing[user] -= 1;
            if missing[user] == 0 {
                ready.push(Reverse(user));
            }
        }
    }
    if order.len() < count {
        report_cycle(graph, makers, &missing, listing, report);
    }
    order
}

/// Reports one cycle among the nodes that still miss an operand.
fn report_cycle(
    graph: &GraphProto,
    makers: &HashMap<&str, Maker>,
    missing: &[usize],
    listing: &Listing,
    report: &mut Report,
) {
    // From such a node, some operand is always made by another such node: who
    // walks there must come back to where they were.
    let stuck_operand = |node: usize| {
        let inputs = graph.node[node].input.iter().enumerate();
        inputs.filter_map(|(position, name)| match makers.get(name.as_str()) {
            Some(&Maker::Node(maker, _)) if missing[maker] > 0 => Some((position, maker)),
            _ => None,
        })
    };
    let Some(start) = missing.iter().position(|&count| count > 0) else { return };
    let mut seen = vec![false; missing.len()];
    let mut node = start;
    while !seen[node] {
        seen[node] = true;
        let Some((_, maker)) = stuck_operand(node).next() else { return };
        node = maker;
    }
    let Some((position, _)) = stuck_operand(node).next() else { return };
    let span = &listing.nodes[node].inputs[position];
    let message = "the nodes of the graph form a cycle".to_owned();
    let error = report.error(GRAPH_CYCLE, message, span, "depends on the result of its own node");
    let why = "a graph of ONNX computes each value once, from values before it";
    report.add(error.note(why).help(EXPORT));
}

fn check_outputs(
    graph: &GraphProto,
    makers: &HashMap<&str, Maker>,
    listing: &Listing,
    report: &mut Report,
) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, output) in graph.output.iter().enumerate() {
        let (name, span) = (output.name.as_str(), &listing.outputs[index]);
        if let Some(&first) = seen.get(name) {
            let message = format!("two outputs of the graph are called `{}`", short(name));
            let error = report.error(DUPLICATE_NAME, message, span, "again here");
            report.add(
                error
                    .see(listing.source, listing.outputs[first].clone(), "first here")
                    .help(EXPORT),
            );
        }
        seen.entry(name).or_insert(index);
        if !makers.contains_key(name) {
            let message = format!("output `{}` is made by nobody", short(name));
            report.add(report.error(UNDEFINED_NAME, message, span, "").note(MAKERS).help(EXPORT));
        }
    }
}
