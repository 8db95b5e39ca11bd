//! `cargo xtask corpus DIR`: every case of a corpus through the compiler and
//! the kernel, against the labels and scores that are there.
//!
//! A case is a folder with `model.onnx`, `meta.json` (`features`, `task`),
//! `inputs.csv` and `expected.csv`: `sk_label`, `ort_label`, of several outputs
//! `sk_label0`, ..., and scores `sk_score0`, `ort_score0`, ...; those of ONNX
//! Runtime are empty where it cannot run the model. [`judge`] says what is right.
//!
//! A case is compiled twice: as usual, for its labels, and with `--output score`
//! for the scores of the model, if there are any. Of both programs, the
//! instructions that the verifier processed are held against the prediction.
//!
//! A model that the compiler refuses is no finding; a mismatch is one, and so is
//! a program that the kernel does not load. `error` is the most that a score or
//! a prediction is off, from the nearer of trainer and ONNX Runtime, `bound` what
//! the manifest states: the greatest of all scores. `digest` is one of the
//! instructions, tables and maps of both programs: a change that is to leave
//! programs as they are leaves it as it is.
//!
//! `--ties` says which rows the rule for ties of saturated scores changes ([`ties`]).

mod judge;
pub(crate) mod ties;
mod verifier;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use self::judge::Judgement;
use self::verifier::{Tools, Verified};
use crate::measure::{Run, measure};
use crate::{Outcome, TaskResult, project, say, table};

const HEADER: [&str; 17] = [
    "case",
    "compiled",
    "loaded",
    "rows",
    "mismatches",
    "close",
    "undecided",
    "scores",
    "error",
    "bound",
    "lowering",
    "insns",
    "predicted",
    "seconds",
    "MB",
    "digest",
    "note",
];

/// What became of a case.
#[derive(Debug, Default)]
struct Case {
    name: String,
    compiled: bool,
    loaded: bool,
    labels: Judgement,
    scores: Scores,
    /// The greatest bound on a number that was compared.
    bound: Option<f64>,
    /// It could not be judged.
    failed: bool,
    /// What the verifier made of the programs that were loaded.
    programs: Vec<Verified>,
    seconds: f64,
    peak_bytes: u64,
    note: String,
}

/// What became of the scores of a case.
#[derive(Debug, Default)]
enum Scores {
    /// Nobody says what they should be.
    #[default]
    Untold,
    /// The compiler does not take them; why.
    Refused(String),
    /// The kernel does not load the program; why.
    NotLoaded(String),
    /// They were compared.
    Judged(Judgement),
}

/// Runs the cases of `dir` whose name matches one of `filters`, or all.
pub(crate) fn run(dir: &str, filters: &[&str]) -> TaskResult {
    let folders = folders(dir, filters)?;
    let binary = project::release_binary()?.display().to_string();
    let tools = Tools { loader: project::loader("vm")?, digests: project::loader("digests")? };
    let mut cases = Vec::new();
    for folder in &folders {
        let case = run_case(&binary, &tools, folder).unwrap_or_else(|error| Case {
            name: name_of(folder),
            failed: true,
            note: crate::describe(error.as_ref()).trim().to_owned(),
            ..Case::default()
        });
        // One line a case as it ends: a whole corpus takes minutes.
        say(&format!("{}\n", line(&case).join(" ")));
        cases.push(case);
    }
    say(&report(&cases));
    let clean = cases.iter().all(Case::is_clean);
    Ok(if clean { Outcome::Clean } else { Outcome::Findings })
}

/// The cases of `dir` whose name matches one of `filters`, or all, in their order.
fn folders(dir: &str, filters: &[&str]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
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
    Ok(folders)
}

