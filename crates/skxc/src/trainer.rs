//! The trainer's labels: that they were not compared and how to give them, and that
//! the ONNX file differs from them.
//!
//! What must hold: the lines to type work as they stand, where `model` is the trained
//! model and `X` its rows in Python.

use std::path::PathBuf;

use serde_json::{Value, json};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_equivalence::decision::{Place, count};
use skxc_equivalence::{Comparison, Report};
use skxc_ir::{Column, ElementType, Module, Real, RealOp};

use crate::commands::compile::Build;
use crate::config::Project;
use crate::invocation::Invocation;
use crate::material::Given;
use crate::prediction::label_columns;
use crate::reports::{Timed, counted};

/// What is known of the trainer's labels before anything is compared.
#[derive(Debug)]
pub(crate) struct Trainer {
    /// Were they given?
    given: bool,
    /// Is their absence no pass?
    required: bool,
    /// The command that compares with them.
    command: String,
    /// What writes the file that this command reads.
    python: String,
    /// The file of the model.
    model: PathBuf,
    /// By column, the number that stands for NaN in a row.
    missing: Vec<Option<i64>>,
    /// What gives a row to the model in Python, up to its cells.
    session: Option<String>,
    /// Is there a threshold, which the trainer's labels need not know?
    threshold: bool,
}

/// Arguments that are left out of a command to type: the form of the report.
const NOT_REPEATED: [&str; 5] = ["expect", "color", "quiet", "verbose", "message_format"];
/// Names of columns that a line of Python lists.
const NAMES_MAX: usize = 16;

impl Trainer {
    /// What command line and project file say of them.
    pub(crate) fn new(
        invocation: &Invocation,
        project: &Project,
        given: &Given,
        model: PathBuf,
        build: &Build,
    ) -> Self {
        let has_rows = !given.input.is_empty();
        let files =
            if has_rows { "--expect labels.csv" } else { "--input rows.csv --expect rows.csv" };
        let int = &build.lowered.int;
        let names: Vec<&str> = int.columns.iter().map(|(_, column)| column.name.as_str()).collect();
        let labels = label_columns(count(int, Place::Label));
        Self {
            given: given.expect.is_some(),
            required: given.require_expect || project.config.require_expect == Some(true),
            command: format!("{} {files}", invocation.without(&NOT_REPEATED)),
            python: python(&names, &labels, has_rows),
            missing: missing(&build.model.real),
            session: onnx_runtime(&model.to_string_lossy(), &build.model.real),
            model,
            threshold: build.manifest.options.threshold.is_some(),
        }
    }

    /// Is it no pass that they were not given?
    pub(crate) fn is_missed(&self) -> bool {
        self.required && !self.given
    }

    /// Lines that say that they were not given; none if they were.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.given {
            return Vec::new();
        }
        let title = "Trainer's labels against integer IR";
        vec![
            format!("  {title:<38} not compared: a file that was exported wrong would pass"),
            format!("      to compare: {}", self.command),
            format!("      in Python: {}", self.python),
        ]
    }

    /// For a machine.
    pub(crate) fn json(&self) -> Value {
        json!({
            "compared": self.given,
            "required": self.required,
            "command": self.command,
            "python": self.python,
        })
    }

    /// What the comparison with them amounts to, if only the file is to blame.
    pub(crate) fn blame(&self, report: &Report) -> String {
        let (rows, of) = (report.file_mismatches, counted(report.vectors(), "row", "rows"));
        let why = if self.threshold {
            "the trainer decided by another threshold, or the file was exported wrong"
        } else {
            "it was exported wrong, or the labels are of other rows"
        };
        format!("the ONNX file differs from the trainer on {rows} of {of}: {why}")
    }

    /// What to do about it, or about labels that are required.
    pub(crate) fn diagnostics(&self, comparisons: &[Timed]) -> Vec<Diagnostic> {
        if self.is_missed() {
            let message = "the trainer's labels are required, and were not given";
            return vec![
                Diagnostic::error(codes::LABELS_REQUIRED, message)
                    .note(
                        "`--require-expect`, or `require-expect` in skxc.toml, wants them: without \
                         them an ONNX file that was exported wrong passes",
                    )
                    .help(format!("{}\nin Python: {}", self.command, self.python)),
            ];
        }
        comparisons.iter().filter_map(|timed| self.wrong_file(&timed.report)).collect()
    }

    /// The ONNX file differs from the trainer.
    fn wrong_file(&self, report: &Report) -> Option<Diagnostic> {
        if report.comparison != Comparison::Expected || report.file_mismatches == 0 {
            return None;
        }
        let (rows, of) = (report.file_mismatches, counted(report.vectors(), "row", "rows"));
        let model = escape_to_one_line(&self.model.to_string_lossy());
        let message = format!("`{model}` differs from the trainer on {rows} of {of}");
        let mut diagnostic = Diagnostic::error(codes::WRONG_EXPORT, message).note(
            "on these rows the file says otherwise than the trainer, so that its program must",
        );
        if self.threshold {
            diagnostic = diagnostic
                .note("the program decides by a threshold; labels of `predict` are without it");
        }
        let found = report.verdict.counterexample()?;
        let cells: Vec<String> = found
            .row
            .iter()
            .zip(&self.missing)
            .map(|(cell, missing)| match missing {
                Some(missing) if cell == missing => "numpy.nan".to_owned(),
                _ => cell.to_string(),
            })
            .collect();
        let cells = cells.join(", ");
        let compare = match &self.session {
            Some(session) => format!("compare in Python: {session}[[{cells}]]{RUN_END}"),
            None => "compare the file with the trainer in ONNX Runtime".to_owned(),
        };
        Some(
            diagnostic.help(compare).help(
                "`skxc explain SKX0327` lists models that converters are known to export wrong",
            ),
        )
    }
}

