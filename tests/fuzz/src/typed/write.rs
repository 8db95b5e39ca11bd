//! Writes an ONNX model: only the fields of `onnx-ml.proto` that a graph needs.

use crate::model::put_varint;

/// The element types of tensors, by their numbers in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elem {
    Float = 1,
    Integer = 7,
    Text = 8,
    Bool = 9,
    Double = 11,
}

/// An attribute's value.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Float(f32),
    Int(i64),
    Text(&'static str),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<&'static str>),
}

/// The parts of a graph, each encoded.
#[derive(Debug, Default)]
pub(super) struct Writer {
    graph: Vec<u8>,
}

impl Writer {
    /// Adds a node; the domain `ai.onnx` is the empty one.
    pub(super) fn node(
        &mut self,
        domain: &str,
        operator: &str,
        (inputs, outputs): (&[&str], &[&str]),
        attributes: &[(&str, Attribute)],
    ) {
        let mut node = Vec::new();
        inputs.iter().for_each(|name| put_bytes(&mut node, 1, name.as_bytes()));
        outputs.iter().for_each(|name| put_bytes(&mut node, 2, name.as_bytes()));
        put_bytes(&mut node, 4, operator.as_bytes());
        for (name, value) in attributes {
            put_bytes(&mut node, 5, &attribute(name, value));
        }
        put_bytes(&mut node, 7, domain.as_bytes());
        put_bytes(&mut self.graph, 1, &node);
    }

    /// Adds an initializer with the raw bytes of its elements.
    pub(super) fn tensor(&mut self, name: &str, elem: Elem, shape: &[i64], raw: &[u8]) {
        let mut tensor = Vec::new();
        shape.iter().for_each(|&extent| put_number(&mut tensor, 1, extent as u64));
        put_number(&mut tensor, 2, elem as u64);
        put_bytes(&mut tensor, 8, name.as_bytes());
        put_bytes(&mut tensor, 9, raw);
        put_bytes(&mut self.graph, 5, &tensor);
    }

    /// Adds an input, a row of `width` columns.
    pub(super) fn input(&mut self, name: &str, elem: Elem, width: i64) {
        let mut shape = Vec::new();
        let mut batch = Vec::new();
        put_bytes(&mut batch, 2, b"N");
        put_bytes(&mut shape, 1, &batch);
        let mut columns = Vec::new();
        put_number(&mut columns, 1, width as u64);
        put_bytes(&mut shape, 1, &columns);
        let mut tensor = Vec::new();
        put_number(&mut tensor, 1, elem as u64);
        put_bytes(&mut tensor, 2, &shape);
        let mut ty = Vec::new();
        put_bytes(&mut ty, 1, &tensor);
        let mut input = Vec::new();
        put_bytes(&mut input, 1, name.as_bytes());
        put_bytes(&mut input, 2, &ty);
        put_bytes(&mut self.graph, 11, &input);
    }

    /// Adds an output.
    pub(super) fn output(&mut self, name: &str) {
        let mut output = Vec::new();
        put_bytes(&mut output, 1, name.as_bytes());
        put_bytes(&mut self.graph, 12, &output);
    }

    /// The model, of these operator sets of `ai.onnx` and `ai.onnx.ml`.
    pub(super) fn finish(self, onnx: u64, ml: u64) -> Vec<u8> {
        let mut model = Vec::new();
        put_number(&mut model, 1, 8);
        put_bytes(&mut model, 7, &self.graph);
        for (domain, version) in [("", onnx), ("ai.onnx.ml", ml)] {
            let mut opset = Vec::new();
            put_bytes(&mut opset, 1, domain.as_bytes());
            put_number(&mut opset, 2, version);
            put_bytes(&mut model, 8, &opset);
        }
        model
    }
}

/// `AttributeProto`: name 1, type 20, and a field for each type.
fn attribute(name: &str, value: &Attribute) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 1, name.as_bytes());
    let ty = match value {
        Attribute::Float(x) => {
            put_varint(&mut out, 2 << 3 | 5);
            out.extend(x.to_le_bytes());
            1
        }
        Attribute::Int(x) => {
            put_number(&mut out, 3, *x as u64);
            2
        }
        Attribute::Text(text) => {
            put_bytes(&mut out, 4, text.as_bytes());
            3
        }
        Attribute::Floats(list) => {
            let raw: Vec<u8> = list.iter().flat_map(|x| x.to_le_bytes()).collect();
            put_bytes(&mut out, 7, &raw);
            6
        }
        Attribute::Ints(list) => {
            list.iter().for_each(|&x| put_number(&mut out, 8, x as u64));
            7
        }
        Attribute::Texts(list) => {
            list.iter().for_each(|text| put_bytes(&mut out, 9, text.as_bytes()));
            8
        }
    };
    put_number(&mut out, 20, ty);
    out
}

fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}
