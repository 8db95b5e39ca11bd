//! Circles of imports: modules of which each reaches every other by imports.
//!
//! A parent and its child may name each other: the parent declares the child,
//! and the child is part of the parent.

use std::collections::BTreeMap;

use petgraph::algo::{greedy_feedback_arc_set, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::stable_graph::StableDiGraph;
use petgraph::visit::EdgeRef;

use super::modules::Modules;

/// Modules that import each other in a circle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    /// Paths of the modules, sorted.
    pub(super) modules: Vec<String>,
    /// Imports without which there would be no circle, as `from -> to`. Found
    /// greedily: fewer may do.
    pub(super) back: Vec<String>,
}

/// The circles of a crate, the largest first.
pub(super) fn circles(modules: &Modules) -> Vec<Circle> {
    let graph = graph(modules);
    let mut circles: Vec<Circle> = tarjan_scc(&graph)
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|members| circle(&graph, &members))
        .collect();
    circles.sort_by(|a, b| b.modules.len().cmp(&a.modules.len()).then(a.modules.cmp(&b.modules)));
    circles
}

fn graph(modules: &Modules) -> DiGraph<String, ()> {
    let mut graph = DiGraph::new();
    let nodes: BTreeMap<_, NodeIndex> =
        modules.iter().map(|(path, _)| (path.clone(), graph.add_node(name(path)))).collect();
    for (from, &node) in &nodes {
        for to in modules.imports(from) {
            if !is_parent(from, &to) && !is_parent(&to, from) {
                graph.add_edge(node, nodes[&to], ());
            }
        }
    }
    graph
}

fn is_parent(parent: &[String], child: &[String]) -> bool {
    child.len() == parent.len() + 1 && child.starts_with(parent)
}

fn name(path: &[String]) -> String {
    if path.is_empty() { "crate".to_owned() } else { path.join("::") }
}

fn circle(graph: &DiGraph<String, ()>, members: &[NodeIndex]) -> Circle {
    let mut part: StableDiGraph<String, ()> = graph.clone().into();
    part.retain_nodes(|_, node| members.contains(&node));
    let mut back: Vec<String> = greedy_feedback_arc_set(&part)
        .map(|edge| format!("{} -> {}", part[edge.source()], part[edge.target()]))
        .collect();
    back.sort();
    let mut modules: Vec<String> = members.iter().map(|&member| graph[member].clone()).collect();
    modules.sort();
    Circle { modules, back }
}