/// The features of a case, as `--features` takes them.
fn features_of(meta: &serde_json::Value) -> String {
    let names = meta["features"].as_array().into_iter().flatten();
    names.filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(",")
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn run_case(binary: &str, tools: &Tools, folder: &Path) -> Result<Case, Box<dyn Error>> {
    let mut case = Case { name: name_of(folder), ..Case::default() };
    let meta = project::case_meta(folder)?;
    let expected = fs::read(folder.join("expected.csv"))?;
    let task = Task { binary, folder, features: features_of(&meta) };
    match task.predict(tools, "raw", &mut case)? {
        Ok(answer) => {
            let numbers = meta["task"].as_str().is_some_and(|task| task.starts_with("reg"));
            let bounds = numbers.then_some(&answer.bounds[..]);
            case.labels = judge::labels(&answer.rows, &expected, bounds, 0.0)?;
            case.bound = bounds.map(greatest);
            match bounds {
                _ if case.labels.mismatches == 0 => {}
                None if judge::gives_scores(&answer.rows)? => {
                    let doubt = greatest(&answer.bounds) + task.noise("raw", "score")?;
                    case.labels.excuse(&answer.rows, &answer.rows, doubt)?;
                }
                None => {
                    let scores = task.of_model("exact", "score")?;
                    let noise = task.noise("score", "score")?;
                    case.labels.excuse(&answer.rows, &scores, noise)?;
                }
                Some(_) => {
                    let noise = task.noise("raw", "label")?;
                    case.labels = judge::labels(&answer.rows, &expected, bounds, noise)?;
                }
            }
            case.note.clone_from(&case.labels.first);
        }
        Err(why) => {
            case.note = why;
            return Ok(case);
        }
    }
    if judge::has_scores(&expected)? {
        // Of no interest to the other columns.
        let mut with_scores = Case::default();
        case.scores = match task.predict(tools, "score", &mut with_scores)? {
            Ok(answer) => {
                case.bound = Some(greatest(&answer.bounds));
                let judged = |noise| judge::scores(&answer.rows, &expected, &answer.bounds, noise);
                let judgement = judged(0.0)?;
                Scores::Judged(match judgement.mismatches {
                    0 => judgement,
                    _ => judged(task.noise("score", "score")?)?,
                })
            }
            Err(why) if with_scores.compiled => Scores::NotLoaded(why),
            Err(why) => Scores::Refused(why),
        };
        case.programs.extend(with_scores.programs);
    }
    Ok(case)
}

fn greatest(bounds: &[f64]) -> f64 {
    bounds.iter().copied().fold(0.0, f64::max)
}

/// A case to be compiled and run.
struct Task<'a> {
    binary: &'a str,
    folder: &'a Path,
    features: String,
}

/// What the kernel says.
struct Answer {
    /// The CSV of `predict`.
    rows: Vec<u8>,
    /// For each number of the result, scores or predictions, the bound on its error.
    bounds: Vec<f64>,
}

impl Task<'_> {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn skxc(&self, folder: &Path, args: &[&str]) -> Result<Run, Box<dyn Error>> {
        let common = ["--no-project", "--name", "model", "--features", &self.features];
        let words = [self.binary].into_iter().chain(args.iter().copied()).chain(common);
        let command: Vec<String> = words.map(str::to_owned).collect();
        Ok(measure(&command, folder)?)
    }

    /// What the roundings of the model change at most in its results of this kind,
    /// those in columns with this name; 0 if it cannot be told.
    fn noise(&self, output: &str, prefix: &str) -> Result<f64, Box<dyn Error>> {
        let (float, exact) = (self.of_model("reference", output)?, self.of_model("exact", output)?);
        judge::noise(&float, &exact, prefix)
    }

    /// What an engine of the model itself gives, as CSV; nothing if it fails.
    fn of_model(&self, engine: &str, output: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let scratch = tempfile::tempdir()?;
        let (model, input) = (self.path("model.onnx"), self.path("inputs.csv"));
        let words = ["predict", &model, "--input", &input, "--engine", engine];
        Ok(self.skxc(scratch.path(), &[&words[..], &["--output", output]].concat())?.stdout)
    }

    /// Compiles with these results and predicts all rows in the kernel; or says
    /// why there is nothing.
    fn predict(
        &self,
        tools: &Tools,
        output: &str,
        case: &mut Case,
    ) -> Result<Result<Answer, String>, Box<dyn Error>> {
        let scratch = tempfile::tempdir()?;
        let skxc = |args: &[&str]| self.skxc(scratch.path(), args);
        let out = scratch.path().join("out").display().to_string();
        let model = self.path("model.onnx");
        let compiled = skxc(&["compile", &model, "--shadow", "--output", output, "-o", &out])?;
        case.seconds = compiled.seconds;
        case.peak_bytes = compiled.peak_bytes;
        case.compiled = compiled.code == 0;
        if !case.compiled {
            return Ok(Err(failure(&compiled)));
        }
        let object = format!("{out}/model.bpf.o");
        let (kernel, input) =
            (["--engine", "kernel", "--object", &object], self.path("inputs.csv"));
        let words = ["predict", &model, "--input", &input];
        let predicted = skxc(&[&words[..], &kernel[..]].concat())?;
        case.seconds += predicted.seconds;
        case.loaded = predicted.code == 0;
        if !case.loaded {
            return Ok(Err(failure(&predicted)));
        }
        case.programs.push(Verified::load(tools, Path::new(&out))?);
        let manifest = fs::read(format!("{out}/model.json"))?;
        let bounds = bounds(&serde_json::from_slice(&manifest)?);
        Ok(Ok(Answer { rows: predicted.stdout, bounds }))
    }
}

