//! Prints an ONNX graph as text: what spans of diagnostics point into.
//!
//! One node, input, output or tensor a line, much like the text form of ONNX;
//! an operator with many attributes has one a line below it. Long lists and
//! names are abbreviated, so that the listing is small whatever the model.
//!
//! What must hold: the text is already escaped, so that [`Sources::add`] keeps
//! it as it is and spans stay true.

use std::fmt::Write as _;
use std::ops::Range;

use skxc_diagnostics::{GraphListing, SourceId, Sources, escape_to_one_line};

use crate::proto::{
    AttributeProto, AttributeType, Dimension, GraphProto, ModelProto, NodeProto, TensorProto,
    TypeProto, data_type_name, dimension, type_proto,
};

/// Bytes within the listing.
pub(crate) type Span = Range<usize>;

/// Where things are in the listing.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The text of the listing.
    pub(crate) source: SourceId,
    /// Operator sets, in the order of the file.
    pub(crate) opsets: Vec<Span>,
    /// Spans of metadata properties.
    pub(crate) properties: Vec<Span>,
    /// Spans of graph inputs.
    pub(crate) inputs: Vec<Span>,
    /// Spans of initializers.
    pub(crate) initializers: Vec<Span>,
    /// Spans of nodes.
    pub(crate) nodes: Vec<NodeSpans>,
    /// Spans of graph outputs.
    pub(crate) outputs: Vec<Span>,
}

impl Listing {
    /// What others need to point at nodes.
    pub(crate) fn of_graph(&self) -> GraphListing {
        let nodes = self.nodes.iter().map(|node| node.operator.clone()).collect();
        GraphListing { source: self.source, nodes }
    }

    /// The node whose lines have this place.
    pub(crate) fn node_at(&self, place: usize) -> Option<usize> {
        let start = |node: &NodeSpans| {
            node.outputs.first().map_or(node.operator.start, |first| first.start)
        };
        // The operator stands behind `_ = `, if there are no outputs.
        let behind = self.nodes.partition_point(|node| start(node) <= place);
        let node = behind.checked_sub(1)?;
        let lines = &self.nodes[node];
        let parts = [&lines.operator].into_iter();
        let parts = parts.chain(&lines.outputs).chain(&lines.inputs).chain(&lines.attributes);
        (place < parts.map(|part| part.end).max()?).then_some(node)
    }
}

/// Where the parts of a node are.
#[derive(Debug)]
pub(crate) struct NodeSpans {
    /// The operator, with its domain.
    pub(crate) operator: Span,
    /// Spans of its inputs.
    pub(crate) inputs: Vec<Span>,
    /// Spans of its outputs.
    pub(crate) outputs: Vec<Span>,
    /// The attributes, from the name to the value.
    pub(crate) attributes: Vec<Span>,
}

/// Characters of a name that are shown.
const NAME_CHARS_MAX: usize = 64;
/// Elements of a list that are shown.
const ELEMENTS_SHOWN: usize = 4;
/// Inputs or outputs of a node that are shown.
const OPERANDS_SHOWN: usize = 64;
/// Columns up to which attributes stay on the line of their node.
const LINE_CHARS_MAX: usize = 96;

