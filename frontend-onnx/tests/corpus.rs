//! Imports the models of a corpus, where there is one.
//!
//! `SKXC_SHARED` names the folder that holds `corpus` and `corpus-bad`;
//! otherwise it is `../shared` beside the project. Without it there is nothing
//! to test.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "this is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skxc_diagnostics::{Sources, Style, render};
use skxc_frontend_onnx::{Import, ImportOptions, import};
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Column, ElementType, Interval, Module, Output, OutputKind, Real};

fn folder(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("SKXC_SHARED").map_or(root.join("../shared"), PathBuf::from);
    let folder = shared.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no folder {}", folder.display());
    None
}

fn import_file(path: &Path) -> (Import, Sources, Duration) {
    let bytes = fs::read(path).unwrap();
    let mut sources = Sources::default();
    let start = Instant::now();
    let imported = import(
        &bytes,
        &mut ImportOptions {
            file_name: "model.onnx",
            model_name: "model",
            bind: &mut |inputs| {
                let range = Interval::new(0, u32::MAX.into());
                let column = |i| Column { name: format!("c{i}"), range, missing: None };
                Ok((0..inputs.width()).map(column).collect())
            },
        },
        &mut sources,
    );
    (imported, sources, start.elapsed())
}

/// Cases that need an operator of another domain than those of ONNX; all others
/// must be imported.
const NOT_WANTED: [&str; 1] = ["gpc-"];