/// The bounds of all numbers of a result, in the order of the outputs; infinity
/// where none is known, so that its rows are as good as not compared.
fn bounds(manifest: &serde_json::Value) -> Vec<f64> {
    let outputs = manifest["outputs"].as_array().into_iter().flatten();
    let numbers = outputs.filter(|output| output["kind"] != "label");
    let bounds = numbers.flat_map(|output| output["error_max"].as_array().into_iter().flatten());
    bounds.map(|bound| bound.as_f64().unwrap_or(f64::INFINITY)).collect()
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

impl Case {
    /// Did everything agree that was compiled?
    fn is_clean(&self) -> bool {
        let scores = match &self.scores {
            Scores::Untold | Scores::Refused(_) => true,
            Scores::NotLoaded(_) => false,
            Scores::Judged(judgement) => judgement.mismatches == 0,
        };
        let loads = self.loaded || !self.compiled;
        !self.failed && loads && self.labels.mismatches == 0 && scores
    }

    /// Of scores, or else of predictions.
    fn error_max(&self) -> Option<f64> {
        match &self.scores {
            Scores::Judged(judgement) => judgement.error_max,
            Scores::Untold | Scores::Refused(_) | Scores::NotLoaded(_) => self.labels.error_max,
        }
    }
}

fn line(case: &Case) -> Vec<String> {
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let scores = match &case.scores {
        Scores::Untold => "-".to_owned(),
        Scores::Refused(why) | Scores::NotLoaded(why) => why.clone(),
        Scores::Judged(Judgement { mismatches: 0, close: 0, .. }) => "agree".to_owned(),
        Scores::Judged(Judgement { mismatches: 0, close, .. }) => format!("agree, {close} close"),
        Scores::Judged(judgement) => {
            format!("{} differ, {}", judgement.mismatches, judgement.first)
        }
    };
    let number = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("{it:.1e}"));
    let program = case.programs.first();
    let of_program = |of: fn(&Verified) -> String| program.map_or_else(|| "-".to_owned(), of);
    vec![
        case.name.clone(),
        word(case.compiled),
        word(case.loaded),
        case.labels.rows.to_string(),
        case.labels.mismatches.to_string(),
        case.labels.close.to_string(),
        case.labels.undecided.to_string(),
        scores,
        number(case.error_max()),
        number(case.bound),
        of_program(|program| program.lowering.clone()),
        of_program(|program| program.insns.to_string()),
        of_program(|program| program.predicted.to_string()),
        format!("{:.2}", case.seconds),
        (case.peak_bytes >> 20).to_string(),
        digest(&case.programs),
        case.note.clone(),
    ]
}

/// The digests of all programs in one, short enough for a column.
fn digest(programs: &[Verified]) -> String {
    if programs.is_empty() {
        return String::new();
    }
    let mut hasher = Sha256::new();
    for program in programs {
        hasher.update(&program.digest);
    }
    hasher.finalize().iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn report(cases: &[Case]) -> String {
    let count = |of: &dyn Fn(&Case) -> usize| cases.iter().map(of).sum::<usize>().to_string();
    let agree = |case: &Case| match &case.scores {
        Scores::Judged(judgement) => usize::from(judgement.mismatches == 0),
        Scores::Untold | Scores::Refused(_) | Scores::NotLoaded(_) => 0,
    };
    let mut rows: Vec<Vec<String>> = cases.iter().map(line).collect();
    rows.push(vec![
        format!("all {}", cases.len()),
        count(&|case| usize::from(case.compiled)),
        count(&|case| usize::from(case.loaded)),
        count(&|case| case.labels.rows),
        count(&|case| case.labels.mismatches),
        count(&|case| case.labels.close),
        count(&|case| case.labels.undecided),
        format!("{} agree", count(&agree)),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        format!("{:.2}", cases.iter().map(|case| case.seconds).sum::<f64>()),
        (cases.iter().map(|case| case.peak_bytes).max().unwrap_or(0) >> 20).to_string(),
    ]);
    let programs = cases
        .iter()
        .flat_map(|case| case.programs.iter().map(|program| (case.name.as_str(), program)));
    let totals = format!(
        "{} of {} compiled, {} loaded; {} rows: {} mismatches, {} close, {} undecided; scores of {} agree",
        count(&|case| usize::from(case.compiled)),
        cases.len(),
        count(&|case| usize::from(case.loaded)),
        count(&|case| case.labels.rows),
        count(&|case| case.labels.mismatches),
        count(&|case| case.labels.close),
        count(&|case| case.labels.undecided),
        count(&agree),
    );
    format!("\n{}\n{}\n{totals}\n", table::render(&HEADER, &rows), verifier::summary(programs))
}