/// Prints `model`, whose graph is `graph`, and adds the text to `sources` as `file_name`.
pub(crate) fn print(
    model: &ModelProto,
    graph: &GraphProto,
    file_name: &str,
    sources: &mut Sources,
) -> Listing {
    let mut writer = Writer { text: String::new() };
    let opsets = model.opset_import.iter().map(|opset| {
        let domain = domain_name(&opset.domain);
        writer.line(&format!("opset {} {}", short(domain), opset.version))
    });
    let opsets = opsets.collect();
    let properties = model.metadata_props.iter().map(|property| {
        writer.line(&format!("property {} = \"{}\"", short(&property.key), long(&property.value)))
    });
    let properties = properties.collect();
    let named = |keyword, name: &str, ty: Option<&TypeProto>| {
        format!("{keyword} {}: {}", short(name), ty.map_or("no type".to_owned(), type_text))
    };
    let inputs = graph.input.iter();
    let inputs = inputs.map(|i| writer.line(&named("input", &i.name, i.r#type.as_ref()))).collect();
    let initializers = graph.initializer.iter();
    let initializers = initializers.map(|tensor| {
        writer.line(&format!("tensor {}: {}", short(&tensor.name), tensor_text(tensor)))
    });
    let initializers = initializers.collect();
    let nodes = graph.node.iter().map(|node| writer.node(node)).collect();
    let outputs = graph.output.iter();
    let outputs =
        outputs.map(|o| writer.line(&named("output", &o.name, o.r#type.as_ref()))).collect();
    let source = sources.add(file_name, &writer.text);
    debug_assert_eq!(sources.text(source), writer.text, "the listing is escaped");
    Listing { source, opsets, properties, inputs, initializers, nodes, outputs }
}

/// The name of a domain; the default one has two spellings (onnx.proto3, `OperatorSetIdProto`).
pub(crate) fn domain_name(domain: &str) -> &str {
    if domain.is_empty() { "ai.onnx" } else { domain }
}

/// A name of the model as it is shown: escaped, on one line, not too long.
pub(crate) fn short(name: &str) -> String {
    abbreviate(name, NAME_CHARS_MAX)
}

fn long(text: &str) -> String {
    abbreviate(text, 8 * NAME_CHARS_MAX)
}

fn abbreviate(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => escape_to_one_line(text),
        Some((end, _)) => format!("{}…", escape_to_one_line(&text[..end])),
    }
}

/// A number of things: `1 node`, `2 nodes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The type of a graph input or output, as `float[?,20]`.
pub(crate) fn type_text(ty: &TypeProto) -> String {
    let mut text = String::new();
    let mut ty = Some(ty);
    let mut open = 0;
    // prost decodes at most a hundred levels.
    while let Some(outer) = ty {
        ty = match &outer.value {
            None => {
                text.push('?');
                None
            }
            Some(type_proto::Value::TensorType(tensor)) => {
                text.push_str(&data_type_name(tensor.elem_type));
                if let Some(shape) = &tensor.shape {
                    let extents: Vec<String> = shape.dim.iter().take(16).map(extent_text).collect();
                    let _ = write!(text, "[{}]", extents.join(","));
                }
                None
            }
            Some(type_proto::Value::SequenceType(sequence)) => {
                text.push_str("sequence(");
                open += 1;
                sequence.elem_type.as_deref()
            }
            Some(type_proto::Value::MapType(map)) => {
                let _ = write!(text, "map({}, ", data_type_name(map.key_type));
                open += 1;
                map.value_type.as_deref()
            }
        };
    }
    text.push_str(&")".repeat(open));
    text
}

fn extent_text(extent: &Dimension) -> String {
    match &extent.value {
        Some(dimension::Value::DimValue(value)) => value.to_string(),
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => short(name),
        Some(dimension::Value::DimParam(_)) | None => "?".to_owned(),
    }
}

fn tensor_text(tensor: &TensorProto) -> String {
    let dims: Vec<String> = tensor.dims.iter().take(16).map(i64::to_string).collect();
    let mut text = format!("{}[{}]", data_type_name(tensor.data_type), dims.join(","));
    if let Some(list) = tensor_elements(tensor) {
        let _ = write!(text, " = {list}");
    }
    text
}

/// The elements, if they lie in a list of their own type.
fn tensor_elements(tensor: &TensorProto) -> Option<String> {
    if !tensor.float_data.is_empty() {
        Some(list(&tensor.float_data, f32::to_string))
    } else if !tensor.double_data.is_empty() {
        Some(list(&tensor.double_data, f64::to_string))
    } else if !tensor.int64_data.is_empty() {
        Some(list(&tensor.int64_data, i64::to_string))
    } else if !tensor.int32_data.is_empty() {
        Some(list(&tensor.int32_data, i32::to_string))
    } else if !tensor.string_data.is_empty() {
        Some(list(&tensor.string_data, |bytes| text_of(bytes)))
    } else if !tensor.raw_data.is_empty() {
        Some(format!("{} raw bytes", tensor.raw_data.len()))
    } else {
        None
    }
}

fn attribute_text(attribute: &AttributeProto) -> String {
    let value = match attribute.r#type() {
        AttributeType::Float => attribute.f.to_string(),
        AttributeType::Int => attribute.i.to_string(),
        AttributeType::String => text_of(&attribute.s),
        AttributeType::Floats => list(&attribute.floats, f32::to_string),
        AttributeType::Ints => list(&attribute.ints, i64::to_string),
        AttributeType::Strings => list(&attribute.strings, |bytes| text_of(bytes)),
        AttributeType::Tensor => {
            attribute.t.as_ref().map_or_else(|| "tensor".to_owned(), tensor_text)
        }
        AttributeType::Graph => {
            let nodes = attribute.g.as_ref().map_or(0, |graph| graph.node.len());
            format!("graph of {}", counted(nodes, "node"))
        }
        other => other.as_str_name().to_ascii_lowercase(),
    };
    format!("{} = {value}", short(&attribute.name))
}

fn text_of(bytes: &[u8]) -> String {
    format!("\"{}\"", short(&String::from_utf8_lossy(&bytes[..bytes.len().min(1024)])))
}

fn list<T>(elements: &[T], text: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<String> = elements.iter().take(ELEMENTS_SHOWN).map(text).collect();
    if elements.len() > ELEMENTS_SHOWN {
        shown.push(format!("… {} in all", elements.len()));
    }
    format!("[{}]", shown.join(", "))
}

struct Writer {
    text: String,
}

impl Writer {
    fn push(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn line(&mut self, text: &str) -> Span {
        let span = self.push(text);
        self.push("\n");
        span
    }

    /// `outputs = operator(inputs) <attributes>  # name`
    fn node(&mut self, node: &NodeProto) -> NodeSpans {
        let start = self.text.len();
        let outputs = self.operands(&node.output);
        self.push(" = ");
        let operator = self.push(&operator_name(&node.domain, &node.op_type));
        self.push("(");
        let inputs = self.operands(&node.input);
        self.push(")");
        let texts: Vec<String> = node.attribute.iter().map(attribute_text).collect();
        let length: usize = texts.iter().map(String::len).sum();
        let inline = self.text.len() - start + length + 2 * texts.len() < LINE_CHARS_MAX;
        let name = |writer: &mut Self| {
            if !node.name.is_empty() {
                writer.push(&format!("  # {}", short(&node.name)));
            }
            writer.push("\n");
        };
        let mut attributes = Vec::with_capacity(texts.len());
        if inline {
            for (index, text) in texts.iter().enumerate() {
                self.push(if index == 0 { " <" } else { ", " });
                attributes.push(self.push(text));
            }
            self.push(if texts.is_empty() { "" } else { ">" });
            name(self);
        } else {
            name(self);
            for text in &texts {
                self.push("    ");
                attributes.push(self.line(text));
            }
        }
        NodeSpans { operator, inputs, outputs, attributes }
    }

    fn operands(&mut self, names: &[String]) -> Vec<Span> {
        let mut spans = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            if index == OPERANDS_SHOWN {
                let rest = self.push(&format!(", … {} in all", names.len()));
                spans.resize(names.len(), rest);
                break;
            }
            if index > 0 {
                self.push(", ");
            }
            spans.push(self.push(&if name.is_empty() { "_".to_owned() } else { short(name) }));
        }
        spans
    }
}

/// An operator as messages name it: the default domain is left out.
pub(crate) fn operator_name(domain: &str, name: &str) -> String {
    match domain_name(domain) {
        "ai.onnx" => short(name),
        other => format!("{}.{}", short(other), short(name)),
    }
}
