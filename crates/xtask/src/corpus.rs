//! `cargo xtask corpus DIR`: every case of a corpus through the compiler and
//! the kernel, against the labels that are there.
//!
//! A case is a folder with `model.onnx`, `meta.json` (`features`, `task`),
//! `inputs.csv` and `expected.csv` (`sk_label`, `ort_label`, the latter empty
//! where ONNX Runtime cannot run the model). A row on which the two labels
//! differ is undecided: a near-tie, not an error.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::measure::{Run, measure};
use crate::{Outcome, TaskResult, project, say, table};

/// A prediction of a regressor may differ by this much of its size.
const RELATIVE_ERROR_MAX: f64 = 1e-5;

const HEADER: [&str; 9] =
    ["case", "compiled", "loaded", "rows", "mismatches", "undecided", "seconds", "MB", "note"];

/// What became of a case.
#[derive(Debug, Default)]
struct Case {
    name: String,
    compiled: bool,
    loaded: bool,
    rows: usize,
    mismatches: usize,
    undecided: usize,
    seconds: f64,
    peak_bytes: u64,
    note: String,
}

/// Runs the cases of `dir` whose name matches one of `filters`, or all.
pub(crate) fn run(dir: &str, filters: &[&str]) -> TaskResult {
    let patterns: Vec<glob::Pattern> =
        filters.iter().map(|filter| glob::Pattern::new(filter)).collect::<Result<_, _>>()?;
    let mut folders: Vec<PathBuf> = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.retain(|folder| folder.join("model.onnx").is_file());
    folders.retain(|folder| {
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&name_of(folder)))
    });
    folders.sort();
    let binary = project::release_binary()?.display().to_string();
    let mut cases = Vec::new();
    for folder in &folders {
        let case = run_case(&binary, folder).unwrap_or_else(|error| Case {
            name: name_of(folder),
            note: crate::describe(error.as_ref()).trim().to_owned(),
            ..Case::default()
        });
        // One line a case as it ends: a whole corpus takes minutes.
        say(&format!("{}\n", line(&case).join(" ")));
        cases.push(case);
    }
    say(&report(&cases));
    let clean = cases.iter().all(|case| case.loaded && case.mismatches == 0);
    Ok(if clean { Outcome::Clean } else { Outcome::Findings })
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn run_case(binary: &str, folder: &Path) -> Result<Case, Box<dyn Error>> {
    let mut case = Case { name: name_of(folder), ..Case::default() };
    let meta: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("meta.json"))?)?;
    let features: Vec<&str> = meta["features"]
        .as_array()
        .map(|names| names.iter().filter_map(serde_json::Value::as_str).collect())
        .unwrap_or_default();
    let regressor = meta["task"].as_str().is_some_and(|task| task.starts_with("reg"));
    let scratch = tempfile::tempdir()?;
    let path = |name: &str| folder.join(name).display().to_string();
    let common = ["--no-project", "--name", "model", "--features", &features.join(",")];
    let skxc = |args: &[&str]| -> Result<Run, Box<dyn Error>> {
        let words = [binary].into_iter().chain(args.iter().copied()).chain(common);
        let command: Vec<String> = words.map(str::to_owned).collect();
        Ok(measure(&command, scratch.path())?)
    };
    let out = scratch.path().join("out").display().to_string();
    let compiled = skxc(&["compile", &path("model.onnx"), "--shadow", "-o", &out])?;
    case.seconds = compiled.seconds;
    case.peak_bytes = compiled.peak_bytes;
    case.compiled = compiled.code == 0;
    if !case.compiled {
        case.note = failure(&compiled);
        return Ok(case);
    }
    let object = format!("{out}/model.bpf.o");
    let predicted = skxc(&[
        "predict",
        &path("model.onnx"),
        "--engine",
        "kernel",
        "--object",
        &object,
        "--input",
        &path("inputs.csv"),
    ])?;
    case.seconds += predicted.seconds;
    case.loaded = predicted.code == 0;
    if !case.loaded {
        case.note = failure(&predicted);
        return Ok(case);
    }
    compare(&mut case, &predicted.stdout, &fs::read(folder.join("expected.csv"))?, regressor)?;
    Ok(case)
}

