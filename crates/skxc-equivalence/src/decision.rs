//! Rows and results as the interpreter and the object see them.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Domain, ElementType, Int, LabelTable, Module, Output, OutputKind, Value};

/// What the integer module says of a row, in the order of `struct NAME_result`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Class index of each output of kind label, in order.
    pub labels: Vec<u32>,
    /// The elements of the outputs that are not labels, as stored, in order.
    pub scores: Vec<i64>,
}

/// A row for the interpreter: a cell that holds the value declared for
/// "missing" is none.
#[must_use]
pub fn cells<D: Domain>(module: &Module<D>, row: &[i64]) -> Vec<Option<i64>> {
    let columns = module.columns.iter().zip(row);
    columns.map(|((_, column), &x)| (column.missing != Some(x)).then_some(x)).collect()
}

/// Interprets the integer module on a row of all declared columns.
///
/// # Panics
/// If a cell is outside the range of its column.
#[must_use]
pub fn decide(module: &Module<Int>, row: &[i64]) -> Decision {
    let mut decision = Decision { labels: Vec::new(), scores: Vec::new() };
    for outcome in interpret::integer(module, &cells(module, row)) {
        match outcome {
            Outcome::Label(class) => decision.labels.push(class as u32),
            Outcome::Numbers(numbers) => decision.scores.extend(numbers),
        }
    }
    decision
}

/// What the elements of an output are to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What the model says: a class, or the prediction of a regressor.
    Label,
    /// What a class rests on.
    Score,
    /// The range of a prediction that actions go by: the prediction is printed.
    Nowhere,
}

impl Place {
    /// The place of an output of the module.
    #[must_use]
    pub fn of<D: Domain>(module: &Module<D>, output: &Output) -> Self {
        let is_value = |output: &Output| output.kind == OutputKind::Value;
        match output.kind {
            OutputKind::Value => Self::Label,
            OutputKind::Label if module.outputs.iter().any(is_value) => Self::Nowhere,
            OutputKind::Label => Self::Label,
            OutputKind::Score(_) => Self::Score,
        }
    }
}

/// Elements of the outputs at `place`.
#[must_use]
pub fn count<D: Domain>(module: &Module<D>, place: Place) -> usize {
    let outputs = module.outputs.iter().filter(|output| Place::of(module, output) == place);
    outputs.map(|output| module.shape(output.value).elements()).sum()
}

/// The outputs of kind label, each with its classes.
pub(crate) fn labels<D: Domain>(
    module: &Module<D>,
) -> impl Iterator<Item = (&Output, &LabelTable)> {
    module.outputs.iter().filter(|output| output.kind == OutputKind::Label).map(|output| {
        let ElementType::Label(table) = module.ty(output.value).elem else {
            unreachable!("the type of a label output is label");
        };
        (output, &module.labels[table])
    })
}

/// Text of a class of the label at `index` among the labels. An object may
/// give any number.
pub(crate) fn label_text<D: Domain>(module: &Module<D>, index: usize, class: usize) -> String {
    match labels(module).nth(index) {
        Some((_, table)) if class < table.len() => table.text(class),
        _ => class.to_string(),
    }
}

/// The texts of two classes of that label. Where they are equal, because a model gives
/// two classes one name, the numbers of the classes are added.
pub(crate) fn label_texts<D: Domain>(
    module: &Module<D>,
    index: usize,
    (a, b): (usize, usize),
) -> (String, String) {
    let (a_text, b_text) = (label_text(module, index, a), label_text(module, index, b));
    if a != b && a_text == b_text {
        return (format!("{a_text} (class {a})"), format!("{b_text} (class {b})"));
    }
    (a_text, b_text)
}

/// Has the module anything to compare?
pub(crate) fn decides<D: Domain>(module: &Module<D>) -> bool {
    module.outputs.iter().any(|output| match output.kind {
        OutputKind::Label | OutputKind::Score(_) | OutputKind::Value => true,
    })
}

/// What a stored 1 stands for.
pub(crate) fn unit(elem: ElementType) -> f64 {
    match elem {
        ElementType::Fixed { frac_bits, .. } => f64::exp2(-f64::from(frac_bits)),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_) => 1.0,
    }
}

/// For each element of `value`, how far apart two numbers can be that the program
/// gives for it, in real units. `ranges` are those of `module`.
pub(crate) fn spans(module: &Module<Int>, ranges: &Ranges, value: Value) -> Vec<f64> {
    let unit = unit(module.ty(value).elem);
    ranges.of_value(value).iter().map(|bounds| bounds.span() as f64 * unit).collect()
}

/// Does a bound on an error allow any two numbers that lie within `span` of each
/// other? What is within such a bound does not agree. A number that is the same for
/// every row has no span, and every finite bound on it says something.
pub(crate) fn allows_everything(bound: f64, span: f64) -> bool {
    !bound.is_finite() || (span > 0.0 && bound >= span)
}