#[test]
fn the_corpus_computes_what_onnx_runtime_does() {
    let Some(corpus) = folder("corpus") else { return };
    let mut cases: Vec<PathBuf> =
        fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let model = case.join("model.onnx");
        if !model.is_file() {
            continue;
        }
        let (imported, sources, elapsed) = import_file(&model);
        println!("{name}: {} in {elapsed:?}", imported.module.is_some());
        for diagnostic in &imported.diagnostics {
            println!("    {}: {}", diagnostic.code, diagnostic.message);
        }
        if let Some(module) = &imported.module {
            let kinds: Vec<OutputKind> = module.outputs.iter().map(|o| o.kind).collect();
            println!("    {kinds:?}");
            wrong.extend(compare(&case, module).into_iter().map(|what| format!("{name}: {what}")));
        } else if !NOT_WANTED.iter().any(|start| name.starts_with(start)) {
            println!("{}", render(&sources, &imported.diagnostics, Style::Plain));
            wrong.push(format!("{name} is not imported"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// Rows of a case that are compared.
const ROWS_MAX: usize = 250;

/// How far a score may be from that of ONNX Runtime, relative to the greater of
/// it and 1: sums of `f32` in another order, and other exponential functions.
const TOLERANCE: f64 = 2e-5;

/// Cases, by the starts of their names, whose terms are so great that floats
/// lose digits where they cancel, and how far their scores may be.
const NOISY: [(&str, f64); 7] = [
    ("complementnb", 2e-2),
    ("mlp-relu10x5-bin-unscaled", 1e-3),
    ("multinomialnb", 2e-2),
    ("nusvc", 1e-3),
    ("sgd-hinge", 1e-2),
    ("svc-linear", 1e-3),
    ("svc-poly", 2e-2),
];

/// Of the compared rows, one in so many is computed over the reals too.
const REAL_STRIDE: usize = 25;

/// A table of text by its titles.
struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        let mut lines = text.lines();
        Self { titles: cells(lines.next().unwrap()), rows: lines.map(cells).collect() }
    }

    /// The columns `start`, or `start0`, `start1`, ...
    fn columns(&self, start: &str) -> Vec<usize> {
        let is_one = |title: &String| {
            title.strip_prefix(start).is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
        };
        (0..self.titles.len()).filter(|&at| is_one(&self.titles[at])).collect()
    }
}

/// Compares with what ONNX Runtime found, labels only on the rows on which
/// scikit-learn agrees with it. Says what differs, of each kind the first.
fn compare(case: &Path, module: &Module<Real>) -> Vec<String> {
    let inputs = Table::read(&case.join("inputs.csv"));
    let expected = Table::read(&case.join("expected.csv"));
    let (sk, ort) = (expected.columns("sk_label"), expected.columns("ort_label"));
    let scores = expected.columns("ort_score");
    let is_regressor = module.label_output().is_none();
    let name = case.file_name().unwrap().to_str().unwrap();
    let noisy = NOISY.iter().find(|(start, _)| name.starts_with(start));
    let tolerance = noisy.map_or(TOLERANCE, |noisy| noisy.1);
    let (mut compared, mut wrong) = (0, Vec::new());
    // Every so many rows, so that all kinds of row are among them.
    let rows = inputs.rows.iter().zip(&expected.rows).enumerate();
    for (number, (row, expected)) in rows.step_by(inputs.rows.len().div_ceil(ROWS_MAX)) {
        if ort.is_empty() || expected[ort[0]].is_empty() {
            continue;
        }
        let row: Vec<Option<i64>> = row.iter().map(|x| Some(x.parse().unwrap())).collect();
        let outcomes = interpret::float(module, &row);
        compared += 1;
        let numbers = |at: &[usize]| at.iter().map(|&at| expected[at].parse().unwrap()).collect();
        let wanted: Vec<f64> = numbers(if is_regressor { &ort } else { &scores });
        let found: Vec<f64> = outcomes.iter().flat_map(numbers_of).collect();
        if !wanted.is_empty() && !are_close(&found, &wanted, tolerance) {
            wrong.push(format!("row {number}: numbers {found:?}, not {wanted:?}"));
            break;
        }
        if compared % REAL_STRIDE == 1 && !encloses(module, &row, &outcomes, tolerance) {
            wrong.push(format!("row {number}: real arithmetic is far from {outcomes:?}"));
            break;
        }
        let agree = sk.iter().zip(&ort).all(|(&sk, &ort)| expected[sk] == expected[ort]);
        if is_regressor || !agree || outcomes.iter().any(|outcome| is_tie(outcome, tolerance)) {
            continue;
        }
        let wanted: Vec<&String> = ort.iter().map(|&at| &expected[at]).collect();
        let found = labels(module, &outcomes);
        if found.iter().ne(wanted.iter().copied()) {
            wrong.push(format!("row {number}: labels {found:?}, not {wanted:?}"));
            break;
        }
    }
    println!("    {compared} rows, {} wrong", wrong.len());
    wrong
}

fn numbers_of(outcome: &Outcome<f64>) -> Vec<f64> {
    match outcome {
        Outcome::Numbers(numbers) => numbers.clone(),
        Outcome::Label(_) => Vec::new(),
    }
}

/// Do the numbers lie near the intervals of exact arithmetic, if it decides the
/// comparisons on the way as floats do?
fn encloses(
    module: &Module<Real>,
    row: &[Option<i64>],
    floats: &[Outcome<f64>],
    tolerance: f64,
) -> bool {
    let reals = interpret::real(module, row);
    let is_near = |(float, real): (&Outcome<f64>, &_)| match (float, real) {
        (Outcome::Numbers(floats), Ok(Outcome::Numbers(reals))) => {
            let pairs = floats.iter().zip(reals);
            pairs.into_iter().all(|(x, real): (&f64, &interpret::Enclosure)| {
                let slack = tolerance * x.abs().max(1.0);
                real.lower() - slack <= *x && *x <= real.upper() + slack
            })
        }
        _ => true,
    };
    floats.iter().zip(&reals).all(is_near)
}

fn labels(module: &Module<Real>, outcomes: &[Outcome<f64>]) -> Vec<String> {
    let text = |(outcome, output): (&Outcome<f64>, &Output)| {
        let Outcome::Label(class) = outcome else { return None };
        let ElementType::Label(table) = module.ty(output.value).elem else {
            panic!("a label output is a label")
        };
        Some(module.labels[table].text(*class))
    };
    outcomes.iter().zip(&module.outputs).filter_map(text).collect()
}

fn are_close(found: &[f64], wanted: &[f64], tolerance: f64) -> bool {
    let close = |(found, wanted): (&f64, &f64)| {
        (found - wanted).abs() <= tolerance * wanted.abs().max(1.0)
            || (found.is_nan() && wanted.is_nan())
    };
    found.len() == wanted.len() && found.iter().zip(wanted).all(close)
}

/// Are the two greatest scores equal but for the rounding of a sum of floats?
/// ONNX Runtime adds the trees of a batch in another order.
fn is_tie(outcome: &Outcome<f64>, tolerance: f64) -> bool {
    let Outcome::Numbers(scores) = outcome else { return false };
    let mut scores = scores.clone();
    scores.sort_unstable_by(f64::total_cmp);
    matches!(scores[..], [.., second, first] if first - second < tolerance)
}

/// Files that may be taken: a deep tree, thresholds that are always or never
/// true, and a valid model with hostile names.
const MAY_PASS: [&str; 3] =
    ["tree-depth-10000.onnx", "tree-inf-threshold.onnx", "names-c-injection.onnx"];

#[test]
fn broken_files_are_refused() {
    let Some(bad) = folder("corpus-bad") else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(bad).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".onnx") {
            continue;
        }
        let (imported, sources, elapsed) = import_file(&file);
        println!("{name}: {} in {elapsed:?}", imported.module.is_some());
        let text = render(&sources, &imported.diagnostics, Style::Plain);
        println!("{text}");
        assert_eq!(imported.module.is_some(), MAY_PASS.contains(&name), "{name}\n{text}");
        assert!(elapsed < Duration::from_secs(10), "{name} took {elapsed:?}");
        assert!(!text.contains('\x1b') && !text.contains("pwned\n"), "{name}");
    }
}
