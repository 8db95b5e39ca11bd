//! The results of a module: which outputs of the graph are labels, scores or values.
//!
//! - A label, the index of a class, and an integer that is a function of one
//!   index are labels; several in one tensor are several results.
//! - Numbers beside a label are scores. They are probabilities if the graph
//!   says so (Softmax, a classifier of trees), or if they are not negative and
//!   have the sum 1 on every one of [`ROWS`] rows made up for the question.
//! - Other numbers are values: the prediction of a regressor.

use std::collections::HashMap;

use skxc_diagnostics::codes::OUTPUT_UNSUPPORTED;
use skxc_diagnostics::{Diagnostic, has_errors};
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::random::Random;
use skxc_ir::validate::Validator;
use skxc_ir::{
    Binary, ElementType, LabelTable, Output, OutputKind, RealOp, Relation, ScoreKind, Type, Unary,
    Value,
};

use crate::import::{Importer, Scores};
use crate::indexed::{Indexed, indexed, is_sign};
use crate::listing::{Listing, Span, short};
use crate::node::Operand;
use crate::proto::GraphProto;
use crate::tensor::{Data, Tensor};

/// Rows on which scores are asked whether they are probabilities.
const ROWS: usize = 64;
/// Elements that a row may make, for it to be asked.
const ASKED_ELEMENTS_MAX: usize = 1 << 20;
/// How far the sum of probabilities may be from 1, by rounding.
const SUM_TOLERANCE: f64 = 1e-4;

/// Adds the outputs of `graph` to the module, or reports why there are none.
pub(crate) fn add(importer: &mut Importer<'_>, graph: &GraphProto, listing: &Listing) {
    let mut dropped = 0;
    for (output, span) in graph.output.iter().zip(&listing.outputs) {
        let meanings = match importer.operand(&output.name) {
            Operand::Refused => Vec::new(),
            Operand::Value(value) => meanings_of(importer, value),
            Operand::Results(values) => {
                values.into_iter().flat_map(|value| meanings_of(importer, value)).collect()
            }
            Operand::Constant(tensor) if tensor.per_row => {
                constant_result(importer, &tensor, &output.name, span).into_iter().collect()
            }
            // A list of labels, say, that says nothing of the row.
            Operand::Constant(_) => {
                dropped += 1;
                Vec::new()
            }
        };
        push(importer, &output.name, meanings);
    }
    let is_label = |output: &Output| output.kind == OutputKind::Label;
    if importer.module.outputs.iter().any(is_label) {
        values_are_scores(importer);
    }
    join_columns(importer);
    let outputs = &importer.module.outputs;
    let decides =
        outputs.iter().any(|output| matches!(output.kind, OutputKind::Label | OutputKind::Value));
    if !decides && !has_errors(&importer.report.diagnostics) {
        let what = if graph.output.is_empty() {
            "the graph has no output"
        } else if dropped == graph.output.len() {
            "no output of the graph depends on its inputs"
        } else {
            "no output of the graph is a label or a prediction"
        };
        importer.report.add(
            Diagnostic::error(OUTPUT_UNSUPPORTED, what)
                .help("export the whole estimator, with its label output"),
        );
    }
}

/// Adds the results of one output of the graph; several have its name and a number.
fn push(importer: &mut Importer<'_>, name: &str, meanings: Vec<(OutputKind, Value)>) {
    let several = meanings.len() > 1;
    for (index, (kind, value)) in meanings.into_iter().enumerate() {
        let name = if several { format!("{name}{index}") } else { name.to_owned() };
        importer.module.outputs.push(Output { name, kind, value });
    }
}

