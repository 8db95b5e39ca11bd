//! The integer comparisons that a threshold or the ends of ranges became, in
//! words: what is compared is what the program compares.

use skxc_ir::{ElementType, Int, IntOp, LabelTable, Module, Output, OutputKind, Relation, Value};

use crate::ranges::Range;

/// A line for each comparison behind the labels of a module that was asked to
/// decide by `threshold`, or by ranges of a prediction.
pub(crate) fn lines(module: &Module<Int>, threshold: Option<f64>) -> Vec<String> {
    let labels = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    if let Some(threshold) = threshold {
        let tests = labels.take(1).flat_map(|output| tests(module, output.value, "its score"));
        return tests.map(|test| format!("threshold {threshold}: class 1 {test}")).collect();
    }
    labels.flat_map(|output| ends_of_ranges(module, output)).collect()
}

/// Where each range begins, if the classes of the label are ranges.
fn ends_of_ranges(module: &Module<Int>, output: &Output) -> Vec<String> {
    let ElementType::Label(table) = module.ty(output.value).elem else { return Vec::new() };
    let LabelTable::Strings(ranges) = &module.labels[table] else { return Vec::new() };
    let tests = tests(module, output.value, "the prediction");
    let are_ranges = ranges.iter().all(|range| range.parse::<Range>().is_ok());
    if !are_ranges || ranges.len() != tests.len() + 1 {
        return Vec::new();
    }
    let line = |(range, test)| format!("{}: in {range} or above {test}", output.name);
    ranges.iter().skip(1).zip(tests).map(line).collect()
}

/// The comparisons of `what` with constants behind a label, in order, and those
/// whose outcome was known.
fn tests(module: &Module<Int>, label: Value, what: &str) -> Vec<String> {
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
                found.push(format!("if {what} > {}", number(module, *a, *threshold)));
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
                let test = |&it| format!("if {what} {sign} {}", number(module, *a, it));
                found.extend(elements.map(test));
            }
            IntOp::Constant { constant } => {
                let known = module.constants[*constant].elements.iter();
                found.extend(known.map(|&it| if it == 0 { "never" } else { "always" }.to_owned()));
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
