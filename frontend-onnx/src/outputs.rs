//! The results of a module: which outputs of the graph are labels, scores or values.

use std::collections::HashMap;

use skxc_diagnostics::Diagnostic;
use skxc_diagnostics::codes::OUTPUT_UNSUPPORTED;
use skxc_ir::{ElementType, LabelTable, Output, OutputKind, RealOp, ScoreKind, Value};

use crate::listing::{Listing, Span, short};
use crate::lower::{Lowering, Scores};
use crate::node::Operand;
use crate::proto::GraphProto;
use crate::tensor::{Data, Tensor};

/// Adds the outputs of `graph` to the module, or reports why there are none.
pub(crate) fn add(lowering: &mut Lowering<'_>, graph: &GraphProto, listing: &Listing) {
    let mut dropped = 0;
    for (output, span) in graph.output.iter().zip(&listing.outputs) {
        let meaning = match lowering.operand(&output.name) {
            Operand::Refused => None,
            Operand::Value(value) => Some(meaning_of(lowering, value)),
            Operand::Map(scores) => Some(meaning_of(lowering, scores)),
            Operand::Constant(tensor) if tensor.per_row => {
                constant_result(lowering, &tensor, &output.name, span)
            }
            // A list of labels, say, that says nothing of the row.
            Operand::Constant(_) => {
                dropped += 1;
                None
            }
        };
        if let Some((kind, value)) = meaning {
            lowering.module.outputs.push(Output { name: output.name.clone(), kind, value });
        }
    }
    join_columns(lowering);
    let outputs = &lowering.module.outputs;
    let decides =
        outputs.iter().any(|output| matches!(output.kind, OutputKind::Label | OutputKind::Value));
    if !decides && !skxc_diagnostics::has_errors(&lowering.report.diagnostics) {
        let what = if graph.output.is_empty() {
            "the graph has no output"
        } else if dropped == graph.output.len() {
            "no output of the graph depends on its inputs"
        } else {
            "no output of the graph is a label or a prediction"
        };
        lowering.report.add(
            Diagnostic::error(OUTPUT_UNSUPPORTED, what)
                .help("export the whole estimator, with its label output"),
        );
    }
}

/// What an output means. The index of a class is a label whose text is the index.
fn meaning_of(lowering: &mut Lowering<'_>, value: Value) -> (OutputKind, Value) {
    if let ElementType::Label(_) = lowering.module.ty(value).elem {
        return (OutputKind::Label, value);
    }
    if let Some(&count) = lowering.classes.get(&value) {
        let table = LabelTable::Integers((0..i64::from(count)).collect());
        let table = lowering.module.labels.push(table);
        let node = lowering.module.node(value);
        let origin = node.origin;
        // `i64` or `bool` as an index; a cast of it is one still.
        let class = match node.op {
            RealOp::Cast { input } if lowering.classes.contains_key(&input) => input,
            _ => value,
        };
        return (OutputKind::Label, lowering.label(table, class, origin));
    }
    if let Some(scores) = lowering.scores.get(&value) {
        return (OutputKind::Score(scores.kind), value);
    }
    // A result is a number; a truth value is 0 or 1.
    let is_bool = lowering.module.ty(value).elem == ElementType::Bool;
    let origin = lowering.module.node(value).origin;
    let value = if is_bool { lowering.cast(value, ElementType::I64, origin) } else { value };
    (OutputKind::Value, value)
}

/// An output that is the same for every row: the label or the score of a model
/// with one class.
fn constant_result(
    lowering: &mut Lowering<'_>,
    tensor: &Tensor,
    name: &str,
    span: &Span,
) -> Option<(OutputKind, Value)> {
    let origin = lowering.graph_origin();
    let only = match &tensor.data {
        Data::Integers(values) if values.len() == 1 => Some(LabelTable::Integers(values.clone())),
        Data::Text(texts) if texts.len() == 1 => Some(LabelTable::Strings(texts.clone())),
        _ => None,
    };
    if let Some(table) = only {
        let table = lowering.module.labels.push(table);
        let ty = skxc_ir::Type::new(ElementType::I64, &[1]);
        let class = lowering.constant(0.0, ty, origin);
        return Some((OutputKind::Label, lowering.label(table, class, origin)));
    }
    match tensor.to_value(&mut lowering.module, origin) {
        Ok(value) => {
            let (_, value) = meaning_of(lowering, value);
            Some((OutputKind::Score(ScoreKind::Raw), value))
        }
        Err(fault) => {
            let message = format!("output `{}` {}", short(name), fault.what);
            lowering.report.add(lowering.report.error(fault.code, message, span, ""));
            None
        }
    }
}

/// Puts scores together again that were exported as one output a class (ZipMap
/// by columns): they are one result, named by all their names.
fn join_columns(lowering: &mut Lowering<'_>) {
    let mut joined: HashMap<Value, Vec<usize>> = HashMap::new();
    for (index, output) in lowering.module.outputs.iter().enumerate() {
        if let Some(Scores { whole, classes, .. }) = lowering.scores.get(&output.value)
            && classes.len() == 1
        {
            let positions = joined.entry(*whole).or_default();
            if positions.len() == classes[0] as usize {
                positions.push(index);
            }
        }
    }
    let mut outputs: Vec<Option<Output>> =
        std::mem::take(&mut lowering.module.outputs).into_iter().map(Some).collect();
    for (whole, positions) in joined {
        if positions.len() < 2 || positions.len() != lowering.scores[&whole].classes.len() {
            continue;
        }
        let taken: Vec<Output> = positions.iter().filter_map(|&at| outputs[at].take()).collect();
        let names: Vec<&str> = taken.iter().map(|output| output.name.as_str()).collect();
        let joint = Output { name: names.join(","), kind: taken[0].kind, value: whole };
        outputs[positions[0]] = Some(joint);
    }
    lowering.module.outputs = outputs.into_iter().flatten().collect();
}