/// What an output means.
fn meanings_of(importer: &mut Importer<'_>, value: Value) -> Vec<(OutputKind, Value)> {
    let ty = importer.module.ty(value).clone();
    let origin = importer.module.node(value).origin;
    let elements = ty.shape.elements();
    match ty.elem {
        ElementType::Label(_) if elements == 1 => vec![(OutputKind::Label, value)],
        ElementType::Label(_) => (0..elements as u32)
            .map(|element| importer.pick(value, vec![element], &[1], origin))
            .map(|value| (OutputKind::Label, value))
            .collect(),
        ElementType::I64 | ElementType::Bool => {
            let labels: Option<Vec<Indexed>> =
                (0..elements).map(|element| indexed(&importer.module, value, element)).collect();
            if let Some(labels) = labels {
                let labels = labels.into_iter().map(|label| label_of(importer, label));
                return labels.map(|value| (OutputKind::Label, value)).collect();
            }
            // A result is a number; a truth value is 0 or 1.
            vec![(OutputKind::Value, importer.cast(value, ElementType::I64, origin))]
        }
        ElementType::F32 | ElementType::F64 => match importer.scores.get(&value) {
            Some(scores) => vec![(OutputKind::Score(scores.kind), value)],
            None => vec![(OutputKind::Value, value)],
        },
        ElementType::Fixed { .. } => unreachable!("no type of the real domain"),
    }
}

/// The function of an index as a label.
fn label_of(importer: &mut Importer<'_>, label: Indexed) -> Value {
    let Indexed { source, element, entries } = label;
    let origin = importer.module.node(source).origin;
    let class = match importer.module.node(source).op {
        RealOp::Label { class, .. } => class,
        RealOp::Unary { function: Unary::Sign, input } if is_sign(&importer.module, source) => {
            sign_index(importer, input)
        }
        _ => source,
    };
    let element = u32::try_from(element).expect("the limits bound every position");
    let class = if importer.module.shape(class).elements() == 1 {
        class
    } else {
        importer.pick(class, vec![element], &[1], origin)
    };
    let table = importer.module.labels.push(LabelTable::Integers(entries));
    importer.label(table, class, origin)
}

/// 0, 1 or 2 for a number below, at or above 0.
fn sign_index(importer: &mut Importer<'_>, number: Value) -> Value {
    let origin = importer.module.node(number).origin;
    let ty = importer.module.ty(number).clone();
    let zero = importer.scalar(0.0, ty.elem, origin);
    let mut holds = |relation| {
        let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
        let op = RealOp::Compare { relation, a: number, b: zero };
        let truth = importer.module.push(op, truth, origin);
        importer.cast(truth, ElementType::I64, origin)
    };
    let (a, b) = (holds(Relation::GreaterOrEqual), holds(Relation::Greater));
    let ty = Type { elem: ElementType::I64, shape: ty.shape };
    importer.module.push(RealOp::Binary { function: Binary::Add, a, b }, ty, origin)
}

/// Makes scores of the numbers beside a label, one for each of several labels
/// if the tensor counts them along one of its axes.
fn values_are_scores(importer: &mut Importer<'_>) {
    let outputs = std::mem::take(&mut importer.module.outputs);
    let labels = outputs.iter().filter(|output| output.kind == OutputKind::Label).count();
    let numbers: Vec<Value> = outputs.iter().map(|output| output.value).collect();
    let is_distribution = distributions(importer, &numbers);
    for (output, is_distribution) in outputs.into_iter().zip(is_distribution) {
        if output.kind != OutputKind::Value {
            importer.module.outputs.push(output);
            continue;
        }
        let parts = parts_of(importer, output.value, labels);
        let kinds =
            if parts.len() == 1 { vec![is_distribution] } else { distributions(importer, &parts) };
        let kind = |is_distribution| match is_distribution {
            true => OutputKind::Score(ScoreKind::Probability),
            false => OutputKind::Score(ScoreKind::Raw),
        };
        let meanings = kinds.into_iter().map(kind).zip(parts).collect();
        push(importer, &output.name, meanings);
    }
}

/// The scores of each label, if `[labels, 1, n]` or `[1, labels, n]` holds
/// those of several.
fn parts_of(importer: &mut Importer<'_>, value: Value, labels: usize) -> Vec<Value> {
    let width = match importer.module.shape(value).0[..] {
        [a, 1, n] | [1, a, n] if a as usize == labels && labels > 1 => n,
        _ => return vec![value],
    };
    let origin = importer.module.node(value).origin;
    (0..labels as u32)
        .map(|label| {
            let picked = (label * width..(label + 1) * width).collect();
            importer.pick(value, picked, &[1, width], origin)
        })
        .collect()
}