/// By column, the number that stands for NaN in a row of floats; integers have none.
fn missing(real: &Module<Real>) -> Vec<Option<i64>> {
    let mut inputs = real.nodes.iter().filter(|(_, node)| matches!(node.op, RealOp::Input { .. }));
    let are_floats = inputs.all(|(_, node)| node.ty.elem.is_float());
    let of_column = |column: &Column| column.missing.filter(|_| are_floats);
    real.columns.iter().map(|(_, column)| of_column(column)).collect()
}

/// The end of the line that [`onnx_runtime`] begins.
const RUN_END: &str = ")})[0]";

/// The line of Python that runs rows in ONNX Runtime, up to the rows; none for a model
/// with several inputs.
fn onnx_runtime(file: &str, real: &Module<Real>) -> Option<String> {
    let mut inputs = real.nodes.iter().filter(|(_, node)| matches!(node.op, RealOp::Input { .. }));
    let (Some((_, input)), None) = (inputs.next(), inputs.next()) else { return None };
    let function = match input.ty.elem {
        ElementType::F32 => "numpy.float32",
        ElementType::F64 => "numpy.float64",
        ElementType::I64 => "numpy.int64",
        ElementType::Bool | ElementType::Label(_) | ElementType::Fixed { .. } => return None,
    };
    let file = json!(file);
    Some(format!(
        "s = onnxruntime.InferenceSession({file}); s.run(None, {{s.get_inputs()[0].name: {function}("
    ))
}

/// The line of Python that writes labels, with the rows unless there are such.
fn python(names: &[&str], labels: &[String], has_rows: bool) -> String {
    let assigned = match labels {
        [label] => format!("{label}=model.predict(X)"),
        _ => "**{f\"label{i}\": y for i, y in enumerate(numpy.transpose(model.predict(X)))}"
            .to_owned(),
    };
    if has_rows {
        return format!("pandas.DataFrame(dict({assigned})).to_csv(\"labels.csv\", index=False)");
    }
    let frame = if names.len() <= NAMES_MAX {
        format!("pandas.DataFrame(numpy.asarray(X), columns={})", json!(names))
    } else {
        // Of a DataFrame whose columns are called as those of the model.
        "X".to_owned()
    };
    format!("{frame}.assign({assigned}).to_csv(\"rows.csv\", index=False)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_cell_of_floats_is_nan() {
        let of = |elem: &str| {
            let text = format!(
                "real a\n@c0 = column x [0, 9] missing 9\n@c1 = column y [0, 9]\n\
                 %0 = input [x, y] : {elem}[1x2]\noutput \"y\" value %0\n"
            );
            missing(&skxc_ir::text::parse::<Real>(&text).expect("the text is a module"))
        };
        assert_eq!(of("f32"), [Some(9), None]);
        assert_eq!(of("i64"), [None, None]);
    }

    #[test]
    fn a_line_of_python_writes_what_is_missing() {
        let one = ["label".to_owned()];
        assert_eq!(
            python(&["ip_ttl", "a\"b"], &one, false),
            "pandas.DataFrame(numpy.asarray(X), columns=[\"ip_ttl\",\"a\\\"b\"])\
             .assign(label=model.predict(X)).to_csv(\"rows.csv\", index=False)"
        );
        assert_eq!(
            python(&[], &one, true),
            "pandas.DataFrame(dict(label=model.predict(X))).to_csv(\"labels.csv\", index=False)"
        );
        let many = python(&["x"; 17], &["label0".to_owned(), "label1".to_owned()], false);
        assert!(many.starts_with("X.assign(**{f\"label{i}\""), "{many}");
    }
}
