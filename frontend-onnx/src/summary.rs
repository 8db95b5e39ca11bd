//! What a file holds, for people: `skxc inspect` shows it.

use std::collections::BTreeMap;

use skxc_diagnostics::escape_to_one_line;
use skxc_ir::{ElementType, Module, Output, Real};

use crate::inputs::ModelInputs;
use crate::listing::{domain_name, operator_name, short, type_text};
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
    /// Is it lowered?
    pub supported: bool,
}

/// A row of the table of supported operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedOperator {
    /// `ai.onnx` or `ai.onnx.ml`.
    pub domain: &'static str,
    /// Name.
    pub name: &'static str,
    /// First operator set that has it; all later known ones do.
    pub since: u32,
    /// What of it is supported.
    pub supported: &'static str,
}

/// The operators that are lowered, by domain and name.
pub fn supported_operators() -> impl Iterator<Item = SupportedOperator> {
    ops::OPERATORS.iter().map(|operator| SupportedOperator {
        domain: operator.domain,
        name: operator.name,
        since: operator.since,
        supported: operator.supported,
    })
}

/// A domain has one operator set, and there are few domains.
const OPERATOR_SETS_SHOWN: usize = 16;

pub(crate) fn summarize(
    model: &ModelProto,
    graph: &GraphProto,
    inputs: ModelInputs,
    module: &Module<Real>,
) -> Summary {
    let mut operators: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    for node in &graph.node {
        let supported = ops::find(domain_name(&node.domain), &node.op_type).is_some();
        let name = operator_name(&node.domain, &node.op_type);
        operators.entry(name).or_insert((0, supported)).0 += 1;
    }
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
        operators: operators
            .into_iter()
            .map(|(name, (count, supported))| OperatorCount { name, count, supported })
            .collect(),
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