/// Which of the values hold probabilities on each of many rows: not negative
/// and, together, 1.
fn distributions(importer: &Importer<'_>, values: &[Value]) -> Vec<bool> {
    let mut module = importer.module.clone();
    let output =
        |&value: &Value| Output { name: format!("{value:?}"), kind: OutputKind::Value, value };
    let is_float = |value: &Value| importer.module.ty(*value).elem.is_float();
    let mut holds: Vec<bool> = values
        .iter()
        .map(|value| is_float(value) && importer.module.shape(*value).elements() > 1)
        .collect();
    let asked: Vec<usize> = (0..values.len()).filter(|&at| holds[at]).collect();
    module.outputs = asked.iter().map(|&at| output(&values[at])).collect();
    let is_valid = !has_errors(&importer.report.diagnostics)
        && !asked.is_empty()
        && importer.elements <= ASKED_ELEMENTS_MAX
        && Validator::check(&module).is_empty();
    if !is_valid {
        return vec![false; values.len()];
    }
    let mut random = Random::new(0);
    for row in 0..ROWS {
        let cell = |(_, column): (_, &skxc_ir::Column)| match row {
            0 => Some(column.range.min),
            1 => Some(column.range.max),
            _ => Some(random.log_within(column.range)),
        };
        let row: Vec<Option<i64>> = module.columns.iter().map(cell).collect();
        for (&at, outcome) in asked.iter().zip(interpret::float(&module, &row)) {
            let Outcome::Numbers(numbers) = outcome else { continue };
            let sum: f64 = numbers.iter().sum();
            holds[at] &= numbers.iter().all(|&x| x >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE;
        }
    }
    holds
}

/// An output that is the same for every row: the label or the score of a model
/// with one class.
fn constant_result(
    importer: &mut Importer<'_>,
    tensor: &Tensor,
    name: &str,
    span: &Span,
) -> Option<(OutputKind, Value)> {
    let origin = importer.graph_origin();
    let only = match &tensor.data {
        Data::Integers(values) if values.len() == 1 => Some(LabelTable::Integers(values.clone())),
        Data::Text(texts) if texts.len() == 1 => Some(LabelTable::Strings(texts.clone())),
        _ => None,
    };
    if let Some(table) = only {
        let table = importer.module.labels.push(table);
        let ty = Type::new(ElementType::I64, &[1]);
        let class = importer.constant(0.0, ty, origin);
        return Some((OutputKind::Label, importer.label(table, class, origin)));
    }
    match tensor.to_value(&mut importer.module, origin) {
        Ok(value) => {
            let value = match importer.module.ty(value).elem {
                ElementType::Bool => importer.cast(value, ElementType::I64, origin),
                _ => value,
            };
            Some((OutputKind::Score(ScoreKind::Raw), value))
        }
        Err(fault) => {
            let message = format!("output `{}` {}", short(name), fault.what);
            importer.report.add(importer.report.error(fault.code, message, span, ""));
            None
        }
    }
}

/// Puts scores together again that were exported as one output a class (ZipMap
/// by columns): they are one result, named by all their names.
fn join_columns(importer: &mut Importer<'_>) {
    let mut joined: HashMap<Value, Vec<usize>> = HashMap::new();
    for (index, output) in importer.module.outputs.iter().enumerate() {
        if let Some(Scores { whole, classes, .. }) = importer.scores.get(&output.value)
            && classes.len() == 1
        {
            let positions = joined.entry(*whole).or_default();
            if positions.len() == classes[0] as usize {
                positions.push(index);
            }
        }
    }
    let mut outputs: Vec<Option<Output>> =
        std::mem::take(&mut importer.module.outputs).into_iter().map(Some).collect();
    for (whole, positions) in joined {
        if positions.len() < 2 || positions.len() != importer.scores[&whole].classes.len() {
            continue;
        }
        let taken: Vec<Output> = positions.iter().filter_map(|&at| outputs[at].take()).collect();
        let names: Vec<&str> = taken.iter().map(|output| output.name.as_str()).collect();
        let joint = Output { name: names.join(","), kind: taken[0].kind, value: whole };
        outputs[positions[0]] = Some(joint);
    }
    importer.module.outputs = outputs.into_iter().flatten().collect();
}
