//! What a file holds, for people: `skxc inspect` shows it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use skxc_diagnostics::{Diagnostic, escape_to_one_line};
use skxc_ir::{ElementType, Module, Output, Real};

use crate::inputs::ModelInputs;
use crate::listing::{Listing, domain_name, operator_name, short, type_text};
use crate::ops;
use crate::proto::{GraphProto, ModelProto};

/// What an ONNX file holds. All text is escaped and short.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Version of the ONNX format.
    pub ir_version: i64,
    /// The tool that wrote the file, with its version.
    pub producer: String,
    /// Domain and version of each imported operator set, each once; of very many the first.
    pub operator_sets: Vec<(String, i64)>,
    /// The operators of the graph, by name.
    pub operators: Vec<OperatorCount>,
    /// The inputs; none if the file could not be read.
    pub inputs: Option<ModelInputs>,
    /// Name and type of each output.
    pub outputs: Vec<(String, String)>,
    /// The class labels of each output that is a label.
    pub classes: Vec<Vec<String>>,
    /// Trees of all ensembles.
    pub trees: usize,
    /// Nodes of all trees, leaves included.
    pub tree_nodes: usize,
    /// Key and value of each metadata property.
    pub properties: Vec<(String, String)>,
}

/// An operator and how often the graph has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorCount {
    /// Name, with the domain unless that is `ai.onnx`.
    pub name: String,
    /// Number of nodes.
    pub count: usize,
    /// What of it is supported, if it is known.
    pub supported: Option<&'static str>,
    /// Nodes of it that have an error, as far as errors are shown.
    pub refused: usize,
    /// The first of these errors: code and message. Of an operator that is not
    /// known, the message says so.
    pub problem: Option<String>,
}

/// A row of the table of supported operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedOperator {
    /// `ai.onnx` or `ai.onnx.ml`.
    pub domain: &'static str,
    /// Name of the operator.
    pub name: &'static str,
    /// First operator set that has it; all later known ones do.
    pub since: u32,
    /// Number of inputs, optional ones included.
    pub inputs: RangeInclusive<usize>,
    /// The attributes it has in any version.
    pub attributes: &'static [&'static str],
    /// What of it is supported.
    pub supported: &'static str,
}

/// The operators that are imported, by domain and name.
pub fn supported_operators() -> impl Iterator<Item = SupportedOperator> {
    ops::OPERATORS.iter().map(|operator| SupportedOperator {
        domain: operator.domain,
        name: operator.name,
        since: operator.since,
        inputs: operator.inputs.clone(),
        attributes: operator.attributes,
        supported: operator.supported,
    })
}

/// The table of supported operators, as Markdown.
#[must_use]
pub fn operator_table() -> String {
    let head = "| operator | domain | since | what of it |\n|---|---|---|---|\n";
    let rows = supported_operators().map(|operator| {
        let SupportedOperator { domain, name, since, supported, .. } = operator;
        format!("| {name} | {domain} | {since} | {supported} |\n")
    });
    [head.to_owned()].into_iter().chain(rows).collect()
}

/// A domain has one operator set, and there are few domains.
const OPERATOR_SETS_SHOWN: usize = 16;

pub(crate) fn summarize(
    model: &ModelProto,
    graph: &GraphProto,
    inputs: ModelInputs,
    module: &Module<Real>,
    listing: &Listing,
    diagnostics: &[Diagnostic],
) -> Summary {
    let operators = operators(graph, listing, diagnostics);
    let producer = format!("{} {}", short(&model.producer_name), short(&model.producer_version));
    let outputs = graph.output.iter().map(|output| {
        let ty = output.r#type.as_ref().map_or_else(|| "?".to_owned(), type_text);
        (short(&output.name), ty)
    });
    let label_table = |output: &Output| match module.ty(output.value).elem {
        ElementType::Label(table) => Some(table),
        _ => None,
    };
    let classes = module.outputs.iter().filter_map(label_table).map(|table| {
        let table = &module.labels[table];
        (0..table.len()).map(|class| escape_to_one_line(&table.text(class))).collect()
    });
    let mut sets: Vec<(String, i64)> = Vec::new();
    for set in &model.opset_import {
        let set = (short(domain_name(&set.domain)), set.version);
        if !sets.contains(&set) && sets.len() < OPERATOR_SETS_SHOWN {
            sets.push(set);
        }
    }
    Summary {
        ir_version: model.ir_version,
        producer: producer.trim().to_owned(),
        operator_sets: sets,
        operators,
        inputs: Some(inputs),
        outputs: outputs.collect(),
        classes: classes.collect(),
        trees: module.forests.iter().map(|(_, forest)| forest.roots.len()).sum(),
        tree_nodes: module.forests.iter().map(|(_, forest)| forest.nodes.len()).sum(),
        properties: model
            .metadata_props
            .iter()
            .map(|property| (short(&property.key), short(&property.value)))
            .collect(),
    }
}

/// The operators of the graph, each with its first error.
fn operators(
    graph: &GraphProto,
    listing: &Listing,
    diagnostics: &[Diagnostic],
) -> Vec<OperatorCount> {
    let mut problems: BTreeMap<usize, &Diagnostic> = BTreeMap::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        let place = diagnostic.labels.first().filter(|label| label.source == listing.source);
        if let Some(node) = place.and_then(|label| listing.node_at(label.span.start)) {
            problems.entry(node).or_insert(diagnostic);
        }
    }
    let mut operators: BTreeMap<String, OperatorCount> = BTreeMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        let name = operator_name(&node.domain, &node.op_type);
        let entry = operators.entry(name).or_insert_with_key(|name| OperatorCount {
            name: name.clone(),
            count: 0,
            supported: ops::find(domain_name(&node.domain), &node.op_type)
                .map(|operator| operator.supported),
            refused: 0,
            problem: None,
        });
        entry.count += 1;
        if let Some(problem) = problems.get(&index) {
            entry.refused += 1;
            entry.problem.get_or_insert_with(|| format!("{}: {}", problem.code, problem.message));
        }
    }
    operators.into_values().collect()
}
