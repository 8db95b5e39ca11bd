//! Graphs within a graph: the body of a loop, which its operator imports.
//!
//! A body sees the names of the graph around it. Its nodes have no place in the
//! listing, so what is wrong with them is said of the node they belong to. A
//! body within a body is refused: nothing recurses over model data.

use std::collections::HashMap;

use skxc_diagnostics::codes::{
    DUPLICATE_NAME, OPSET, UNDEFINED_NAME, UNKNOWN_OPERATOR, UNSUPPORTED_FORM,
};

use crate::import::Importer;
use crate::listing::{NodeSpans, domain_name, operator_name, short};
use crate::node::{Imported, Node, Operand};
use crate::ops::{self, Operator};
use crate::proto::{AttributeType, GraphProto, NodeProto};
use crate::tensor::decode;

/// A body whose operators are known.
pub(crate) struct Body<'b> {
    /// The graph of the body.
    pub(crate) graph: &'b GraphProto,
    /// What its nodes do, in which version of their operator set.
    pub(crate) operators: Vec<(&'static Operator, u32)>,
    /// Its own constants.
    constants: HashMap<&'b str, Operand>,
}

impl<'b> Body<'b> {
    /// Reads the body of `node`, its attribute `name`.
    pub(crate) fn read(
        importer: &Importer<'_>,
        node: &Node<'b>,
        name: &'static str,
    ) -> Imported<Self> {
        let graph = node.graph(name)?.ok_or_else(|| node.missing(name))?;
        if importer.in_body {
            let message = format!("`{}` within a loop is not supported", node.name());
            return Err(node.error(UNSUPPORTED_FORM, message).into());
        }
        let operators = graph.node.iter().map(|inner| operator(importer, node, name, inner));
        let operators = operators.collect::<Imported<_>>()?;
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            let decoded = decode(tensor).map_err(|fault| {
                let message = format!("tensor `{}` {}", short(&tensor.name), fault.what);
                node.attribute_error(name, fault.code, message)
            })?;
            constants.insert(tensor.name.as_str(), Operand::Constant(decoded));
        }
        Ok(Self { graph, operators, constants })
    }

    /// Lowers the nodes once, `inputs` standing for the inputs of the body, and
    /// returns its outputs.
    pub(crate) fn import(
        &self,
        importer: &mut Importer<'_>,
        node: &Node<'_>,
        inputs: Vec<Operand>,
    ) -> Imported {
        let mut names = self.constants.clone();
        let own = self.graph.input.iter().map(|input| input.name.as_str());
        names.extend(own.zip(inputs));
        for (inner, operator) in self.graph.node.iter().zip(&self.operators) {
            let operands = inner.input.iter().map(|name| match name.as_str() {
                "" => Ok(None),
                name => find(importer, node, &names, name).map(Some),
            });
            let operands = operands.collect::<Imported<Vec<_>>>()?;
            let results = import_node(importer, node, inner, *operator, operands)?;
            for (name, result) in inner.output.iter().zip(results) {
                define(node, &mut names, name, result)?;
            }
        }
        let outputs = self.graph.output.iter();
        outputs.map(|output| find(importer, node, &names, &output.name)).collect()
    }

    /// What `name` stands for before a node is imported: a constant of the body,
    /// or a value of the graph around it.
    pub(crate) fn outer(
        &self,
        importer: &Importer<'_>,
        node: &Node<'_>,
        name: &str,
    ) -> Imported<Operand> {
        find(importer, node, &self.constants, name)
    }
}

/// Lowers a node of the body of `outer`. A result that is refused is there too.
pub(crate) fn import_node(
    importer: &mut Importer<'_>,
    outer: &Node<'_>,
    proto: &NodeProto,
    (operator, version): (&'static Operator, u32),
    operands: Vec<Option<Operand>>,
) -> Imported {
    let place = outer.spans.operator.clone();
    let spans = NodeSpans {
        operator: place.clone(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        attributes: vec![place; proto.attribute.len()],
    };
    let node = Node {
        proto,
        spans: &spans,
        source: outer.source,
        operator,
        version,
        operands,
        index: outer.index,
        origin: outer.origin,
    };
    importer.in_body = true;
    let results = importer.results(&node);
    importer.in_body = false;
    let mut results = results?;
    if results.len() < proto.output.len() {
        results.resize(proto.output.len(), Operand::Refused);
    }
    Ok(results)
}

/// Gives `result` a name that nothing has.
pub(crate) fn define<'b, T>(
    node: &Node<'_>,
    names: &mut HashMap<&'b str, T>,
    name: &'b str,
    result: T,
) -> Imported<()> {
    if !name.is_empty() && names.insert(name, result).is_some() {
        let message = format!("value `{}` is made twice in the body", short(name));
        return Err(node.error(DUPLICATE_NAME, message).into());
    }
    Ok(())
}

/// What `name` stands for: among `names`, or around the body.
fn find(
    importer: &Importer<'_>,
    node: &Node<'_>,
    names: &HashMap<&str, Operand>,
    name: &str,
) -> Imported<Operand> {
    if let Some(operand) = names.get(name) {
        return Ok(operand.clone());
    }
    match importer.known_operand(name) {
        // Constants are computed in a module of their own.
        Some(Operand::Value(_) | Operand::Results(_)) if importer.folds => {
            let message = format!("`{}` of constants and `{}`", node.name(), short(name));
            Err(node.error(UNSUPPORTED_FORM, message).into())
        }
        Some(operand) => Ok(operand.clone()),
        None => {
            let message = format!("value `{}` is used in a body before it is made", short(name));
            Err(node.error(UNDEFINED_NAME, message).into())
        }
    }
}

/// What a node of the body does.
fn operator(
    importer: &Importer<'_>,
    node: &Node<'_>,
    body: &str,
    inner: &NodeProto,
) -> Imported<(&'static Operator, u32)> {
    let domain = domain_name(&inner.domain);
    let name = operator_name(&inner.domain, &inner.op_type);
    let error = |code, message: String| Err(node.attribute_error(body, code, message).into());
    if inner.attribute.iter().any(|attribute| attribute.r#type() == AttributeType::Graph) {
        return error(UNSUPPORTED_FORM, format!("`{name}` within a loop is not supported"));
    }
    let Some(operator) = ops::find(domain, &inner.op_type) else {
        return error(UNKNOWN_OPERATOR, format!("operator `{name}` is not supported"));
    };
    match importer.opsets.get(domain) {
        Some(&version) if version >= operator.since => Ok((operator, version)),
        Some(version) => error(
            OPSET,
            format!(
                "operator `{name}` came with operator set {}, but the model imports {version}",
                operator.since
            ),
        ),
        None => error(OPSET, format!("the model imports no operator set of `{domain}`")),
    }
}
