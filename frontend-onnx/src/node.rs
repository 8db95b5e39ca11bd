//! A node of the graph as its operator sees it: attributes, operands, and how
//! to say what is wrong with them.

use std::rc::Rc;

use skxc_diagnostics::codes::{
    ATTRIBUTE_INVALID, ATTRIBUTE_MISSING, BAD_NUMBER, LENGTHS_DIFFER, NOT_CONSTANT, OPERAND_COUNT,
    TYPE_MISMATCH,
};
use skxc_diagnostics::{Code, Diagnostic, SourceId};
use skxc_ir::{OriginId, Value};

use crate::listing::{NodeSpans, Span, counted, operator_name, short};
use crate::ops::Operator;
use crate::proto::{AttributeProto, AttributeType, GraphProto, NodeProto, TensorProto};
use crate::tensor::Tensor;

/// What a name of the graph stands for.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// A value that depends on the input row.
    Value(Value),
    /// A tensor that is known.
    Constant(Rc<Tensor>),
    /// What only an output of the graph can be: the scores behind a map
    /// (ZipMap), or the tensors of a sequence (SequenceConstruct).
    Results(Vec<Value>),
    /// The result of something that was refused; the error is reported.
    Refused,
}

/// What an operator makes of a node: its results, or what is wrong.
pub(crate) type Imported<T = Vec<Operand>> = Result<T, Problems>;

/// At least one error.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<Diagnostic>);

impl From<Diagnostic> for Problems {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// A node whose operator is known and whose operands are imported.
pub(crate) struct Node<'a> {
    /// The node itself.
    pub(crate) proto: &'a NodeProto,
    /// Where it is in the listing.
    pub(crate) spans: &'a NodeSpans,
    /// The text of the listing.
    pub(crate) source: SourceId,
    /// What it does.
    pub(crate) operator: &'static Operator,
    /// Operator set by which it does it.
    pub(crate) version: u32,
    /// Its operands; an optional one may be left out.
    pub(crate) operands: Vec<Option<Operand>>,
    /// Position in the graph.
    pub(crate) index: u32,
    /// Origin of what it makes.
    pub(crate) origin: OriginId,
}

impl<'a> Node<'a> {
    /// The operator, as messages name it.
    pub(crate) fn name(&self) -> String {
        operator_name(&self.proto.domain, &self.proto.op_type)
    }

    /// Starts an error about the node.
    pub(crate) fn error(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        self.locate(Diagnostic::error(code, message), &self.spans.operator, "")
    }

    /// Starts an error about attribute `name`, which may be missing.
    pub(crate) fn attribute_error(
        &self,
        name: &str,
        code: Code,
        message: impl Into<String>,
    ) -> Diagnostic {
        self.locate(Diagnostic::error(code, message), self.attribute_span(name), "")
    }

    /// Starts a warning about attribute `name`.
    pub(crate) fn attribute_warning(
        &self,
        name: &str,
        code: Code,
        message: impl Into<String>,
    ) -> Diagnostic {
        self.locate(Diagnostic::warning(code, message), self.attribute_span(name), "")
    }

    /// Starts an error about the operand at `position`.
    pub(crate) fn operand_error(
        &self,
        position: usize,
        code: Code,
        message: impl Into<String>,
    ) -> Diagnostic {
        let span = self.spans.inputs.get(position).unwrap_or(&self.spans.operator);
        self.locate(Diagnostic::error(code, message), span, "")
    }

    fn locate(&self, diagnostic: Diagnostic, span: &Span, label: &str) -> Diagnostic {
        let name = match self.proto.name.as_str() {
            "" => String::new(),
            name => format!(" `{}`", short(name)),
        };
        let domain = self.operator.domain;
        diagnostic
            .at(self.source, span.clone(), label)
            .note(format!("node {}{name}, operator set {domain} {}", self.index, self.version))
    }

    /// The attribute in the listing; the operator if the node lacks it.
    pub(crate) fn attribute_span(&self, name: &str) -> &Span {
        let position = self.proto.attribute.iter().position(|attribute| attribute.name == name);
        position.map_or(&self.spans.operator, |position| &self.spans.attributes[position])
    }

