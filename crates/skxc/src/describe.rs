//! What a manifest says of a program.

use skxc_backend_common::layout::{self, Field, Layout};
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::validate::Validated;
use skxc_ir::{Forest, Int, IntOp, Module, OutputKind, ScoreKind};
use skxc_lowering::{Cost, ForestPlan, Part};

use crate::manifest::{
    ClassEntry, ColumnEntry, CostEntry, ForestEntry, LayoutEntry, Manifest, MemberEntry,
    OutputEntry, PartEntry,
};
use crate::options::Options;
use crate::pipeline::{Lowered, Model, Program};
use crate::prediction::frac_bits;

/// The manifest of a program, without its object.
pub(crate) fn manifest(
    model: &Model,
    lowered: &Lowered,
    program: &Program,
    options: &Options,
) -> Manifest {
    let layout = &program.artifact.layout;
    Manifest {
        format: Manifest::FORMAT,
        skxc: env!("CARGO_PKG_VERSION").to_owned(),
        name: options.name.clone(),
        build_id: program.build_id.clone(),
        model_sha256: model.sha256.clone(),
        skir_sha256: program.skir_sha256.clone(),
        object: None,
        options: options.clone(),
        columns: columns(&lowered.int, program),
        layout: LayoutEntry {
            features_bytes: layout.features_bytes,
            result_bytes: layout.result_bytes,
            labels: layout.labels.len() as u32,
            scores_offset_bytes: layout.scores_offset,
            scores: layout.scores,
        },
        classes: classes(&lowered.int, program),
        fallback: options.fallback.clone(),
        outputs: outputs(&lowered.int, layout),
        forests: forests(&lowered.int, program),
        cost: cost(program.plan.cost() + program.artifact.wrapper),
    }
}

fn columns(module: &Module<Int>, program: &Program) -> Vec<ColumnEntry> {
    let member = |field: &Field| MemberEntry {
        name: field.name.clone(),
        size_bytes: field.ty.bytes,
        signed: field.ty.signed,
        offset_bytes: field.offset,
    };
    let entry = |(handle, column): (_, &skxc_ir::Column)| ColumnEntry {
        name: column.name.clone(),
        min: column.range.min,
        max: column.range.max,
        missing: column.missing,
        member: program.artifact.layout.field(handle).map(member),
    };
    module.columns.iter().map(entry).collect()
}

fn classes(module: &Module<Int>, program: &Program) -> Vec<ClassEntry> {
    let several = program.artifact.layout.labels.len() > 1;
    let classes = layout::labels(module).flat_map(|(output, table)| {
        let output = several.then(|| output.name.clone());
        (0..table.len()).map(move |class| (output.clone(), table.text(class)))
    });
    let entries = classes.zip(&program.actions);
    entries.map(|((output, label), &action)| ClassEntry { output, label, action }).collect()
}

fn outputs(module: &Validated<Int>, layout: &Layout) -> Vec<OutputEntry> {
    let rounding = module.rounding();
    let (mut label_offset, mut score_offset) = (0, layout.scores_offset);
    let entry = |output: &skxc_ir::Output| {
        let (kind, error_max) = match output.kind {
            OutputKind::Label => ("label", Vec::new()),
            OutputKind::Score(ScoreKind::Raw) => ("raw", bounds(rounding, output)),
            OutputKind::Score(ScoreKind::Probability) => ("probability", bounds(rounding, output)),
            OutputKind::Value => ("value", bounds(rounding, output)),
        };
        let elements = module.shape(output.value).elements() as u32;
        let (offset, element_bytes) = match output.kind {
            OutputKind::Label => (&mut label_offset, 4),
            OutputKind::Score(_) | OutputKind::Value => (&mut score_offset, 8),
        };
        let offset_bytes = *offset;
        *offset += element_bytes * elements;
        OutputEntry {
            name: output.name.clone(),
            kind: kind.to_owned(),
            offset_bytes,
            elements,
            frac_bits: frac_bits(module, output.value),
            error_max,
        }
    };
    module.outputs.iter().map(entry).collect()
}

fn bounds(rounding: &Rounding, output: &skxc_ir::Output) -> Vec<Option<f64>> {
    let bounds = rounding.of_value(output.value).iter();
    bounds.map(|&bound| Some(bound).filter(|bound| bound.is_finite())).collect()
}

fn forests(module: &Module<Int>, program: &Program) -> Vec<ForestEntry> {
    let entry = |(&value, plan): (&skxc_ir::Value, &ForestPlan)| {
        let IntOp::TreeEnsemble { forest, .. } = module.node(value).op else {
            panic!("a plan is of a tree ensemble")
        };
        forest_entry(&module.forests[forest], plan)
    };
    program.plan.forests.iter().map(entry).collect()
}

fn forest_entry(forest: &Forest<Int>, plan: &ForestPlan) -> ForestEntry {
    ForestEntry {
        lowering: plan.name(),
        parts: plan.parts.iter().map(part_entry).collect(),
        trees: forest.roots.len() as u64,
        nodes: forest.nodes.len() as u64,
        depth_max: forest.depths().into_iter().max().unwrap_or(0),
        cost: cost(plan.cost()),
    }
}

fn part_entry(part: &Part) -> PartEntry {
    PartEntry {
        lowering: part.shape.lowering().to_string(),
        trees: part.trees.len() as u64,
        cost: cost(part.shape.cost()),
    }
}

/// Predicted cost, times rounded up to whole nanoseconds.
pub(crate) fn cost(cost: Cost) -> CostEntry {
    CostEntry {
        program_insns: cost.program_insns,
        verifier_insns: cost.verifier_insns,
        table_bytes: cost.table_bytes,
        scratch_bytes: cost.scratch_bytes,
        stack_bytes: cost.stack_bytes,
        decision_ns: cost.tenth_ns.div_ceil(10),
    }
}
