//! tract-onnx as an independent witness of ONNX semantics, behind the cargo
//! feature `oracle`.
//!
//! tract implements part of ONNX, and three things keep it from a fair reading
//! of scikit-learn's trees. The model it is given is therefore rewritten; the
//! model that is compiled is not:
//! - labels of text do not run: the classes are numbered, and named again after;
//! - ZipMap does not load: its node goes, and the graph gives the scores;
//! - a binary ensemble with one weight a leaf is labelled by the greatest of
//!   `[score, 0]`, which is always class 0. The weights are moved to class 1,
//!   and class 0 gets the constant that they are compared with: one half, or 0
//!   if a weight is negative. The walks and the sums remain tract's own.
//!
//! What must hold: a witness that cannot run the model says so
//! ([`Reason::NotImplemented`]); it is never taken for agreement.

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Int, LabelTable, Module, Real};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid as _;

use crate::compare::Judge;
use crate::decision::{cells, label_text, labels as label_tables};
use crate::inputs::Rows;
use crate::report::{Report, Tally};
use crate::verdict::{Comparison, Counterexample, Part, Reason};

/// Compares the labels of tract with those of `float` on `rows`. A row that
/// only the order of floating-point additions decides is a near-tie.
///
/// A large forest is compared on some of the rows, evenly chosen: tract looks
/// for the weights of a leaf from the first one on, so a row takes it time that
/// grows with trees times leaves. `int` is the integer module of `real`.
#[must_use]
pub fn labels(real: &Module<Real>, int: &Module<Int>, onnx: &[u8], rows: &Rows) -> Report {
    let stride = stride(real, rows.len());
    let mut sample = Rows::new(real.columns.len());
    for (kind, row) in rows.iter().step_by(stride) {
        sample.push(kind, row);
    }
    let Ok(said) = witness_labels(real, onnx, &sample) else {
        return Report::not_made(Comparison::Oracle, Reason::NotImplemented);
    };
    let judge = Judge::new(real, int);
    let mut tally = Tally::new(Comparison::Oracle);
    for (index, ((kind, row), said)) in sample.iter().zip(said).enumerate() {
        tally.count(kind);
        let Some(class) = float_label(real, row) else { continue };
        let expected = label_text(real, 0, class);
        if said == expected {
            continue;
        }
        let classes = label_tables(real).next().map_or(0, |(_, table)| table.len());
        let class = (0..classes).find(|&class| label_text(real, 0, class) == said);
        if class.is_some_and(|class| judge.float_may_say(row, class)) {
            tally.near_ties += 1;
            continue;
        }
        tally.mismatch(|| Counterexample {
            comparison: Comparison::Oracle,
            kind,
            row: row.to_vec(),
            frame: None,
            index: Some((index * stride) as u64),
            part: Part::label(0, 1),
            expected,
            got: said,
        });
    }
    tally.report()
}

fn float_label(real: &Module<Real>, row: &[i64]) -> Option<usize> {
    interpret::float(real, &cells(real, row)).into_iter().find_map(|outcome| match outcome {
        Outcome::Label(class) => Some(class),
        Outcome::Numbers(_) => None,
    })
}

/// Leaf weights that tract may look at in all.
const LOOKS_MAX: usize = 50_000_000;

fn stride(real: &Module<Real>, rows: usize) -> usize {
    let forests = real.forests.iter().map(|(_, forest)| forest);
    let looks: usize = forests.map(|forest| forest.roots.len() * forest.weights.len()).sum();
    looks.saturating_mul(rows).div_ceil(LOOKS_MAX).max(1)
}

/// What tract says of each row. An export may have fixed the batch to one row.
fn witness_labels(real: &Module<Real>, onnx: &[u8], rows: &Rows) -> TractResult<Vec<String>> {
    let many = Witness::new(real, onnx, BATCH_ROWS).and_then(|witness| witness.labels(rows));
    let said = many.or_else(|_| Witness::new(real, onnx, 1)?.labels(rows))?;
    if !matches!(label_tables(real).next(), Some((_, LabelTable::Strings(_)))) {
        return Ok(said);
    }
    let name = |class: String| class.parse().map(|class| label_text(real, 0, class));
    said.into_iter().map(|class| name(class).map_err(TractError::new)).collect()
}

/// Rows that tract gets at once: a run of it costs much beside the rows.
const BATCH_ROWS: usize = 256;

/// A model as tract runs it.
struct Witness {
    plan: std::sync::Arc<TypedRunnableModel>,
    input: DatumType,
    /// Position of the label among the outputs.
    label: usize,
    /// Rows of the input.
    batch: usize,
}

impl Witness {
    fn new(real: &Module<Real>, onnx: &[u8], batch: usize) -> TractResult<Self> {
        let framework = tract_onnx::onnx().with_ignore_output_shapes(true);
        let framework = framework.with_ignore_output_types(true);
        let mut proto = framework.proto_model_for_read(&mut std::io::Cursor::new(onnx))?;
        rewrite(&mut proto);
        let name = real.label_output().map(|output| output.name.clone()).unwrap_or_default();
        let outputs = proto.graph.iter().flat_map(|graph| &graph.output);
        let label = outputs.into_iter().position(|output| output.name == name);
        let label = label.ok_or_else(|| TractError::msg("the label is no output"))?;
        let model = framework.model_for_proto_model(&proto)?;
        let input = model.input_fact(0)?.datum_type.concretize().unwrap_or(f32::datum_type());
        let fact = InferenceFact::dt_shape(input, [batch, real.columns.len()]);
        let plan = model.with_input_fact(0, fact)?.into_optimized()?.into_runnable()?;
        Ok(Self { plan, input, label, batch })
    }