    fn attribute(&self, name: &str, wanted: AttributeType) -> Imported<Option<&'a AttributeProto>> {
        let found = self.proto.attribute.iter().find(|attribute| attribute.name == name);
        let Some(attribute) = found else { return Ok(None) };
        let ty = attribute.r#type();
        if ty == wanted && attribute.ref_attr_name.is_empty() {
            return Ok(Some(attribute));
        }
        let text = |ty: AttributeType| ty.as_str_name().to_ascii_lowercase();
        let message =
            format!("attribute `{name}` is of type `{}`, not `{}`", text(ty), text(wanted));
        Err(self.attribute_error(name, ATTRIBUTE_INVALID, message).into())
    }

    /// An integer attribute.
    pub(crate) fn int(&self, name: &str) -> Imported<Option<i64>> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|attribute| attribute.i))
    }

    /// A list of integers; empty if it is missing, as ai.onnx.ml has it.
    pub(crate) fn ints(&self, name: &str) -> Imported<&'a [i64]> {
        Ok(self.attribute(name, AttributeType::Ints)?.map_or(&[], |attribute| &attribute.ints))
    }

    /// A number attribute.
    pub(crate) fn float(&self, name: &str) -> Imported<Option<f32>> {
        Ok(self.attribute(name, AttributeType::Float)?.map(|attribute| attribute.f))
    }

    /// A finite number, as a constant of the IR holds it.
    pub(crate) fn finite_float(&self, name: &str) -> Imported<Option<f64>> {
        let number = self.float(name)?;
        if let Some(number) = number.filter(|number| !number.is_finite()) {
            let message = format!("attribute `{name}` holds {number}");
            return Err(self.attribute_error(name, BAD_NUMBER, message).into());
        }
        Ok(number.map(f64::from))
    }

    /// A list of numbers; empty if it is missing.
    pub(crate) fn floats(&self, name: &str) -> Imported<&'a [f32]> {
        Ok(self.attribute(name, AttributeType::Floats)?.map_or(&[], |attribute| &attribute.floats))
    }

    /// A list of finite numbers, as constants of the IR hold them; empty if it is missing.
    pub(crate) fn finite_floats(&self, name: &str) -> Imported<Vec<f64>> {
        let numbers = self.floats(name)?;
        if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
            let message = format!("attribute `{name}` holds {number}");
            return Err(self.attribute_error(name, BAD_NUMBER, message).into());
        }
        Ok(numbers.iter().map(|&number| f64::from(number)).collect())
    }

    /// Refuses a list that does not hold as many elements as `why` says.
    pub(crate) fn check_length(
        &self,
        name: &str,
        found: usize,
        expected: usize,
        why: &str,
    ) -> Imported<()> {
        if found == expected {
            return Ok(());
        }
        let message = format!("`{name}` has {}; {why} need {expected}", counted(found, "element"));
        Err(self.attribute_error(name, LENGTHS_DIFFER, message).into())
    }

    /// A list of byte strings; empty if it is missing.
    pub(crate) fn byte_strings(&self, name: &str) -> Imported<&'a [prost::bytes::Bytes]> {
        let found = self.attribute(name, AttributeType::Strings)?;
        Ok(found.map_or(&[], |attribute| &attribute.strings))
    }

    /// A list of texts; empty if it is missing.
    pub(crate) fn strings(&self, name: &str) -> Imported<Vec<String>> {
        let bytes = self.byte_strings(name)?.iter();
        let texts: Result<_, _> = bytes.map(|bytes| String::from_utf8(bytes.to_vec())).collect();
        texts.map_err(|_| {
            let message = format!("attribute `{name}` holds text that is not UTF-8");
            self.attribute_error(name, ATTRIBUTE_INVALID, message).into()
        })
    }

    /// A text attribute; bytes that are no text never equal a known word.
    pub(crate) fn string(&self, name: &str) -> Imported<Option<String>> {
        let found = self.attribute(name, AttributeType::String)?;
        Ok(found.map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned()))
    }

    /// A tensor attribute.
    pub(crate) fn tensor(&self, name: &str) -> Imported<Option<&'a TensorProto>> {
        Ok(self.attribute(name, AttributeType::Tensor)?.and_then(|attribute| attribute.t.as_ref()))
    }

    /// A graph attribute.
    pub(crate) fn graph(&self, name: &str) -> Imported<Option<&'a GraphProto>> {
        Ok(self.attribute(name, AttributeType::Graph)?.and_then(|attribute| attribute.g.as_ref()))
    }

    /// Starts the error about an attribute that must be there.
    pub(crate) fn missing(&self, name: &str) -> Diagnostic {
        let message = format!("`{}` lacks attribute `{name}`", self.name());
        self.error(ATTRIBUTE_MISSING, message)
    }

    /// The operand at `position`, if it is there.
    pub(crate) fn optional(&self, position: usize) -> Option<&Operand> {
        self.operands.get(position).and_then(Option::as_ref)
    }

    /// The operand at `position`, which must be there.
    pub(crate) fn operand(&self, position: usize) -> Imported<&Operand> {
        self.optional(position).ok_or_else(|| {
            let message = format!("`{}` lacks its input {position}", self.name());
            self.error(OPERAND_COUNT, message).into()
        })
    }

    /// The operand at `position`, called `what`, which must be known.
    pub(crate) fn constant(&self, position: usize, what: &str) -> Imported<&Rc<Tensor>> {
        if let Operand::Constant(tensor) = self.operand(position)? {
            return Ok(tensor);
        }
        let message = format!("`{}` needs a constant `{what}`", self.name());
        Err(self
            .operand_error(position, NOT_CONSTANT, message)
            .note("every shape and position is fixed when the program is made")
            .into())
    }

    /// The operand at `position`, called `what`, as known integers.
    pub(crate) fn constant_integers(&self, position: usize, what: &str) -> Imported<&[i64]> {
        let tensor = self.constant(position, what)?;
        tensor.as_integers().ok_or_else(|| {
            let message = format!("`{}` needs integers for `{what}`", self.name());
            self.operand_error(position, TYPE_MISMATCH, message).into()
        })
    }

    /// An axis as the specification counts: negative from the end.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Imported<usize> {
        let rank = rank as i64;
        let counted = if axis < 0 { axis.saturating_add(rank) } else { axis };
        if (0..rank).contains(&counted) {
            Ok(counted as usize)
        } else {
            let message = format!("axis {axis} is not one of the {rank} axes of the input");
            Err(self.attribute_error("axis", ATTRIBUTE_INVALID, message).into())
        }
    }
}
