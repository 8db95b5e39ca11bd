//! `diagnostics/SKXnnnn/*`: each diagnostic has a case that shows it.
//!
//! - `NAME.skir` is read, and if it is valid made a module of integers, or planned
//!   if it is one; with `; made by: import` it stands for what the front end made;
//!   `NAME.stderr` holds what is wrong with it;
//! - `NAME.cli` is as in `cli/`, and its standard error must name the code.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use skxc_diagnostics::{Sources, Style, render};
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::validate::{InvalidModule, Validated};
use skxc_ir::{Int, Real, text};
use skxc_passes::quantize;
use skxc_passes::threshold::{ClassThreshold, set_threshold};

use crate::expectation::compare_file;
use crate::{Outcome, cli, filetests};

/// Stands before the step that a broken module is taken to come from: `import`.
const MADE_BY: &str = "; made by: import";

/// One trial a case.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = crate::files("diagnostics", "skir")
        .iter()
        .map(|file| crate::trial(file, check_text))
        .collect();
    for file in crate::files("diagnostics", "cli") {
        let kernel = fs::read_to_string(&file)
            .is_ok_and(|text| text.lines().any(|line| line == "# needs: kernel"));
        let trial = if kernel { crate::kernel_trial } else { plain_trial };
        trials.push(trial(&file, check_command));
    }
    trials
}

fn plain_trial(path: &Path, run: fn(&Path) -> Outcome) -> Trial {
    crate::trial(path, run)
}

fn check_text(path: &Path) -> Outcome {
    let text = fs::read_to_string(path)?;
    if text.lines().any(|line| line.starts_with(MADE_BY)) {
        return check(path, &invalid(&text)?);
    }
    let found = if text::domain(&text) == Some("real") {
        filetests::read::<Real>(&text).map_or_else(Some, |module| compile(&text, module))
    } else {
        filetests::read::<Int>(&text).map_or_else(Some, |module| plan(&module))
    };
    check(path, &found.ok_or("nothing is wrong with it")?)
}

/// What is said of a module of reals that a step of skxc is taken to have made.
fn invalid(text: &str) -> Result<String, String> {
    let module = text::parse::<Real>(text).map_err(|errors| format!("{errors:?}"))?;
    let invalid = InvalidModule::of("import", &module).ok_or("nothing is wrong with it")?;
    Ok(render(&Sources::default(), &[invalid.diagnostic(None)], Style::Plain))
}

/// What stands in the way of integers; `; threshold: P` first puts a threshold on
/// class 1 of the first label.
fn compile(text: &str, module: Validated<Real>) -> Option<String> {
    let mut module = module.into_inner();
    let threshold = text.lines().find_map(|line| line.strip_prefix("; threshold: "));
    let mut found = Vec::new();
    if let Some(threshold) = threshold {
        let above = threshold.trim().parse().expect("a threshold is a number");
        let wanted = ClassThreshold { label: 0, class: 1, above };
        found.extend(set_threshold(&mut module, wanted).err().map(|error| error.diagnostic()));
    }
    let errors =
        quantize::quantize(&module, &RealRanges::of(&module), None).err().unwrap_or_default();
    found.extend(errors.iter().map(|error| error.diagnostic(None)));
    (!found.is_empty()).then(|| render(&Sources::default(), &found, Style::Plain))
}

/// What stands in the way of a program.
fn plan(module: &Validated<Int>) -> Option<String> {
    let refused = skxc_lowering::plan(module, &skxc_lowering::Options::default()).err()?;
    Some(render(&Sources::default(), &[refused.diagnostic()], Style::Plain))
}

fn check_command(path: &Path) -> Outcome {
    check(path, &cli::run_file(path)?.stderr)
}

fn check(path: &Path, found: &str) -> Outcome {
    let code = path.parent().and_then(Path::file_name).unwrap_or_default().display().to_string();
    if !found.contains(&code) {
        return Err(format!("{code} is not among\n{found}").into());
    }
    compare_file(&path.with_extension("stderr"), found)
}
