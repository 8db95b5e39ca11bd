//! A graph that grows by nodes whose operands have the types that the operator
//! wants.

use super::choices::Choices;
use super::write::{Attribute, Elem, Writer};

/// Columns of the input, at most.
const WIDTH_MAX: usize = 4;
/// Elements of a value, at most; nodes that would make more are not added.
const ELEMENTS_MAX: i64 = 48;
/// Axes of a value, at most.
const AXES_MAX: usize = 4;

/// A value of the graph.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) elem: Elem,
    /// Extents; the rows of the batch count as 1.
    pub(super) shape: Vec<i64>,
}

impl Known {
    pub(super) fn elements(&self) -> i64 {
        self.shape.iter().product()
    }
}

/// The graph so far.
#[derive(Debug)]
pub(super) struct Graph<'b> {
    pub(super) choices: Choices<'b>,
    pub(super) writer: Writer,
    values: Vec<Known>,
    /// Version of the operator set `ai.onnx`.
    pub(super) version: u64,
    names: usize,
}

impl<'b> Graph<'b> {
    /// A graph of one input.
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let mut choices = Choices::new(bytes);
        let version = choices.of(&[18, 13, 12]);
        let elem = choices.of(&[Elem::Float, Elem::Float, Elem::Double, Elem::Integer]);
        let width = 1 + choices.below(WIDTH_MAX) as i64;
        let mut writer = Writer::default();
        writer.input("X", elem, width);
        let input = Known { name: "X".to_owned(), elem, shape: vec![1, width] };
        Self { choices, writer, values: vec![input], version, names: 0 }
    }

    /// The model, whose outputs are the newest values.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let outputs = 1 + self.choices.below(3);
        for value in self.values.iter().rev().take(outputs) {
            self.writer.output(&value.name);
        }
        self.writer.finish(self.version, if self.version == 18 { 3 } else { 2 })
    }

    /// A value that any node may read, the newest most often.
    pub(super) fn any(&mut self) -> Known {
        let back = if self.choices.one_in(3) { self.choices.below(self.values.len()) } else { 0 };
        self.values[self.values.len() - 1 - back].clone()
    }

    /// A value as `elem`, if it is not of text.
    pub(super) fn as_elem(&mut self, elem: Elem) -> Option<Known> {
        let value = self.any();
        self.cast(&value, elem)
    }

    /// `value` as `elem`; text is nothing else.
    pub(super) fn cast(&mut self, value: &Known, elem: Elem) -> Option<Known> {
        if value.elem == elem {
            return Some(value.clone());
        }
        if value.elem == Elem::Text {
            return None;
        }
        let to = [("to", Attribute::Int(elem as i64))];
        Some(self.node("", "Cast", &[&value.name], &to, elem, value.shape.clone()))
    }

    /// A value of floats, single or double.
    pub(super) fn floats(&mut self) -> Option<Known> {
        let value = self.any();
        if matches!(value.elem, Elem::Float | Elem::Double) {
            return Some(value);
        }
        let elem = self.choices.of(&[Elem::Float, Elem::Double]);
        self.cast(&value, elem)
    }

    /// A row of `float` with features, `[1, n]`, as the operators of ai.onnx.ml read it.
    pub(super) fn features(&mut self) -> Option<Known> {
        let value = self.as_elem(Elem::Float)?;
        let width = value.elements();
        if width == 0 {
            return None;
        }
        Some(self.reshape(&value, vec![1, width]))
    }

    /// `value` in another shape of as many elements.
    pub(super) fn reshape(&mut self, value: &Known, shape: Vec<i64>) -> Known {
        if value.shape == shape {
            return value.clone();
        }
        let list = self.integers(&shape);
        self.node("", "Reshape", &[&value.name, &list], &[], value.elem, shape)
    }

    /// A constant list of integers; gives its name.
    pub(super) fn integers(&mut self, list: &[i64]) -> String {
        let name = self.name();
        let raw: Vec<u8> = list.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.writer.tensor(&name, Elem::Integer, &[list.len() as i64], &raw);
        name
    }

    /// A constant of this type and shape.
    pub(super) fn constant(&mut self, elem: Elem, shape: Vec<i64>) -> Known {
        let count = shape.iter().product::<i64>();
        let name = self.name();
        let mut raw = Vec::new();
        for _ in 0..count {
            match elem {
                Elem::Float => raw.extend(self.choices.float().to_le_bytes()),
                Elem::Double => raw.extend(self.choices.number().to_le_bytes()),
                Elem::Integer => raw.extend(self.choices.integer().to_le_bytes()),
                Elem::Bool => raw.push(self.choices.below(2) as u8),
                // Text has no raw form: a constant of it is not made.
                Elem::Text => {}
            }
        }
        self.writer.tensor(&name, elem, &shape, &raw);
        Known { name, elem, shape }
    }

    /// Something of the type of `other` that broadcasts with it: a constant, `other`
    /// itself, or another value of the same shape.
    pub(super) fn partner(&mut self, other: &Known) -> Known {
        let fits = |value: &&Known| value.elem == other.elem && value.shape == other.shape;
        match self.choices.below(4) {
            0 => {
                let fitting: Vec<Known> = self.values.iter().filter(fits).cloned().collect();
                match fitting.len() {
                    0 => other.clone(),
                    count => fitting[self.choices.below(count)].clone(),
                }
            }
            1 => self.constant(other.elem, other.shape.clone()),
            2 => self.constant(other.elem, Vec::new()),
            _ => {
                let last = other.shape.last().copied().unwrap_or(1);
                self.constant(other.elem, vec![last])
            }
        }
    }

    /// Adds a node with one result, which later nodes may read.
    pub(super) fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        elem: Elem,
        shape: Vec<i64>,
    ) -> Known {
        let name = self.name();
        self.writer.node(domain, operator, (inputs, &[&name]), attributes);
        self.result(Known { name, elem, shape })
    }

    /// Makes a result known to later nodes, unless it is too large for them.
    pub(super) fn result(&mut self, value: Known) -> Known {
        if value.elements() <= ELEMENTS_MAX && value.shape.len() <= AXES_MAX {
            self.values.push(value.clone());
        }
        value
    }

    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// An axis of `value`, and as ONNX may write it: from the end.
    pub(super) fn axis(&mut self, value: &Known) -> Option<(usize, i64)> {
        let rank = value.shape.len();
        if rank == 0 {
            return None;
        }
        // Mostly not the first axis, which counts the rows of the batch.
        let axis = rank - 1 - self.choices.below(rank);
        let written = if self.choices.one_in(3) { axis as i64 - rank as i64 } else { axis as i64 };
        Some((axis, written))
    }
}
