//! `cargo xtask ensembles DIR`: how fast trees and forests of a grid of sizes
//! run, which lowering the compiler chooses for them, and how good that choice
//! and its predictions are.
//!
//! `DIR` is what `examples/ensembles/train.py` makes: models, and `rows.csv` to
//! run them on. Every model is compiled and measured by `skxc bench`, where all
//! its lowerings, an empty program and nested ifs in user space take turns.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::measure::{Run, measure};
use crate::{Outcome, TaskResult, project, say, table};

/// Samples of each program, and decisions in one: a second or so a program.
const ROUNDS: &str = "7";
const REPEAT: &str = "65536";
/// Oldest kernel: the newest facts of the compiler's table, as on the machine
/// that measures.
const KERNEL: &str = "6.12";
/// A choice within this much of the fastest is as good: runs differ by more.
const AS_FAST: f64 = 1.05;

const HEADER: [&str; 13] = [
    "model",
    "nodes",
    "lowering",
    "net ns",
    "predicted",
    "/ parse",
    "/ native",
    "insns verified",
    "predicted",
    "load ms",
    "skxc s",
    "clang s",
    "fastest",
];

/// One lowering of a model.
#[derive(Clone, Debug, PartialEq)]
struct Shape {
    name: String,
    net_ns: f64,
}

/// What became of a model.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    name: String,
    nodes: u64,
    chosen: String,
    net_ns: f64,
    predicted_ns: f64,
    parse_ns: f64,
    native_ns: Option<f64>,
    verified_insns: f64,
    predicted_insns: f64,
    load_ms: f64,
    skxc_seconds: f64,
    clang_seconds: f64,
    fastest: String,
    /// Time of the chosen lowering over that of the fastest; at least 1.
    over_fastest: f64,
    failure: Option<String>,
}

/// Measures the models of `dir` whose name matches one of `filters`, or all.
pub(crate) fn run(dir: &str, filters: &[&str]) -> TaskResult {
    let patterns: Vec<glob::Pattern> =
        filters.iter().map(|filter| glob::Pattern::new(filter)).collect::<Result<_, _>>()?;
    let mut models: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let wanted = patterns.is_empty() || patterns.iter().any(|it| it.matches(&name_of(&path)));
        if wanted && path.extension().is_some_and(|extension| extension == "onnx") {
            models.push((path.metadata()?.len(), path));
        }
    }
    models.sort();
    let binary = project::release_binary()?.display().to_string();
    let rows_csv = Path::new(dir).join("rows.csv").display().to_string();
    let mut rows = Vec::new();
    for (_, model) in &models {
        let row = measure_model(&binary, model, &rows_csv).unwrap_or_else(|error| Row {
            name: name_of(model),
            failure: Some(crate::describe(error.as_ref()).trim().to_owned()),
            ..Row::default()
        });
        // One line a model as it ends: all of them take minutes.
        say(&format!("{}\n", line(&row).join(" ")));
        rows.push(row);
    }
    let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
    say(&format!("\n{}\n{}", table::render(&HEADER, &lines), summary(&rows)));
    let clean = rows.iter().all(|row| row.failure.is_none());
    Ok(if clean { Outcome::Clean } else { Outcome::Findings })
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn measure_model(binary: &str, model: &Path, rows: &str) -> Result<Row, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let path = model.display().to_string();
    let skxc = |args: &[&str]| -> Result<Run, Box<dyn Error>> {
        let words = [binary].into_iter().chain(args.iter().copied());
        let common = ["--no-project", "--name", "model", "--kernel", KERNEL];
        let command: Vec<String> = words.chain(common).map(str::to_owned).collect();
        let run = measure(&command, scratch.path())?;
        if run.code != 0 {
            let last = run.stderr.lines().find(|line| line.contains("error")).unwrap_or("");
            return Err(format!("`{}` ended with {}: {last}", args[0], run.code).into());
        }
        Ok(run)
    };
    let out = scratch.path().join("out").display().to_string();
    let source = skxc(&["compile", &path, "--shadow", "-o", &out, "--emit", "source,manifest"])?;
    let whole = skxc(&["compile", &path, "--shadow", "-o", &out])?;
    let manifest: Value = serde_json::from_slice(&fs::read(format!("{out}/model.json"))?)?;
    let bench = skxc(&[
        "bench", &path, "--input", rows, "--native", "--format", "json", "--rounds", ROUNDS,
        "--repeat", REPEAT,
    ])?;
    let report: Value = serde_json::from_slice(&bench.stdout)?;
    let mut row = read(&report)?;
    row.name = name_of(model);
    let nodes = list(&manifest["forests"]).filter_map(|forest| forest["nodes"].as_u64());
    row.nodes = nodes.sum();
    row.predicted_insns = number(&manifest["cost"]["verifier_insns"]).unwrap_or(0.0);
    row.skxc_seconds = source.seconds;
    row.clang_seconds = whole.seconds - source.seconds;
    Ok(row)
}

