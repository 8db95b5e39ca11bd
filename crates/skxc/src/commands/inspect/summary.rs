//! What a file holds, operator by operator, for people and for machines.

use std::io::{self, Write};

use serde_json::{Value, json};
use skxc_diagnostics::escape_to_one_line;
use skxc_frontend_onnx::{OperatorCount, Summary};

use crate::manifest::Manifest;

/// Classes that are listed.
const CLASSES_SHOWN_MAX: usize = 20;

/// Prints what the file holds, a line each.
pub(super) fn write(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let sets: Vec<String> = summary
        .operator_sets
        .iter()
        .map(|(domain, version)| format!("{domain} {version}"))
        .collect();
    writeln!(out, "model      ONNX IR {}, {}", summary.ir_version, sets.join(", "))?;
    if !summary.producer.is_empty() {
        writeln!(out, "producer   {}", summary.producer)?;
    }
    for tensor in summary.inputs.iter().flat_map(|inputs| &inputs.tensors) {
        let name = escape_to_one_line(&tensor.name);
        let width = tensor.width.map_or_else(|| "?".to_owned(), |width| width.to_string());
        writeln!(out, "input      {name}: {} x {width}", tensor.element)?;
    }
    for (name, ty) in &summary.outputs {
        writeln!(out, "output     {name}: {ty}")?;
    }
    for operator in &summary.operators {
        let OperatorCount { name, count, .. } = operator;
        writeln!(out, "operator   {count} x {name}: {}", verdict(operator))?;
    }
    for classes in &summary.classes {
        let shown: Vec<&str> = classes.iter().take(CLASSES_SHOWN_MAX).map(String::as_str).collect();
        let more = classes.len().saturating_sub(CLASSES_SHOWN_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "classes    {}: {}{more}", classes.len(), shown.join(", "))?;
    }
    if summary.trees > 0 {
        writeln!(out, "trees      {}, {} nodes", summary.trees, summary.tree_nodes)?;
    }
    for (key, value) in &summary.properties {
        writeln!(out, "property   {key} = {value}")?;
    }
    Ok(())
}

/// Is the operator supported, and why not?
fn verdict(operator: &OperatorCount) -> String {
    match (operator.supported, &operator.problem) {
        (Some(what), None) => format!("supported, {what}"),
        (Some(_), Some(problem)) => {
            let nodes = match (operator.refused, operator.count) {
                (refused, count) if refused == count => String::new(),
                (refused, count) => format!(" {refused} of {count}"),
            };
            format!("NOT SUPPORTED{nodes}, {problem}")
        }
        (None, Some(problem)) => format!("NOT SUPPORTED, {problem}"),
        // Beyond the errors that are kept.
        (None, None) => "NOT SUPPORTED".to_owned(),
    }
}

/// One object: what the file holds and, unless something is not supported, the
/// manifest that its program would have.
pub(super) fn json(summary: &Summary, manifest: Option<&Manifest>) -> Value {
    let sets = summary.operator_sets.iter();
    let operators = summary.operators.iter().map(|operator| {
        json!({
            "name": operator.name,
            "count": operator.count,
            "supported": operator.supported.is_some() && operator.problem.is_none(),
            "support": operator.supported,
            "refused": if operator.supported.is_none() { operator.count } else { operator.refused },
            "problem": operator.problem,
        })
    });
    let inputs = summary.inputs.iter().flat_map(|inputs| &inputs.tensors).map(
        |tensor| json!({ "name": tensor.name, "element": tensor.element, "columns": tensor.width }),
    );
    let outputs = summary.outputs.iter().map(|(name, ty)| json!({ "name": name, "type": ty }));
    let properties =
        summary.properties.iter().map(|(key, value)| json!({ "key": key, "value": value }));
    json!({
        "model": {
            "ir_version": summary.ir_version,
            "producer": summary.producer,
            "operator_sets": sets
                .map(|(domain, version)| json!({ "domain": domain, "version": version }))
                .collect::<Vec<_>>(),
            "inputs": inputs.collect::<Vec<_>>(),
            "outputs": outputs.collect::<Vec<_>>(),
            "operators": operators.collect::<Vec<_>>(),
            "classes": summary.classes,
            "trees": summary.trees,
            "tree_nodes": summary.tree_nodes,
            "properties": properties.collect::<Vec<_>>(),
        },
        "program": manifest,
    })
}
