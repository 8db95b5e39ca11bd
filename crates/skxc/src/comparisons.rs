//! The integer comparisons that a threshold or the ends of ranges became, in
//! words: what is compared is what the program compares.

use skxc_diagnostics::escape_to_one_line;
use skxc_ir::{
    ElementType, Int, IntOp, LabelTable, Module, Output, OutputKind, Relation, ScoreKind, Value,
};

use crate::actions;
use crate::ranges::Range;
use crate::threshold::Threshold;

/// A line for each comparison behind the labels of a program that was asked to
/// decide by a threshold, or by ranges of a prediction.
pub(crate) fn lines(
    module: &Module<Int>,
    threshold: Option<(&Threshold, ScoreKind)>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((threshold, kind)) = threshold {
        lines.extend(of_threshold(module, threshold));
        if kind == ScoreKind::Raw {
            let above = threshold.above;
            lines.push(format!("{above} is compared with a score: the model has no probabilities"));
        }
    }
    let labels = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    lines.extend(labels.flat_map(|output| ends_of_ranges(module, output)));
    lines
}

/// When the class of the threshold is decided for; none if its score is no longer
/// compared, because the outcome is known or a tree holds it.
fn of_threshold(module: &Module<Int>, threshold: &Threshold) -> Option<String> {
    let labels = actions::labels(module);
    let name = threshold.class.as_deref()?;
    let (label, class) = actions::find(&labels, name)?;
    let mut outputs = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    let mut value = outputs.nth(label)?.value;
    // The class is a truth value where there are two: class 1 where it holds.
    let mut holds = labels[label].classes.len() > 2 || class == 1;
    let test = loop {
        match &module.node(value).op {
            IntOp::Label { class: input, .. }
            | IntOp::Rescale { input, .. }
            | IntOp::Reshape { input }
            | IntOp::Select { condition: input, .. } => value = *input,
            IntOp::Not { input } => {
                holds = !holds;
                value = *input;
            }
            IntOp::Greater { a, threshold } => {
                let (score, sign) =
                    if holds { ("its score", ">") } else { ("the score compared", "<=") };
                // A score that follows from one column needs no arithmetic.
                let column = column(module, *a).map(|name| format!("`{name}`"));
                let compared = column.as_deref().unwrap_or(score);
                break format!("{compared} {sign} {}", number(module, *a, *threshold));
            }
            _ => return None,
        }
    };
    let class = escape_to_one_line(name);
    Some(format!("threshold {}: class `{class}` if {test}", threshold.above))
}

/// The name of the column that a value is, if it is one.
fn column(module: &Module<Int>, mut value: Value) -> Option<String> {
    while let IntOp::Reshape { input } = module.node(value).op {
        value = input;
    }
    match &module.node(value).op {
        IntOp::Input { columns } if columns.len() == 1 => {
            Some(escape_to_one_line(&module.columns[columns[0]].name))
        }
        _ => None,
    }
}

/// Where each range begins, if the classes of the label are ranges.
fn ends_of_ranges(module: &Module<Int>, output: &Output) -> Vec<String> {
    let ElementType::Label(table) = module.ty(output.value).elem else { return Vec::new() };
    let LabelTable::Strings(ranges) = &module.labels[table] else { return Vec::new() };
    let tests = tests(module, output.value);
    let are_ranges = ranges.iter().all(|range| range.parse::<Range>().is_ok());
    if !are_ranges || ranges.len() != tests.len() + 1 {
        return Vec::new();
    }
    let line = |(range, test): (&String, Option<String>)| {
        Some(format!("{}: in {range} or above {}", output.name, test?))
    };
    ranges.iter().skip(1).zip(tests).filter_map(line).collect()
}

/// The comparisons of the prediction with constants behind a label, in order;
/// `None` for those whose outcome was known.
fn tests(module: &Module<Int>, label: Value) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut open = vec![label];
    while let Some(value) = open.pop() {
        match &module.node(value).op {
            IntOp::Label { class: input, .. }
            | IntOp::Rescale { input, .. }
            | IntOp::Reshape { input }
            | IntOp::Reduce { input, .. } => open.push(*input),
            IntOp::Concat { inputs } => open.extend(inputs.iter().rev()),
            IntOp::Greater { a, threshold } => {
                found.push(Some(format!("if the prediction > {}", number(module, *a, *threshold))));
            }
            IntOp::Compare { relation, a, b } => {
                let IntOp::Constant { constant } = module.node(*b).op else { continue };
                let sign = match relation {
                    Relation::Less => "<",
                    Relation::LessOrEqual => "<=",
                    Relation::Equal => "==",
                    Relation::GreaterOrEqual => ">=",
                    Relation::Greater => ">",
                };
                let elements = module.constants[constant].elements.iter();
                let test =
                    |&it| Some(format!("if the prediction {sign} {}", number(module, *a, it)));
                found.extend(elements.map(test));
            }
            IntOp::Constant { constant } => {
                found.extend(module.constants[*constant].elements.iter().map(|_| None));
            }
            // Whatever else decides is no comparison with a constant.
            _ => {}
        }
    }
    found
}

fn number(module: &Module<Int>, compared: Value, stored: i64) -> String {
    match module.ty(compared).elem {
        ElementType::Fixed { frac_bits, .. } => format!("{stored}, in units of 2^-{frac_bits}"),
        ElementType::F32
        | ElementType::F64
        | ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_) => stored.to_string(),
    }
}