    /// The labels of all rows, as text.
    fn labels(&self, rows: &Rows) -> TractResult<Vec<String>> {
        let mut labels = Vec::with_capacity(rows.len());
        while labels.len() < rows.len() {
            // The last batch repeats its last row.
            let last = rows.len() - 1;
            let indices = (0..self.batch).map(|index| (labels.len() + index).min(last));
            let cells: Vec<i64> = indices.flat_map(|index| rows.row(index).to_vec()).collect();
            let said = self.run(&cells)?;
            let wanted = self.batch.min(rows.len() - labels.len());
            if said.len() != self.batch {
                return Err(TractError::msg("a batch has a label for each row"));
            }
            labels.extend(said.into_iter().take(wanted));
        }
        Ok(labels)
    }

    fn run(&self, cells: &[i64]) -> TractResult<Vec<String>> {
        let exact = Tensor::from_shape(&[self.batch, cells.len() / self.batch], cells)?;
        let input = exact.cast_to_dt(self.input)?.into_owned();
        let outputs = self.plan.run(tvec!(input.into()))?;
        let label = outputs[self.label].cast_to::<i64>()?;
        let numbers = label.try_as_plain_ram()?.as_slice::<i64>()?.iter();
        Ok(numbers.map(ToString::to_string).collect())
    }
}

/// Makes of the model one that tract reads as it is meant.
fn rewrite(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    drop_zip_map(graph);
    // Types of outputs that the rewriting changes.
    for output in &mut graph.output {
        output.r#type = None;
    }
    for node in &mut graph.node {
        if node.op_type == "TreeEnsembleClassifier" {
            number_classes(node);
            split_classes(node);
        }
    }
}

fn drop_zip_map(graph: &mut GraphProto) {
    let (zip_maps, nodes): (Vec<_>, Vec<_>) =
        std::mem::take(&mut graph.node).into_iter().partition(|node| node.op_type == "ZipMap");
    graph.node = nodes;
    for zip_map in zip_maps {
        let (Some(from), Some(to)) = (zip_map.input.first(), zip_map.output.first()) else {
            continue;
        };
        for output in graph.output.iter_mut().filter(|output| output.name == *to) {
            output.name.clone_from(from);
            output.r#type = None;
        }
    }
}

/// Makes labels of text the numbers of their classes.
fn number_classes(node: &mut NodeProto) {
    if let Some(labels) = attribute_mut(node, "classlabels_strings") {
        labels.name = "classlabels_int64s".to_owned();
        labels.ints = (0..labels.strings.len() as i64).collect();
        labels.strings.clear();
        labels.set_type(AttributeType::Ints);
    }
}

/// Gives class 0 of a binary ensemble with one weight a leaf what class 1 is
/// compared with.
fn split_classes(node: &mut NodeProto) {
    let labels = integers(node, "classlabels_int64s").len();
    let ids = integers(node, "class_ids");
    if labels != 2 || ids.windows(2).any(|pair| pair[0] != pair[1]) {
        return;
    }
    let weights = attribute(node, "class_weights").map_or(&[][..], |weights| &weights.floats);
    let compared = if weights.iter().all(|&weight| weight >= 0.0) { 0.5 } else { 0.0 };
    let trees = integers(node, "nodes_treeids");
    let first_tree = trees.first().copied();
    let nodes = trees.iter().zip(integers(node, "nodes_nodeids")).zip(modes(node));
    let leaves: Vec<i64> = nodes
        .filter(|((tree, _), mode)| Some(**tree) == first_tree && *mode == b"LEAF")
        .map(|((_, id), _)| id)
        .collect();
    // Before the others: tract wants the trees in order.
    let before = |node: &mut NodeProto, name: &str, values: Vec<i64>| {
        if let Some(attribute) = attribute_mut(node, name) {
            attribute.ints.splice(0..0, values);
        }
    };
    let count = leaves.len();
    if let Some(ids) = attribute_mut(node, "class_ids") {
        ids.ints.fill(1);
    }
    before(node, "class_ids", vec![0; count]);
    before(node, "class_nodeids", leaves);
    before(node, "class_treeids", vec![first_tree.unwrap_or(0); count]);
    if let Some(weights) = attribute_mut(node, "class_weights") {
        weights.floats.splice(0..0, vec![compared; count]);
    }
}

fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn attribute_mut<'n>(node: &'n mut NodeProto, name: &str) -> Option<&'n mut AttributeProto> {
    node.attribute.iter_mut().find(|attribute| attribute.name == name)
}

fn integers(node: &NodeProto, name: &str) -> Vec<i64> {
    attribute(node, name).map(|attribute| attribute.ints.clone()).unwrap_or_default()
}

fn modes(node: &NodeProto) -> &[Vec<u8>] {
    attribute(node, "nodes_modes").map_or(&[], |modes| &modes.strings)
}
