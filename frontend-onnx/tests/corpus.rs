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
use skxc_ir::{Column, ElementType, Interval, Module, OutputKind, Real};

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

#[test]
fn trees_and_forests_of_the_corpus_are_imported() {
    let Some(corpus) = folder("corpus") else { return };
    let mut cases: Vec<PathBuf> =
        fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let mut missing = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let model = case.join("model.onnx");
        if !model.is_file() {
            continue;
        }
        let (imported, sources, elapsed) = import_file(&model);
        let is_tree = ["dt-", "rf", "extratree", "opt-dt-", "opt-rf-"]
            .iter()
            .any(|start| name.starts_with(start));
        // Regressors of trees are another operator.
        let wanted = is_tree && !name.starts_with("rfreg");
        println!("{name}: {} in {elapsed:?}", imported.module.is_some());
        for diagnostic in &imported.diagnostics {
            println!("    {}: {}", diagnostic.code, diagnostic.message);
        }
        if let Some(module) = &imported.module {
            let kinds: Vec<OutputKind> = module.outputs.iter().map(|o| o.kind).collect();
            println!("    {kinds:?}");
            assert!(kinds.contains(&OutputKind::Label), "{name}");
            compare(name, &case, module);
        } else if wanted {
            println!("{}", render(&sources, &imported.diagnostics, Style::Plain));
            missing.push(name.to_owned());
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// Rows of a case that are compared.
const ROWS_MAX: usize = 250;

/// Compares labels with those that ONNX Runtime found, on the rows on which
/// scikit-learn agrees with it.
fn compare(name: &str, case: &Path, module: &Module<Real>) {
    let read = |file: &str| fs::read_to_string(case.join(file)).unwrap();
    let (inputs, expected) = (read("inputs.csv"), read("expected.csv"));
    let column = |title| expected.lines().next().unwrap().split(',').position(|t| t == title);
    let (Some(sk), Some(ort)) = (column("sk_label"), column("ort_label")) else { return };
    let label = module.outputs.iter().position(|o| o.kind == OutputKind::Label).unwrap();
    let ElementType::Label(table) = module.ty(module.outputs[label].value).elem else {
        panic!("a label output is a label")
    };
    let count = inputs.lines().count() - 1;
    let (mut compared, mut wrong) = (0, Vec::new());
    // Every so many rows, so that all kinds of row are among them.
    let rows = inputs.lines().zip(expected.lines()).enumerate().skip(1);
    for (number, (row, expected)) in rows.step_by(count.div_ceil(ROWS_MAX)) {
        let expected: Vec<&str> = expected.split(',').collect();
        if expected[ort] != expected[sk] {
            continue;
        }
        let row: Vec<Option<i64>> = row.split(',').map(|x| Some(x.parse().unwrap())).collect();
        let outcomes = interpret::float(module, &row);
        let Outcome::Label(class) = outcomes[label] else { panic!("a label output is a label") };
        if outcomes.iter().any(is_tie) {
            continue;
        }
        compared += 1;
        let found = module.labels[table].text(class);
        if found != expected[sk] {
            wrong.push(format!("row {number}: {found}, not {}", expected[sk]));
        }
    }
    println!("    {compared} rows, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

/// Are the two greatest scores equal but for the rounding of a sum of floats?
/// ONNX Runtime adds the trees of a batch in another order.
fn is_tie(outcome: &Outcome<f64>) -> bool {
    let Outcome::Numbers(scores) = outcome else { return false };
    let mut scores = scores.clone();
    scores.sort_unstable_by(f64::total_cmp);
    matches!(scores[..], [.., second, first] if first - second < 1e-5)
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
