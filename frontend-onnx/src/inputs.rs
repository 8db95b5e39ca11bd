//! The inputs of a graph, and the columns they are bound to.
//!
//! The front end knows shapes and names; which column is which feature, and
//! what it can hold, the caller decides ([`crate::ImportOptions::bind`]).

mod reads;

use std::ops::Range;

use skxc_diagnostics::codes::{INPUT_UNSUPPORTED, LIMIT_EXCEEDED};
use skxc_diagnostics::{Diagnostic, SourceId};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{Column, ElementType, Interval};

use self::reads::Told;
use crate::graph::Graph;
use crate::listing::{Listing, short};
use crate::proto::{
    DataType, Dimension, ModelProto, ValueInfoProto, data_type_name, dimension, type_proto,
};
use crate::report::Report;

/// What the graph wants to be fed, for the caller to bind columns to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInputs {
    /// The text that spans point into.
    pub listing: SourceId,
    /// The inputs in the order of the graph. Columns follow one another in it.
    pub tensors: Vec<InputTensor>,
    /// The metadata property `skxc.features`, if the model has it.
    pub features: Option<FeatureProperty>,
}

/// An input `[N, width]` of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTensor {
    /// Its name. Raw text of the model: escape before printing.
    pub name: String,
    /// Element type as ONNX names it: `float`.
    pub element: String,
    /// Number of columns; at least 1. `None` if neither the type of the input nor
    /// the nodes that read it tell: then whoever binds columns says how many.
    pub width: Option<u32>,
    /// Columns that the nodes of the graph read at least; at least 1.
    pub least: u32,
    /// Its line in the listing.
    pub span: Range<usize>,
    pub(crate) elem: InputElement,
    /// The batch size, if the export fixed it to more than one row.
    pub(crate) batch: Option<u32>,
}

impl InputTensor {
    /// Number of columns; those that it has at least where it does not say.
    pub(crate) fn columns(&self) -> usize {
        self.width.unwrap_or(self.least) as usize
    }
}

/// The metadata property `skxc.features`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureProperty {
    /// The names, split at commas and trimmed. Raw text of the model.
    pub names: Vec<String>,
    /// Its line in the listing.
    pub span: Range<usize>,
}

impl ModelInputs {
    /// Number of columns of all inputs; of one that does not say how many it has,
    /// those that it has at least.
    #[must_use]
    pub fn width(&self) -> usize {
        self.tensors.iter().map(InputTensor::columns).sum()
    }

    /// The input that does not say how many columns it has. There is one at most.
    #[must_use]
    pub fn open(&self) -> Option<&InputTensor> {
        self.tensors.iter().find(|tensor| tensor.width.is_none())
    }

    /// Can the inputs have this number of columns?
    #[must_use]
    pub fn takes(&self, columns: usize) -> bool {
        let width = self.width();
        columns == width || self.open().is_some() && (width..=COLUMNS_MAX).contains(&columns)
    }

    /// The same inputs with `columns` in all, which they take.
    pub(crate) fn with_columns(mut self, columns: usize) -> Self {
        let more = columns - self.width();
        if let Some(open) = self.tensors.iter_mut().find(|tensor| tensor.width.is_none()) {
            let more = u32::try_from(more).expect("the limit of columns is below 2^32");
            open.width = Some(open.least + more);
        }
        self
    }
}

/// How columns become elements of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InputElement {
    /// Type in the IR.
    pub(crate) elem: ElementType,
    /// What the ONNX type can hold, if it is an integer type.
    pub(crate) range: Option<Interval>,
}

/// Key of the metadata property that names the columns.
const FEATURES_KEY: &str = "skxc.features";

/// Reads the inputs of the graph: those that are not initializers.
pub(crate) fn read(
    model: &ModelProto,
    listing: &Listing,
    graph: &Graph<'_>,
    report: &mut Report,
) -> ModelInputs {
    let mut features = model.metadata_props.iter().zip(&listing.properties);
    let features = features.rfind(|(property, _)| property.key == FEATURES_KEY);
    let features = features.map(|(property, span)| FeatureProperty {
        names: property.value.split(',').map(|name| name.trim().to_owned()).collect(),
        span: span.clone(),
    });
    let mut read = ModelInputs { listing: listing.source, tensors: Vec::new(), features };
    let mut width = 0usize;
    let mut first_beyond = None;
    for &(index, input) in &graph.inputs {
        let span = listing.inputs[index].clone();
        match read_tensor(input, graph, span.clone()) {
            Ok(tensor) if tensor.width.is_none() && read.open().is_some() => {
                report.add(second_open(&read, &tensor, report));
            }
            Ok(tensor) => {
                width = width.saturating_add(tensor.columns());
                // What is beyond the limit is left out: nothing may be
                // allocated by its width.
                if width <= COLUMNS_MAX {
                    read.tensors.push(tensor);
                } else {
                    first_beyond.get_or_insert(span);
                }
            }
            Err((what, help)) => {
                let message = format!("input `{}` {what}", short(&input.name));
                let error = report.error(INPUT_UNSUPPORTED, message, &span, "");
                report.add(error.note(NOTE).help(help));
            }
        }
    }
    if let Some(span) = first_beyond {
        let message = format!("the inputs have {width} columns; at most {COLUMNS_MAX} are allowed");
        report.add(report.error(LIMIT_EXCEEDED, message, &span, "too many with this one"));
    } else if graph.inputs.is_empty() {
        report.add(Diagnostic::error(INPUT_UNSUPPORTED, "the graph has no input").note(NOTE));
    }
    read
}

