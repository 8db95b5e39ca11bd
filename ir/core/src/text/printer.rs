//! Prints modules.

use std::collections::HashSet;
use std::fmt::{Display, Write as _};

use skxc_diagnostics::escape_to_one_line;

use super::Notation;
use crate::arena::Handle;
use crate::forest::{Forest, TreeNode};
use crate::module::{Column, Domain, LabelTable, Module, Output, OutputKind, ScoreKind, Value};
use crate::origin::{OriginId, Origins, PLACES_SHOWN_MAX};

/// The text form of a module. One definition a line, one tree node a line;
/// every handle as the documentation of [`Module`] shows it.
#[must_use]
pub fn print<D: Notation>(module: &Module<D>) -> String {
    let mut out = String::new();
    let names = Names::of(module);
    line(&mut out, format_args!("{} {}", D::NAME, name(&module.name)));
    for (node, text) in module.origins.graph_nodes.iter().enumerate() {
        line(&mut out, format_args!("onnx{node} = {}", quoted(text)));
    }
    for (handle, column) in module.columns.iter() {
        print_column(&mut out, handle, column);
    }
    for (handle, table) in module.labels.iter() {
        print_labels(&mut out, handle, table);
    }
    for (handle, constant) in module.constants.iter() {
        put(&mut out, format_args!("@w{} = constant {} ", handle.index(), constant.ty));
        print_list(&mut out, &constant.elements, |out, &x| D::write_number(out, x));
        out.push('\n');
    }
    for (handle, forest) in module.forests.iter() {
        print_forest(&mut out, &module.origins, handle.index(), forest);
    }
    for (handle, function) in module.functions.iter() {
        super::function::print(&mut out, handle.index(), function);
    }
    for (handle, matrix) in module.matrices.iter() {
        super::matrix::print(&mut out, handle.index(), matrix);
    }
    for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
        put(&mut out, format_args!("%{} = ", value.index()));
        D::write_op(&mut out, &names, &node.op);
        put(&mut out, format_args!(" : {}", node.ty));
        print_origin(&mut out, &module.origins, node.origin);
        out.push('\n');
    }
    for output in &module.outputs {
        print_output(&mut out, output);
    }
    out
}

/// How the text form calls what operations name.
#[derive(Debug)]
pub struct Names {
    columns: Vec<String>,
}

impl Names {
    /// Columns go by name where only one has it.
    fn of<D: Domain>(module: &Module<D>) -> Self {
        let mut taken = HashSet::new();
        let columns = module.columns.iter().map(|(handle, column)| {
            let is_first = taken.insert(column.name.as_str());
            if is_first { name(&column.name) } else { format!("@c{}", handle.index()) }
        });
        Self { columns: columns.collect() }
    }

    /// Appends ` [a, b]`.
    pub(super) fn put_columns(&self, out: &mut String, columns: &[Handle<Column>]) {
        out.push(' ');
        print_list(out, columns, |out, column| match self.columns.get(column.index()) {
            Some(name) => out.push_str(name),
            None => put(out, format_args!("@c{}", column.index())),
        });
    }
}

/// Appends the operand.
pub(super) fn put_value(out: &mut String, value: Value) {
    put(out, format_args!("%{}", value.index()));
}

/// Appends `[a, b]`.
pub(super) fn print_list<T>(out: &mut String, items: &[T], mut item: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (i, x) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        item(out, x);
    }
    out.push(']');
}

/// Appends what is formatted.
pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes any text");
}

/// Appends a number so that it reads back, the shortest way there is.
pub(super) fn put_float(out: &mut String, number: f64) {
    if number.is_nan() { out.push_str("nan") } else { put(out, format_args!("{number:?}")) }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    put(out, text);
    out.push('\n');
}

/// As a word if it is one.
fn name(name: &str) -> String {
    if crate::validate::is_identifier(name) { name.to_owned() } else { quoted(name) }
}

/// As a string of the text form.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escape_to_one_line(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn print_column(out: &mut String, handle: Handle<Column>, column: &Column) {
    let range = column.range;
    let name = name(&column.name);
    put(out, format_args!("@c{} = column {name} ", handle.index()));
    put(out, format_args!("[{}, {}]", range.min, range.max));
    if let Some(missing) = column.missing {
        put(out, format_args!(" missing {missing}"));
    }
    out.push('\n');
}

fn print_labels(out: &mut String, handle: Handle<LabelTable>, table: &LabelTable) {
    put(out, format_args!("@l{} = labels ", handle.index()));
    match table {
        LabelTable::Integers(labels) => print_list(out, labels, put_display),
        LabelTable::Strings(labels) => {
            print_list(out, labels, |out, label| out.push_str(&quoted(label)));
        }
    }
    out.push('\n');
}

fn put_display<T: Display>(out: &mut String, x: &T) {
    put(out, format_args!("{x}"));
}

fn print_forest<D: Notation>(
    out: &mut String,
    origins: &Origins,
    index: usize,
    forest: &Forest<D>,
) {
    let (elem, features, targets) = (forest.elem, forest.features, forest.targets);
    put(out, format_args!("@t{index} = forest {elem}, {features} features, {targets} targets"));
    out.push_str("\n  base ");
    print_list(out, &forest.base, |out, &x| D::write_number(out, x));
    // Zeros for all targets go without saying; a list of another length does not.
    if forest.rounding_half_units != vec![0; targets as usize] {
        out.push_str("\n  rounding ");
        print_list(out, &forest.rounding_half_units, put_display);
    }
    if forest.folding_error != vec![0.0; targets as usize] {
        out.push_str("\n  folding ");
        print_list(out, &forest.folding_error, |out, error| put_float(out, *error));
    }
    out.push_str("\n  roots ");
    print_list(out, &forest.roots, |out, root| put(out, format_args!("n{root}")));
    out.push('\n');
    for (id, node) in forest.nodes.iter().enumerate() {
        put(out, format_args!("  n{id} = "));
        let origin = match *node {
            TreeNode::Branch { test, yes, no, origin } => {
                out.push_str("if ");
                D::write_test(out, test);
                put(out, format_args!(" then n{yes} else n{no}"));
                origin
            }
            TreeNode::Leaf { first, count, origin } => {
                out.push_str("leaf ");
                print_list(out, forest.leaf_weights(first, count), |out, weight| {
                    put(out, format_args!("{}: ", weight.target));
                    D::write_number(out, weight.weight);
                });
                origin
            }
        };
        print_origin(out, origins, origin);
        out.push('\n');
    }
    out.push_str("end\n");
}

/// At most [`PLACES_SHOWN_MAX`] places: a set can be as large as the model.
fn print_origin(out: &mut String, origins: &Origins, origin: OriginId) {
    for (i, place) in origins.places(origin, PLACES_SHOWN_MAX).into_iter().enumerate() {
        out.push_str(if i == 0 { " !" } else { "," });
        put(out, format_args!("{place}"));
    }
}

fn print_output(out: &mut String, output: &Output) {
    let kind = match output.kind {
        OutputKind::Label => "label",
        OutputKind::Score(ScoreKind::Raw) => "score raw",
        OutputKind::Score(ScoreKind::Probability) => "score probability",
        OutputKind::Value => "value",
    };
    let name = quoted(&output.name);
    line(out, format_args!("output {name} {kind} %{}", output.value.index()));
}