/// Counts rows by what the labels of `got` and `expected` say.
fn compare(
    case: &mut Case,
    got: &[u8],
    expected: &[u8],
    regressor: bool,
) -> Result<(), Box<dyn Error>> {
    let (got, sk, ort) =
        (columns(got, "label")?, columns(expected, "sk_label")?, columns(expected, "ort_label")?);
    case.rows = sk.len();
    if got.len() != sk.len() {
        case.mismatches = got.len().abs_diff(sk.len());
        case.note = format!("{} rows came back", got.len());
        return Ok(());
    }
    for (row, (got, (sk, ort))) in got.iter().zip(sk.iter().zip(&ort)).enumerate() {
        let runs = ort.iter().any(|label| !label.is_empty());
        if runs && !regressor && !same(sk, ort, 0.0) {
            case.undecided += 1;
        } else if !same(
            got,
            if runs { ort } else { sk },
            if regressor { RELATIVE_ERROR_MAX } else { 0.0 },
        ) {
            case.mismatches += 1;
            if case.note.is_empty() {
                case.note = format!("first at row {row}: {} for {}", got.join(","), sk.join(","));
            }
        }
    }
    Ok(())
}

/// The cells of all columns whose name is `prefix`, or `prefix` and a number.
fn columns(csv: &[u8], prefix: &str) -> Result<Vec<Vec<String>>, csv::Error> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers()?.clone();
    let numbered = |name: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let wanted: Vec<usize> =
        (0..header.len()).filter(|&column| numbered(&header[column])).collect();
    reader
        .records()
        .map(|record| {
            record.map(|record| wanted.iter().map(|&column| record[column].to_owned()).collect())
        })
        .collect()
}

/// Equal as text, or as numbers up to a share of their size.
fn same(a: &[String], b: &[String], relative: f64) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a == b
                || a.parse().ok().zip(b.parse().ok()).is_some_and(|(a, b): (f64, f64)| {
                    (a - b).abs() <= relative * a.abs().max(b.abs())
                })
        })
}

/// The diagnostic codes of a failed run, or what it printed last.
fn failure(run: &Run) -> String {
    let codes = run.codes();
    if codes.is_empty() {
        let last = run.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
        return format!("exit {}: {last}", run.code);
    }
    codes.join(" ")
}

fn line(case: &Case) -> Vec<String> {
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    vec![
        case.name.clone(),
        word(case.compiled),
        word(case.loaded),
        case.rows.to_string(),
        case.mismatches.to_string(),
        case.undecided.to_string(),
        format!("{:.2}", case.seconds),
        (case.peak_bytes >> 20).to_string(),
        case.note.clone(),
    ]
}

fn report(cases: &[Case]) -> String {
    let count = |of: &dyn Fn(&Case) -> usize| cases.iter().map(of).sum::<usize>().to_string();
    let mut rows: Vec<Vec<String>> = cases.iter().map(line).collect();
    rows.push(vec![
        format!("all {}", cases.len()),
        count(&|case| usize::from(case.compiled)),
        count(&|case| usize::from(case.loaded)),
        count(&|case| case.rows),
        count(&|case| case.mismatches),
        count(&|case| case.undecided),
        format!("{:.2}", cases.iter().map(|case| case.seconds).sum::<f64>()),
        (cases.iter().map(|case| case.peak_bytes).max().unwrap_or(0) >> 20).to_string(),
    ]);
    format!("\n{}", table::render(&HEADER, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_the_labels_say() {
        let expected = b"kind,sk_label,ort_label,sk_score0\nreal,0,0,1\nreal,0,1,1\nreal,1,1,0\n";
        let mut case = Case::default();
        compare(&mut case, b"label,score0\n0,1\n1,1\n0,0\n", expected, false).unwrap();
        assert_eq!((case.rows, case.mismatches, case.undecided), (3, 1, 1));
        assert_eq!(case.note, "first at row 2: 0 for 1");
    }

    #[test]
    fn a_model_that_no_runtime_runs_is_judged_by_its_trainer() {
        let mut case = Case::default();
        let expected = b"kind,sk_label,ort_label\nreal,yes,\nreal,no,\n";
        compare(&mut case, b"label\nyes\nyes\n", expected, false).unwrap();
        assert_eq!((case.mismatches, case.undecided), (1, 0));
    }

    #[test]
    fn several_outputs_are_one_row() {
        let expected = b"sk_label0,sk_label1,ort_label0,ort_label1\n0,1,0,1\n1,1,1,1\n";
        let mut case = Case::default();
        compare(&mut case, b"label0,label1\n0,1\n1,0\n", expected, false).unwrap();
        assert_eq!((case.rows, case.mismatches), (2, 1));
    }
}
