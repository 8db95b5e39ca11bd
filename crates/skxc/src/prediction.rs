//! Labels and scores of rows as every engine prints them.
//!
//! What must hold:
//! - the engines print the same quantities in the same columns: the labels,
//!   then the elements of all scores, each in the order of the outputs;
//! - the label of a regressor is its prediction; the range that it falls into,
//!   which actions go by, is not printed;
//! - a fixed-point number is printed as the number it stands for.

use std::io::{self, Write};

use skxc_equivalence::decision::{Decision, Place, cells, count};
use skxc_ir::interpret::{self, Enclosure, Outcome};
use skxc_ir::{Domain, ElementType, Int, Module, Output, OutputKind, Real};

/// Writes the header: `label,score0,score1,...`, or `label0,label1,...` where
/// there are several labels.
pub(crate) fn write_header<D: Domain>(out: &mut impl Write, module: &Module<D>) -> io::Result<()> {
    let labels = label_columns(count(module, Place::Label)).into_iter();
    let scores = (0..count(module, Place::Score)).map(|index| format!("score{index}"));
    writeln!(out, "{}", labels.chain(scores).collect::<Vec<_>>().join(","))
}

/// The columns of so many labels.
pub(crate) fn label_columns(labels: usize) -> Vec<String> {
    match labels {
        1 => vec!["label".to_owned()],
        _ => (0..labels).map(|index| format!("label{index}")).collect(),
    }
}

/// Writes a row as the model decides it, by ONNX rules.
pub(crate) fn write_reference(
    out: &mut impl Write,
    module: &Module<Real>,
    row: &[i64],
) -> io::Result<()> {
    let outcomes = interpret::float(module, &cells(module, row));
    let texts = module.outputs.iter().zip(outcomes).map(|(output, outcome)| match outcome {
        Outcome::Label(class) => vec![label(module, output, class)],
        Outcome::Numbers(numbers) => {
            let single = module.ty(output.value).elem == ElementType::F32;
            numbers.iter().map(|&number| float(number, single)).collect()
        }
    });
    write_row(out, module, texts)
}

/// Writes a row as the model decides it in exact arithmetic, numbers as the
/// floats next to them. What exact arithmetic cannot tell is left empty.
pub(crate) fn write_exact(
    out: &mut impl Write,
    module: &Module<Real>,
    row: &[i64],
) -> io::Result<()> {
    let outcomes = interpret::real(module, &cells(module, row));
    let texts = module.outputs.iter().zip(outcomes).map(|(output, outcome)| match outcome {
        Ok(Outcome::Label(class)) => vec![label(module, output, class)],
        Ok(Outcome::Numbers(numbers)) => {
            let is_known = |x: &Enclosure| x.lower() != f64::NEG_INFINITY || x.lower() == x.upper();
            let text = |x: &Enclosure| {
                if is_known(x) { float(x.lower(), false) } else { String::new() }
            };
            numbers.iter().map(text).collect()
        }
        Err(_) => vec![String::new(); module.shape(output.value).elements()],
    });
    write_row(out, module, texts)
}

/// Writes a row as the integer IR, or the object, decides it.
pub(crate) fn write_decision(
    out: &mut impl Write,
    module: &Module<Int>,
    decision: &Decision,
) -> io::Result<()> {
    let mut labels = decision.labels.iter();
    let mut scores = decision.scores.iter();
    let texts = module.outputs.iter().map(|output| {
        if output.kind == OutputKind::Label {
            let class = labels.next().expect("a decision has every label of its module");
            return vec![label(module, output, *class as usize)];
        }
        let unit = f64::exp2(-f64::from(frac_bits(module, output.value)));
        let elements = module.shape(output.value).elements();
        scores.by_ref().take(elements).map(|&stored| float(stored as f64 * unit, false)).collect()
    });
    write_row(out, module, texts)
}

/// Writes the elements of all outputs: labels first, then scores.
fn write_row<D: Domain>(
    out: &mut impl Write,
    module: &Module<D>,
    texts: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    let (mut labels, mut scores) = (Vec::new(), Vec::new());
    for (output, texts) in module.outputs.iter().zip(texts) {
        match Place::of(module, output) {
            Place::Label => labels.extend(texts),
            Place::Score => scores.extend(texts),
            Place::Nowhere => {}
        }
    }
    labels.append(&mut scores);
    write_cells(out, &labels)
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

/// Text of a class. An object may give any number.
fn label<D: Domain>(module: &Module<D>, output: &Output, class: usize) -> String {
    match module.ty(output.value).elem {
        ElementType::Label(table) if class < module.labels[table].len() => {
            module.labels[table].text(class)
        }
        ElementType::Label(_)
        | ElementType::F32
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
