//! Cases of the shared corpus, where it is there: every row through the object
//! in the kernel, against the labels of trainer and ONNX Runtime.
//!
//! The folder is `SKXC_SHARED`, or `../shared` beside the project. The cases
//! are those that a line of `equivalence/corpus.txt` matches.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use skxc_diagnostics::{Sources, Style, has_errors, render};
use skxc_equivalence::{Kind, Options, Rows, compare, oracle};
use skxc_frontend_onnx::{ImportOptions, import};
use skxc_ir::validate::Validated;
use skxc_ir::{Column, Int, Interval, Module, Real};
use skxc_lowering::Choice;
use skxc_passes::pipeline;

use crate::{Outcome, kernel_trial, programs, suite_dir};

const CASES: &str = "equivalence/corpus.txt";

/// Made-up vectors beside the rows of the case.
const OPTIONS: Options =
    Options { seed: 1, random_rows: 2000, tree_rows_max: 4000, exhaustive_rows_max: 0 };

/// One trial a case; none without the corpus.
pub(crate) fn trials() -> Vec<Trial> {
    let shared =
        env::var_os("SKXC_SHARED").map_or_else(|| crate::root().join("../shared"), PathBuf::from);
    let text =
        fs::read_to_string(suite_dir().join(CASES)).expect("the suite has its list of cases");
    let mut cases: Vec<PathBuf> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(|pattern| {
            let found = glob::glob(&shared.join("corpus").join(pattern).display().to_string());
            found.expect("the pattern is well formed").filter_map(Result::ok)
        })
        .filter(|folder| folder.join("model.onnx").is_file())
        .collect();
    cases.sort();
    cases.dedup();
    cases.into_iter().map(trial).collect()
}

fn trial(folder: PathBuf) -> Trial {
    let case = folder.file_name().unwrap_or_default().to_owned();
    // Called after a file that would lie in the suite.
    let name = suite_dir().join("equivalence/corpus").join(case);
    kernel_trial(&name, move |_| check(&folder))
}

fn check(folder: &Path) -> Outcome {
    let real = read_model(folder)?;
    // The passes watch themselves in the trials of small modules.
    let options = pipeline::Options { watch: false, ..pipeline::Options::default() };
    let int = pipeline::run(real.clone(), &options, &mut |_, _, _| {})?;
    let (rows, labels) = rows(folder, &int)?;
    let report = compare::model(&real, &int, rows.clone(), OPTIONS, &mut |_| {});
    passed("the passes", &report)?;
    compare_expected(&real, &int, &rows, &labels)?;
    check_witness(&real, &int, folder, &rows)?;
    let generated = programs::generate(&int, Choice::Auto)?;
    let mut bench = generated.in_kernel()?;
    let report = compare::object(&int, generated.layout(), &mut bench, rows, OPTIONS, &mut |_| {})?;
    passed("the object", &report)
}

fn passed(what: &str, report: &skxc_equivalence::Report) -> Outcome {
    if report.verdict.passed() { Ok(()) } else { Err(format!("{what}: {report:#?}").into()) }
}

/// tract agrees on the rows; it implements every model of the list.
fn check_witness(real: &Module<Real>, int: &Module<Int>, folder: &Path, rows: &Rows) -> Outcome {
    let onnx = fs::read(folder.join("model.onnx"))?;
    let report = oracle::labels(real, int, &onnx, rows);
    passed("the witness", &report)
}

/// Rows whose label is not decided (trainer and runtime differ) are left out.
fn compare_expected(
    real: &Module<Real>,
    int: &Validated<Int>,
    rows: &Rows,
    labels: &[Labels],
) -> Outcome {
    let mut decided = Rows::new(int.columns.len());
    let mut wanted = Vec::new();
    for ((kind, row), labels) in rows.iter().zip(labels) {
        if labels.runtime.is_empty() || labels.runtime == labels.trainer {
            decided.push(kind, row);
            wanted.push(vec![labels.trainer.clone()]);
        }
    }
    passed("the labels", &compare::expected(real, int, &decided, &wanted))
}

#[derive(Debug)]
struct Labels {
    trainer: String,
    runtime: String,
}

fn read_model(folder: &Path) -> Result<Module<Real>, Box<dyn Error>> {
    // Python writes `NaN`, which JSON does not have.
    let meta = fs::read_to_string(folder.join("meta.json"))?.replace(": NaN", ": null");
    let meta: serde_json::Value = serde_json::from_str(&meta)?;
    let list = |key: &str| meta[key].as_array().cloned().unwrap_or_default();
    let columns: Vec<Column> = list("features")
        .iter()
        .zip(list("feature_bits"))
        .map(|(name, bits)| Column {
            name: name.as_str().unwrap_or_default().to_owned(),
            range: Interval::new(0, (1 << bits.as_i64().unwrap_or(32)) - 1),
            missing: None,
        })
        .collect();
    let mut sources = Sources::default();
    let mut options = ImportOptions {
        file_name: "model.onnx",
        model_name: "model",
        bind: &mut |_| Ok(columns.clone()),
    };
    let imported = import(&fs::read(folder.join("model.onnx"))?, &mut options, &mut sources);
    let messages = render(&sources, &imported.diagnostics, Style::Plain);
    assert_eq!(imported.module.is_none(), has_errors(&imported.diagnostics), "{messages}");
    imported.module.ok_or_else(|| messages.into())
}

fn rows(folder: &Path, int: &Module<Int>) -> Result<(Rows, Vec<Labels>), Box<dyn Error>> {
    let mut rows = Rows::new(int.columns.len());
    for record in csv::Reader::from_path(folder.join("inputs.csv"))?.records() {
        let cells: Result<Vec<i64>, _> = record?.iter().map(str::parse).collect();
        rows.push(Kind::Csv, &cells?);
    }
    let mut reader = csv::Reader::from_path(folder.join("expected.csv"))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|it| it == name).ok_or_else(|| format!("no column {name}"))
    };
    let (trainer, runtime) = (column("sk_label")?, column("ort_label")?);
    let mut labels = Vec::new();
    for record in reader.records() {
        let record = record?;
        let text = |at: usize| record.get(at).unwrap_or_default().to_owned();
        labels.push(Labels { trainer: text(trainer), runtime: text(runtime) });
    }
    Ok((rows, labels))
}
