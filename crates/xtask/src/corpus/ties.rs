//! `cargo xtask corpus --ties DIR`: the rows of a corpus whose label the rule for
//! ties of saturated scores changes, a case a line.
//!
//! Each case is predicted twice by the integer IR, without the pass `saturation`
//! and with it, and both are held against the labels of the trainer and of ONNX
//! Runtime. The rule must buy no row with another: a row on which both agree, and
//! which is right without the rule and wrong with it, is a finding (`lost`).
//!
//! `changed` are the rows with another label, `wrong` those that differ from a
//! label on which both agree, `not ORT` those that differ from the one of ONNX
//! Runtime, each without the rule and with it. Regressors have no labels and are
//! left out.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::judge::{columns, same};
use super::{Task, features_of, folders, name_of};
use crate::{Outcome, TaskResult, project, say, table};

const HEADER: [&str; 9] = [
    "case",
    "rows",
    "changed",
    "wrong without",
    "wrong with",
    "not ORT without",
    "not ORT with",
    "lost",
    "note",
];

/// The pass that has the rule.
const RULE: &str = "saturation";

/// What stands before the names of the passes where `skxc` lists them.
const LISTED: &str = "in order, there are ";

/// What the rule does to the rows of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Touched {
    rows: usize,
    changed: usize,
    /// Without the rule, and with it.
    wrong: [usize; 2],
    /// Without the rule, and with it.
    not_runtime: [usize; 2],
    lost: usize,
}

/// Compares the cases of `dir` whose name matches one of `filters`, or all.
pub(crate) fn run(dir: &str, filters: &[&str]) -> TaskResult {
    let binary = project::release_binary()?.display().to_string();
    let passes = other_passes(&binary)?;
    let (mut rows, mut all, mut compared) = (Vec::new(), Touched::default(), 0);
    for folder in &folders(dir, filters)? {
        let meta = project::case_meta(folder)?;
        if meta["task"].as_str().is_some_and(|task| task.starts_with("reg")) {
            continue;
        }
        let touched = run_case(&binary, &passes, folder, &features_of(&meta))?;
        let line = match &touched {
            Ok(touched) => {
                compared += 1;
                all.add(touched);
                line(&name_of(folder), touched)
            }
            Err(why) => {
                let mut line = vec![String::new(); HEADER.len()];
                (line[0], line[HEADER.len() - 1]) = (name_of(folder), why.clone());
                line
            }
        };
        rows.push(line);
    }
    rows.push(line(&format!("all {compared}"), &all));
    say(&table::render(&HEADER, &rows));
    Ok(if all.lost == 0 { Outcome::Clean } else { Outcome::Findings })
}

/// All passes but [`RULE`], as `--passes` takes them. `skxc` lists them where it is
/// asked for one that is not there, before it reads the model.
fn other_passes(binary: &str) -> Result<String, Box<dyn Error>> {
    let args = ["inspect", "model.onnx", "--no-project", "--ir=?"];
    let output = Command::new(binary).args(args).output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let list = text.lines().find_map(|line| line.split_once(LISTED)).map(|(_, list)| list.trim());
    let names = list.unwrap_or("").split(", ").filter(|name| *name != "import");
    let (rule, others): (Vec<&str>, Vec<&str>) = names.partition(|name| *name == RULE);
    if rule.is_empty() {
        return Err(format!("skxc lists no pass `{RULE}`: {text}").into());
    }
    Ok(others.join(","))
}

/// What the rule does to a case; or why it cannot be predicted.
fn run_case(
    binary: &str,
    passes: &str,
    folder: &Path,
    features: &str,
) -> Result<Result<Touched, String>, Box<dyn Error>> {
    let task = Task { binary, folder, features: features.to_owned() };
    let (model, input) = (task.path("model.onnx"), task.path("inputs.csv"));
    let words = ["predict", &model, "--input", &input, "--engine", "ir", "--output", "label"];
    let scratch = tempfile::tempdir()?;
    let mut found = Vec::new();
    for more in [&["--passes", passes][..], &[]] {
        let run = task.skxc(scratch.path(), &[&words[..], more].concat())?;
        if run.code != 0 {
            return Ok(Err(super::failure(&run)));
        }
        found.push(run.stdout);
    }
    let expected = fs::read(folder.join("expected.csv"))?;
    Ok(Ok(Touched::of(&found[0], &found[1], &expected)?))
}

impl Touched {
    /// Of labels without and with the rule, as CSV.
    fn of(without: &[u8], with: &[u8], expected: &[u8]) -> Result<Self, Box<dyn Error>> {
        let got = [columns(without, "label")?, columns(with, "label")?];
        let (trainer, runtime) = (columns(expected, "sk_label")?, columns(expected, "ort_label")?);
        let is_told = runtime.iter().flatten().any(|cell| !cell.is_empty());
        let runtime = if is_told { &runtime } else { &trainer };
        let mut touched = Self { rows: trainer.len(), ..Self::default() };
        for (row, (trainer, runtime)) in trainer.iter().zip(runtime).enumerate() {
            let labels = [&got[0], &got[1]].map(|labels| labels.get(row));
            let [Some(without), Some(with)] = labels else {
                return Err(format!("only {row} rows came back").into());
            };
            let right = [without, with].map(|label| same(label, runtime));
            let is_agreed = same(trainer, runtime);
            for (at, is_right) in right.into_iter().enumerate() {
                touched.not_runtime[at] += usize::from(!is_right);
                touched.wrong[at] += usize::from(!is_right && is_agreed);
            }
            touched.changed += usize::from(!same(without, with));
            touched.lost += usize::from(is_agreed && right == [true, false]);
        }
        Ok(touched)
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.changed += other.changed;
        self.lost += other.lost;
        for at in [0, 1] {
            self.wrong[at] += other.wrong[at];
            self.not_runtime[at] += other.not_runtime[at];
        }
    }
}

fn line(name: &str, touched: &Touched) -> Vec<String> {
    let Touched { rows, changed, wrong, not_runtime, lost } = *touched;
    let [wrong_without, wrong_with] = wrong;
    let [other_without, other_with] = not_runtime;
    let counts = [rows, changed, wrong_without, wrong_with, other_without, other_with, lost];
    let counts = counts.iter().map(usize::to_string);
    [name.to_owned()].into_iter().chain(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_without_the_rule_and_with_it() {
        let expected = b"sk_label,ort_label\n0,0\n0,0\n1,0\n1,1\n";
        let (without, with) = (b"label\n1\n0\n1\n1\n", b"label\n0\n0\n0\n0\n");
        let touched = Touched::of(without, with, expected).unwrap();
        let wanted = Touched { rows: 4, changed: 3, wrong: [1, 1], not_runtime: [2, 1], lost: 1 };
        assert_eq!(touched, wanted);
        assert!(Touched::of(b"label\n1\n", with, expected).is_err());
    }
}
