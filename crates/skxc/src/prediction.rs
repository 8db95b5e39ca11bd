//! Labels and scores of rows as every engine prints them.
//!
//! What must hold: the engines print the same quantities in the same columns;
//! a fixed-point score is printed as the number it stands for.

use std::io::{self, Write};

use skxc_equivalence::decision::{Decision, cells};
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Domain, ElementType, Int, LabelTable, Module, OutputKind, Real};

/// Writes the header: `label,score0,score1,...`.
pub(crate) fn write_header<D: Domain>(out: &mut impl Write, module: &Module<D>) -> io::Result<()> {
    let labels = module.outputs.iter().filter(|it| it.kind == OutputKind::Label).count();
    let scores: usize = module
        .outputs
        .iter()
        .filter(|output| matches!(output.kind, OutputKind::Score(_)))
        .map(|output| module.shape(output.value).elements())
        .sum();
    let label = |index: usize| match labels {
        0 | 1 => "label".to_owned(),
        _ => format!("label{index}"),
    };
    let columns = (0..labels.max(1)).map(label).chain((0..scores).map(|i| format!("score{i}")));
    writeln!(out, "{}", columns.collect::<Vec<_>>().join(","))
}

/// Writes a row as the model decides it, by ONNX rules.
pub(crate) fn write_reference(
    out: &mut impl Write,
    module: &Module<Real>,
    row: &[i64],
) -> io::Result<()> {
    let outcomes = interpret::float(module, &cells(module, row));
    let mut cells = Vec::new();
    for (output, outcome) in module.outputs.iter().zip(outcomes) {
        match outcome {
            Outcome::Label(class) => cells.push(label(module, output.value, class)),
            Outcome::Numbers(numbers) => {
                let single = module.ty(output.value).elem == ElementType::F32;
                cells.extend(numbers.iter().map(|&number| float(number, single)));
            }
        }
    }
    write_cells(out, &cells)
}

/// Writes a row as the integer IR, or the object, decides it.
pub(crate) fn write_decision(
    out: &mut impl Write,
    module: &Module<Int>,
    decision: &Decision,
) -> io::Result<()> {
    let mut cells = Vec::new();
    let mut scores = decision.scores.iter();
    for output in &module.outputs {
        if output.kind == OutputKind::Label {
            cells.push(label(module, output.value, decision.label as usize));
            continue;
        }
        let frac_bits = frac_bits(module, output.value);
        let elements = module.shape(output.value).elements();
        for &stored in scores.by_ref().take(elements) {
            cells.push(float(stored as f64 * f64::exp2(-f64::from(frac_bits)), false));
        }
    }
    write_cells(out, &cells)
}

/// Fraction bits of a stored value: 0 unless it is fixed point.
pub(crate) fn frac_bits<D: Domain>(module: &Module<D>, value: skxc_ir::Value) -> u8 {
    match module.ty(value).elem {
        ElementType::Fixed { frac_bits, .. } => frac_bits,
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_) => 0,
    }
}

/// The label table of the decision, if the model makes one.
pub(crate) fn label_table<D: Domain>(module: &Module<D>) -> Option<&LabelTable> {
    let output = module.label_output()?;
    match module.ty(output.value).elem {
        ElementType::Label(table) => Some(&module.labels[table]),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Fixed { .. } => None,
    }
}

fn label<D: Domain>(module: &Module<D>, value: skxc_ir::Value, class: usize) -> String {
    match module.ty(value).elem {
        ElementType::Label(table) => module.labels[table].text(class),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Fixed { .. } => class.to_string(),
    }
}

/// The shortest decimal that reads back as the same number.
fn float(number: f64, single: bool) -> String {
    if single { (number as f32).to_string() } else { number.to_string() }
}

/// A label may hold anything: it is quoted where CSV wants that.
fn write_cells(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "{separator}\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            write!(out, "{separator}{cell}")?;
        }
    }
    out.write_all(b"\n")
}