const NOTE: &str = "an input is a matrix with a row a packet and a column a feature: `[N, k]`, \
                    or one `[N, 1]` a column";

/// Checks that each column fits the type of its input, and reports those that do not.
pub(crate) fn check_columns(inputs: &ModelInputs, columns: &[Column], report: &mut Report) {
    let mut rest = columns;
    for tensor in &inputs.tensors {
        let (own, others) = rest.split_at(tensor.columns());
        rest = others;
        let Some(range) = tensor.elem.range else { continue };
        for column in own {
            if range.contains(column.range.min) && range.contains(column.range.max) {
                continue;
            }
            let message = format!(
                "column `{}` holds values in [{}, {}], but input `{}` is of type `{}`",
                column.name,
                column.range.min,
                column.range.max,
                short(&tensor.name),
                tensor.element
            );
            let error = report.error(INPUT_UNSUPPORTED, message, &tensor.span, "");
            report.add(error.help("export the model with `int64` or `float` inputs"));
        }
    }
}

/// Two inputs that do not say how many columns they have share them in no way
/// that could be told.
fn second_open(read: &ModelInputs, second: &InputTensor, report: &Report) -> Diagnostic {
    let first = read.open().map_or("", |first| &first.name);
    let message = format!(
        "inputs `{}` and `{}` do not say how many columns they have",
        short(first),
        short(&second.name)
    );
    report
        .error(INPUT_UNSUPPORTED, message, &second.span, "")
        .note("of one input `columns` tells; how two divide them is not known")
        .help("export with fixed numbers of columns: `FloatTensorType([None, k])`")
}

/// Reads one input, or says what is wrong and what to do.
fn read_tensor(
    input: &ValueInfoProto,
    graph: &Graph<'_>,
    span: Range<usize>,
) -> Result<InputTensor, (String, &'static str)> {
    let Some(type_proto::Value::TensorType(tensor)) =
        input.r#type.as_ref().and_then(|ty| ty.value.as_ref())
    else {
        return Err(("is not a tensor".to_owned(), "export with a tensor as input"));
    };
    let element = data_type_name(tensor.elem_type);
    let Some(elem) = input_element(tensor.elem_type) else {
        let what = format!("has elements of type `{element}`");
        return Err((what, "export with `FloatTensorType` or `Int64TensorType` as input type"));
    };
    let extents = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let [rows, width] = extents else {
        let what = match extents.len() {
            1 => "has one axis; nobody can tell whether it holds rows or columns".to_owned(),
            axes => format!("has {axes} axes"),
        };
        return Err((what, "export with a batch axis: `FloatTensorType([None, k])`"));
    };
    let (width, least) = match fixed_extent(width) {
        Some(width) => (u32::try_from(width).ok(), 1),
        None => match reads::told(graph, &input.name) {
            Told::Exactly(width) => (Some(width), width),
            Told::AtLeast(least) => (None, least),
        },
    };
    if width == Some(0) {
        return Err(("has no columns".to_owned(), "export with the columns the model reads"));
    }
    let batch = match fixed_extent(rows) {
        Some(rows @ 2..) => u32::try_from(rows).ok(),
        Some(_) | None => None,
    };
    Ok(InputTensor { name: input.name.clone(), element, width, least, span, elem, batch })
}

fn fixed_extent(extent: &Dimension) -> Option<i64> {
    match extent.value {
        Some(dimension::Value::DimValue(value)) => Some(value),
        Some(dimension::Value::DimParam(_)) | None => None,
    }
}

/// Decision: integer inputs are read as `i64` and must hold their columns; a
/// `bool` column holds 0 or 1.
fn input_element(data_type: i32) -> Option<InputElement> {
    let integer = |min, max| {
        let range = Some(Interval::new(min, max));
        Some(InputElement { elem: ElementType::I64, range })
    };
    match DataType::try_from(data_type).ok()? {
        DataType::Float => Some(InputElement { elem: ElementType::F32, range: None }),
        DataType::Double => Some(InputElement { elem: ElementType::F64, range: None }),
        DataType::Int64 => integer(i64::MIN, i64::MAX),
        DataType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        DataType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        DataType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        DataType::Uint64 => integer(0, i64::MAX),
        DataType::Uint32 => integer(0, u32::MAX.into()),
        DataType::Uint16 => integer(0, u16::MAX.into()),
        DataType::Uint8 => integer(0, u8::MAX.into()),
        DataType::Bool => {
            let range = Some(Interval::new(0, 1));
            Some(InputElement { elem: ElementType::Bool, range })
        }
        DataType::Undefined
        | DataType::String
        | DataType::Float16
        | DataType::Bfloat16
        | DataType::Complex64
        | DataType::Complex128 => None,
    }
}