/// The figures that the report of `skxc bench` holds.
fn read(report: &Value) -> Result<Row, Box<dyn Error>> {
    let role = |work: &'static str, role: &'static str| {
        let of_work = list(&report["sections"]).filter(move |section| section["work"] == work);
        of_work.flat_map(|section| list(&section["rows"])).filter(move |row| row["role"] == role)
    };
    let net = |row: &Value| number(&row["net_ns"]["median"]);
    let shapes: Vec<Shape> = role("decision", "model")
        .filter_map(|row| Some(Shape { name: text(&row["program"]), net_ns: net(row)? }))
        .collect();
    let is_chosen = |name: &str| name == "auto" || name.ends_with("(auto)") || name == "model";
    let chosen = shapes.iter().find(|shape| is_chosen(&shape.name)).ok_or("nothing was chosen")?;
    let fastest =
        shapes.iter().min_by(|a, b| a.net_ns.total_cmp(&b.net_ns)).ok_or("nothing was measured")?;
    let of_chosen = |of: &'static str| {
        list(&report["programs"])
            .filter(|it| it["program"] == chosen.name.as_str())
            .find_map(move |it| number(&it[of]))
    };
    let predicted = role("decision", "model").find(|row| row["program"] == chosen.name.as_str());
    Ok(Row {
        chosen: chosen.name.trim_end_matches(" (auto)").to_owned(),
        net_ns: chosen.net_ns,
        predicted_ns: predicted.and_then(|row| number(&row["predicted_ns"])).unwrap_or(0.0),
        parse_ns: role("packet", "parse").find_map(net).unwrap_or(0.0),
        native_ns: role("decision", "native").find_map(net),
        verified_insns: of_chosen("verified_insns").unwrap_or(0.0),
        load_ms: of_chosen("load_ms").unwrap_or(0.0),
        fastest: fastest.name.trim_end_matches(" (auto)").to_owned(),
        over_fastest: chosen.net_ns / fastest.net_ns.max(1.0),
        ..Row::default()
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn line(row: &Row) -> Vec<String> {
    if let Some(failure) = &row.failure {
        return vec![row.name.clone(), failure.clone()];
    }
    let ratio = |of: f64| if of > 0.0 { format!("{:.2}", row.net_ns / of) } else { "-".to_owned() };
    let fastest = match row.over_fastest <= AS_FAST {
        true => "yes".to_owned(),
        false => format!("{}, {:.2} times as fast", row.fastest, row.over_fastest),
    };
    vec![
        row.name.clone(),
        row.nodes.to_string(),
        row.chosen.clone(),
        format!("{:.0}", row.net_ns),
        format!("{:.0}", row.predicted_ns),
        ratio(row.parse_ns),
        row.native_ns.map_or_else(|| "-".to_owned(), ratio),
        format!("{:.0}", row.verified_insns),
        format!("{:.0}", row.predicted_insns),
        format!("{:.1}", row.load_ms),
        format!("{:.2}", row.skxc_seconds),
        format!("{:.2}", row.clang_seconds),
        fastest,
    ]
}

/// How often the choice was right, and how far off predictions were.
fn summary(rows: &[Row]) -> String {
    let measured: Vec<&Row> = rows.iter().filter(|row| row.failure.is_none()).collect();
    let right = measured.iter().filter(|row| row.over_fastest <= AS_FAST).count();
    let worst = measured.iter().map(|row| row.over_fastest).fold(1.0, f64::max);
    let errors = |of: fn(&Row) -> (f64, f64)| {
        let pairs = measured.iter().map(|row| of(row)).filter(|&(_, measured)| measured > 0.0);
        let mut errors: Vec<f64> =
            pairs.map(|(predicted, measured)| (predicted / measured - 1.0).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let percent = |error: Option<&f64>| format!("{:.0}%", 100.0 * error.unwrap_or(&0.0));
        format!(
            "median {}, worst {}",
            percent(errors.get(errors.len() / 2)),
            percent(errors.last())
        )
    };
    format!(
        "the chosen lowering is the fastest, within {:.0}%, in {right} of {}; the worst takes \
         {worst:.2} times as long as the fastest\n\
         error of predicted ns: {}\n\
         error of predicted verifier instructions: {}\n",
        100.0 * (AS_FAST - 1.0),
        measured.len(),
        errors(|row| (row.predicted_ns, row.net_ns)),
        errors(|row| (row.predicted_insns, row.verified_insns)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(program: &str, role: &str, net: f64) -> Value {
        json!({"program": program, "role": role, "net_ns": {"median": net}, "predicted_ns": 44})
    }

    #[test]
    fn the_chosen_one_is_held_against_the_fastest() {
        let decision = [
            row("empty", "empty", 0.0),
            row("branch", "model", 40.0),
            row("walk (auto)", "model", 50.0),
            row("user space", "native", 100.0),
        ];
        let report = json!({
            "sections": [
                {"work": "decision", "rows": decision},
                {"work": "packet", "rows": [row("parse only", "parse", 10.0)]},
            ],
            "programs": [{"program": "walk (auto)", "verified_insns": 900, "load_ms": 1.5}],
        });
        let mut found = read(&report).unwrap();
        found.predicted_insns = 990.0;
        assert_eq!((found.chosen.as_str(), found.fastest.as_str()), ("walk", "branch"));
        assert_eq!((found.net_ns, found.over_fastest, found.load_ms), (50.0, 1.25, 1.5));
        let text = line(&found).join(" ");
        assert_eq!(
            text,
            " 0 walk 50 44 5.00 0.50 900 990 1.5 0.00 0.00 branch, 1.25 times as fast"
        );
        let summary = summary(&[found]);
        assert!(summary.contains("in 0 of 1; the worst takes 1.25 times"), "{summary}");
        assert!(summary.contains("verifier instructions: median 10%, worst 10%"), "{summary}");
    }
}
